//! Rows that cannot be read: why, where, and what the quarantine object says of them.

use std::fmt;

use serde::Serialize;
use weir_model::contract::{ColumnType, PiiAction};
use weir_model::{Column, Contract};

use crate::tokens::{Kind, Span};
use crate::value::{self, ValueError};

/// The longest text of one value or record that the quarantine repeats, in bytes. The raw object
/// keeps the whole of it, at the offset that the quarantine names.
const MAX_TEXT: usize = 16 << 10;

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

/// A record that cannot be read, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadRow {
    /// The record's number in the object, from 0.
    pub row: u64,
    /// The line on which it begins, from 1.
    pub line: u64,
    /// The byte of the decompressed object at which it begins, from 0.
    pub byte_offset: u64,
    /// How many bytes were passed over for it; the limit where it is longer than the limit.
    pub byte_length: u64,
    /// The column at fault, where it is one.
    pub column: Option<String>,
    /// A stable name of the reason.
    pub reason: &'static str,
    /// The reason in words.
    pub message: String,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, byte {}", self.line, self.byte_offset)?;
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// One line of a quarantine object.
#[derive(Debug, Serialize)]
pub struct QuarantinedRow<'a> {
    /// Where and why.
    #[serde(flatten)]
    pub bad: &'a BadRow,
    /// The contract's columns as they stand in the record, personal data masked; null where the
    /// record could not be taken apart.
    pub values: Option<serde_json::Map<String, serde_json::Value>>,
    /// The record's own text, where it could not be taken apart and the table has no personal data.
    pub text: Option<String>,
}

/// The values of a record, with personal data replaced by what it is.
pub(crate) fn masked_values<'a>(
    contract: &Contract,
    spans: impl Iterator<Item = Span> + 'a,
    text: &'a [u8],
) -> serde_json::Map<String, serde_json::Value> {
    let mut scratch = Vec::new();
    let columns = contract.columns.iter().zip(spans);
    columns
        .filter(|(_, span)| span.kind() != Kind::Missing)
        .map(|(column, span)| {
            let value = match column.pii {
                Some(pii) if pii.action != PiiAction::Keep => format!("[masked: {}]", pii.kind.as_str()).into(),
                _ if span.kind() == Kind::Null => serde_json::Value::Null,
                _ => shorten(value::unescaped(span, text, &mut scratch).unwrap_or_default()).into(),
            };
            (column.name.clone(), value)
        })
        .collect()
}

/// Names for people: the first 20 of them, none longer than 100 bytes.
pub(crate) fn listed(names: &[String]) -> String {
    const MOST: usize = 20;
    let mut list: Vec<String> =
        names.iter().take(MOST).map(|name| format!("'{}'", cut_to(name.as_bytes(), 100))).collect();
    if names.len() > MOST {
        list.push(format!("{} more", names.len() - MOST));
    }
    list.join(", ")
}

/// Names from the object that the contract does not know, for people. Data may stand in the place of
/// names (a file without its header, JSON keys that are values), so where rows hold personal data
/// they are only counted.
pub(crate) fn foreign(contract: &Contract, names: &[String]) -> String {
    if contract.has_pii() {
        format!("{} (not named here: the table holds personal data, and these may be some of it)", names.len())
    } else {
        listed(names)
    }
}

/// Text for people: at most [`MAX_TEXT`] bytes, bytes that are no UTF-8 as `\xNN`.
pub(crate) fn shorten(bytes: &[u8]) -> String {
    cut_to(bytes, MAX_TEXT)
}

fn cut_to(bytes: &[u8], most: usize) -> String {
    let cut = &bytes[..bytes.len().min(most)];
    let mut out = String::with_capacity(cut.len());
    for chunk in cut.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    if cut.len() < bytes.len() {
        out.push_str(&format!("… ({} bytes in all)", bytes.len()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_for_people_is_cut_and_never_half_a_character() {
        assert_eq!(shorten("aü".as_bytes()), "aü");
        assert_eq!(shorten(b"a\xffb"), "a\\xffb");
        let long = "ü".repeat(MAX_TEXT);
        let short = shorten(long.as_bytes());
        assert!(short.len() < MAX_TEXT + 40 && short.contains("bytes in all"));
    }
}
