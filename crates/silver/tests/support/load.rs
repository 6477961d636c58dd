//! Many rows at once: keys that follow no order, and what a table of them has to hold.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use weir_model::Contract;
use weir_silver::{Silver, Source};

use super::wide;

/// What keys look like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Keys {
    /// 36 characters, as a UUID.
    Texts,
    Ints,
}

impl Keys {
    /// The contract: key `k`, text `a`, number `b`.
    pub fn contract(self) -> Contract {
        let key = match self {
            Keys::Texts => "logicalType: string",
            Keys::Ints => "logicalType: integer, physicalType: bigint",
        };
        super::lake::parse(&format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: t\nname: t\nversion: 1.0.0\nstatus: active\nschema:\n  - name: t\n    properties:\n\
             \x20     - {{name: k, {key}, primaryKey: true, primaryKeyPosition: 1, required: true}}\n\
             \x20     - {{name: a, logicalType: string}}\n\
             \x20     - {{name: b, logicalType: integer, physicalType: bigint}}\n"
        ))
    }

    /// The number of the greatest key.
    pub fn greatest(self, numbers: &[u64]) -> u64 {
        let numbers = numbers.iter().copied();
        match self {
            Keys::Texts => numbers.max_by_key(|number| text(*number)).unwrap(),
            Keys::Ints => numbers.max_by_key(|number| int(*number)).unwrap(),
        }
    }

    fn array(self, numbers: &[u64]) -> ArrayRef {
        match self {
            Keys::Texts => Arc::new(StringArray::from_iter_values(numbers.iter().map(|number| text(*number)))),
            Keys::Ints => Arc::new(Int64Array::from_iter_values(numbers.iter().map(|number| int(*number)))),
        }
    }
}

/// Spreads numbers over 64 bits, each to another place.
fn spread(number: u64) -> u64 {
    let number = (number ^ (number >> 31)).wrapping_mul(0x7fb5_d329_728e_a185);
    let number = (number ^ (number >> 27)).wrapping_mul(0x81da_def4_bc2d_d44d);
    number ^ (number >> 33)
}

fn int(number: u64) -> i64 {
    spread(number).cast_signed()
}

fn text(number: u64) -> String {
    let (high, low) = (spread(number), spread(number ^ 0x5555_5555_5555_5555));
    let hex = format!("{high:016x}{low:016x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// The text that a record of a key and a sequence sets.
fn value(number: u64, sequence: u32) -> String {
    format!("{:x} {sequence}", spread(number ^ u64::from(sequence)))
}

/// Writes records of these keys, in this order, all of one sequence.
pub async fn bronze(silver: &Silver, keys: Keys, numbers: &[u64], sequence: u32) -> Source {
    let count = numbers.len();
    let times = TimestampMicrosecondArray::from(vec![i64::from(sequence) * 1_000_000; count]).with_timezone("UTC");
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("k", keys.array(numbers)),
        ("a", Arc::new(StringArray::from_iter_values(numbers.iter().map(|number| value(*number, sequence))))),
        ("b", Arc::new(Int64Array::from_iter_values(numbers.iter().map(|number| number.cast_signed())))),
        ("_op", Arc::new(StringArray::from(vec!["U"; count]))),
        ("_seq", Arc::new(StringArray::from(vec![format!("1{sequence:03}"); count]))),
        ("_event_time", Arc::new(times)),
        ("_unchanged", Arc::new(StringArray::from(vec![None::<&str>; count]))),
    ];
    let bytes = wide::parquet(&RecordBatch::try_from_iter(columns).unwrap());
    let control_id = format!("{sequence:08x}{count:012x}{:012x}", numbers.first().copied().unwrap_or(0) & 0xffff_ffff);
    let bronze_key = format!("bronze/t/v1/{control_id}.parquet");
    wide::put(silver, &bronze_key, bytes).await;
    Source { control_id, bronze_key }
}

/// Holds that the table has these keys, each with the values of its sequence, and no other row.
pub async fn holds(silver: &Silver, keys: Keys, expected: &HashMap<u64, u32>) {
    let mut seen: Vec<u64> = Vec::new();
    for batch in wide::scan(silver).await {
        let numbers = batch.column_by_name("b").unwrap().as_primitive::<Int64Type>();
        let texts = batch.column_by_name("a").unwrap().as_string::<i32>();
        let stored = batch.column_by_name("k").unwrap();
        for row in 0..batch.num_rows() {
            let number = numbers.value(row).cast_unsigned();
            assert_eq!(texts.value(row), value(number, expected[&number]));
            match keys {
                Keys::Ints => assert_eq!(stored.as_primitive::<Int64Type>().value(row), int(number)),
                Keys::Texts => assert_eq!(stored.as_string::<i32>().value(row), text(number)),
            }
            seen.push(number);
        }
    }
    let rows = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!((rows, seen.len()), (expected.len(), expected.len()));
}
