//! The columns that bronze adds: taken from the record where it is a change, else made.
//!
//! A record with an `_op` is a change record, as the stream transformer writes them; it needs a
//! `_seq`. A record without one is a row of a plain file: a load, ordered by file and row.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::ArrowError;
use weir_model::change::Operation;
use weir_model::contract::TimeText;
use weir_model::sequence::FileOrder;
use weir_model::{Contract, Timestamp};

use super::ChunkFaults;
use super::builder::fitted;
use crate::reason::Reason;
use crate::tokens::{Kind, Span, Tokens};
use crate::value::{self, ValueError, time};

/// The longest sequence that is read, in bytes.
const MAX_SEQUENCE: usize = 1024;

pub(super) struct ChangeColumns {
    /// Token columns of `_op`, `_seq`, `_event_time` and `_unchanged`.
    op: usize,
    seq: usize,
    event_time: usize,
    unchanged: usize,
    /// For each column of the contract its name in the source and in the table.
    names: Vec<(String, String)>,
    order: FileOrder,
    object_time: i64,
    control_id: String,
    ops: Text,
    sequences: Text,
    event_times: Vec<i64>,
    rows: Vec<i64>,
    /// What stands in `_unchanged`, for the few rows that have it: the row in the batch, and the list.
    unchanged_lists: Vec<(usize, String)>,
}

#[derive(Default)]
struct Text {
    data: Vec<u8>,
    ends: Vec<i32>,
}

impl Text {
    fn end(&mut self) {
        self.ends.push(self.data.len() as i32);
    }

    fn finish(&mut self) -> Result<StringArray, ArrowError> {
        let mut offsets = Vec::with_capacity(self.ends.len() + 1);
        offsets.push(0);
        offsets.append(&mut self.ends);
        let data = fitted(&mut self.data);
        StringArray::try_new(OffsetBuffer::new(ScalarBuffer::from(offsets)), Buffer::from_vec(data), None)
    }
}

impl ChangeColumns {
    /// The token columns follow those of the contract.
    pub(super) fn new(contract: &Contract, control_id: &str, object_time: Timestamp) -> Self {
        let first = contract.columns.len();
        let names = contract.columns.iter().map(|column| (column.source_name.clone(), column.name.clone()));
        ChangeColumns {
            op: first,
            seq: first + 1,
            event_time: first + 2,
            unchanged: first + 3,
            names: names.collect(),
            order: FileOrder::new(object_time, control_id),
            object_time: object_time.micros(),
            control_id: control_id.to_owned(),
            ops: Text::default(),
            sequences: Text::default(),
            event_times: Vec::new(),
            rows: Vec::new(),
            unchanged_lists: Vec::new(),
        }
    }

    /// Bytes of each row.
    pub(super) fn row_bytes(&self) -> usize {
        let sequence = self.order.prefix().len() + FileOrder::ROW_DIGITS;
        // A letter, two numbers, and the ends of four texts, of which the last is mostly null.
        1 + sequence + self.control_id.len() + 2 * 8 + 4 * 4
    }

    pub(super) fn append(&mut self, text: &[u8], tokens: &Tokens, first_row: u64, faults: &mut ChunkFaults) {
        for record in 0..tokens.records().len() {
            let row = first_row + record as u64;
            let op = tokens.at(record, self.op);
            if is_absent(op) {
                self.ops.data.extend_from_slice(Operation::Load.letter().as_bytes());
                self.file_order(row);
                self.event_times.push(self.object_time);
                if !is_absent(tokens.at(record, self.seq)) {
                    faults.bad(record, Reason::NoValue, Some(self.op));
                }
            } else {
                self.change(text, tokens, record, op, faults);
            }
            self.ops.end();
            self.sequences.end();
            // Rows are counted by a u64 that begins at 0; no file has 2^63.
            self.rows.push(row as i64);
        }
    }

    fn change(&mut self, text: &[u8], tokens: &Tokens, record: usize, op: Span, faults: &mut ChunkFaults) {
        match Operation::from_letter(op.of(text)) {
            Some(operation) => {
                self.ops.data.extend_from_slice(operation.letter().as_bytes());
                if operation == Operation::Delete {
                    faults.is_delete(record);
                }
            }
            None => faults.bad(record, Reason::Value(ValueError::Operation), Some(self.op)),
        }
        let sequence = tokens.at(record, self.seq);
        let bytes = sequence.of(text);
        let plain = matches!(sequence.kind(), Kind::Text | Kind::Quoted | Kind::String);
        if is_absent(sequence) || bytes.is_empty() {
            faults.bad(record, Reason::NoValue, Some(self.seq));
        } else if !plain || !bytes.is_ascii() || bytes.len() > MAX_SEQUENCE {
            faults.bad(record, Reason::Value(ValueError::Form), Some(self.seq));
        } else {
            self.sequences.data.extend_from_slice(bytes);
        }
        let event_time = tokens.at(record, self.event_time);
        let micros = if is_absent(event_time) {
            Ok(self.object_time)
        } else {
            let mut scratch = Vec::new();
            value::unescaped(event_time, text, &mut scratch)
                .and_then(|bytes| time::timestamp(bytes, &TimeText::Iso, true))
        };
        self.event_times.push(micros.unwrap_or_else(|error| {
            faults.bad(record, Reason::Value(error), Some(self.event_time));
            self.object_time
        }));
        let unchanged = tokens.at(record, self.unchanged);
        if !is_absent(unchanged) && self.keep_unchanged(unchanged, text, record, faults).is_none() {
            faults.bad(record, Reason::Value(ValueError::Form), Some(self.unchanged));
        }
    }

    /// Notes which columns did not change; `None` if it is no list of names. A name that the
    /// contract does not have is no column of the table, and its value is not missed.
    fn keep_unchanged(&mut self, span: Span, text: &[u8], record: usize, faults: &mut ChunkFaults) -> Option<()> {
        let mut scratch = Vec::new();
        let listed: Vec<String> = serde_json::from_slice(value::unescaped(span, text, &mut scratch).ok()?).ok()?;
        let mut names = Vec::with_capacity(listed.len());
        for name in listed {
            if let Some(column) = self.names.iter().position(|(source, _)| *source == name) {
                faults.unchanged.push((record, column));
                names.push(self.names[column].1.as_str());
            }
        }
        if !names.is_empty() {
            self.unchanged_lists.push((self.rows.len(), serde_json::to_string(&names).ok()?));
        }
        Some(())
    }

    /// The lists of the rows that have one; null for all others.
    fn finish_unchanged(&mut self, rows: usize) -> ArrayRef {
        let mut lists = std::mem::take(&mut self.unchanged_lists).into_iter().peekable();
        let list_of = |row| lists.next_if(|(at, _)| *at == row).map(|(_, list)| list);
        Arc::new((0..rows).map(list_of).collect::<StringArray>())
    }

    /// Appends [`FileOrder::at`] without allocating.
    fn file_order(&mut self, row: u64) {
        let mut digits = [b'0'; FileOrder::ROW_DIGITS];
        let mut rest = row;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        self.sequences.data.extend_from_slice(self.order.prefix().as_bytes());
        self.sequences.data.extend_from_slice(&digits);
    }

    pub(super) fn finish(&mut self, arrays: &mut Vec<ArrayRef>) -> Result<(), ArrowError> {
        let rows = self.rows.len();
        arrays.push(Arc::new(self.ops.finish()?));
        arrays.push(Arc::new(self.sequences.finish()?));
        let times = TimestampMicrosecondArray::from(fitted(&mut self.event_times));
        arrays.push(Arc::new(times.with_timezone("UTC")));
        let ids = OffsetBuffer::from_repeated_length(self.control_id.len(), rows);
        arrays.push(Arc::new(StringArray::try_new(
            ids,
            Buffer::from_vec(self.control_id.repeat(rows).into_bytes()),
            None,
        )?));
        arrays.push(Arc::new(Int64Array::from(fitted(&mut self.rows))));
        arrays.push(self.finish_unchanged(rows));
        Ok(())
    }
}

/// Whether a record does not have the value. An empty CSV field counts as absent here whatever the
/// contract's null texts are.
fn is_absent(span: Span) -> bool {
    matches!(span.kind(), Kind::Missing | Kind::Null) || span.kind() == Kind::Text && span.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_rows_is_written_as_the_model_says() {
        let contract = crate::infer(|| Ok(&b""[..]), "t", crate::Settings::default(), None).unwrap();
        let mut change = ChangeColumns::new(&contract, "abcdef", Timestamp::from_micros(5));
        change.file_order(1_234_567);
        let expected = FileOrder::new(Timestamp::from_micros(5), "abcdef").at(1_234_567);
        assert_eq!(String::from_utf8(change.sequences.data).unwrap(), expected);
    }
}
