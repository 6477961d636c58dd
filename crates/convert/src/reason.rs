//! Why a record is no row, or a text no value: stable names, and words that repeat no value.

use weir_model::Column;
use weir_model::contract::{ColumnType, TimeText};

/// Why a record is no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A CSV record with too few or too many fields.
    FieldCount { found: usize, expected: usize },
    /// Something other than a delimiter after a closing quote.
    TextAfterQuote,
    /// A quote that is never closed, or not within the longest record.
    OpenQuote,
    /// A record longer than the limit.
    TooLong { limit: usize },
    /// Not JSON.
    Syntax { what: &'static str, at: u64 },
    /// JSON, but no object.
    NotAnObject,
    /// A key that an object has twice.
    DuplicateKey,
    /// A required column without a value.
    NoValue,
    /// A value that is none of its column's type.
    Value(ValueError),
}

impl Reason {
    /// A stable name.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Reason::FieldCount { .. } => "field_count",
            Reason::TextAfterQuote => "text_after_quote",
            Reason::OpenQuote => "open_quote",
            Reason::TooLong { .. } => "record_too_long",
            Reason::Syntax { .. } => "json_syntax",
            Reason::NotAnObject => "not_an_object",
            Reason::DuplicateKey => "duplicate_key",
            Reason::NoValue => "no_value",
            Reason::Value(error) => error.code(),
        }
    }

    /// What is wrong, for people; holds no value.
    pub(crate) fn message(&self, column: Option<&Column>) -> String {
        match self {
            Reason::FieldCount { found, expected } => {
                format!("the record has {found} fields, the header {expected}")
            }
            Reason::TextAfterQuote => {
                "text follows a closing quote; a quote inside a quoted field is written twice".to_owned()
            }
            Reason::OpenQuote => "a quote is opened and not closed within the longest record".to_owned(),
            Reason::TooLong { limit } => {
                format!("the record is longer than {limit} bytes; raise ingest.maxRecordBytes if it is right")
            }
            Reason::Syntax { what, at } => format!("not JSON: {what} at byte {at}"),
            Reason::NotAnObject => "a JSON value that is no object cannot be a row".to_owned(),
            Reason::DuplicateKey => "the key stands twice in the object".to_owned(),
            Reason::NoValue => "the column is required and has no value here".to_owned(),
            Reason::Value(error) => {
                let column_type = column.map_or(&ColumnType::String, |column| &column.column_type);
                error.message(column_type)
            }
        }
    }
}

/// Why a text is no value of its column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueError {
    /// It is not written as the type is.
    Form,
    /// It is written so, but does not fit.
    Range,
    /// It has more digits after the point than the column keeps.
    Scale,
    /// It has digits below a microsecond.
    Nanoseconds,
    /// A time with an offset, in a column without time zone.
    Offset,
    /// A date with a time of day.
    TimeOfDay,
    /// A JSON object or array.
    Nested,
    /// Not UTF-8.
    Utf8,
    /// `_op` is none of I, U, D, L.
    Operation,
}

impl ValueError {
    /// A stable name.
    pub(crate) fn code(self) -> &'static str {
        match self {
            ValueError::Form => "not_of_type",
            ValueError::Range => "out_of_range",
            ValueError::Scale => "too_many_decimals",
            ValueError::Nanoseconds => "nanoseconds",
            ValueError::Offset => "unexpected_offset",
            ValueError::TimeOfDay => "unexpected_time",
            ValueError::Nested => "nested_value",
            ValueError::Utf8 => "not_utf8",
            ValueError::Operation => "unknown_operation",
        }
    }

    /// What is wrong with a value of a column of `column_type`; does not repeat the value.
    pub(crate) fn message(self, column_type: &ColumnType) -> String {
        match self {
            ValueError::Form => format!("the value is no {column_type}{}", form(column_type)),
            ValueError::Range => format!("the value does not fit {column_type}"),
            ValueError::Scale => {
                format!("the value has more digits after the point than {column_type} keeps; nothing is rounded here")
            }
            ValueError::Nanoseconds => {
                "the value has digits below a microsecond; declare the column as string to keep them".to_owned()
            }
            ValueError::Offset => {
                "the value has an offset from UTC and the column no time zone; set logicalTypeOptions.timezone: true"
                    .to_owned()
            }
            ValueError::TimeOfDay => {
                "the value has a time of day; declare the column as timestamp to keep it".to_owned()
            }
            ValueError::Nested => {
                format!(
                    "the value is a JSON object or array, the column {column_type}; declare it as logicalType object"
                )
            }
            ValueError::Utf8 => "the value is not UTF-8 text".to_owned(),
            ValueError::Operation => "the operation is none of I, U, D and L".to_owned(),
        }
    }
}

/// How a type is written, where its name does not say it.
fn form(column_type: &ColumnType) -> String {
    match column_type {
        ColumnType::Date(TimeText::Pattern(pattern))
        | ColumnType::Timestamp { text: TimeText::Pattern(pattern), .. } => {
            format!(" as {pattern}")
        }
        ColumnType::Date(TimeText::Epoch(unit)) | ColumnType::Timestamp { text: TimeText::Epoch(unit), .. } => {
            format!(" as a number of {} since 1970", unit.as_str())
        }
        ColumnType::Date(TimeText::Iso) => " as YYYY-MM-DD".to_owned(),
        ColumnType::Timestamp { text: TimeText::Iso, .. } => " as YYYY-MM-DDTHH:MM:SS".to_owned(),
        ColumnType::Boolean => " as true or false".to_owned(),
        ColumnType::Binary => " as base64".to_owned(),
        _ => String::new(),
    }
}
