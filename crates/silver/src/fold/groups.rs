//! Change records, grouped by their key.

use crate::keys::{KeyTable, Keys};
use crate::rows::{Batch, RowRef, Rows};

/// The change records of a pass, by key.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    pub(crate) table: KeyTable,
    /// The key of each row, batch after batch.
    key_of: Vec<u32>,
    /// Rows in key order, once sorted.
    ordered: Vec<RowRef>,
    /// Where each key's rows end in `ordered`.
    ends: Vec<usize>,
}

impl Groups {
    pub(crate) fn add(&mut self, rows: &mut Rows, batch: Batch, keys: &Keys) {
        self.key_of.extend((0..keys.len()).map(|index| self.table.insert(keys, index)));
        rows.push(batch);
    }

    pub(crate) fn rows(&self) -> usize {
        self.key_of.len().max(self.ordered.len())
    }

    pub(crate) fn keys(&self) -> usize {
        self.table.len()
    }

    /// Brings the rows of each key together, the newest first.
    pub(crate) fn sort(&mut self, rows: &Rows) {
        let mut ends = vec![0usize; self.table.len()];
        for key in &self.key_of {
            ends[*key as usize] += 1;
        }
        let mut at = 0;
        for end in &mut ends {
            let count = *end;
            *end = at;
            at += count;
        }
        // Each entry of `ends` is its key's start now and moves to its end.
        self.ordered = vec![RowRef { batch: 0, row: 0 }; self.key_of.len()];
        let mut keys = std::mem::take(&mut self.key_of).into_iter();
        for (batch, content) in rows.batches.iter().enumerate() {
            for row in 0..content.len() {
                let Some(key) = keys.next() else { break };
                let place = &mut ends[key as usize];
                // Both are bounded by what a pass may hold.
                self.ordered[*place] = RowRef { batch: batch as u32, row: row as u32 };
                *place += 1;
            }
        }
        self.ends = ends;
        for key in 0..self.table.len() {
            let range = self.range(key);
            if range.len() > 1 {
                self.ordered[range].sort_by(|left, right| rows.seq(*right).cmp(rows.seq(*left)));
            }
        }
    }

    fn range(&self, key: usize) -> std::ops::Range<usize> {
        let start = if key == 0 { 0 } else { self.ends[key - 1] };
        start..self.ends[key]
    }

    /// The changes of a key, the newest first.
    pub(crate) fn changes(&self, key: usize) -> &[RowRef] {
        &self.ordered[self.range(key)]
    }
}
