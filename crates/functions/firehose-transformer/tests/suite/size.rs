//! The answer fits, whatever the batch: a response beyond 6 MB fails the invocation as a whole, again
//! and again, until Firehose gives the batch up.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use lambda_emulator::{MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES};

use crate::common::{Answered, answered, batch, function, ids};

/// The batch's answer; what is `Ok` in it, and how large it is.
fn answer_of(event: &[u8]) -> (Vec<Answered>, usize, usize) {
    assert!(event.len() <= MAX_REQUEST_BYTES, "Lambda would not take an event of {} bytes", event.len());
    let answer = function().env("WEIR_TABLE", "checkin").start().unwrap().invoke(event).unwrap();
    assert!(answer.len() <= MAX_RESPONSE_BYTES);
    let records = answered(&answer);
    let answered_ids: Vec<&str> = records.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(answered_ids, ids(event));
    let ok = records.iter().filter(|record| record.result == "Ok").count();
    assert!(records.iter().all(|record| ["Ok", "ProcessingFailed"].contains(&record.result.as_str())));
    (records, ok, answer.len())
}

fn row(id: usize, place: &str) -> String {
    format!(r#"{{"checkin_id":"c-{id}","place":"{place}","revision":1,"action":"create"}}"#)
}

#[test]
fn what_compression_hid_does_not_break_the_answer() {
    let packed = |id: usize| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(row(id, &"x".repeat(900_000)).as_bytes()).unwrap();
        gzip.finish().unwrap()
    };
    let small = row(99, "Invented Arms").into_bytes();
    let (records, ok, bytes) = answer_of(&batch((0..20).map(packed).chain([small])));
    assert!((4..=6).contains(&ok) && bytes > 4_000_000, "{ok} Ok in {bytes} bytes");
    assert_eq!(records[20].result, "Ok", "a small record still fits where a large one did not");
}

#[test]
fn small_records_that_grow_do_not_break_the_answer() {
    // A line has an operation and a sequence more than its row, and an answer has partition keys.
    let event = batch((0..27_000).map(|id| row(id, "Inn").into_bytes()));
    let (_, ok, bytes) = answer_of(&event);
    assert!(ok > 10_000 && bytes > 5_000_000, "{ok} Ok in {bytes} bytes");
}
