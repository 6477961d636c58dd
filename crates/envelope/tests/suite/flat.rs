use crate::common::{PLACE, Said, contract, member, read_from};
use weir_envelope::{EnvelopeError, Source, Tables};
use weir_model::sequence::Kinesis;

fn read(record: &str, settings: &str) -> Result<String, EnvelopeError> {
    let tables = Tables::new([&contract("review", settings, &["review_id!", "text"])]);
    let source = Source { table: Some("review"), kinesis: Kinesis::new(PLACE, 0) };
    match read_from(record.as_bytes(), &tables, source)? {
        Said::Lines(mut lines) if lines.len() == 1 => Ok(lines.remove(0)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn fields_of_the_row_say_what_happened_and_stay_in_it() {
    let settings = "weir.flat.operationField: kind|weir.flat.operations: {new: I, gone: D, '3': U, all: L}|\
        weir.flat.sequenceField: version|weir.flat.eventTimeField: at";
    for (kind, letter) in [("\"new\"", "I"), ("\"g\\u006fne\"", "D"), ("3", "U")] {
        let record = format!(r#"{{"review_id":1,"kind":{kind},"version":42,"at":"2026-11-20T08:30:00+00:00"}}"#);
        let line = read(&record, settings).unwrap();
        let end = format!(r#","_op":"{letter}","_seq":"100242","_event_time":"2026-11-20T08:30:00.000000Z"}}"#);
        assert_eq!(line, format!("{}{end}", &record[..record.len() - 1]));
    }
    let load = read(r#"{"kind":"all","version":"0042","at":"2026-11-20T08:30:00Z"}"#, settings).unwrap();
    assert_eq!(member(&load, "_seq"), "000242");
}

#[test]
fn without_an_operation_field_every_record_is_an_insert() {
    let line = read(r#"{"review_id":1,"operation":"delete"}"#, "weir.envelope: flat|weir.sequence: kinesis").unwrap();
    assert_eq!(
        line,
        format!(r#"{{"review_id":1,"operation":"delete","_op":"I","_seq":"1056{PLACE}.0000000000000000"}}"#)
    );
}

#[test]
fn a_field_under_the_name_of_a_lines_own_gives_way_to_it() {
    let settings = "weir.flat.operationField: _op|weir.flat.sequenceField: _seq";
    let line = read(r#"{"_op":"delete","review_id":1,"_seq":7}"#, settings).unwrap();
    assert_eq!(line, r#"{"review_id":1,"_op":"D","_seq":"10017"}"#);
    let error = read(r#"{"_op":"delete","review_id":1,"_seq":7,"_event_time":"x"}"#, settings).unwrap_err();
    assert_eq!(error.code(), "Envelope.ReservedColumn");
}

#[test]
fn an_unknown_word_or_a_missing_field_is_named_and_its_value_not_repeated() {
    let settings = "weir.flat.operationField: kind|weir.flat.sequenceField: version|weir.flat.eventTimeField: at";
    for (record, code, field) in [
        (r#"{"kind":"secret","version":1,"at":"2026-11-20T08:30:00Z"}"#, "Envelope.UnknownOperation", "kind is no"),
        (r#"{"kind":["I"],"version":1,"at":"2026-11-20T08:30:00Z"}"#, "Envelope.UnknownOperation", "kind is no"),
        (r#"{"kind":null,"version":1,"at":"2026-11-20T08:30:00Z"}"#, "Envelope.Missing", "kind is missing"),
        (r#"{"kind":"I","at":"2026-11-20T08:30:00Z"}"#, "Envelope.Missing", "version is missing"),
        (r#"{"kind":"I","version":-1,"at":"2026-11-20T08:30:00Z"}"#, "Envelope.Value", "version is not"),
        (r#"{"kind":"I","version":1.5,"at":"2026-11-20T08:30:00Z"}"#, "Envelope.Value", "version is not"),
        (r#"{"kind":"I","version":1}"#, "Envelope.Missing", "at is missing"),
        (r#"{"kind":"I","version":1,"at":"2026-11-20 08:30:00"}"#, "Envelope.Value", "at is not"),
        (r#"{"kind":"I","version":1,"at":1795219522}"#, "Envelope.Value", "at is not"),
        ("[1]", "Envelope.NotAnObject", "expected an object"),
        ("null", "Envelope.NotAnObject", "expected an object"),
    ] {
        let error = read(record, settings).unwrap_err();
        assert_eq!(error.code(), code, "{record}");
        assert!(error.to_string().starts_with(field) && !error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn flat_json_is_never_told_by_its_content() {
    let tables = Tables::new([&contract("review", "weir.sequence: kinesis", &["review_id!"])]);
    let unset = Source { table: Some("review"), ..Source::default() };
    let other = Source { table: Some("nosuch"), ..Source::default() };
    for (source, code) in
        [(Source::default(), "Envelope.UnknownShape"), (unset, "Envelope.UnknownShape"), (other, "Envelope.NoContract")]
    {
        let error = read_from(br#"{"review_id":1,"op":"c","status":"open"}"#, &tables, source).unwrap_err();
        assert_eq!(error.code(), code);
    }
}
