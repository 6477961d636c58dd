//! What one invocation did, in numbers: one structured line in the log.

use std::collections::BTreeMap;

use serde::Serialize;

/// Failures that are described one by one; all are counted.
const DESCRIBED: usize = 10;

/// What one invocation did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Records that came.
    pub records: u64,
    /// Bytes of their data, decoded.
    pub bytes_in: u64,
    /// Answered `Ok`.
    pub ok: u64,
    /// Answered `Dropped`: control records only.
    pub dropped: u64,
    /// Answered `ProcessingFailed`.
    pub failed: u64,
    /// Bytes of the lines that go on.
    pub bytes_out: u64,
    /// Change records by operation.
    pub changes: BTreeMap<&'static str, u64>,
    /// Change records by table.
    pub tables: BTreeMap<String, u64>,
    /// Control records by kind. A `truncate-table` empties no table in the lake.
    pub controls: BTreeMap<&'static str, u64>,
    /// Failed records by the reason's stable name.
    pub reasons: BTreeMap<&'static str, u64>,
    /// The first failures. Holds no value of a row.
    pub failures: Vec<Failure>,
}

/// A record that was not understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The record's id within the batch.
    pub record_id: String,
    /// A stable name.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
}

impl Counters {
    /// Adds those of another invocation.
    pub fn add(&mut self, other: Counters) {
        fn merge<K: Ord>(into: &mut BTreeMap<K, u64>, from: BTreeMap<K, u64>) {
            for (key, count) in from {
                *into.entry(key).or_default() += count;
            }
        }
        self.records += other.records;
        self.bytes_in += other.bytes_in;
        self.ok += other.ok;
        self.dropped += other.dropped;
        self.failed += other.failed;
        self.bytes_out += other.bytes_out;
        merge(&mut self.changes, other.changes);
        merge(&mut self.tables, other.tables);
        merge(&mut self.controls, other.controls);
        merge(&mut self.reasons, other.reasons);
        let room = DESCRIBED.saturating_sub(self.failures.len());
        self.failures.extend(other.failures.into_iter().take(room));
    }

    pub(super) fn fail(&mut self, record_id: &str, code: &'static str, message: String) {
        self.failed += 1;
        *self.reasons.entry(code).or_default() += 1;
        if self.failures.len() < DESCRIBED {
            self.failures.push(Failure { record_id: record_id.to_owned(), code, message });
        }
    }
}
