//! Records of a stream from a file or a pipe: envelopes, one a line, or recorded batches.

use std::io::{self, BufRead, BufReader, Read};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use thiserror::Error;

/// The longest line that is read: a recorded batch of Lambda's largest event fits.
const MAX_LINE_BYTES: u64 = 16 << 20;

/// One record as Kinesis would hold it.
pub(super) struct StreamRecord {
    pub(super) data: Vec<u8>,
    /// Decimal; grows in the order of the input.
    sequence_number: String,
    subsequence_number: u64,
}

/// Why the input cannot be read on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InputError {
    /// The file or pipe.
    #[error("the stream could not be read: {0}")]
    Read(io::Error),
    /// A line that no record can be.
    #[error("line {line} is longer than {MAX_LINE_BYTES} bytes; no stream carries such a record")]
    TooLong {
        /// Counted from 1.
        line: u64,
    },
    /// A recorded batch with data that is no base64.
    #[error("line {line}: the data of a recorded batch is no base64: {detail}")]
    Data {
        /// Counted from 1.
        line: u64,
        /// What is wrong.
        detail: String,
    },
}

/// Batches as they are recorded: the event of a function on Kinesis, the answer of `GetRecords`, or
/// the event of a function on Firehose.
#[derive(Deserialize)]
#[serde(untagged)]
enum Recorded {
    Function {
        #[serde(rename = "Records")]
        records: Vec<FunctionRecord>,
    },
    GetRecords {
        #[serde(rename = "Records")]
        records: Vec<KinesisRecord>,
    },
    Firehose {
        #[serde(rename = "records")]
        records: Vec<FirehoseRecord>,
    },
}

#[derive(Deserialize)]
struct FunctionRecord {
    kinesis: FunctionKinesis,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FunctionKinesis {
    sequence_number: String,
    data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KinesisRecord {
    sequence_number: String,
    data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FirehoseRecord {
    #[serde(rename = "recordId")]
    _record_id: String,
    data: String,
    kinesis_record_metadata: Option<FirehoseMetadata>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FirehoseMetadata {
    sequence_number: String,
    #[serde(default)]
    subsequence_number: u64,
}

/// Reads records one after another.
pub(super) struct Input<R: Read> {
    reader: BufReader<R>,
    line: u64,
    /// Grows from run to run, as the numbers of a stream do.
    first_number: u128,
    given: u128,
    waiting: std::collections::VecDeque<StreamRecord>,
}

impl<R: Read> Input<R> {
    pub(super) fn new(input: R) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_micros());
        Input {
            reader: BufReader::with_capacity(256 << 10, input),
            line: 0,
            // Numbers of a run leave room for 10^12 records before those of the next.
            first_number: now * 1_000_000_000_000,
            given: 0,
            waiting: std::collections::VecDeque::new(),
        }
    }

    pub(super) fn next(&mut self) -> Option<Result<StreamRecord, InputError>> {
        loop {
            if let Some(record) = self.waiting.pop_front() {
                return Some(Ok(record));
            }
            let mut line = Vec::new();
            match (&mut self.reader).take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) => self.line += 1,
                Err(error) => return Some(Err(InputError::Read(error))),
            }
            if line.len() as u64 > MAX_LINE_BYTES {
                return Some(Err(InputError::TooLong { line: self.line }));
            }
            let text = line.trim_ascii();
            if text.is_empty() {
                continue;
            }
            match recorded(text) {
                Some(batch) => {
                    if let Err(error) = self.take_apart(batch) {
                        return Some(Err(error));
                    }
                }
                None => {
                    let record = self.number(text.to_vec(), None);
                    return Some(Ok(record));
                }
            }
        }
    }

    fn take_apart(&mut self, batch: Recorded) -> Result<(), InputError> {
        let records: Vec<(String, Option<(String, u64)>)> = match batch {
            Recorded::Function { records } => {
                records.into_iter().map(|r| (r.kinesis.data, Some((r.kinesis.sequence_number, 0)))).collect()
            }
            Recorded::GetRecords { records } => {
                records.into_iter().map(|r| (r.data, Some((r.sequence_number, 0)))).collect()
            }
            Recorded::Firehose { records } => records
                .into_iter()
                .map(|r| (r.data, r.kinesis_record_metadata.map(|m| (m.sequence_number, m.subsequence_number))))
                .collect(),
        };
        for (data, position) in records {
            let data = STANDARD
                .decode(data)
                .map_err(|error| InputError::Data { line: self.line, detail: error.to_string() })?;
            let record = self.number(data, position);
            self.waiting.push_back(record);
        }
        Ok(())
    }

    fn number(&mut self, data: Vec<u8>, position: Option<(String, u64)>) -> StreamRecord {
        self.given += 1;
        let (sequence_number, subsequence_number) =
            position.unwrap_or_else(|| ((self.first_number + self.given).to_string(), 0));
        StreamRecord { data, sequence_number, subsequence_number }
    }
}

/// A recorded batch, if the line is one. An envelope has neither `records` nor `Records` at its top.
fn recorded(line: &[u8]) -> Option<Recorded> {
    let find = |word: &[u8]| memchr::memmem::find(&line[..line.len().min(4096)], word).is_some();
    if !find(b"\"records\"") && !find(b"\"Records\"") {
        return None;
    }
    serde_json::from_slice(line).ok()
}

/// The event that Firehose would send for these records.
pub(super) fn firehose_event(records: &[StreamRecord], invocation: u64) -> String {
    let records: Vec<serde_json::Value> = records
        .iter()
        .enumerate()
        .map(|(index, record)| {
            json!({
                "recordId": format!("{invocation}-{index}"),
                "data": STANDARD.encode(&record.data),
                "kinesisRecordMetadata": {
                    "sequenceNumber": record.sequence_number,
                    "subsequenceNumber": record.subsequence_number,
                },
            })
        })
        .collect();
    json!({"invocationId": invocation.to_string(), "records": records}).to_string()
}

/// Data of the transformation's answer.
pub(super) fn decoded(data: &str) -> Result<Vec<u8>, super::StreamError> {
    STANDARD.decode(data).map_err(|error| super::StreamError::Write(io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(text: &str) -> Vec<String> {
        let mut input = Input::new(text.as_bytes());
        let mut found = Vec::new();
        while let Some(record) = input.next() {
            found.push(String::from_utf8(record.unwrap().data).unwrap());
        }
        found
    }

    #[test]
    fn envelopes_stand_one_a_line_and_recorded_batches_are_taken_apart() {
        assert_eq!(data("{\"a\":1}\r\n\n{\"b\":2}"), ["{\"a\":1}", "{\"b\":2}"]);
        let kinesis = "{\"Records\":[{\"kinesis\":{\"sequenceNumber\":\"1\",\"data\":\"e30=\",\"partitionKey\":\"p\"},\"eventSource\":\"aws:kinesis\"}]}";
        let answer = "{\"Records\":[{\"SequenceNumber\":\"1\",\"Data\":\"e30=\",\"PartitionKey\":\"p\"}],\"MillisBehindLatest\":0}";
        let firehose = "{\"invocationId\":\"i\",\"records\":[{\"recordId\":\"1\",\"data\":\"e30=\"}]}";
        for batch in [kinesis, answer, firehose] {
            assert_eq!(data(batch), ["{}"], "{batch}");
        }
    }

    #[test]
    fn numbers_grow_along_the_input() {
        let mut input = Input::new(&b"1\n2\n"[..]);
        let numbers: Vec<String> = std::iter::from_fn(|| input.next()).map(|r| r.unwrap().sequence_number).collect();
        assert!(numbers[0] < numbers[1] && numbers[0].len() == numbers[1].len());
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut input = Input::new(io::repeat(b'x'));
        assert!(matches!(input.next(), Some(Err(InputError::TooLong { line: 1 }))));
    }
}
