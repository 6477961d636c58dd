//! What a row's partition is, by the specification alone.

use super::wide::Value;

/// A transform of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transform {
    Identity,
    Year,
    Month,
    Day,
    Hour,
    Bucket(u32),
    Truncate(u32),
}

impl Transform {
    pub fn declared(self, column: &str) -> String {
        match self {
            Transform::Identity => column.to_owned(),
            Transform::Year => format!("year({column})"),
            Transform::Month => format!("month({column})"),
            Transform::Day => format!("day({column})"),
            Transform::Hour => format!("hour({column})"),
            Transform::Bucket(number) => format!("bucket({number}, {column})"),
            Transform::Truncate(number) => format!("truncate({number}, {column})"),
        }
    }

    /// The partition's value, as the specification says
    /// (<https://iceberg.apache.org/spec/#partition-transforms>).
    pub fn of(self, value: &Value) -> Value {
        const DAY: i64 = 86_400_000_000;
        let days = |value: &Value| match value {
            Value::Date(days) => i64::from(*days),
            Value::Time(micros) => micros.div_euclid(DAY),
            other => panic!("{other:?} is no time"),
        };
        let int = |number: i64| Value::Int(number.try_into().unwrap());
        if *value == Value::Null {
            return Value::Null;
        }
        match self {
            Transform::Identity => plain(value.clone()),
            Transform::Year => int(civil(days(value)).0 - 1970),
            Transform::Month => int((civil(days(value)).0 - 1970) * 12 + civil(days(value)).1 - 1),
            Transform::Day => int(days(value)),
            Transform::Hour => match value {
                Value::Time(micros) => int(micros.div_euclid(3_600_000_000)),
                other => panic!("{other:?} is no timestamp"),
            },
            Transform::Bucket(number) => {
                let bytes = match value {
                    Value::Text(text) => text.as_bytes().to_vec(),
                    Value::Bytes(bytes) => bytes.clone(),
                    Value::Int(number) | Value::Date(number) => i64::from(*number).to_le_bytes().to_vec(),
                    Value::Long(number) | Value::Time(number) => number.to_le_bytes().to_vec(),
                    Value::Decimal(number) => least_bytes(*number),
                    other => panic!("{other:?} has no bucket"),
                };
                Value::Int(((murmur3(&bytes) & 0x7fff_ffff) % number).cast_signed())
            }
            Transform::Truncate(width) => match value {
                Value::Text(text) => Value::Text(text.chars().take(width as usize).collect()),
                Value::Bytes(bytes) => Value::Bytes(bytes.iter().copied().take(width as usize).collect()),
                Value::Int(number) => Value::Int(number - number.rem_euclid(width.cast_signed())),
                Value::Long(number) => Value::Long(number - number.rem_euclid(i64::from(width))),
                Value::Decimal(number) => Value::Decimal(number - number.rem_euclid(i128::from(width))),
                other => panic!("{other:?} is not truncated"),
            },
        }
    }
}

/// As a manifest holds it: dates and times are numbers.
pub fn plain(value: Value) -> Value {
    match value {
        Value::Date(days) => Value::Int(days),
        Value::Time(micros) => Value::Long(micros),
        other => other,
    }
}

/// Year and month of a day, by counting.
fn civil(days: i64) -> (i64, i64) {
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (mut year, mut left) = (1970, days);
    while left < 0 {
        year -= 1;
        left += if is_leap(year) { 366 } else { 365 };
    }
    while left >= if is_leap(year) { 366 } else { 365 } {
        left -= if is_leap(year) { 366 } else { 365 };
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    (year, month)
}

/// Two's complement in as few bytes as there can be, the most significant first.
fn least_bytes(number: i128) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let fits =
        |length: &usize| *length == 16 || (-(1i128 << (8 * length - 1))..1i128 << (8 * length - 1)).contains(&number);
    let length = (1..=16).find(fits).unwrap();
    bytes[16 - length..].to_vec()
}

/// MurmurHash3, x86, 32 bits, seed 0.
fn murmur3(bytes: &[u8]) -> u32 {
    let mix = |word: u32| word.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let mut hash = 0u32;
    let chunks = bytes.chunks_exact(4);
    let rest = chunks.remainder();
    for chunk in chunks {
        hash ^= mix(u32::from_le_bytes(chunk.try_into().unwrap()));
        hash = hash.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    if !rest.is_empty() {
        let mut word = [0; 4];
        word[..rest.len()].copy_from_slice(rest);
        hash ^= mix(u32::from_le_bytes(word));
    }
    hash ^= bytes.len() as u32;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}
