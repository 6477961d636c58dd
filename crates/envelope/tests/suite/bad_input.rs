//! The table in `docs/envelopes.md`, row by row.

use crate::common::{fault, lines, member, read, read_from, review, source};

fn dms(data: &str) -> String {
    format!(
        r#"{{"data":{data},"metadata":{{"timestamp":"2026-11-20T08:31:02Z","record-type":"data","operation":"insert","table-name":"review"}}}}"#
    )
}

fn tables() -> weir_envelope::Tables {
    review("weir.sequence: kinesis")
}

#[test]
fn a_row_that_is_null_missing_or_no_object_is_an_error() {
    for (data, code, words) in [
        ("null", "Envelope.Value", "data is not an object"),
        ("[]", "Envelope.Value", "data is not an object"),
        ("\"x\"", "Envelope.Value", "data is not an object"),
    ] {
        assert_eq!(fault(&dms(data), &tables()), (code, words.to_owned()));
    }
    let without = dms("{}").replace("\"data\":{},", "");
    assert!(fault(&without, &tables()).1.starts_with("data is missing"));
}

#[test]
fn missing_metadata_is_an_error_that_names_it() {
    for (record, field) in [
        (r#"{"data":{"review_id":1}}"#.to_owned(), "metadata is missing"),
        (r#"{"data":{"review_id":1},"metadata":null}"#.to_owned(), "metadata is missing"),
        (r#"{"data":{"review_id":1},"metadata":[]}"#.to_owned(), "metadata is not an object"),
        (dms("{}").replace("record-type", "x"), "metadata.record-type is missing"),
        (
            dms("{}").replace("\"data\",\"operation", "\"date\",\"operation"),
            "metadata.record-type is not 'data' or 'control'",
        ),
        (dms("{}").replace("\"operation\"", "\"x\""), "metadata.operation is missing"),
        (dms("{}").replace("\"insert\"", "7"), "metadata.operation is not text"),
        (dms("{}").replace("table-name", "x"), "metadata.table-name is missing"),
        (dms("{}").replace("timestamp", "x"), "metadata.timestamp is missing"),
        (dms("{}").replace("2026-11-20T08", "2026-11-20 at 08"), "metadata.timestamp is not RFC 3339"),
    ] {
        let (_, words) = fault(&record, &tables());
        assert!(words.starts_with(field), "{words}");
    }
}

#[test]
fn an_unknown_operation_is_an_error_that_names_it() {
    for word in ["upsert", "INSERT", ""] {
        let (code, words) = fault(&dms("{}").replace("\"insert\"", &format!("\"{word}\"")), &tables());
        assert_eq!(code, "Envelope.UnknownOperation");
        assert!(words.contains(&format!("metadata.operation '{word}'")), "{words}");
    }
}

#[test]
fn integers_of_any_size_survive() {
    for number in
        ["9007199254740993", "9223372036854775808", "-99999999999999999999999999999999999999", "1e400", "0.10", "-0"]
    {
        let line = &lines(&dms(&format!("{{\"review_id\":{number}}}")), &tables())[0];
        assert!(line.starts_with(&format!("{{\"review_id\":{number},\"_op\"")), "{line}");
    }
}

#[test]
fn a_column_named_operation_survives_and_one_that_weir_adds_is_an_error() {
    let line = &lines(&dms(r#"{"operation":"mine","data":1,"metadata":2}"#), &tables())[0];
    assert_eq!(member(line, "operation"), "mine");
    for column in ["_op", "_seq", "_event_time", "_unchanged", "_\\u006fp"] {
        let (code, words) = fault(&dms(&format!("{{\"{column}\":1}}")), &tables());
        assert_eq!(code, "Envelope.ReservedColumn");
        assert!(words.starts_with("column data._"), "{words}");
    }
    assert_eq!(lines(&dms(r#"{"_opp":1,"_":2}"#), &tables()).len(), 1);
}

#[test]
fn a_key_that_stands_twice_is_an_error_in_the_row_and_around_it() {
    for (record, field) in [
        (dms(r#"{"a":1,"b":2,"a":1}"#), "data.a"),
        (dms(r#"{"a":1,"\u0061":1}"#), "data.a"),
        (dms("{}").replace("{\"data\":{}", "{\"data\":{},\"data\":{}"), "data"),
        (dms("{}").replace("\"operation\":", "\"operation\":\"delete\",\"operation\":"), "metadata.operation"),
        (r#"{"op":"c","op":"d","source":{},"after":{}}"#.to_owned(), "op"),
        (r#"{"op":"c","source":{"table":"a","table":"review"},"after":{}}"#.to_owned(), "source.table"),
        (r#"{"payload":{"op":"c","op":"d","source":{},"after":{}}}"#.to_owned(), "payload.op"),
        (
            r#"{"payload":{"op":"c","source":{"table":"review","ts_ms":1},"after":{"x":1,"x":2}}}"#.to_owned(),
            "payload.after.x",
        ),
    ] {
        let (code, words) = fault(&record, &tables());
        assert_eq!(code, "Envelope.DuplicateKey", "{record}: {words}");
        assert!(words.starts_with(&format!("{field} stands twice")), "{words}");
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_an_error() {
    let mut record = dms(r#"{"text":"#).into_bytes();
    record.truncate(16);
    record.extend_from_slice(b"\xff\"}}");
    let error = read_from(&record, &tables(), source()).unwrap_err();
    assert_eq!((error.code(), error.to_string().starts_with("byte 16 ")), ("Envelope.Encoding", true));
    // Half of a surrogate pair cannot be written in UTF-8 either.
    assert_eq!(fault(&dms(r#"{"text":"\ud800"}"#), &tables()).0, "Envelope.Syntax");
}

#[test]
fn a_depth_bomb_is_an_error_and_costs_no_stack() {
    for bomb in ["[", "{\"a\":"] {
        let record = dms(&format!("{{\"x\":{}", bomb.repeat(200_000)));
        assert_eq!(fault(&record, &tables()).0, "Envelope.TooDeep");
    }
    let (open, close) = ("[".repeat(100), "]".repeat(100));
    assert_eq!(lines(&dms(&format!("{{\"x\":{open}{close}}}")), &tables()).len(), 1);
}

#[test]
fn a_record_of_1000_kib_is_read_and_one_without_end_is_not() {
    let text = "é\\n".repeat(255_900);
    let record = dms(&format!("{{\"text\":\"{text}\"}}"));
    assert!(record.len() > 999 << 10 && record.len() <= 1_000 << 10);
    assert!(lines(&record, &tables())[0].contains(&text));
    let long = vec![b'1'; weir_envelope::MAX_RECORD_BYTES + 1];
    assert_eq!(read_from(&long, &tables(), source()).unwrap_err().code(), "Envelope.TooLong");
    // Many columns cost no more than sorting them.
    let columns: Vec<String> = (0..60_000).map(|n| format!("\"c{n}\":{n}")).collect();
    assert_eq!(lines(&dms(&format!("{{{}}}", columns.join(","))), &tables()).len(), 1);
}

#[test]
fn what_is_empty_cut_or_no_object_is_an_error() {
    let whole = dms("{\"review_id\":1}");
    for (record, code) in [
        ("", "Envelope.Empty"),
        (" \n", "Envelope.Empty"),
        ("[]", "Envelope.NotAnObject"),
        ("42", "Envelope.NotAnObject"),
        ("{}", "Envelope.UnknownShape"),
        ("{\"a\":1}", "Envelope.UnknownShape"),
        ("{\"a\":1} {}", "Envelope.Syntax"),
        (&whole[..whole.len() - 1], "Envelope.Syntax"),
        ("nul", "Envelope.Syntax"),
        ("\u{feff}{}", "Envelope.Syntax"),
    ] {
        assert_eq!(fault(record, &tables()).0, code, "{record}");
    }
    // White space around a record is none of it.
    assert!(read(&format!("\n {whole} \r\n"), &tables()).is_ok());
}

#[test]
fn a_table_that_cannot_be_one_or_has_no_contract_is_an_error() {
    for (name, code) in [
        ("REVIEW", "Envelope.TableName"),
        ("../review", "Envelope.TableName"),
        ("", "Envelope.TableName"),
        ("brewery", "Envelope.NoContract"),
    ] {
        let (found, words) = fault(&dms("{}").replace("\"review\"", &format!("\"{name}\"")), &tables());
        assert_eq!(found, code);
        assert!(words.contains(&format!("'{name}'")), "{words}");
    }
    let escaped = dms("{}").replace("\"review\"", "\"rev\\u0069ew\"");
    assert_eq!(lines(&escaped, &tables()).len(), 1);
}

#[test]
fn errors_name_fields_and_never_the_values_of_a_row() {
    for record in [
        dms(r#"{"text":"secret","text":"secret"}"#),
        dms(r#"{"text":"secret","_op":"secret"}"#),
        dms("\"secret\""),
        dms(r#"{"text":"secret\q"}"#),
        format!("{} secret", dms("{}")),
    ] {
        let (_, words) = fault(&record, &tables());
        assert!(!words.contains("secret"), "{words}");
    }
    // A name that is made to mislead cannot break a log.
    let (_, words) = fault(&dms(&format!("{{\"a\\n{0}\":1,\"a\\n{0}\":2}}", "x".repeat(500))), &tables());
    assert!(words.len() < 300 && !words.contains('\n'), "{words}");
}
