use crate::common::{Said, contract, event, fault, lines, member, read, review};
use weir_envelope::{Reader, Source, Tables, Understood};

const ROW: &str = r#"{"review_id":9007199254740993,"overall":4.50}"#;

fn record(data: &str, operation: &str, details: &str) -> String {
    format!(
        r#"{{"data":{data},"metadata":{{"timestamp":"2026-11-20T08:31:02.895275Z","record-type":"data","operation":"{operation}","partition-key-type":"schema-table","schema-name":"beer","table-name":"review"{details}}}}}"#
    )
}

const DETAILS: &str =
    r#","transaction-id":1140,"transaction-record-id":2,"commit-timestamp":"2026-11-20T08:30:00.000001Z""#;

#[test]
fn the_bytes_of_a_row_are_spliced_as_they_stand() {
    let tables = review("weir.sequence: dms-transaction");
    let row = r#"{"review_id":123456789012345678901234567890, "overall" : 4.50e0,"text":"\u00e9é\/","operation":"keep","x":{"a":[1 ,2]}}"#;
    let line = &lines(&record(row, "update", DETAILS), &tables)[0];
    let inner = &row[1..row.len() - 1];
    assert_eq!(
        *line,
        format!(
            r#"{{{inner},"_op":"U","_seq":"1800660b10cc5520100000000000004740000000000000002","_event_time":"2026-11-20T08:30:00.000001Z"}}"#
        )
    );
}

#[test]
fn a_row_over_several_lines_becomes_one_line_and_an_empty_one_stays_json() {
    let tables = review("weir.sequence: kinesis");
    let line = &lines(&record("{\r\n  \"review_id\": 1,\n  \"text\": \"a\\nb\"\n}", "insert", ""), &tables)[0];
    assert!(line.starts_with(r#"{  "review_id": 1,  "text": "a\nb","_op":"I""#), "{line}");
    for empty in ["{}", "{ }", "{\n}"] {
        let line = &lines(&record(empty, "insert", ""), &tables)[0];
        assert!(line.starts_with(r#"{"_op":"I","#), "{line}");
    }
}

#[test]
fn a_load_ranks_below_every_change_of_its_key_under_each_rule() {
    for rule in ["kinesis", "dms-transaction", "event-time"] {
        let tables = review(&format!("weir.sequence: {rule}"));
        let load = &lines(&record(ROW, "load", ""), &tables)[0];
        let change = &lines(&record(ROW, "insert", DETAILS), &tables)[0];
        assert_eq!(member(load, "_op"), "L");
        assert!(member(load, "_seq").as_str() < member(change, "_seq").as_str(), "{rule}");
    }
}

#[test]
fn the_time_when_a_record_was_built_is_an_event_time_for_want_of_a_better_but_never_an_order() {
    let line = &lines(&record(ROW, "insert", ""), &review("weir.sequence: kinesis"))[0];
    assert_eq!(member(line, "_event_time"), "2026-11-20T08:31:02.895275Z");
    let line = &lines(&record(ROW, "insert", DETAILS), &review("weir.sequence: kinesis"))[0];
    assert_eq!(member(line, "_event_time"), "2026-11-20T08:30:00.000001Z");
    for rule in ["event-time", "dms-transaction"] {
        let (code, words) = fault(&record(ROW, "insert", ""), &review(&format!("weir.sequence: {rule}")));
        assert_eq!(code, "Envelope.Missing");
        assert!(words.starts_with("metadata.commit-timestamp is missing"), "{words}");
    }
}

#[test]
fn a_change_of_the_key_is_a_delete_of_the_old_and_the_new_row() {
    let tables = review("weir.sequence: kinesis");
    let with = |before: &str| record(ROW, "update", "").replacen(",\"metadata\"", &format!("{before},\"metadata\""), 1);
    let lines_of = |before: &str| lines(&with(before), &tables);
    let moved = lines_of(r#","before-image":{"review_id":7}"#);
    assert!(moved[0].starts_with(r#"{"review_id":7,"_op":"D","#), "{}", moved[0]);
    assert!(moved[1].starts_with(r#"{"review_id":9007199254740993,"overall":4.50,"_op":"U","#), "{}", moved[1]);
    for before in ["", r#","before-image":{}"#, r#","before-image":null"#, r#","before-image":{"overall":1}"#] {
        assert_eq!(lines_of(before).len(), 1, "{before}");
    }
    assert_eq!(lines_of(r#","before-image":{"review_id":9007199254740993,"overall":1}"#).len(), 1);
    // Another name than the contract's is not taken for something else.
    let (code, words) = fault(&with(r#","before":{"review_id":7}"#), &tables);
    assert_eq!(code, "Envelope.UnknownField");
    assert!(words.contains("before ") && words.contains("weir.dms.beforeImage"), "{words}");
    let named = review("weir.sequence: kinesis|weir.dms.beforeImage: before");
    assert_eq!(lines(&with(r#","before":{"review_id":7}"#), &named).len(), 2);
}

#[test]
fn half_an_old_key_is_an_error() {
    let tables = Tables::new([&contract("review", "weir.sequence: kinesis", &["a!", "b!"])]);
    let record = record(r#"{"a":1,"b":2}"#, "update", "");
    let with = |before: &str| record.replacen(",\"metadata\"", &format!(",\"before-image\":{before},\"metadata\""), 1);
    assert_eq!(lines(&with(r#"{"a":1,"b":9}"#), &tables).len(), 2);
    let (code, words) = fault(&with(r#"{"b":9}"#), &tables);
    assert_eq!(code, "Envelope.Missing");
    assert!(words.starts_with("before-image.a is missing"), "{words}");
}

#[test]
fn before_image_columns_are_the_old_key_and_no_part_of_the_row() {
    let record = record(r#"{"review_id":8,"text":"x","BI_review_id":7,"BI_text":null}"#, "update", "");
    let moved = lines(&record, &review("weir.sequence: kinesis|weir.dms.beforeImage: BI_*"));
    assert!(moved[0].starts_with(r#"{"review_id":7,"_op":"D","#), "{}", moved[0]);
    assert!(moved[1].starts_with(r#"{"review_id":8,"text":"x","_op":"U","#), "{}", moved[1]);
    let same = record.replace(r#""BI_review_id":7"#, r#""BI_review_id":8"#);
    assert_eq!(lines(&same, &review("weir.sequence: kinesis|weir.dms.beforeImage: BI_*")).len(), 1);
    // Unless the contract says so, they would hide that the key changed.
    assert_eq!(fault(&record, &review("weir.sequence: kinesis")).0, "Envelope.BeforeImageColumn");
    let columns = ["review_id!", "BI_review_id"];
    let declared = Tables::new([&contract("review", "weir.sequence: kinesis", &columns)]);
    assert_eq!(lines(&record, &declared).len(), 1);
}

#[test]
fn a_delete_that_carries_only_the_key_says_so() {
    let tables = review("weir.sequence: kinesis");
    for (row, key_only) in [(r#"{"review_id":1}"#, true), (r#"{"review_id":1,"text":null}"#, false)] {
        let record = record(row, "delete", "");
        let mut reader = Reader::new();
        let source = crate::common::source();
        let Ok(Understood::Changes(changes)) = reader.read(record.as_bytes(), &tables, source) else { panic!() };
        assert_eq!(changes.change().is_key_only(), key_only);
        assert_eq!(changes.change().row(), row.as_bytes());
        assert!(changes.moved_from().is_none());
    }
}

#[test]
fn control_records_of_every_kind_are_told_apart() {
    let tables = Tables::default();
    for (name, kind, table) in [
        ("create-table", "create-table", "review"),
        ("create-table-exceptions", "create-table", "awsdms_apply_exceptions"),
        ("drop-table", "drop-table", "review"),
        ("rename-table", "rename-table", "review"),
        ("add-column", "add-column", "review"),
        ("drop-column", "drop-column", "review"),
        ("rename-column", "rename-column", "review"),
        ("column-type-change", "column-type-change", "review"),
        ("truncate-table", "truncate-table", "review"),
        ("truncate-table-older", "truncate-table", "review"),
    ] {
        let record = event(&format!("dms/control-{name}.json"));
        assert_eq!(read(&record, &tables), Ok(Said::Control(kind, Some(table.to_owned()))), "{name}");
    }
    let record = event("dms/control-create-table.json").replace("create-table", "explode-table");
    let (code, words) = fault(&record, &tables);
    assert_eq!(code, "Envelope.UnknownOperation");
    assert!(words.contains("metadata.operation 'explode-table'"), "{words}");
}

#[test]
fn a_truncate_is_said_loudly() {
    use weir_envelope::ControlKind;
    assert!(ControlKind::TruncateTable.needs_attention() && ControlKind::DropTable.needs_attention());
    assert!(!ControlKind::CreateTable.needs_attention() && !ControlKind::Heartbeat.needs_attention());
}

#[test]
fn every_sample_of_a_row_is_read_in_the_vendors_shape() {
    for (name, operations) in [
        ("load", &["L"][..]),
        ("insert", &["I"]),
        ("insert-transaction-details", &["I"]),
        ("update", &["U"]),
        ("update-nulls-left-out", &["U"]),
        ("update-before-image-unchanged-key", &["U"]),
        ("update-before-image-whole-row", &["U"]),
        ("update-before-image-key-change", &["D", "U"]),
        ("update-before-image-columns", &["D", "U"]),
        ("delete", &["D"]),
        ("delete-key-only", &["D"]),
        ("delete-with-nulls", &["D"]),
    ] {
        let setting = if name.ends_with("columns") { "|weir.dms.beforeImage: BI_*" } else { "" };
        let read = lines(&event(&format!("dms/{name}.json")), &review(&format!("weir.sequence: kinesis{setting}")));
        let found: Vec<_> = read.iter().map(|line| member(line, "_op")).collect();
        assert_eq!(found, operations, "{name}");
        // The integer and the zero at the end stand as the source wrote them.
        assert!(read.iter().all(|line| line.contains(r#""review_id": 900719925474099"#)), "{name}: {read:?}");
        assert!(!name.starts_with("update") || read.last().is_some_and(|line| line.contains(r#""overall": 4.50"#)));
    }
    let details = lines(&event("dms/delete-key-only.json"), &review("weir.sequence: dms-transaction"));
    assert_eq!(member(&details[0], "_event_time"), "2026-11-20T08:31:02.886717Z");
}

#[test]
fn a_rule_that_does_not_fit_the_record_is_an_error() {
    for rule in ["debezium-postgres", "debezium-mysql", "file-order"] {
        for operation in ["insert", "load"] {
            let tables = review(&format!("weir.sequence: {rule}"));
            assert_eq!(fault(&record(ROW, operation, DETAILS), &tables).0, "Envelope.SequenceRule", "{rule}");
        }
    }
    let without = crate::common::read_from(
        record(ROW, "insert", "").as_bytes(),
        &review("weir.sequence: kinesis"),
        Source::default(),
    );
    assert!(without.unwrap_err().to_string().starts_with("kinesisRecordMetadata.sequenceNumber is missing"));
}
