//! The columns that bronze adds, and that the same input always gives the same file.

use weir_convert::{Layout, Settings, arrow_schema};
use weir_model::Timestamp;
use weir_model::sequence::FileOrder;

use crate::common::{Stuttering, bronze, gzip, table, try_with, with_memory};

const TIME: i64 = 1_700_000_000_000_000;

#[test]
fn rows_of_a_plain_file_are_loads_in_the_order_of_file_and_row() {
    let contract = table("id:int64* s:string", &["weir.badRowLimit=9"]);
    let found = try_with(&contract, bronze(), Settings::default(), &b"id,s\n1,a\nx,b\n3,c\nid,s\n5,e\n"[..]).unwrap();
    let order = FileOrder::new(Timestamp::from_micros(TIME), "c0ffee");
    let line = |id: u64, s: &str, row: u64| format!("{id}|{s}|L|{}|{TIME}|c0ffee|{row}|-", order.at(row));
    // Rows that are quarantined or filtered keep their number.
    assert_eq!(found.lines(), [line(1, "a", 0), line(3, "c", 2), line(5, "e", 4)]);
    assert_eq!(found.counts(), [5, 3, 1, 1]);
}

#[test]
fn a_record_with_an_operation_brings_its_own_order() {
    let contract = table("id:int64* s:string!", &[]);
    let text = "{\"id\":1,\"s\":\"a\",\"_op\":\"I\",\"_seq\":\"0001\",\"_event_time\":\"1970-01-01T00:00:01Z\"}\n\
        {\"_op\":\"U\",\"_seq\":\"0002\",\"id\":1,\"s\":\"b\",\"_event_time\":null}\n\
        {\"id\":1,\"_op\":\"D\",\"_seq\":\"0003\"}\n";
    let found = try_with(&contract, bronze(), Settings::default(), text.as_bytes()).unwrap();
    assert_eq!(
        found.lines(),
        [
            "1|a|I|0001|1000000|c0ffee|0|-".to_owned(),
            format!("1|b|U|0002|{TIME}|c0ffee|1|-"),
            // A delete needs nothing but its key.
            format!("1|-|D|0003|{TIME}|c0ffee|2|-"),
        ]
    );
    let csv = "id,s,_op,_seq\n1,a,I,0001\n1,,D,0003\n";
    let found = try_with(&contract, bronze(), Settings::default(), csv.as_bytes()).unwrap();
    assert_eq!(found.lines(), [format!("1|a|I|0001|{TIME}|c0ffee|0|-"), format!("1|-|D|0003|{TIME}|c0ffee|1|-")]);
    assert!(found.report.notes.is_empty(), "{:?}", found.report.notes);
}

#[test]
fn a_column_that_did_not_change_is_named_and_not_missed() {
    let contract = table("id:int64* s:string! t:string", &["weir.badRowLimit=9"]);
    let text = "{\"id\":1,\"_op\":\"U\",\"_seq\":\"1\",\"_unchanged\":[\"s\",\"gone\"]}\n\
        {\"id\":2,\"s\":\"b\",\"_op\":\"U\",\"_seq\":\"2\"}\n\
        {\"id\":3,\"_op\":\"U\",\"_seq\":\"3\",\"_unchanged\":[\"t\"]}\n\
        {\"id\":4,\"s\":\"d\",\"_op\":\"U\",\"_seq\":\"4\",\"_unchanged\":\"t\"}\n";
    let found = try_with(&contract, bronze(), Settings::default(), text.as_bytes()).unwrap();
    assert_eq!(found.lines(), [format!("1|-|-|U|1|{TIME}|c0ffee|0|[\"s\"]"), format!("2|b|-|U|2|{TIME}|c0ffee|1|-")]);
    // The third lacks a column that is required and not said to be unchanged; the last has no list.
    assert_eq!(found.reasons(), ["no_value", "not_of_type"]);
}

#[test]
fn in_bronze_only_the_key_is_never_null() {
    let contract = table("id:int64* s:string! t:string", &[]);
    let nullable = |layout: &Layout| -> Vec<(String, bool)> {
        arrow_schema(&contract, layout)
            .fields()
            .iter()
            .map(|field| (field.name().clone(), field.is_nullable()))
            .collect()
    };
    let named =
        |names: &[(&str, bool)]| names.iter().map(|(name, null)| ((*name).to_owned(), *null)).collect::<Vec<_>>();
    assert_eq!(nullable(&Layout::Table), named(&[("id", false), ("s", false), ("t", true)]));
    let added = [
        ("_op", false),
        ("_seq", false),
        ("_event_time", false),
        ("_control_id", false),
        ("_row", false),
        ("_unchanged", true),
    ];
    assert_eq!(nullable(&bronze()), named(&[&[("id", false), ("s", true), ("t", true)][..], &added].concat()));
}

fn mixed_text() -> String {
    let mut text = String::from("id,s,d,n\n");
    for row in 0..3_000u64 {
        match row % 97 {
            5 => text.push_str("oops,x\n"),
            6 => text.push_str("id,s,d,n\n"),
            7 => text.push_str(&format!("{row},\"quoted\n\"\"{row}\"\"\",,\n")),
            8 => text.push_str(&format!("{row},é,1.234,\n")),
            _ => text.push_str(&format!("{row},text {},{}.{:02},{}\n", row % 13, row, row % 100, row * 7)),
        }
    }
    text
}

#[test]
fn the_same_input_gives_the_same_bytes_however_it_is_read() {
    let contract = table("id:int64* s:string d:decimal(12,2) n:int64", &["weir.badRowLimit=100%"]);
    for input in [
        mixed_text().into_bytes(),
        gzip(mixed_text().as_bytes()),
        zstd::encode_all(mixed_text().as_bytes(), 3).unwrap(),
    ] {
        let first = try_with(&contract, bronze(), Settings::default(), &input[..]).unwrap();
        assert!(first.counts()[2] > 30 && first.counts()[3] > 30);
        for steps in [vec![1], vec![1, 0, 2, 0, 0, 3], vec![4096, 1, 7], vec![usize::MAX]] {
            let input = Stuttering { bytes: &input, steps, turn: 0 };
            let again = try_with(&contract, bronze(), Settings::default(), input).unwrap();
            assert_eq!(again.parquet, first.parquet);
            assert_eq!(again.quarantine, first.quarantine);
        }
    }
}

#[test]
fn every_memory_setting_gives_the_same_rows() {
    let contract = table("id:int64* s:string d:decimal(12,2) n:int64", &["weir.badRowLimit=100%"]);
    let text = mixed_text();
    let first = try_with(&contract, bronze(), Settings::default(), text.as_bytes()).unwrap();
    for memory in [64 * 3, 64 * 61, 64 * 1000, 16 << 20, 256 << 20] {
        let again = try_with(&contract, bronze(), with_memory(memory), text.as_bytes()).unwrap();
        assert_eq!(again.lines(), first.lines(), "{memory}");
        assert_eq!(again.quarantine, first.quarantine, "{memory}");
        assert_eq!(again.counts(), first.counts(), "{memory}");
    }
}
