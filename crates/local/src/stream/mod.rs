//! A change stream on one machine: what Kinesis, Firehose and its transformation do on AWS.
//!
//! Records go through the same use case, in batches of Firehose's size; what it answers is buffered
//! by table and dropped under `raw/`, from where everything goes the usual way.

mod buffer;
mod input;

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;
use weir_pipeline::Contracts;
use weir_pipeline::transform::{BatchError, Counters, Transformer};

use buffer::{Buffers, FailedRecord};
use input::{Input, InputError, StreamRecord};

/// How much a transformation function is sent at once, in bytes of data
/// (<https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html>).
const BATCH_BYTES: usize = 3_000_000;
/// How many records a batch has at the most; ids and metadata of more would outgrow the event.
const BATCH_RECORDS: usize = 10_000;
/// Records that wait to be put into a batch.
const WAITING: usize = 1_000;

/// How a stream is buffered, as Firehose's buffering hints.
#[derive(Debug, Clone)]
pub struct StreamOptions {
    /// The table of a stream whose records do not say theirs: flat JSON.
    pub table: Option<String>,
    /// Lines of a table after which an object is written, in bytes.
    pub buffer_bytes: usize,
    /// Time after which an object is written all the same.
    pub buffer_time: Duration,
}

/// What a stream came to.
#[derive(Debug, Default, Serialize)]
pub struct Streamed {
    /// Batches that were transformed.
    pub batches: u64,
    /// What the transformation did.
    #[serde(flatten)]
    pub counters: Counters,
    /// Objects written for each table.
    pub objects: BTreeMap<String, u64>,
    /// Where the records are that were not understood.
    pub errors: Vec<String>,
}

/// Why a stream broke off. What was written stays; nothing is half written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The input.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The folder.
    #[error("the lake's folder could not be written")]
    Write(#[from] io::Error),
    /// A defect of ours.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// A defect of ours.
    #[error("defect: the answer of the transformation cannot be read: {0}")]
    Answer(serde_json::Error),
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    records: Vec<AnswerRecord<'a>>,
}

#[derive(Deserialize)]
struct AnswerRecord<'a> {
    #[serde(borrow)]
    result: &'a str,
    #[serde(borrow)]
    data: Option<&'a str>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "partitionKeys")]
    partition_keys: BTreeMap<String, String>,
}

/// Carries the records of `input` into the lake in `dir` until the input ends. `watch` is told after
/// each batch how many records and bytes there were.
///
/// # Errors
/// [`StreamError`].
pub fn stream(
    dir: &Path,
    name: &str,
    contracts: &Contracts,
    input: impl Read + Send,
    options: &StreamOptions,
    watch: &mut dyn FnMut(&Counters),
) -> Result<Streamed, StreamError> {
    let (sender, records) = sync_channel(WAITING);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut input = Input::new(input);
            while let Some(record) = input.next() {
                let ends = record.is_err();
                // A receiver that is gone has failed, and says so itself.
                if sender.send(record).is_err() || ends {
                    return;
                }
            }
        });
        let mut streamer = Streamer {
            transformer: Transformer::new(contracts, options.table.clone()),
            buffers: Buffers::new(dir, name, options.buffer_bytes, options.buffer_time),
            done: Streamed::default(),
        };
        let mut batch: Vec<StreamRecord> = Vec::new();
        let mut bytes = 0;
        let mut began = Instant::now();
        loop {
            // A batch waits for more no longer than Firehose's own hint allows.
            let patience = options.buffer_time.saturating_sub(began.elapsed());
            match records.recv_timeout(patience) {
                Ok(record) => {
                    let record = record?;
                    if bytes + record.data.len() > BATCH_BYTES || batch.len() >= BATCH_RECORDS {
                        streamer.transform(&mut batch, watch)?;
                        bytes = 0;
                    }
                    bytes += record.data.len();
                    batch.push(record);
                }
                Err(RecvTimeoutError::Timeout) => {
                    streamer.transform(&mut batch, watch)?;
                    streamer.buffers.flush_due(&mut streamer.done)?;
                    (bytes, began) = (0, Instant::now());
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        streamer.transform(&mut batch, watch)?;
        streamer.buffers.flush_all(&mut streamer.done)?;
        Ok(streamer.done)
    })
}

struct Streamer {
    transformer: Transformer,
    buffers: Buffers,
    done: Streamed,
}

impl Streamer {
    fn transform(
        &mut self,
        batch: &mut Vec<StreamRecord>,
        watch: &mut dyn FnMut(&Counters),
    ) -> Result<(), StreamError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.done.batches += 1;
        let event = input::firehose_event(batch, self.done.batches);
        let transformed = self.transformer.transform(&event)?;
        let answer: Answer<'_> = serde_json::from_str(&transformed.answer).map_err(StreamError::Answer)?;
        for (record, answered) in batch.iter().zip(&answer.records) {
            match (answered.result, answered.data, answered.metadata) {
                ("Ok", Some(data), Some(metadata)) => {
                    let metadata: Metadata = serde_json::from_str(metadata.get()).map_err(StreamError::Answer)?;
                    let table = metadata.partition_keys.get("table").map_or("", String::as_str);
                    self.buffers.put(table, &input::decoded(data)?)?;
                }
                ("Dropped", ..) => {}
                _ => self.buffers.fail(&FailedRecord { data: &record.data, batch: self.done.batches })?,
            }
        }
        self.buffers.end_batch(&mut self.done)?;
        self.done.counters.add(transformed.counters);
        watch(&self.done.counters);
        batch.clear();
        Ok(())
    }
}
