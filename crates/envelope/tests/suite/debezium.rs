use crate::common::{Said, contract, fault, lines, member, read, review};
use weir_envelope::Tables;

fn postgres(op: &str, before: &str, after: &str) -> String {
    format!(
        r#"{{"before":{before},"after":{after},"source":{{"version":"3.5.0.Final","connector":"postgresql","ts_ms":1795219522549,"snapshot":"false","sequence":"[\"24023119\",\"24023128\"]","ts_us":1795219522549672,"ts_ns":1795219522549672999,"schema":"public","table":"review","lsn":24023128}},"transaction":null,"op":"{op}","ts_ms":1795219522789}}"#
    )
}

const ROW: &str = r#"{"review_id":9007199254740993,"overall":"4.50"}"#;

fn tables() -> Tables {
    review("weir.sequence: debezium-postgres")
}

#[test]
fn operations_are_read_bare_and_under_payload() {
    for (op, before, after, letter) in
        [("c", "null", ROW, "I"), ("u", "null", ROW, "U"), ("d", ROW, "null", "D"), ("r", "null", ROW, "L")]
    {
        let bare = postgres(op, before, after);
        let wrapped = format!(r#"{{"schema":{{"type":"struct","fields":[{{"field":"before"}}]}},"payload":{bare}}}"#);
        let line = &lines(&bare, &tables())[0];
        assert_eq!(member(line, "_op"), letter);
        // The time of `source`, as exactly as it is said, and not that of the envelope.
        assert_eq!(member(line, "_event_time"), "2026-11-21T00:05:22.549672Z");
        assert_eq!(lines(&wrapped, &tables()), std::slice::from_ref(line));
    }
}

#[test]
fn the_position_in_the_log_orders_and_loads_rank_below() {
    let change = &lines(&postgres("c", "null", ROW), &tables())[0];
    assert_eq!(member(change, "_seq"), "100000000016e904f.00000000016e9058");
    let first = postgres("c", "null", ROW).replace(r#"[\"24023119\","#, "[null,");
    let first = &lines(&first, &tables())[0];
    assert_eq!(member(first, "_seq"), "1-.00000000016e9058");
    let load = &lines(&postgres("r", "null", ROW), &tables())[0];
    assert!(member(load, "_seq").as_str() < member(first, "_seq").as_str());
    assert!(member(first, "_seq").as_str() < member(change, "_seq").as_str());
}

#[test]
fn a_position_that_is_no_pair_is_an_error() {
    let good = r#"[\"24023119\",\"24023128\"]"#;
    for bad in [
        "[null,null]",
        "[]",
        r#"[\"1\"]"#,
        r#"[\"1\",\"2\",\"3\"]"#,
        r#"[\"-1\",\"2\"]"#,
        "x",
        "",
        r#"[\"1\",\"18446744073709551616\"]"#,
        r#"[\"\\u0031\",\"2\"]"#,
        "[1,2]",
    ] {
        let (code, words) = fault(&postgres("c", "null", ROW).replace(good, bad), &tables());
        assert_eq!(code, "Envelope.Value", "{bad}");
        assert!(words.starts_with("source.sequence is not"), "{words}");
    }
    let null = postgres("c", "null", ROW).replace(&format!("\"{good}\""), "null");
    assert_eq!(fault(&null, &tables()).0, "Envelope.Missing");
}

#[test]
fn a_binary_log_orders_by_file_position_and_row() {
    let tables = review("weir.sequence: debezium-mysql");
    let record = |file: &str, pos: u64| {
        format!(
            r#"{{"before":null,"after":{ROW},"source":{{"connector":"mariadb","ts_ms":1795219522549,"file":"{file}","pos":{pos},"row":2,"table":"review","gtid":"0-1-28"}},"op":"u","ts_ms":1}}"#
        )
    };
    let sequence = |file, pos| member(&lines(&record(file, pos), &tables)[0], "_seq").as_str().unwrap().to_owned();
    assert_eq!(sequence("mariadb-bin.000003", 484), "1000000000000000300000000000001e40000000000000002");
    assert!(sequence("mysql-bin.999999", u64::MAX) < sequence("mysql-bin.1000000", 4));
    assert!(fault(&record("binlog", 1), &tables).1.starts_with("source.file is not"));
    let (_, words) = fault(&postgres("c", "null", ROW), &tables);
    assert!(words.starts_with("source.file is missing"), "{words}");
}

#[test]
fn what_the_log_did_not_say_is_unchanged_and_not_a_value() {
    let row = r#"{"review_id":1,"text":"__debezium_unavailable_value","raw":"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==","n":[1],"tags":["__debezium_unavailable_value"],"say":"I wrote __debezium_unavailable_value"}"#;
    let line = &lines(&postgres("u", "null", row), &tables())[0];
    assert!(
        line.starts_with(r#"{"review_id":1,"n":[1],"say":"I wrote __debezium_unavailable_value","_op":"U""#),
        "{line}"
    );
    assert!(line.ends_with(r#","_unchanged":["text","raw","tags"]}"#), "{line}");
    assert!(!lines(&postgres("u", "null", ROW), &tables())[0].contains("_unchanged"));
}

#[test]
fn a_delete_of_postgresql_keeps_the_key_and_not_what_debezium_made_up() {
    let before = r#"{"review_id":7,"text":"","overall":0}"#;
    let line = &lines(&postgres("d", before, "null"), &tables())[0];
    assert!(line.starts_with(r#"{"review_id":7,"_op":"D","#), "{line}");
    let mysql = postgres("d", before, "null").replace("postgresql", "mysql");
    assert!(lines(&mysql, &tables())[0].starts_with(r#"{"review_id":7,"text":"","overall":0,"_op":"D","#));
    let no_key = Tables::new([&contract("review", "weir.sequence: debezium-postgres", &["text"])]);
    assert!(lines(&postgres("d", before, "null"), &no_key)[0].contains("\"text\":\"\""));
}

#[test]
fn what_changes_no_row_is_control() {
    let tables = tables();
    let none = |kind| Ok(Said::Control(kind, None));
    let review = |kind| Ok(Said::Control(kind, Some("review".to_owned())));
    for (record, said) in [
        ("null".to_owned(), none("tombstone")),
        (r#"{"schema":null,"payload":null}"#.to_owned(), none("tombstone")),
        (r#"{"ts_ms":1795219523458}"#.to_owned(), none("heartbeat")),
        (r#"{"schema":{},"payload":{"ts_ms":1795219523458}}"#.to_owned(), none("heartbeat")),
        (r#"{"status":"BEGIN","id":"767:1","event_count":null,"data_collections":null,"ts_ms":1}"#.to_owned(), none("transaction-begin")),
        (r#"{"status":"END","id":"767:1","event_count":1,"data_collections":[],"ts_ms":1}"#.to_owned(), none("transaction-end")),
        (postgres("t", "null", "null"), review("truncate-table")),
        (r#"{"op":"m","ts_ms":1,"source":{"table":"","ts_ms":1},"message":{"prefix":"p","content":"eA=="}}"#.to_owned(), none("message")),
        (r#"{"source":{"table":"review"},"ts_ms":1,"databaseName":"b","schemaName":null,"ddl":"DROP TABLE x","tableChanges":[]}"#.to_owned(), review("schema-change")),
    ] {
        assert_eq!(read(&record, &tables), said, "{record}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let tables = tables();
    for (record, field) in [
        (postgres("u", "null", "null"), "after is missing"),
        (postgres("d", "null", ROW), "before is missing"),
        (postgres("c", "null", "[]"), "after is not an object"),
        (postgres("x", "null", ROW), "op 'x' is no operation"),
        (postgres("c", "null", ROW).replace("\"op\"", "\"opp\""), "op is missing"),
        (postgres("c", "null", ROW).replace("\"source\"", "\"sauce\""), "source is missing"),
        (postgres("c", "null", ROW).replace("\"table\":\"review\",", ""), "source.table is missing"),
        (postgres("c", "null", ROW).replace("1795219522549672999", "\"x\""), "source.ts_ns is not"),
        (postgres("c", "null", ROW).replace("ts_", "tz_"), "source.ts_ms is missing"),
        (
            postgres("c", "null", ROW).replace("\"review\"", "\"Beer Style\""),
            "source.table 'Beer Style' cannot be a table",
        ),
        (
            r#"{"status":"HALF","id":"1","event_count":null,"data_collections":null}"#.to_owned(),
            "status is no operation",
        ),
        (format!(r#"{{"schema":{{}},"payload":{}}}"#, postgres("u", "null", "null")), "payload.after is missing"),
        (r#"{"schema":{},"payload":1}"#.to_owned(), "payload is not an object"),
    ] {
        let (_, words) = fault(&record, &tables);
        assert!(words.starts_with(field), "{record}: {words}");
    }
}

#[test]
fn another_envelope_than_the_contracts_is_an_error() {
    let (code, words) = fault(&postgres("c", "null", ROW), &review("weir.sequence: kinesis|weir.envelope: dms"));
    assert_eq!(code, "Envelope.WrongEnvelope");
    assert!(words.contains("a debezium envelope") && words.contains("'weir.envelope: dms'"), "{words}");
    assert_eq!(fault(&postgres("c", "null", ROW), &review("")).0, "Envelope.NoSequenceRule");
    assert_eq!(fault(&postgres("c", "null", ROW), &Tables::default()).0, "Envelope.NoContract");
}
