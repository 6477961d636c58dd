//! One line for each invocation.

use serde_json::Value;

use crate::common::{answered, function, sample};

fn line(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn every_invocation_writes_one_line_with_what_was_done() {
    let function = function().start().unwrap();
    let answer = function.invoke(&sample("kinesis-batch.json")).unwrap();
    function.invoke(b"{}").unwrap_err();
    function.invoke(&sample("empty-batch.json")).unwrap();
    let lines = function.stdout(3);
    assert_eq!(lines.len(), 3, "{lines:#?}");

    let done = line(&lines[0]);
    assert_eq!((&done["level"], &done["message"]), (&"INFO".into(), &"transformed".into()));
    assert!(done["seconds"].as_f64().unwrap() < 10.0 && done["request_id"].as_str().unwrap().len() == 36);
    let counters = &done["counters"];
    for (name, result) in [("ok", "Ok"), ("dropped", "Dropped"), ("failed", "ProcessingFailed")] {
        let answered = answered(&answer).iter().filter(|record| record.result == result).count();
        assert_eq!(counters[name], answered, "{name}");
    }
    assert_eq!((&counters["records"], &counters["tables"]["customer"]), (&16.into(), &4.into()));

    let failed = line(&lines[1]);
    assert_eq!((&failed["level"], &failed["error_type"]), (&"ERROR".into(), &"Input.Batch".into()));
    assert_ne!(failed["request_id"], done["request_id"]);
    assert_eq!(line(&lines[2])["counters"]["records"], 0);
}

#[test]
fn no_line_holds_a_value_of_a_row() {
    let function = function().start().unwrap();
    function.invoke(&sample("kinesis-batch.json")).unwrap();
    function.invoke(&sample("poisoned.json")).unwrap();
    let text = [function.stdout(2), function.stderr(0)].concat().join("\n");
    for value in ["roasted", "9007199254740993", "Aino", "Invented Arms", "c-1", "2093"] {
        assert!(!text.contains(value), "{value}: {text}");
    }
}

#[test]
fn at_level_error_only_failed_invocations_write() {
    let function = function().env("WEIR_LOG", "error").start().unwrap();
    function.invoke(&sample("kinesis-batch.json")).unwrap();
    function.invoke(b"{}").unwrap_err();
    let lines = function.stdout(1);
    assert_eq!((lines.len(), &line(&lines[0])["level"]), (1, &"ERROR".into()));
}
