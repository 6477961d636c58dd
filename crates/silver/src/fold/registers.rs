//! One register a column, in which the last write stands.

use std::cmp::Ordering;

use arrow_schema::ArrowError;

use crate::carried;
use crate::rows::{Comparators, RowRef, Rows};

/// Where the value of a column comes from, and its sequence: empty while no record has set it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Register<'t> {
    pub(crate) sequence: &'t str,
    pub(crate) at: Option<RowRef>,
}

/// The registers of one key; those of its own columns stay empty.
#[derive(Debug, Clone)]
pub(crate) struct Registers<'t> {
    pub(crate) columns: Vec<Register<'t>>,
    pub(crate) ties: u64,
}

impl<'t> Registers<'t> {
    pub(crate) fn new(columns: usize) -> Self {
        Registers { columns: vec![Register::default(); columns], ties: 0 }
    }

    /// A record sets a column.
    pub(crate) fn set(
        &mut self,
        rows: &Rows,
        comparators: &mut Comparators,
        column: usize,
        sequence: &'t str,
        at: RowRef,
    ) -> Result<(), ArrowError> {
        let register = &mut self.columns[column];
        let wins = match (sequence.cmp(register.sequence), register.at) {
            (Ordering::Greater, _) | (Ordering::Equal, None) => true,
            (Ordering::Less, _) => false,
            (Ordering::Equal, Some(stands)) => {
                let order = comparators.compare(rows, column, at, stands)?;
                self.ties += u64::from(order != Ordering::Equal);
                order == Ordering::Greater
            }
        };
        if wins {
            *register = Register { sequence, at: Some(at) };
        }
        Ok(())
    }

    /// A change record sets the columns that it has.
    pub(crate) fn apply_change(
        &mut self,
        rows: &'t Rows,
        comparators: &mut Comparators,
        at: RowRef,
    ) -> Result<(), ArrowError> {
        if rows.op(at) == crate::rows::OpRank::Delete {
            return Ok(());
        }
        let unset = rows.unset(at);
        for column in 0..self.columns.len() {
            let is_unset = unset.as_ref().is_some_and(|unset| unset[column]);
            if !rows.is_key[column] && !is_unset {
                self.set(rows, comparators, column, rows.seq(at), at)?;
            }
        }
        Ok(())
    }

    /// Where each column comes from; `None` where every one comes from `own`.
    pub(crate) fn sources(&self, rows: &Rows, own: RowRef) -> Option<Box<[Option<RowRef>]>> {
        let is_own = |column: usize| rows.is_key[column] || self.columns[column].at == Some(own);
        if (0..self.columns.len()).all(is_own) {
            return None;
        }
        let source = |column: usize| if rows.is_key[column] { Some(own) } else { self.columns[column].at };
        Some((0..self.columns.len()).map(source).collect())
    }

    /// `_carried` for a row of sequence `own`.
    pub(crate) fn carried(&self, rows: &Rows, own: &str) -> Option<String> {
        let columns = (0..self.columns.len()).filter(|column| !rows.is_key[*column]);
        carried::format(own, columns.map(|column| (rows.names[column].as_str(), self.columns[column].sequence)))
    }
}
