//! Column types, and which of them a pair of logical and physical type stands for.

use std::fmt;

use super::time_pattern::TimePattern;

/// The most digits a decimal may have: what Parquet and Iceberg hold in 16 bytes.
pub const MAX_DECIMAL_PRECISION: u8 = 38;

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8 text.
    String,
    /// A whole number of 32 bits.
    Int32,
    /// A whole number of 64 bits.
    Int64,
    /// A binary floating point number of 32 bits.
    Float32,
    /// A binary floating point number of 64 bits.
    Float64,
    /// An exact decimal number.
    Decimal {
        /// All digits.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// True or false.
    Boolean,
    /// A day, in the calendar that ISO 8601 uses.
    Date(TimeText),
    /// A point in time (`zoned`) or a wall clock reading (not), in microseconds.
    Timestamp {
        /// Whether it is a point in time, stored in UTC.
        zoned: bool,
        /// How the source writes it.
        text: TimeText,
    },
    /// Bytes; base64 in the source.
    Binary,
    /// A JSON value of any shape, kept as its own text.
    Json,
}

/// How the source writes a date or a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeText {
    /// ISO 8601 and RFC 3339 forms (`docs/contracts.md` lists them).
    Iso,
    /// A pattern of the contract.
    Pattern(TimePattern),
    /// A number of these since 1970-01-01T00:00:00Z.
    Epoch(EpochUnit),
}

/// What is counted since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EpochUnit {
    /// Days of 86,400 seconds.
    Days,
    /// Seconds.
    Seconds,
    /// Thousandths of a second.
    Milliseconds,
    /// Millionths of a second.
    Microseconds,
}

impl EpochUnit {
    /// Every word of a contract with what it means.
    pub const WORDS: &'static [(&'static str, EpochUnit)] = &[
        ("days", EpochUnit::Days),
        ("seconds", EpochUnit::Seconds),
        ("milliseconds", EpochUnit::Milliseconds),
        ("microseconds", EpochUnit::Microseconds),
    ];

    /// Microseconds of one.
    #[must_use]
    pub fn micros(self) -> i64 {
        match self {
            EpochUnit::Days => 86_400_000_000,
            EpochUnit::Seconds => 1_000_000,
            EpochUnit::Milliseconds => 1_000,
            EpochUnit::Microseconds => 1,
        }
    }

    /// The word that contracts use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            EpochUnit::Days => "days",
            EpochUnit::Seconds => "seconds",
            EpochUnit::Milliseconds => "milliseconds",
            EpochUnit::Microseconds => "microseconds",
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            ColumnType::String => "string",
            ColumnType::Int32 => "int32",
            ColumnType::Int64 => "int64",
            ColumnType::Float32 => "float32",
            ColumnType::Float64 => "float64",
            ColumnType::Decimal { precision, scale } => return write!(f, "decimal({precision},{scale})"),
            ColumnType::Boolean => "boolean",
            ColumnType::Date(_) => "date",
            ColumnType::Timestamp { zoned: true, .. } => "timestamp with time zone",
            ColumnType::Timestamp { zoned: false, .. } => "timestamp",
            ColumnType::Binary => "binary",
            ColumnType::Json => "json",
        };
        f.pad(name)
    }
}

/// A physical type as contracts write it: a word and up to two numbers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PhysicalType {
    pub(super) word: String,
    pub(super) arguments: Vec<u64>,
}

impl PhysicalType {
    /// Reads `varchar(20)`, `DECIMAL(10, 2)` or `timestamp with time zone`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let lower = text.trim().to_ascii_lowercase();
        let (word, arguments, tail) = match lower.split_once('(') {
            None => (lower.as_str(), Vec::new(), ""),
            Some((word, rest)) => {
                let (inside, tail) = rest.split_once(')')?;
                let arguments = inside.split(',').map(|part| part.trim().parse().ok()).collect::<Option<Vec<u64>>>()?;
                (word, arguments, tail)
            }
        };
        let word: Vec<&str> = word.split_whitespace().chain(tail.split_whitespace()).collect();
        Some(PhysicalType { word: word.join(" "), arguments })
    }
}

/// Which of Weir's types a physical type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Physical {
    String,
    Int32,
    Int64,
    Float32,
    Float64,
    Decimal,
    Boolean,
    Date,
    Timestamp,
    TimestampTz,
    Binary,
    Json,
}

/// Every physical type that is understood.
pub(super) const PHYSICAL: &[(&str, Physical)] = &[
    ("string", Physical::String),
    ("text", Physical::String),
    ("varchar", Physical::String),
    ("char", Physical::String),
    ("character varying", Physical::String),
    ("uuid", Physical::String),
    ("tinyint", Physical::Int32),
    ("smallint", Physical::Int32),
    ("int", Physical::Int32),
    ("int32", Physical::Int32),
    ("integer", Physical::Int32),
    ("bigint", Physical::Int64),
    ("int64", Physical::Int64),
    ("long", Physical::Int64),
    ("real", Physical::Float32),
    ("float", Physical::Float32),
    ("float32", Physical::Float32),
    ("double", Physical::Float64),
    ("double precision", Physical::Float64),
    ("float64", Physical::Float64),
    ("decimal", Physical::Decimal),
    ("numeric", Physical::Decimal),
    ("boolean", Physical::Boolean),
    ("bool", Physical::Boolean),
    ("date", Physical::Date),
    ("timestamp", Physical::Timestamp),
    ("datetime", Physical::Timestamp),
    ("timestamp without time zone", Physical::Timestamp),
    ("timestamptz", Physical::TimestampTz),
    ("timestamp with time zone", Physical::TimestampTz),
    ("binary", Physical::Binary),
    ("varbinary", Physical::Binary),
    ("bytea", Physical::Binary),
    ("blob", Physical::Binary),
    ("json", Physical::Json),
    ("jsonb", Physical::Json),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn physical_types_are_read_whatever_their_case_and_spacing() {
        let decimal = PhysicalType::parse("DECIMAL( 10 , 2 )").unwrap();
        assert_eq!((decimal.word.as_str(), decimal.arguments), ("decimal", vec![10, 2]));
        let time = PhysicalType::parse("timestamp(6) with  time zone").unwrap();
        assert_eq!((time.word.as_str(), time.arguments), ("timestamp with time zone", vec![6]));
        assert_eq!(PhysicalType::parse("decimal(10"), None);
        assert_eq!(PhysicalType::parse("varchar(max)"), None);
    }
}
