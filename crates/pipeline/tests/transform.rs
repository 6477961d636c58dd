//! Rules of transforming a batch.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails a test")]

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use weir_model::Contract;
use weir_pipeline::Contracts;
use weir_pipeline::transform::{MAX_ANSWER_BYTES, Transformer, aggregate};

const CONTRACT: &str = "
apiVersion: v3.1.0
kind: DataContract
id: beer
version: 1.0.0
status: active
schema:
  - name: TABLE
    customProperties:
      - {property: weir.sequence, value: kinesis}
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
      - {name: name, logicalType: string}
";

fn transformer() -> Transformer {
    let contracts: Contracts = ["beer", "brewery"]
        .map(|table| Contract::parse("c", &CONTRACT.replace("TABLE", table)).unwrap())
        .into_iter()
        .collect();
    Transformer::new(&contracts, None)
}

fn dms(table: &str, operation: &str, data: &str) -> String {
    format!(
        "{{\"data\":{data},\"metadata\":{{\"timestamp\":\"2026-11-20T08:00:00.000000Z\",\"record-type\":\"data\",\"operation\":\"{operation}\",\"partition-key-type\":\"primary-key\",\"schema-name\":\"shop\",\"table-name\":\"{table}\",\"transaction-id\":7}}}}"
    )
}

fn control(operation: &str) -> String {
    format!(
        "{{\"metadata\":{{\"timestamp\":\"2026-11-20T08:00:00.000000Z\",\"record-type\":\"control\",\"operation\":\"{operation}\",\"partition-key-type\":\"task-id\",\"schema-name\":\"shop\",\"table-name\":\"beer\"}}}}"
    )
}

fn record(id: usize, data: impl AsRef<[u8]>) -> Value {
    json!({
        "recordId": format!("r{id}"),
        "data": STANDARD.encode(data),
        "approximateArrivalTimestamp": 1_700_000_000_000u64,
        "kinesisRecordMetadata": {
            "shardId": "shardId-000000000000", "partitionKey": "1", "subsequenceNumber": 0,
            "sequenceNumber": format!("4954{id:052}"), "approximateArrivalTimestamp": 1_700_000_000_000u64,
        },
    })
}

/// The answer to a batch of these data, with the counters.
fn answer(data: &[Vec<u8>]) -> (Vec<Value>, Value) {
    let records: Vec<Value> = data.iter().enumerate().map(|(id, data)| record(id, data)).collect();
    let batch = json!({"invocationId": "i", "deliveryStreamArn": "arn", "region": "eu-west-1", "records": records});
    let transformed = transformer().transform(&batch.to_string()).unwrap();
    let answer: Value = serde_json::from_str(&transformed.answer).unwrap();
    let answered = answer["records"].as_array().unwrap().clone();
    let ids: Vec<&str> = answered.iter().map(|record| record["recordId"].as_str().unwrap()).collect();
    let expected: Vec<String> = (0..data.len()).map(|id| format!("r{id}")).collect();
    assert_eq!(ids, expected, "every record is answered once, in order");
    let counters = serde_json::to_value(&transformed.counters).unwrap();
    let sum: u64 = ["ok", "dropped", "failed"].iter().map(|name| counters[name].as_u64().unwrap()).sum();
    assert_eq!(sum, data.len() as u64, "every record is counted once");
    (answered, counters)
}

fn lines(record: &Value) -> Vec<String> {
    let bytes = STANDARD.decode(record["data"].as_str().unwrap()).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.ends_with('\n'), "Firehose puts nothing between records");
    text.lines().map(str::to_owned).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_change_goes_on_to_its_table_with_its_own_spelling() {
    let row = r#"{"id":18446744073709551617,"name":"x","price":1.500,"operation":"their own"}"#;
    let (answered, counters) = answer(&[dms("beer", "insert", row).into_bytes()]);
    assert_eq!(answered[0]["result"], "Ok");
    assert_eq!(answered[0]["metadata"]["partitionKeys"], json!({"table": "beer"}));
    let line = &lines(&answered[0])[0];
    assert!(line.starts_with(&row[..row.len() - 1]), "{line}");
    assert!(line.contains("\"_op\":\"I\"") && line.contains("\"_seq\":\"1"), "{line}");
    assert_eq!((&counters["changes"]["I"], &counters["tables"]["beer"]), (&json!(1), &json!(1)));
}

#[test]
fn one_poisoned_record_never_harms_its_neighbours() {
    let good = |id: usize| dms("beer", "update", &format!("{{\"id\":{id}}}")).into_bytes();
    let poison: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"{".to_vec(),
        b"\xff\xfe".to_vec(),
        b"[".repeat(100_000),
        dms("beer", "insert", "null").into_bytes(),
        dms("beer", "merge", "{\"id\":1}").into_bytes(),
        dms("nowhere", "insert", "{\"id\":1}").into_bytes(),
        dms("beer", "insert", "{\"id\":1,\"id\":2}").into_bytes(),
        b"{\"data\":{\"id\":1}}".to_vec(),
        vec![0x1f, 0x8b, 8, 0, 1, 2, 3],
    ];
    let mut batch = vec![good(0)];
    for (index, bad) in poison.iter().enumerate() {
        batch.push(bad.clone());
        batch.push(good(index + 1));
    }
    let (answered, counters) = answer(&batch);
    for (index, record) in answered.iter().enumerate() {
        let expected = if index % 2 == 0 { "Ok" } else { "ProcessingFailed" };
        assert_eq!(record["result"], expected, "record {index}");
    }
    assert_eq!(counters["failed"], poison.len());
    assert_eq!(counters["failures"].as_array().unwrap().len(), poison.len());
}

#[test]
fn what_was_not_understood_is_never_dropped_and_control_records_are() {
    let (answered, counters) = answer(&[
        control("create-table").into_bytes(),
        control("TruncateTable").into_bytes(),
        control("make-coffee").into_bytes(),
    ]);
    let results: Vec<&Value> = answered.iter().map(|record| &record["result"]).collect();
    assert_eq!(results, ["Dropped", "Dropped", "ProcessingFailed"]);
    assert_eq!(counters["controls"], json!({"create-table": 1, "truncate-table": 1}));
}

#[test]
fn packed_and_aggregated_records_are_taken_apart_in_order() {
    let rows: Vec<String> = (0..3).map(|id| dms("beer", "update", &format!("{{\"id\":{id}}}"))).collect();
    let parts: Vec<&[u8]> = rows.iter().map(|row| row.as_bytes()).collect();
    let (answered, counters) = answer(&[aggregate(&parts), gzip(parts[0])]);
    let found = lines(&answered[0]);
    assert_eq!(found.len(), 3);
    let sequences: Vec<String> = found
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["_seq"].as_str().unwrap().to_owned())
        .collect();
    assert!(sequences.is_sorted() && sequences[0] != sequences[1], "{sequences:?}");
    assert_eq!(lines(&answered[1]).len(), 1);
    assert_eq!(counters["changes"]["U"], 4);
}

#[test]
fn rows_of_several_tables_in_one_record_are_not_delivered_to_one_of_them() {
    let (beer, brewery) = (dms("beer", "insert", "{\"id\":1}"), dms("brewery", "insert", "{\"id\":1}"));
    let (answered, counters) = answer(&[aggregate(&[beer.as_bytes(), brewery.as_bytes()])]);
    assert_eq!(answered[0]["result"], "ProcessingFailed");
    assert_eq!(counters["reasons"], json!({"Record.SeveralTables": 1}));
}

#[test]
fn an_answer_stays_below_6_mb_whatever_the_batch() {
    let large = |id: usize| {
        let row = format!("{{\"id\":{id},\"name\":\"{}\"}}", "x".repeat(900_000));
        gzip(dms("beer", "insert", &row).as_bytes())
    };
    let mut batch: Vec<Vec<u8>> = (0..12).map(large).collect();
    batch.push(dms("beer", "insert", "{\"id\":99}").into_bytes());
    let records: Vec<Value> = batch.iter().enumerate().map(|(id, data)| record(id, data)).collect();
    let event = json!({"invocationId": "i", "records": records}).to_string();
    let transformed = transformer().transform(&event).unwrap();
    assert!(transformed.answer.len() <= MAX_ANSWER_BYTES, "{}", transformed.answer.len());
    let (answered, counters) = answer(&batch);
    let ok = answered.iter().filter(|record| record["result"] == "Ok").count();
    assert_eq!(ok, 5, "four large ones fit, and the small one behind them");
    assert_eq!(counters["reasons"], json!({"Answer.Full": 8}));
}

#[test]
fn a_batch_of_tens_of_thousands_of_small_records_is_answered() {
    let batch: Vec<Vec<u8>> =
        (0..40_000).map(|id| dms("beer", "update", &format!("{{\"id\":{id}}}")).into_bytes()).collect();
    let (answered, _) = answer(&batch);
    assert!(serde_json::to_string(&answered).unwrap().len() < 6_291_456);
}

#[test]
fn an_empty_batch_is_answered_and_nonsense_is_an_error_with_a_name() {
    let empty = transformer().transform("{\"invocationId\":\"i\",\"records\":[]}").unwrap();
    assert_eq!(empty.answer, "{\"records\":[]}");
    for nonsense in ["", "{}", "[]", "{\"invocationId\":\"i\",\"records\":[{}]}"] {
        assert_eq!(transformer().transform(nonsense).unwrap_err().code(), "Input.Batch", "{nonsense}");
    }
}

#[test]
fn a_record_of_the_largest_size_passes() {
    let row = format!("{{\"id\":1,\"name\":\"{}\"}}", "y".repeat(1_000 * 1024 - 400));
    let (answered, _) = answer(&[dms("beer", "insert", &row).into_bytes()]);
    assert_eq!(answered[0]["result"], "Ok");
    assert_eq!(lines(&answered[0]).len(), 1);
}

#[test]
fn ids_that_need_escaping_are_given_back_as_they_came() {
    let id = "a\"b\\c\u{1}ü";
    let mut one = record(0, dms("beer", "insert", "{\"id\":1}"));
    one["recordId"] = json!(id);
    let event = json!({"invocationId": "i", "records": [one]}).to_string();
    let answer: Value = serde_json::from_str(&transformer().transform(&event).unwrap().answer).unwrap();
    assert_eq!(answer["records"][0]["recordId"], id);
}
