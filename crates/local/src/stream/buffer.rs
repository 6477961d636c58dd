//! Lines by table until they are worth an object, as Firehose buffers them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use sha2::{Digest, Sha256};
use weir_model::keys::{RAW, STREAM_ERRORS, hex};

use super::Streamed;

/// Fast, and small enough: what lies in raw is read once.
const LEVEL: u32 = 3;

/// A record that was not understood.
pub(super) struct FailedRecord<'a> {
    pub(super) data: &'a [u8],
    pub(super) batch: u64,
}

pub(super) struct Buffers {
    dir: PathBuf,
    stream: String,
    most_bytes: usize,
    most_time: Duration,
    tables: BTreeMap<String, Buffer>,
    failed: Vec<u8>,
}

struct Buffer {
    /// Lines of the batch under way.
    lines: Vec<u8>,
    /// Members of earlier batches.
    packed: Vec<u8>,
    bytes: usize,
    began: Instant,
}

impl Buffers {
    pub(super) fn new(dir: &Path, stream: &str, most_bytes: usize, most_time: Duration) -> Self {
        Buffers {
            dir: dir.to_owned(),
            stream: stream.to_owned(),
            most_bytes,
            most_time,
            tables: BTreeMap::new(),
            failed: Vec::new(),
        }
    }

    pub(super) fn put(&mut self, table: &str, lines: &[u8]) -> io::Result<()> {
        if !weir_model::keys::is_table_name(table) {
            return Err(io::Error::other(format!("'{table}' cannot be a table's folder")));
        }
        let fresh = || Buffer { lines: Vec::new(), packed: Vec::new(), bytes: 0, began: Instant::now() };
        let buffer = self.tables.entry(table.to_owned()).or_insert_with(fresh);
        buffer.lines.extend_from_slice(lines);
        Ok(())
    }

    /// Keeps a record as Firehose keeps it under its error prefix.
    pub(super) fn fail(&mut self, record: &FailedRecord<'_>) -> io::Result<()> {
        let line = json!({
            "attemptsMade": 1,
            "arrivalTimestamp": Utc::now().timestamp_millis(),
            "errorCode": "Lambda.ProcessingFailedStatus",
            "errorMessage": "ProcessingFailed status set for record",
            "batch": record.batch,
            "rawData": STANDARD.encode(record.data),
        });
        serde_json::to_writer(&mut self.failed, &line)?;
        self.failed.push(b'\n');
        Ok(())
    }

    /// Ends a batch: its lines become a gzip member of each table's object.
    pub(super) fn end_batch(&mut self, done: &mut Streamed) -> io::Result<()> {
        for buffer in self.tables.values_mut().filter(|buffer| !buffer.lines.is_empty()) {
            let mut encoder = GzEncoder::new(std::mem::take(&mut buffer.packed), Compression::new(LEVEL));
            encoder.write_all(&buffer.lines)?;
            buffer.packed = encoder.finish()?;
            buffer.bytes += buffer.lines.len();
            buffer.lines.clear();
        }
        if self.failed.len() >= self.most_bytes {
            self.flush_failed(done)?;
        }
        self.flush_due(done)
    }

    /// Writes what is large or old enough.
    pub(super) fn flush_due(&mut self, done: &mut Streamed) -> io::Result<()> {
        let (bytes, time) = (self.most_bytes, self.most_time);
        self.flush(done, |buffer| buffer.bytes >= bytes || buffer.began.elapsed() >= time)
    }

    /// Writes everything.
    pub(super) fn flush_all(&mut self, done: &mut Streamed) -> io::Result<()> {
        self.flush(done, |_| true)?;
        self.flush_failed(done)
    }

    fn flush(&mut self, done: &mut Streamed, due: impl Fn(&Buffer) -> bool) -> io::Result<()> {
        let tables: Vec<String> =
            self.tables.iter().filter(|(_, buffer)| due(buffer)).map(|(table, _)| table.clone()).collect();
        for table in tables {
            let Some(buffer) = self.tables.get(&table) else { continue };
            if !buffer.packed.is_empty() {
                self.write(&table, &buffer.packed, "gz")?;
                *done.objects.entry(table.clone()).or_default() += 1;
            }
            // Only what is safely written is forgotten.
            self.tables.remove(&table);
        }
        Ok(())
    }

    fn flush_failed(&mut self, done: &mut Streamed) -> io::Result<()> {
        if !self.failed.is_empty() {
            let key = self.write(&format!("{STREAM_ERRORS}/processing-failed"), &self.failed, "jsonl")?;
            done.errors.push(key);
            self.failed.clear();
        }
        Ok(())
    }

    /// Writes an object whole or not at all; its key has the folders and the form that Firehose gives.
    fn write(&self, folder: &str, bytes: &[u8], suffix: &str) -> io::Result<String> {
        let now = Utc::now();
        let tail = hex(&Sha256::digest(bytes)[..8]);
        let name = format!("{}-1-{}-{tail}.{suffix}", self.stream, now.format("%Y-%m-%d-%H-%M-%S"));
        let key = format!("{RAW}/{folder}/{}/{name}", now.format("%Y/%m/%d/%H"));
        let path = self.dir.join(&key);
        let staged = path.with_file_name(format!(".{name}.part"));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = fs::File::create(&staged)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&staged, &path)?;
        Ok(key)
    }
}
