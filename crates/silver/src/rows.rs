//! Rows of bronze and of the table, side by side, and how their values are compared.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_ord::ord::{DynComparator, make_comparator};
use arrow_schema::{ArrowError, SortOptions};
use hashbrown::HashMap;
use weir_model::change::Operation;

use crate::carried::Carried;

/// One row of one batch of a [`Rows`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RowRef {
    pub(crate) batch: u32,
    pub(crate) row: u32,
}

/// Change records, or stored rows, of one table.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    /// The table's data columns, in the table's order, in the table's types.
    pub(crate) columns: Vec<ArrayRef>,
    /// `_op`, as ranks.
    pub(crate) ops: Vec<OpRank>,
    /// `_seq`.
    pub(crate) sequences: StringArray,
    /// When the change happened: `_event_time`, or what the table keeps of it. Microseconds.
    pub(crate) times: Vec<i64>,
    /// Columns that a change record does not set: `_unchanged`.
    pub(crate) unset: Option<StringArray>,
    /// Stored rows only: where values come from that are older than the row.
    pub(crate) carried: Option<StringArray>,
    /// Stored rows only: `created_at` of kind `snapshot`. Microseconds.
    pub(crate) created: Option<Vec<i64>>,
    /// Stored rows only: `_repeats` of kind `state_changes`.
    pub(crate) repeats: Option<StringArray>,
}

impl Batch {
    pub(crate) fn len(&self) -> usize {
        self.ops.len()
    }

    /// Gives back the memory that columns got while they were read and do not need, where nothing
    /// else holds them: a pass keeps many batches.
    pub(crate) fn shrink(&mut self) {
        for column in &mut self.columns {
            if let Some(column) = Arc::get_mut(column) {
                column.shrink_to_fit();
            }
        }
        self.sequences.shrink_to_fit();
        self.ops.shrink_to_fit();
        self.times.shrink_to_fit();
    }
}

/// An operation as it ranks where two records of a key have one sequence: a deletion wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OpRank {
    Load,
    Insert,
    Update,
    Delete,
}

impl OpRank {
    pub(crate) fn from_letter(letter: &str) -> Option<Self> {
        Some(match Operation::from_letter(letter.as_bytes())? {
            Operation::Load => OpRank::Load,
            Operation::Insert => OpRank::Insert,
            Operation::Update => OpRank::Update,
            Operation::Delete => OpRank::Delete,
        })
    }

    pub(crate) fn letter(self) -> &'static str {
        match self {
            OpRank::Load => Operation::Load.letter(),
            OpRank::Insert => Operation::Insert.letter(),
            OpRank::Update => Operation::Update.letter(),
            OpRank::Delete => Operation::Delete.letter(),
        }
    }
}

/// All the rows that a merge looks at in one pass.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) batches: Vec<Batch>,
    /// Names of the data columns, in the table's order.
    pub(crate) names: Vec<String>,
    /// Which of them are the primary key.
    pub(crate) is_key: Vec<bool>,
    /// Earlier names of columns and the place of each.
    pub(crate) renamed: HashMap<String, usize>,
}

impl Rows {
    pub(crate) fn push(&mut self, batch: Batch) -> u32 {
        // A merge is cut long before 2^32 batches are held.
        let index = self.batches.len() as u32;
        self.batches.push(batch);
        index
    }

    pub(crate) fn batch(&self, at: RowRef) -> &Batch {
        &self.batches[at.batch as usize]
    }

    pub(crate) fn op(&self, at: RowRef) -> OpRank {
        self.batch(at).ops[at.row as usize]
    }

    pub(crate) fn seq(&self, at: RowRef) -> &str {
        self.batch(at).sequences.value(at.row as usize)
    }

    pub(crate) fn time(&self, at: RowRef) -> i64 {
        self.batch(at).times[at.row as usize]
    }

    /// The `_unchanged` of a change record as it stands.
    pub(crate) fn unset_text(&self, at: RowRef) -> Option<&str> {
        text(self.batch(at).unset.as_ref(), at)
    }

    pub(crate) fn carried_text(&self, at: RowRef) -> Option<&str> {
        text(self.batch(at).carried.as_ref(), at)
    }

    pub(crate) fn repeats_text(&self, at: RowRef) -> Option<&str> {
        text(self.batch(at).repeats.as_ref(), at)
    }

    /// Whether a record gives every column a value.
    pub(crate) fn is_whole(&self, at: RowRef) -> bool {
        self.op(at) != OpRank::Delete && self.unset_text(at).is_none()
    }

    /// Place of a data column by its name, or by a name that it had.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name).or_else(|| self.renamed.get(name).copied())
    }

    /// Which columns a change record leaves unset, one entry a data column; `None`: it sets all.
    pub(crate) fn unset(&self, at: RowRef) -> Option<Vec<bool>> {
        let text = self.unset_text(at)?;
        let names: Vec<String> = serde_json::from_str(text).unwrap_or_default();
        let mut unset = vec![false; self.names.len()];
        for name in names {
            if let Some(column) = self.column(&name) {
                unset[column] = true;
            }
        }
        Some(unset)
    }

    /// Where a stored row's values come from.
    pub(crate) fn carried(&self, at: RowRef) -> Carried<'_> {
        Carried::parse(self.carried_text(at))
    }
}

fn text(column: Option<&StringArray>, at: RowRef) -> Option<&str> {
    let column = column?;
    let row = at.row as usize;
    column.is_valid(row).then(|| column.value(row))
}

/// Microseconds of a timestamp column.
pub(crate) fn micros(column: &ArrayRef) -> Vec<i64> {
    column.as_primitive::<TimestampMicrosecondType>().values().to_vec()
}

/// Compares values of one column in any two batches. Null ranks lowest.
#[derive(Default)]
pub(crate) struct Comparators {
    by_pair: HashMap<(usize, u32, u32), DynComparator>,
}

impl Comparators {
    pub(crate) fn compare(
        &mut self,
        rows: &Rows,
        column: usize,
        left: RowRef,
        right: RowRef,
    ) -> Result<Ordering, ArrowError> {
        let key = (column, left.batch, right.batch);
        let comparator = match self.by_pair.entry(key) {
            hashbrown::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            hashbrown::hash_map::Entry::Vacant(entry) => {
                let of = |at: RowRef| &rows.batch(at).columns[column];
                let options = SortOptions { descending: false, nulls_first: true };
                entry.insert(make_comparator(of(left), of(right), options)?)
            }
        };
        Ok(comparator(left.row as usize, right.row as usize))
    }
}
