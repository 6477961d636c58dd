//! Records, numbers of columns and depths beyond any bound.

use std::io::Read;

use weir_convert::{Layout, Request, Settings, convert};

use crate::common::{lines, run, table, try_run, try_with, with_memory};

/// One byte, so many times, and never held.
fn endless(byte: u8, count: u64) -> impl Read + Send {
    std::io::repeat(byte).take(count)
}

#[test]
fn a_line_of_a_gigabyte_is_quarantined_and_the_next_rows_are_read() {
    let contract = table("a:int64 b:string", &["weir.badRowLimit=100%"]);
    let limit = Settings::default().max_record_bytes as u64;
    let input = (&b"a,b\n1,x\n2,"[..]).chain(endless(b'y', 1 << 30)).chain(&b"\n3,z\n"[..]);
    let found = try_with(&contract, Layout::Table, Settings::default(), input).unwrap();
    assert_eq!(found.lines(), ["1|x", "3|z"]);
    assert_eq!(found.counts(), [3, 2, 1, 0]);
    let bad = &found.bad[0];
    assert_eq!(
        (bad["reason"].as_str(), bad["line"].as_u64(), bad["byte_offset"].as_u64()),
        (Some("record_too_long"), Some(3), Some(8))
    );
    assert_eq!(bad["byte_length"].as_u64(), Some(limit));
    assert!(found.quarantine.len() < 20_000);
}

#[test]
fn the_longest_record_is_read_and_one_byte_more_is_not() {
    let contract = table("a:string", &["weir.badRowLimit=100%"]);
    let csv = |length: usize| format!("a\n{}\nx\n", "y".repeat(length - 1));
    let json = |length: usize| format!("{{\"a\":\"{}\"}}\n{{\"a\":\"x\"}}", "y".repeat(length - 8));
    for memory in [64, 640, 6400, 64 << 20] {
        let settings = Settings { max_record_bytes: 100, ..with_memory(memory) };
        for (length, bad) in [(99, 0), (100, 0), (101, 1), (102, 1), (10_000, 1)] {
            for text in [csv(length), json(length)] {
                let found = try_with(&contract, Layout::Table, settings, text.as_bytes()).unwrap();
                assert_eq!(found.counts(), [2, 2 - bad, bad, 0], "{length} {memory}");
                assert_eq!(found.rows().last().unwrap()[0].as_deref(), Some("x"));
                if bad > 0 {
                    assert_eq!(found.bad[0]["byte_length"], 100);
                }
            }
        }
    }
}

#[test]
fn a_quote_that_stays_open_costs_its_line_and_no_memory() {
    let contract = table("a:int64 b:string", &["weir.badRowLimit=100%"]);
    let text = "a,b\n1,\"x\n".to_owned() + &"2,y\n".repeat(1_000_000);
    let found = run(&contract, text);
    assert_eq!(found.counts(), [1_000_001, 1_000_000, 1, 0]);
    assert_eq!(found.reasons(), ["open_quote"]);
}

#[test]
fn white_space_without_end_is_passed_over() {
    let contract = table("a:int64", &[]);
    let input = endless(b'\n', 300 << 20).chain(&b"{\"a\":1}"[..]);
    assert_eq!(try_with(&contract, Layout::Table, Settings::default(), input).unwrap().lines(), ["1"]);
    let input = endless(b' ', 300 << 20).chain(&b"a\n1"[..]);
    assert_eq!(try_with(&contract, Layout::Table, Settings::default(), input).unwrap_err().code(), "Input.Header");
}

#[test]
fn a_zip_bomb_is_refused() {
    let contract = table("a:int64", &["weir.badRowLimit=100%"]);
    let bomb = zstd::encode_all(endless(b'\n', 200 << 20), 1).unwrap();
    let error = try_run(&contract, bomb).unwrap_err();
    assert_eq!(error.code(), "Input.TooLarge");
    assert!(error.to_string().contains("ingest.maxCompressionRatio"), "{error}");
    let few = Settings { max_decompressed_bytes: 1000, ..Settings::default() };
    let error = try_with(&contract, Layout::Table, few, &vec![b'\n'; 2000][..]).unwrap_err();
    assert!(error.to_string().contains("ingest.maxDecompressedBytes"), "{error}");
}

#[test]
fn a_depth_bomb_is_a_bad_row() {
    let contract = table("a:json", &["weir.badRowLimit=100%"]);
    for depth in [129, 100_000] {
        let text = format!("{{\"a\":{}{}}}\n{{\"a\":1}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(run(&contract, &text).lines(), ["1"]);
        assert_eq!(run(&contract, &text).reasons(), ["json_syntax"]);
    }
    let deep = format!("{}{}", "[".repeat(127), "]".repeat(127));
    assert_eq!(lines(&contract, &format!("{{\"a\":{deep}}}")), [deep]);
}

#[test]
fn an_endless_object_costs_no_more_than_the_longest_record() {
    let contract = table("a:string", &["weir.badRowLimit=100%"]);
    let input = (&b"{\"a\":\"x\"}\n{\"a\":\""[..]).chain(endless(b'y', 100 << 20)).chain(&b"\"}\n{\"a\":\"z\"}"[..]);
    let request = Request {
        contract: &contract,
        layout: Layout::Table,
        settings: Settings::default(),
        hasher: None,
        progress: None,
    };
    let report = convert(input, std::io::sink(), std::io::sink(), &request).unwrap();
    assert_eq!((report.counts.rows_written, report.counts.rows_quarantined), (2, 1));
    assert_eq!(report.reasons[0].reason, "record_too_long");
}
