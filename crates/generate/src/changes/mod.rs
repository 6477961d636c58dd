//! What happens to the rows after they were made, as a stream of AWS DMS tells it.
//!
//! [`ChangeStream::in_order`] is what happened; [`ChangeStream::write`] is what arrives: the same changes with
//! duplicates, late and shuffled records, rows of the full load and control records between them.

mod delivery;
mod envelope;
mod history;
mod shape;

use thiserror::Error;

pub use delivery::ChangeCounts;
pub use history::{Change, Changes};

use crate::Plan;
use shape::Shape;

/// A number of changes of a plan's rows.
#[derive(Debug)]
pub struct ChangeStream<'p> {
    shapes: Vec<Shape<'p>>,
    left_out: Vec<LeftOut>,
    changes: u64,
    seed: u64,
}

/// A table whose rows do not change, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The table.
    pub table: String,
    /// Why none of its rows can change.
    pub why: String,
}

/// There is no table whose rows can change.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no table whose rows can change{}", reasons(.0))]
pub struct ChangeError(pub Vec<LeftOut>);

fn reasons(tables: &[LeftOut]) -> String {
    tables.iter().map(|left| format!("; table '{}': {}", left.table, left.why)).collect()
}

impl Plan {
    /// Plans `changes` changes of the rows of these tables, of all of them where `only` is empty. A table takes part
    /// by its number of rows. More changes extend fewer.
    ///
    /// # Errors
    /// [`ChangeError`] where no table has rows and a primary key that its hints keep unique.
    pub fn changes(&self, changes: u64, only: &[String]) -> Result<ChangeStream<'_>, ChangeError> {
        let mut shapes = Vec::new();
        let mut left_out = Vec::new();
        for plan in &self.tables {
            let table = &plan.contract.table;
            if !only.is_empty() && !only.contains(table) {
                continue;
            }
            match Shape::new(plan) {
                Ok(shape) => shapes.push(shape),
                Err(why) => left_out.push(LeftOut { table: table.clone(), why }),
            }
        }
        if shapes.is_empty() {
            return Err(ChangeError(left_out));
        }
        Ok(ChangeStream { shapes, left_out, changes, seed: crate::random::seed_of(self.seed, "changes") })
    }
}

impl ChangeStream<'_> {
    /// How many changes there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.changes
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes == 0
    }

    /// The tables that do not take part.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// The changes in the order in which they happened. Memory grows with the number of rows that changed, by
    /// about 100 bytes for each, and with nothing else.
    #[must_use]
    pub fn in_order(&self) -> Changes<'_> {
        Changes::new(&self.shapes, self.changes, self.seed)
    }
}
