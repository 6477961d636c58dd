//! What the changes of one key come to: a function of the set of them.
//!
//! A change record has a sequence, an operation, a time and values. Records of one key are ordered
//! by their sequence; records that come twice count once. From that follow, per kind of table:
//!
//! * **`snapshot`**: each column is a register in which the last write stands: its value is that of
//!   the record with the greatest sequence that sets it. A deletion sets no column, and a record
//!   sets none that it names as unchanged, so a deleted row keeps its values, a deletion of an
//!   unknown key is kept as a tombstone, and a late record still fills what newer ones left out.
//!   `_seq`, `_op` and `updated_at` are those of the record with the greatest sequence, `created_at`
//!   is the least time of all.
//! * **`history`**: the same, after each record: one row for each sequence of a key.
//! * **`state_changes`**: a row for each record whose value of one column differs from the record
//!   before it.
//!
//! The stored row keeps what is needed to go on from it with any record, late ones too: the
//! sequence of each value (`_carried`), or the records that changed nothing (`_repeats`). So the
//! order and the grouping of merges do not matter.
//!
//! Two records of a key with one sequence and different values are a fault of the rule of sequence:
//! there is no order to keep. So that the result still does not depend on who came first, the
//! greater value stands, column by column, and the merge counts it.

mod groups;
mod history;
mod registers;
mod snapshot;
mod states;

pub(crate) use groups::Groups;

use arrow_schema::ArrowError;

use crate::rows::{Comparators, OpRank, RowRef, Rows};
use crate::shape::SilverKind;

/// A time that a row does not have.
pub(crate) const NO_TIME: i64 = i64::MIN;

/// A row to be written.
#[derive(Debug, Clone)]
pub(crate) struct NewRow {
    /// Gives the key, and all that `extra` does not give.
    pub(crate) row: RowRef,
    pub(crate) op: OpRank,
    /// The kind's columns of time in the table's order, [`NO_TIME`] for null.
    pub(crate) times: [i64; 3],
    /// What most rows do not need.
    pub(crate) extra: Option<Box<Extra>>,
}

/// What most rows do not need.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extra {
    /// Where each data column comes from; `None` inside: null.
    pub(crate) columns: Option<Box<[Option<RowRef>]>>,
    /// The sequence, where it is not the row's.
    pub(crate) sequence: Option<Box<str>>,
    /// `_carried` or `_repeats`.
    pub(crate) text: Option<Box<str>>,
    /// Whose state was there before, for `state_changes`.
    pub(crate) previous: Option<RowRef>,
}

/// What becomes of the stored rows of a key.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) write: Vec<NewRow>,
    /// Stored rows that go, as places in what was given.
    pub(crate) remove: Vec<usize>,
}

/// What was noticed on the way.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Noticed {
    pub(crate) ties: u64,
    pub(crate) unresolved: u64,
}

/// Folds the changes of one key after the other.
pub(crate) struct Folder<'r> {
    pub(crate) rows: &'r Rows,
    pub(crate) kind: SilverKind,
    /// The column whose states are kept, for `state_changes`.
    pub(crate) state: usize,
    pub(crate) comparators: Comparators,
    pub(crate) noticed: Noticed,
}

impl<'r> Folder<'r> {
    pub(crate) fn new(rows: &'r Rows, kind: SilverKind, state: usize) -> Self {
        Folder { rows, kind, state, comparators: Comparators::default(), noticed: Noticed::default() }
    }

    /// What becomes of a key with these changes and these stored rows.
    ///
    /// `created` is the least time of stored rows of which nothing else counts, since a change that
    /// sets every column is newer than they are.
    pub(crate) fn fold(
        &mut self,
        changes: &[RowRef],
        stored: &[RowRef],
        created: Option<i64>,
    ) -> Result<Outcome, ArrowError> {
        match self.kind {
            SilverKind::History => history::fold(self, changes, stored),
            SilverKind::StateChanges => states::fold(self, changes, stored),
            // A table of kind `none` is not merged at all.
            SilverKind::Snapshot | SilverKind::None => snapshot::fold(self, changes, stored, created),
        }
    }
}
