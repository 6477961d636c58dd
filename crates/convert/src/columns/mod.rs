//! From tokens to record batches, column by column; bad rows are sifted out on the way.

mod builder;
mod change;

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch};
use arrow_buffer::BooleanBufferBuilder;
use arrow_schema::{ArrowError, SchemaRef};
use weir_model::Contract;
use weir_pii::Hasher;

use crate::reason::Reason;
use crate::schema::{Layout, arrow_schema};
use crate::tokens::{Tokens, Verdict};
use builder::{ColumnBuilder, Nulls};
use change::ChangeColumns;

/// What is wrong in one piece of text.
#[derive(Default)]
pub(crate) struct ChunkFaults {
    states: Vec<State>,
    bad: Vec<(usize, Reason, Option<usize>)>,
    /// Records and columns whose values the source left out because they did not change.
    unchanged: Vec<(usize, usize)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Row,
    /// A delete: it needs no value but its key's.
    Delete,
    Bad,
    Filtered,
}

impl ChunkFaults {
    fn reset(&mut self, tokens: &mut Tokens) {
        self.states.clear();
        self.states.resize(tokens.records().len(), State::Row);
        self.bad.clear();
        self.unchanged.clear();
        for (record, verdict) in tokens.take_verdicts() {
            match verdict {
                Verdict::Bad { reason, column } => self.bad(record as usize, reason, column),
                Verdict::Filtered => self.states[record as usize] = State::Filtered,
            }
        }
    }

    /// A row is bad for the first reason found, in the order of columns.
    fn bad(&mut self, record: usize, reason: Reason, column: Option<usize>) {
        if matches!(self.states[record], State::Row | State::Delete) {
            self.states[record] = State::Bad;
            self.bad.push((record, reason, column));
        }
    }

    fn no_value(&mut self, record: usize, column: usize, is_key: bool) {
        let needed = match self.states[record] {
            State::Row => !self.unchanged.contains(&(record, column)),
            State::Delete => is_key,
            State::Bad | State::Filtered => false,
        };
        if needed {
            self.bad(record, Reason::NoValue, Some(column));
        }
    }

    fn is_delete(&mut self, record: usize) {
        if self.states[record] == State::Row {
            self.states[record] = State::Delete;
        }
    }
}

/// What one piece of text added.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Added {
    pub(crate) records: u64,
    pub(crate) filtered: u64,
}

/// The rows of the batch that is being filled.
pub(crate) struct Columns {
    schema: SchemaRef,
    builders: Vec<ColumnBuilder>,
    change: Option<ChangeColumns>,
    nulls: Nulls,
    faults: ChunkFaults,
    keep: BooleanBufferBuilder,
    rows: usize,
    dropped: usize,
    text_bytes: usize,
    /// Bytes of each row that do not stand in the text.
    row_bytes: usize,
    next_row: u64,
}

impl Columns {
    pub(crate) fn new(contract: &Contract, layout: &Layout, hasher: Option<&Hasher>) -> Self {
        let builders = contract.columns.iter().enumerate().map(|(index, column)| {
            let is_key = contract.primary_key.contains(&index);
            let action = column.pii.map(|pii| pii.action);
            ColumnBuilder::new(index, &column.column_type, column.required, is_key, action, hasher)
        });
        let builders: Vec<ColumnBuilder> = builders.collect();
        let change = match layout {
            Layout::Table => None,
            Layout::Bronze { control_id, object_time } => Some(ChangeColumns::new(contract, control_id, *object_time)),
        };
        let row_bytes = builders.iter().map(ColumnBuilder::row_bytes).sum::<usize>();
        Columns {
            row_bytes: row_bytes + change.as_ref().map_or(0, ChangeColumns::row_bytes),
            schema: Arc::new(arrow_schema(contract, layout)),
            builders,
            change,
            nulls: Nulls::new(&contract.source.csv),
            faults: ChunkFaults::default(),
            keep: BooleanBufferBuilder::new(0),
            rows: 0,
            dropped: 0,
            text_bytes: 0,
            next_row: 0,
        }
    }

    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Reads all records of a piece of text; `bad` is told of those that are no rows, in their order.
    pub(crate) fn append<E>(
        &mut self,
        text: &[u8],
        tokens: &mut Tokens,
        mut bad: impl FnMut(&Tokens, usize, u64, &Reason, Option<usize>) -> Result<(), E>,
    ) -> Result<Added, E> {
        let records = tokens.records().len();
        let (Some(first), Some(last)) = (tokens.records().first(), tokens.records().last()) else {
            return Ok(Added::default());
        };
        let piece = &text[first.start as usize..last.end as usize];
        self.text_bytes += piece.len();
        // Delimiters are ASCII, so where the piece is UTF-8 each of its values is.
        let check_utf8 = std::str::from_utf8(piece).is_err();
        let faults = &mut self.faults;
        faults.reset(tokens);
        if let Some(change) = &mut self.change {
            change.append(text, tokens, self.next_row, faults);
        }
        for builder in &mut self.builders {
            builder.append(text, tokens, &self.nulls, check_utf8, faults);
        }
        let mut filtered = 0;
        for state in &faults.states {
            let keep = matches!(state, State::Row | State::Delete);
            self.keep.append(keep);
            self.dropped += usize::from(!keep);
            filtered += u64::from(*state == State::Filtered);
        }
        faults.bad.sort_by_key(|(record, ..)| *record);
        for (record, reason, column) in &faults.bad {
            bad(tokens, *record, self.next_row + *record as u64, reason, *column)?;
        }
        self.rows += records;
        self.next_row += records as u64;
        Ok(Added { records: records as u64, filtered })
    }

    /// Rows in the batch so far, bad ones included.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// About how many bytes the batch holds so far, and not too few.
    pub(crate) fn bytes(&self) -> usize {
        self.text_bytes + self.rows * self.row_bytes
    }

    /// The good rows so far; `None` if there are none.
    pub(crate) fn finish(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        let kept = self.rows - self.dropped;
        let mut arrays = Vec::with_capacity(self.schema.fields().len());
        for builder in &mut self.builders {
            arrays.push(builder.finish()?);
        }
        if let Some(change) = &mut self.change {
            change.finish(&mut arrays)?;
        }
        let keep = BooleanArray::new(self.keep.finish(), None);
        let dropped = std::mem::take(&mut self.dropped);
        self.rows = 0;
        self.text_bytes = 0;
        if kept == 0 {
            return Ok(None);
        }
        if dropped > 0 {
            arrays = arrays
                .iter()
                .map(|array| arrow_select::filter::filter(array, &keep))
                .collect::<Result<Vec<ArrayRef>, ArrowError>>()?;
        }
        RecordBatch::try_new(self.schema(), arrays).map(Some)
    }
}
