//! Bad rows: where they are, what is said of them, and how many there may be.

use serde_json::{Value, json};
use weir_convert::Layout;

use crate::common::{bronze, gzip, hasher, run, table, try_run, try_with, with_memory};

fn places(bad: &[Value]) -> Vec<Value> {
    let place = |bad: &Value| {
        json!([bad["row"], bad["line"], bad["byte_offset"], bad["byte_length"], bad["column"], bad["reason"]])
    };
    bad.iter().map(place).collect()
}

const TEXT: &str = "id,amount,note\n\
    1,1.00,ok\n\
    2,1.005,\"two\nlines\"\n\
    3,2.00\n\
    \n\
    4,\"3.00\"x,y\n\
    ,4.00,no id\n\
    5,5.00,\"é\"\r\n\
    6,9999999.00,z\n\
    7,7.00,a,b\n\
    8,8.00,ok\n\
    9,9.00,\"open\n";

fn expected() -> Vec<Value> {
    let at = |part: &str| TEXT.find(part).unwrap();
    vec![
        json!([1, 3, at("2,1.005"), "2,1.005,\"two\nlines\"\n".len(), "amount", "too_many_decimals"]),
        json!([2, 5, at("3,2.00"), 7, null, "field_count"]),
        json!([3, 7, at("4,\"3"), 12, null, "text_after_quote"]),
        json!([4, 8, at(",4.00"), 12, "id", "no_value"]),
        json!([6, 10, at("6,9999"), 15, "amount", "out_of_range"]),
        json!([7, 11, at("7,7.00"), 11, null, "field_count"]),
        json!([9, 13, at("9,9.00"), 13, null, "open_quote"]),
    ]
}

#[test]
fn each_bad_row_is_told_with_its_place_column_and_reason() {
    let contract = table("id:int64! amount:decimal(8,2) note:string", &["weir.badRowLimit=100%"]);
    let mut members = Vec::new();
    for part in TEXT.as_bytes().chunks(11) {
        members.extend(gzip(part));
    }
    for input in [TEXT.as_bytes().to_vec(), gzip(TEXT.as_bytes()), members] {
        // Blocks of 1, 2, 5, 64 bytes, and one for all.
        for memory in [64, 128, 320, 4096, 64 << 20] {
            let found = try_with(&contract, Layout::Table, with_memory(memory), &input[..]).unwrap();
            assert_eq!(places(&found.bad), expected(), "{memory}");
            assert_eq!(found.lines(), ["1|100|ok", "5|500|é", "8|800|ok"], "{memory}");
        }
    }
}

#[test]
fn json_rows_are_told_with_their_places_too() {
    let contract = table("id:int64! s:string", &["weir.badRowLimit=100%"]);
    let text =
        "{\"id\":1}\n{\"id\":\"x\"}\n  {\"id\":2,}\n{\"id\":3} {\"s\":\"\"}\n[4]\n{\"id\":5,\"s\":{}}\n{\"id\":6";
    for memory in [64, 192, 1024, 64 << 20] {
        let found = try_with(&contract, Layout::Table, with_memory(memory), text.as_bytes()).unwrap();
        assert_eq!(
            places(&found.bad),
            [
                json!([1, 2, 9, 10, "id", "not_of_type"]),
                json!([2, 3, 22, 9, null, "json_syntax"]),
                json!([4, 4, 41, 8, "id", "no_value"]),
                json!([5, 5, 50, 3, null, "not_an_object"]),
                json!([6, 6, 54, 15, "s", "nested_value"]),
                json!([7, 7, 70, 7, null, "json_syntax"]),
            ],
            "{memory}"
        );
    }
}

#[test]
fn personal_data_is_masked_and_raw_text_is_not_shown() {
    let contract = table("id:int64 mail:string/hash kept:string/keep", &["weir.badRowLimit=100%"]);
    let found = run(&contract, "id,mail,kept\nx,eve@example.com,k\n2,eve@example.com\n\"3\"4,eve@example.com,k\n");
    assert_eq!(found.bad[0]["values"], json!({"id": "x", "mail": "[masked: email]", "kept": "k"}));
    for bad in &found.bad[1..] {
        assert_eq!((&bad["values"], &bad["text"]), (&Value::Null, &Value::Null));
    }
    let written = String::from_utf8(found.quarantine.clone()).unwrap() + &format!("{:?}", found.report);
    assert!(!written.contains("eve@"), "{written}");

    let error = try_run(&table("id:int64 mail:string/hash", &["weir.badRowLimit=0"]), "id,mail\neve@example.com,y\n");
    assert!(!error.unwrap_err().to_string().contains("eve"));
}

#[test]
fn raw_text_is_shown_where_a_table_has_no_personal_data() {
    let found = run(&table("id:int64 s:string", &["weir.badRowLimit=100%"]), b"id,s\n1,a,b\n\"x\"y,\xff\n");
    assert_eq!((&found.bad[0]["text"], &found.bad[0]["values"]), (&json!("1,a,b\n"), &Value::Null));
    assert_eq!(found.bad[1]["text"], json!("\"x\"y,\\xff\n"));
}

#[test]
fn hashed_columns_hold_the_hash_and_redacted_ones_null() {
    let contract = table("id:int64 mail:string/hash phone:int64/redact", &[]);
    let found = run(&contract, "id,mail,phone\n1,eve@example.com,5550100\n2,,\n3,\"\",x\n");
    let hash = |value: &str| {
        let mut out = Vec::new();
        hasher().hash_into(value.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(
        found.lines(),
        [format!("1|{}|-", hash("eve@example.com")), "2|-|-".to_owned(), format!("3|{}|-", hash(""))]
    );
}

#[test]
fn no_message_holds_a_value() {
    let columns = "i:int64 m:decimal(4,2) b:boolean t:date u:timestamp y:binary j:json";
    let contract = table(columns, &["weir.badRowLimit=100%"]);
    for name in ["i", "m", "b", "t", "u", "y", "j"] {
        let found = run(
            &contract,
            format!(
                "i,m,b,t,u,y,j\n{}\n",
                columns
                    .split(' ')
                    .map(|c| if c.starts_with(name) { "s3cret!" } else { "" })
                    .collect::<Vec<_>>()
                    .join(",")
            ),
        );
        assert!(!found.bad[0]["message"].as_str().unwrap().contains("s3cret"), "{name}");
        assert!(!format!("{:?}", found.report.reasons).contains("s3cret"));
    }
    let error = try_run(&table("i:int64", &["weir.badRowLimit=0"]), "i\ns3cret!\n").unwrap_err().to_string();
    assert!(!error.contains("s3cret"), "{error}");
}

#[test]
fn more_bad_rows_than_the_contract_allows_fail_the_file_with_their_reasons() {
    let text = "a,b\nx,1\n2,y\n3,3\n4,4\n5\n";
    let error = |limit: &str| try_run(&table("a:int64 b:int64", &[&format!("weir.badRowLimit={limit}")]), text);
    for enough in ["3", "60%", "100%"] {
        assert_eq!(error(enough).unwrap().counts(), [5, 2, 3, 0]);
    }
    for few in ["2", "59.9%", "0", "0%"] {
        let error = error(few).unwrap_err();
        assert_eq!(error.code(), "Input.TooManyBadRows", "{few}");
        assert!(error.to_string().contains("line 2, byte 4, column a: the value is no int64"), "{error}");
    }
    let found = error("3").unwrap();
    let counts: Vec<_> =
        found.report.reasons.iter().map(|reason| (reason.reason, reason.column.as_deref(), reason.rows)).collect();
    assert_eq!(counts, [("not_of_type", Some("a"), 1), ("not_of_type", Some("b"), 1), ("field_count", None, 1)]);
}

#[test]
fn a_limit_in_rows_stops_reading_as_soon_as_it_is_exceeded() {
    let text = "a\n".to_owned() + &"x\n".repeat(100_000);
    match try_run(&table("a:int64", &["weir.badRowLimit=10"]), text).unwrap_err() {
        weir_convert::ConvertError::TooManyBadRows { bad, rows, .. } => assert_eq!((bad, rows), (11, 11)),
        other => panic!("{other}"),
    }
}

#[test]
fn no_contract_allows_more_than_a_million_bad_rows() {
    let text = "a\n".to_owned() + &"x\n".repeat(1_000_001);
    let contract = table("a:int64", &["weir.badRowLimit=100%"]);
    let request = weir_convert::Request {
        contract: &contract,
        layout: Layout::Table,
        settings: weir_convert::Settings::default(),
        hasher: None,
        progress: None,
    };
    let error = weir_convert::convert(text.as_bytes(), std::io::sink(), std::io::sink(), &request).unwrap_err();
    assert!(error.to_string().contains("no contract more than 1000000"), "{error}");
}

#[test]
fn a_stray_quote_costs_only_its_own_line() {
    let contract = table("a:int64 b:string", &["weir.badRowLimit=100%"]);
    for (text, rows) in [
        ("a,b\n1,\"x\n2,y\n3,z\n", vec!["2|y", "3|z"]),
        ("a,b\n1,\"x\n2,\"y\"\n3,z\n", vec!["2|y", "3|z"]),
        ("a,b\n1,\"x\"\"\n2,y\n3,z", vec!["2|y", "3|z"]),
        ("a,b\n1,x\"\n2,y\n3,z", vec!["1|x\"", "2|y", "3|z"]),
        ("a,b\n\"1,x\n2,y\n\"3\",z", vec!["2|y", "3|z"]),
    ] {
        assert_eq!(run(&contract, text).lines(), rows, "{text}");
    }
}

#[test]
fn lines_inside_the_quotes_of_a_bad_row_never_become_rows() {
    let contract = table("a:int64 b:string", &["weir.badRowLimit=100%"]);
    let found = run(&contract, "a,b\n1,\"x\n66,evil\n\",3\n2,y\n");
    assert_eq!(found.lines(), ["2|y"]);
    assert_eq!(found.counts(), [2, 1, 1, 0]);
}

#[test]
fn bad_change_columns_are_told_by_their_names() {
    let contract = table("id:int64*", &["weir.badRowLimit=100%"]);
    let text = "{\"id\":1,\"_op\":\"X\",\"_seq\":\"1\"}\n{\"id\":1,\"_op\":\"U\"}\n{\"id\":1,\"_seq\":\"1\"}\n\
        {\"id\":1,\"_op\":\"U\",\"_seq\":5}\n{\"id\":1,\"_op\":\"U\",\"_seq\":\"5\",\"_event_time\":\"noon\"}\n{\"_op\":\"D\",\"_seq\":\"1\"}\n";
    let found = try_with(&contract, bronze(), with_memory(64 << 20), text.as_bytes()).unwrap();
    let told: Vec<_> = found
        .bad
        .iter()
        .map(|bad| format!("{} {}", bad["column"].as_str().unwrap(), bad["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            "_op unknown_operation",
            "_seq no_value",
            "_op no_value",
            "_seq not_of_type",
            "_event_time not_of_type",
            "id no_value"
        ]
    );
}
