//! A batch of stream records becomes lines of changed rows; what a Firehose transformation does.
//!
//! Every record is answered once, in order. What holds no row is `Dropped` and counted; what is not
//! understood is `ProcessingFailed`, so that Firehose keeps it; a record that fails harms no other.
//! The answer stays under what Lambda may return, whatever the batch.

mod aggregate;
mod counters;
mod firehose;

pub use aggregate::{MAX_UNPACKED_BYTES, aggregate};
pub use counters::{Counters, Failure};
pub use firehose::{Batch, BatchRecord, KinesisMetadata};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::error::Category;
use thiserror::Error;
use weir_envelope::{EnvelopeError, Reader, Source, Tables, Understood};
use weir_model::sequence::Kinesis;

use crate::context::Contracts;

/// The most that an answer may have: a Lambda function returns at most 6 MB
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>); some room is left for
/// what the runtime adds.
pub const MAX_ANSWER_BYTES: usize = 6_000_000;

/// The event is no batch of records. The whole invocation has failed then, and is repeated.
#[derive(Debug, Error)]
#[error("the event is no batch of Firehose records: {what} at line {line} column {column}")]
pub struct BatchError {
    what: &'static str,
    line: usize,
    column: usize,
}

impl From<serde_json::Error> for BatchError {
    /// Takes the place alone: the words of `serde_json` may repeat what stands there.
    fn from(error: serde_json::Error) -> Self {
        let what = match error.classify() {
            Category::Data => "a member is missing or of another type than Firehose sends",
            Category::Eof => "the text ends inside a value",
            Category::Syntax | Category::Io => "it is not JSON",
        };
        BatchError { what, line: error.line(), column: error.column() }
    }
}

impl BatchError {
    /// A stable name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "Input.Batch"
    }
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transformed {
    /// The answer to Firehose, JSON.
    pub answer: String,
    /// What was done.
    pub counters: Counters,
}

/// Transforms batches, with the same memory for all of them.
#[derive(Debug)]
pub struct Transformer {
    tables: Tables,
    /// The table of a stream that carries one table.
    table: Option<String>,
    reader: Reader,
    data: Vec<u8>,
    lines: Vec<u8>,
}

/// Why a record is not understood.
struct Misunderstood {
    code: &'static str,
    message: String,
}

impl Misunderstood {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Misunderstood { code, message: message.into() }
    }
}

impl From<EnvelopeError> for Misunderstood {
    fn from(error: EnvelopeError) -> Self {
        Misunderstood::new(error.code(), error.to_string())
    }
}

/// What one record holds.
#[derive(Default)]
struct Contents {
    table: Option<String>,
    changes: Vec<&'static str>,
    controls: Vec<&'static str>,
}

impl Transformer {
    /// A transformer for the tables of these contracts. `table` names the one table of a stream
    /// whose records do not say it, which is flat JSON.
    #[must_use]
    pub fn new(contracts: &Contracts, table: Option<String>) -> Self {
        Transformer {
            tables: Tables::new(contracts.iter().map(AsRef::as_ref)),
            table,
            reader: Reader::new(),
            data: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// Answers a batch, which is the event that Firehose sends.
    ///
    /// # Errors
    /// [`BatchError`] if it is not one.
    pub fn transform(&mut self, batch: &str) -> Result<Transformed, BatchError> {
        let batch: Batch<'_> = serde_json::from_str(batch)?;
        let mut counters = Counters { records: batch.records.len() as u64, ..Counters::default() };
        let mut answer = Answer::new(&batch);
        for record in &batch.records {
            self.one(record, &mut answer, &mut counters);
        }
        Ok(Transformed { answer: answer.finish(), counters })
    }

    fn one(&mut self, record: &BatchRecord<'_>, answer: &mut Answer, counters: &mut Counters) {
        let id = record.record_id.as_ref();
        match self.read(record, counters) {
            Ok(contents) => match contents.table.as_deref() {
                None => {
                    counters.dropped += 1;
                    count(&mut counters.controls, &contents.controls);
                    answer.plain(id, "Dropped");
                }
                Some(table) if answer.ok(id, table, &self.lines) => {
                    counters.ok += 1;
                    counters.bytes_out += self.lines.len() as u64;
                    count(&mut counters.changes, &contents.changes);
                    count(&mut counters.controls, &contents.controls);
                    *counters.tables.entry(table.to_owned()).or_default() += contents.changes.len() as u64;
                }
                Some(_) => {
                    let message = format!(
                        "the answer would be larger than {MAX_ANSWER_BYTES} bytes; lower the buffer size of the Firehose stream, then process the error prefix again"
                    );
                    counters.fail(id, "Answer.Full", message);
                    answer.plain(id, "ProcessingFailed");
                }
            },
            Err(wrong) => {
                counters.fail(id, wrong.code, wrong.message);
                answer.plain(id, "ProcessingFailed");
            }
        }
    }

    /// Reads a record into `lines`.
    fn read(&mut self, record: &BatchRecord<'_>, counters: &mut Counters) -> Result<Contents, Misunderstood> {
        self.lines.clear();
        self.data.clear();
        STANDARD
            .decode_vec(record.data.as_bytes(), &mut self.data)
            .map_err(|error| Misunderstood::new("Record.Base64", format!("the record's data is no base64: {error}")))?;
        counters.bytes_in += self.data.len() as u64;
        let metadata = record.kinesis_record_metadata.as_ref();
        let position = metadata.map(|metadata| (metadata.sequence_number.as_ref(), metadata.subsequence_number));
        let mut contents = Contents::default();
        if aggregate::is_packed(&self.data) {
            let unpacked = aggregate::unpack(std::mem::take(&mut self.data))
                .map_err(|error| Misunderstood::new(error.code(), error.to_string()))?;
            let several = unpacked.len() > 1;
            for (index, data) in unpacked.iter().enumerate() {
                let position = position.map(|(number, sub)| (number, if several { index as u64 } else { sub }));
                let lines = &mut self.lines;
                understand(
                    &mut self.reader,
                    &self.tables,
                    self.table.as_deref(),
                    data,
                    position,
                    lines,
                    &mut contents,
                )?;
            }
        } else {
            let (data, lines) = (&self.data, &mut self.lines);
            understand(&mut self.reader, &self.tables, self.table.as_deref(), data, position, lines, &mut contents)?;
        }
        Ok(contents)
    }
}

fn count(counts: &mut std::collections::BTreeMap<&'static str, u64>, words: &[&'static str]) {
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
}

/// Understands one record of a producer and appends its lines.
fn understand(
    reader: &mut Reader,
    tables: &Tables,
    table: Option<&str>,
    data: &[u8],
    position: Option<(&str, u64)>,
    lines: &mut Vec<u8>,
    contents: &mut Contents,
) -> Result<(), Misunderstood> {
    let kinesis = match position {
        None => None,
        Some((number, subsequence)) => Some(Kinesis::new(number, subsequence).ok_or_else(|| {
            Misunderstood::new("Record.Position", "kinesisRecordMetadata.sequenceNumber is no decimal number")
        })?),
    };
    match reader.read(data, tables, Source { table, kinesis })? {
        Understood::Control(control) => contents.controls.push(control.kind.as_str()),
        Understood::Changes(changes) => {
            match &contents.table {
                None => contents.table = Some(changes.table().to_owned()),
                Some(first) if first == changes.table() => {}
                Some(first) => {
                    let message = format!(
                        "an aggregated record holds rows of '{first}' and '{}', and Firehose delivers a record to one place; let the producer aggregate by table",
                        changes.table()
                    );
                    return Err(Misunderstood::new("Record.SeveralTables", message));
                }
            }
            changes.write_lines(lines);
            contents.changes.extend(changes.iter().map(|change| change.operation().letter()));
        }
    }
    Ok(())
}

/// The answer as it grows.
struct Answer {
    json: String,
    /// What the records that are still to come need at the least.
    reserved: usize,
}

/// What surrounds the ids of a record that is answered without data.
const PLAIN_BYTES: usize = r#"{"recordId":,"result":"ProcessingFailed"},"#.len();

impl Answer {
    fn new(batch: &Batch<'_>) -> Self {
        let reserved = batch.records.iter().map(|record| least(&record.record_id)).sum();
        Answer { json: "{\"records\":[".to_owned(), reserved }
    }

    /// Answers `Ok` with `lines`, if there is room; otherwise leaves the record unanswered.
    fn ok(&mut self, id: &str, table: &str, lines: &[u8]) -> bool {
        // A table's name needs no escaping: letters, digits and '_'.
        let data = lines.len().div_ceil(3) * 4;
        let extra = r#","data":"","metadata":{"partitionKeys":{"table":""}}"#.len() + table.len() + data;
        if self.json.len() + self.reserved + extra + 2 > MAX_ANSWER_BYTES {
            return false;
        }
        self.begin(id, "Ok");
        self.json.push_str(",\"data\":\"");
        STANDARD.encode_string(lines, &mut self.json);
        self.json.push_str("\",\"metadata\":{\"partitionKeys\":{\"table\":\"");
        self.json.push_str(table);
        self.json.push_str("\"}}},");
        true
    }

    fn plain(&mut self, id: &str, result: &str) {
        self.begin(id, result);
        self.json.push_str("},");
    }

    fn begin(&mut self, id: &str, result: &str) {
        self.reserved = self.reserved.saturating_sub(least(id));
        self.json.push_str("{\"recordId\":");
        self.json.push_str(&serde_json::Value::from(id).to_string());
        self.json.push_str(",\"result\":\"");
        self.json.push_str(result);
        self.json.push('"');
    }

    fn finish(mut self) -> String {
        if self.json.ends_with(',') {
            self.json.pop();
        }
        self.json.push_str("]}");
        self.json
    }
}

fn least(id: &str) -> usize {
    // An id of letters and digits is as long as it looks; of control characters at most six times.
    let escaped: usize = id.bytes().map(|byte| if byte < 0x20 || byte == b'"' || byte == b'\\' { 6 } else { 1 }).sum();
    PLAIN_BYTES + escaped + 2
}
