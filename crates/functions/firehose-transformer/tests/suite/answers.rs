//! What is answered to the samples.

use serde_json::json;

use crate::common::{Answered, answered, function, ids, sample};

fn results(records: &[Answered]) -> Vec<&str> {
    records.iter().map(|record| record.result.as_str()).collect()
}

#[test]
fn every_record_is_answered_once_and_in_order() {
    for (name, table) in [
        ("kinesis-batch.json", None),
        ("poisoned.json", None),
        ("direct-put.json", Some("checkin")),
        ("direct-put.json", None),
        ("empty-batch.json", None),
    ] {
        let mut function = function();
        if let Some(table) = table {
            function = function.env("WEIR_TABLE", table);
        }
        let event = sample(name);
        let answer = function.start().unwrap().invoke(&event).unwrap();
        let answered_ids: Vec<String> = answered(&answer).into_iter().map(|record| record.id).collect();
        assert_eq!(answered_ids, ids(&event), "{name}");
    }
}

#[test]
fn rows_are_ok_control_records_dropped_and_the_rest_failed() {
    let answer = function().start().unwrap().invoke(&sample("kinesis-batch.json")).unwrap();
    let records = answered(&answer);
    let (ok, dropped, failed) = ("Ok", "Dropped", "ProcessingFailed");
    let expected = [ok, ok, ok, ok, ok, dropped, ok, ok, ok, ok, dropped, dropped, failed, failed, failed, ok];
    assert_eq!(results(&records), expected);
    for (index, record) in records.iter().enumerate() {
        let table = if (6..10).contains(&index) { "customer" } else { "review" };
        match record.result.as_str() {
            "Ok" => {
                assert_eq!(record.partition_keys, Some(json!({"table": table})));
                assert!(!record.lines().is_empty());
            }
            // Firehose keeps the record as it came.
            _ => assert_eq!((&record.partition_keys, &record.text), (&None, &None)),
        }
    }
}

#[test]
fn lines_are_the_rows_own_bytes_and_what_orders_them() {
    let answer = function().start().unwrap().invoke(&sample("kinesis-batch.json")).unwrap();
    let records = answered(&answer);
    let operations: Vec<Vec<String>> = records
        .iter()
        .filter(|record| record.result == "Ok")
        .map(|record| record.lines().iter().map(|line| line["_op"].as_str().unwrap().to_owned()).collect())
        .collect();
    assert_eq!(
        operations,
        [
            vec!["L"],
            vec!["I"],
            vec!["U"],
            vec!["D", "U"],
            vec!["D"],
            vec!["L"],
            vec!["I"],
            vec!["U"],
            vec!["D"],
            vec!["I"]
        ]
    );
    let insert = records[1].text.as_deref().unwrap();
    let row = r#""review_id":9007199254740993,"beer_id":2093,"profile_id":81,"overall":4.50,"aroma":4,"#;
    assert!(insert.contains(row), "{insert}");
    assert!(records[15].text.as_deref().unwrap().contains(r#""review_id":9223372036854775808,"#));
    for range in [[0, 1, 2, 3, 4, 15].as_slice(), &[6, 7, 8, 9]] {
        let lines = range.iter().flat_map(|index| records[*index].lines());
        let sequences: Vec<String> = lines.map(|line| line["_seq"].as_str().unwrap().to_owned()).collect();
        assert!(sequences.is_sorted(), "{sequences:#?}");
        assert!(sequences[0] < sequences[1], "a load ranks below the changes: {sequences:#?}");
    }
}

#[test]
fn a_poisoned_record_harms_no_neighbour() {
    let answer = function().start().unwrap().invoke(&sample("poisoned.json")).unwrap();
    let records = answered(&answer);
    let (first, last) = (&records[0], &records[records.len() - 1]);
    for good in [first, last] {
        assert_eq!((good.result.as_str(), good.lines().len()), ("Ok", 1));
    }
    assert!(records[1..records.len() - 1].iter().all(|record| record.result == "ProcessingFailed"), "{records:#?}");
}

#[test]
fn flat_json_put_directly_is_ordered_by_its_own_field() {
    let function = function().env("WEIR_TABLE", "checkin").start().unwrap();
    let records = answered(&function.invoke(&sample("direct-put.json")).unwrap());
    assert_eq!(results(&records), ["Ok", "Ok", "Ok", "ProcessingFailed", "Ok"]);
    for record in records.iter().filter(|record| record.result == "Ok") {
        assert_eq!(record.partition_keys, Some(json!({"table": "checkin"})));
    }
    let sequence = |index: usize| records[index].lines()[0]["_seq"].as_str().unwrap().to_owned();
    assert!(sequence(0) < sequence(1) && sequence(1) < sequence(4) && sequence(4) < sequence(2));
    assert!(records[1].text.as_deref().unwrap().contains(r#"Invented Arms, \u00d8stergade 1"#));
}

#[test]
fn an_empty_batch_has_an_empty_answer() {
    let answer = function().start().unwrap().invoke(&sample("empty-batch.json")).unwrap();
    assert_eq!(answer, br#"{"records":[]}"#);
}

#[test]
fn the_same_event_has_the_same_answer() {
    let function = function().start().unwrap();
    let event = sample("kinesis-batch.json");
    let first = function.invoke(&event).unwrap();
    function.invoke(&sample("poisoned.json")).unwrap();
    assert_eq!(function.invoke(&event).unwrap(), first);
}

#[test]
fn the_consoles_test_event_is_a_batch_too() {
    // There `subsequenceNumber` is an empty text; from a stream it comes as a number.
    let answer = function().start().unwrap().invoke(&sample("console-template.json")).unwrap();
    assert_eq!(results(&answered(&answer)), ["Ok", "ProcessingFailed"]);
}
