//! What Firehose sends to a transformation function
//! (<https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html>).

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};

/// One invocation's records.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch<'a> {
    /// Names the invocation; the same for its retries.
    #[serde(borrow)]
    pub invocation_id: Cow<'a, str>,
    /// The records, in the order in which they are to be answered.
    #[serde(borrow)]
    pub records: Vec<BatchRecord<'a>>,
}

/// One record as it comes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchRecord<'a> {
    /// Names the record within the invocation.
    #[serde(borrow)]
    pub record_id: Cow<'a, str>,
    /// base64.
    #[serde(borrow)]
    pub data: Cow<'a, str>,
    /// When it came, in milliseconds since 1970.
    pub approximate_arrival_timestamp: Option<i64>,
    /// Where it stood in its Kinesis stream; absent for records that were put to Firehose itself.
    #[serde(borrow)]
    pub kinesis_record_metadata: Option<KinesisMetadata<'a>>,
}

/// Where a record stood in its Kinesis stream.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KinesisMetadata<'a> {
    /// Decimal; grows along a shard and from a shard to its children.
    #[serde(borrow)]
    pub sequence_number: Cow<'a, str>,
    /// Place within an aggregated record.
    #[serde(default, deserialize_with = "number_or_text")]
    pub subsequence_number: u64,
}

/// A number; the console's own test event has it as text, and empty.
fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either<'a> {
        Number(u64),
        Text(#[serde(borrow)] Cow<'a, str>),
    }
    match Option::<Either<'_>>::deserialize(deserializer)? {
        None => Ok(0),
        Some(Either::Number(number)) => Ok(number),
        Some(Either::Text(text)) if text.is_empty() => Ok(0),
        Some(Either::Text(text)) => {
            text.parse().map_err(|_| serde::de::Error::custom("subsequenceNumber is no number"))
        }
    }
}
