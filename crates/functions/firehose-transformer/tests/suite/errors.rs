//! Events that are no batch.

use crate::common::{answered, function, sample};

#[test]
fn an_event_that_is_no_batch_fails_by_its_stable_name_and_the_function_lives_on() {
    let function = function().start().unwrap();
    let not_a_batch = sample("not-a-batch.json");
    let events: [&[u8]; 10] = [
        &not_a_batch,
        b"{}",
        b"[]",
        b"null",
        b"\"text\"",
        br#"{"invocationId": "i", "records": [{}]}"#,
        br#"{"invocationId": "i", "records": [{"recordId": "1", "data": 7}]}"#,
        // Lambda lets no event through that is not JSON; the name is the same all the same.
        b"",
        b"{\"invocationId\": \"i\", \"records\": [",
        b"{\"invocationId\": \"\xff\", \"records\": []}",
    ];
    for event in events {
        let error = function.invoke(event).unwrap_err();
        assert_eq!(error.error_type, "Input.Batch", "{}: {error}", String::from_utf8_lossy(event));
        assert!(error.message.starts_with("the event is no batch of Firehose records"), "{error}");
        let answer = function.invoke(&sample("kinesis-batch.json")).unwrap();
        assert_eq!(answered(&answer).len(), 16);
    }
}

#[test]
fn no_error_repeats_what_the_event_holds() {
    let function = function().start().unwrap();
    for event in [
        r#"{"invocationId": "i", "records": "geheim@example.com"}"#,
        r#"{"invocationId": "i", "records": [{"recordId": "1", "data": {"geheim@example.com": 1}}]}"#,
        r#"{"invocationId": "i", "records": [{"recordId": "1", "data": "", "approximateArrivalTimestamp": "geheim@example.com"}]}"#,
    ] {
        let error = function.invoke(event.as_bytes()).unwrap_err();
        assert!(!error.message.contains("geheim"), "{error}");
    }
    assert!(function.stdout(3).iter().all(|line| !line.contains("geheim")));
}
