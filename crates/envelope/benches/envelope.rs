//! Records a second, beside reading each record into `serde_json::Value` and writing it again.
//!
//! `cargo bench -p weir-envelope` prints the table; one core, one run of a few seconds.
#![expect(unsafe_code, reason = "a global allocator that counts cannot be written without")]
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use weir_envelope::{Reader, Source, Tables, Understood};
use weir_model::Contract;

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.realloc(place, layout, size) }
    }
}

const CONTRACT: &str = "
apiVersion: v3.1.0
kind: DataContract
id: bench
version: 1.0.0
status: active
schema:
  - name: review
    logicalType: object
    customProperties:
      - {property: weir.sequence, value: RULE}
    properties:
      - {name: review_id, logicalType: integer, primaryKey: true}
";

const RECORDS: usize = 4_000;
const TIME: Duration = Duration::from_millis(1_500);

/// Reviews with a text of `text` to twice as many characters; `details` as with
/// `IncludeTransactionDetails`.
fn dms(text: usize, details: bool) -> Vec<Vec<u8>> {
    (0..RECORDS)
        .map(|n| {
            let words = "dark malty roasted nose, not sweet ".repeat(8);
            let words = &words[..text + n % text.max(1)];
            let details = if details {
                format!(
                    r#","transaction-id":{},"transaction-record-id":{},"commit-timestamp":"2026-11-20T08:31:02.{:06}Z","stream-position":"00000002/7C007328.2.00000002/7C007328""#,
                    12_884_911_128u64 + n as u64,
                    n % 7,
                    n
                )
            } else {
                format!(r#","transaction-id":{}"#, 12_884_911_128u64 + n as u64)
            };
            format!(
                r#"{{"data":{{"review_id":{n},"beer_id":2093,"profile_id":{},"overall":4.50,"aroma":4.00,"text":"{words}"}},"metadata":{{"timestamp":"2026-11-20T08:31:02.895275Z","record-type":"data","operation":"update","partition-key-type":"schema-table","schema-name":"beer","table-name":"review"{details}}}}}"#,
                n * 7
            )
            .into_bytes()
        })
        .collect()
}

fn debezium() -> Vec<Vec<u8>> {
    (0..RECORDS)
        .map(|n| {
            format!(
                r#"{{"before":null,"after":{{"review_id":{n},"beer_id":2093,"overall":"4.50","text":"dark malty roasted nose"}},"source":{{"version":"3.5.0.Final","connector":"postgresql","name":"beer","ts_ms":1795219522549,"snapshot":"false","db":"beer","sequence":"[\"24023119\",\"{}\"]","ts_us":1795219522549672,"ts_ns":1795219522549672000,"schema":"public","table":"review","txId":766,"lsn":27112152,"xmin":null}},"transaction":null,"op":"u","ts_ms":1795219522789,"ts_us":1795219522789206}}"#,
                24_023_128 + n
            )
            .into_bytes()
        })
        .collect()
}

/// What the table's columns are: records and megabytes a second, allocations a record.
struct Speed {
    records: f64,
    megabytes: f64,
    allocations: f64,
}

/// The best of several passes over all records; every pass writes into the same buffer.
fn measure(records: &[Vec<u8>], mut one: impl FnMut(&[u8], &mut Vec<u8>)) -> Speed {
    let bytes: usize = records.iter().map(Vec::len).sum();
    let mut out = Vec::with_capacity(2 * bytes);
    let mut best = f64::MAX;
    let mut allocations = 0;
    let begin = Instant::now();
    while begin.elapsed() < TIME {
        out.clear();
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        let start = Instant::now();
        for record in records {
            one(black_box(record), &mut out);
        }
        best = best.min(start.elapsed().as_secs_f64());
        allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
        black_box(&out);
    }
    let count = records.len() as f64;
    Speed { records: count / best, megabytes: bytes as f64 / best / 1e6, allocations: allocations as f64 / count }
}

/// Parse, add three members to the row, write: what a function without spans does. It checks less:
/// neither the operation nor duplicate keys, and integers beyond 64 bits change.
fn naive(record: &[u8], row: &str, out: &mut Vec<u8>) {
    let mut value: serde_json::Value = serde_json::from_slice(record).unwrap();
    let sequence = match value.get("metadata") {
        Some(metadata) => format!(
            "1{}{:016x}{:016x}",
            metadata["commit-timestamp"].as_str().unwrap_or_default(),
            metadata["transaction-id"].as_u64().unwrap_or_default(),
            metadata["transaction-record-id"].as_u64().unwrap_or_default()
        ),
        None => format!("1{}", value["source"]["sequence"]),
    };
    let time = match value.get("metadata") {
        Some(metadata) => metadata["timestamp"].clone(),
        None => value["source"]["ts_us"].clone(),
    };
    let row = value[row].as_object_mut().unwrap();
    row.insert("_op".to_owned(), "U".into());
    row.insert("_seq".to_owned(), sequence.into());
    row.insert("_event_time".to_owned(), time);
    serde_json::to_writer(&mut *out, &row).unwrap();
    out.push(b'\n');
}

fn main() {
    println!(
        "{:<34}{:>7}  {:<6}{:>13}{:>9}{:>12}{:>8}",
        "records", "bytes", "", "records/s", "MB/s", "allocations", "ratio"
    );
    for (name, row, rule, records) in [
        ("DMS, by event time", "data", "event-time", dms(20, true)),
        ("DMS with transaction details", "data", "dms-transaction", dms(20, true)),
        ("DMS with details, longer text", "data", "dms-transaction", dms(80, true)),
        ("Debezium PostgreSQL, bare", "after", "debezium-postgres", debezium()),
    ] {
        let contract = Contract::parse("bench", &CONTRACT.replace("RULE", rule)).unwrap();
        let tables = Tables::new([&contract]);
        let mut reader = Reader::new();
        let ours = measure(&records, |record, out| match reader.read(record, &tables, Source::default()).unwrap() {
            Understood::Changes(changes) => {
                changes.write_lines(out);
            }
            Understood::Control(_) => unreachable!("every record here is a change"),
        });
        let theirs = measure(&records, |record, out| naive(record, row, out));
        let bytes = records.iter().map(Vec::len).sum::<usize>() / records.len();
        for (who, speed, ratio) in [("weir", &ours, ours.records / theirs.records), ("serde", &theirs, 1.0)] {
            println!(
                "{name:<34}{bytes:>7}  {who:<6}{:>13.0}{:>9.0}{:>12.2}{ratio:>8.1}",
                speed.records, speed.megabytes, speed.allocations
            );
        }
    }
}
