//! What the tests share: the function, its events, and its answers taken apart.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_emulator::{Builder, Emulator};
use serde_json::{Value, json};

pub(crate) fn contracts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contracts")
}

/// The function without a setting.
pub(crate) fn bare() -> Builder {
    Emulator::builder(env!("CARGO_BIN_EXE_firehose-transformer"))
}

/// The function with the contracts of the samples.
pub(crate) fn function() -> Builder {
    bare().env("WEIR_CONTRACTS_DIR", contracts())
}

/// A sample of `events/firehose-transformer`.
pub(crate) fn sample(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../events/firehose-transformer").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// One record of an answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Answered {
    pub(crate) id: String,
    pub(crate) result: String,
    /// `metadata.partitionKeys`.
    pub(crate) partition_keys: Option<Value>,
    /// The decoded data.
    pub(crate) text: Option<String>,
}

impl Answered {
    /// The lines of an `Ok`, each a JSON object; the last ends as the others do.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = self.text.as_deref().unwrap();
        assert!(text.ends_with('\n'), "{text:?}");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// The answer's records. An answer has what Firehose documents and nothing else.
pub(crate) fn answered(answer: &[u8]) -> Vec<Answered> {
    let answer: Value = serde_json::from_slice(answer).unwrap();
    assert_eq!(answer.as_object().unwrap().len(), 1);
    answer["records"].as_array().unwrap().iter().map(one).collect()
}

fn one(record: &Value) -> Answered {
    for (name, _) in record.as_object().unwrap() {
        assert!(["recordId", "result", "data", "metadata"].contains(&name.as_str()), "{name}");
    }
    let text = |value: &Value| String::from_utf8(STANDARD.decode(value.as_str().unwrap()).unwrap()).unwrap();
    Answered {
        id: record["recordId"].as_str().unwrap().to_owned(),
        result: record["result"].as_str().unwrap().to_owned(),
        partition_keys: record.get("metadata").map(|metadata| metadata["partitionKeys"].clone()),
        text: record.get("data").map(text),
    }
}

/// The ids of an event, in order.
pub(crate) fn ids(event: &[u8]) -> Vec<String> {
    let event: Value = serde_json::from_slice(event).unwrap();
    let id = |record: &Value| record["recordId"].as_str().unwrap().to_owned();
    event["records"].as_array().unwrap().iter().map(id).collect()
}

/// The event of a stream that was put to Firehose directly.
pub(crate) fn batch(records: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let record = |(index, data): (usize, Vec<u8>)| {
        json!({
            "recordId": format!("{}000000", 49_668_123_400_935_544_286_507_457_936_321_u128 + index as u128),
            "approximateArrivalTimestamp": 1_795_163_462_970_u64,
            "data": STANDARD.encode(data),
        })
    };
    let records: Vec<Value> = records.into_iter().enumerate().map(record).collect();
    let event = json!({
        "invocationId": "3c5d0f6e-52c1-4a8e-9b1f-6d0a7a5a1cff",
        "deliveryStreamArn": "arn:aws:firehose:eu-central-1:123456789012:deliverystream/weir-raw",
        "region": "eu-central-1",
        "records": records,
    });
    event.to_string().into_bytes()
}
