//! Rows that cannot be read: why, where, and what the quarantine object says of them.

use std::fmt;

use serde::Serialize;
use weir_model::Contract;
use weir_model::contract::PiiAction;

use crate::names::shorten;
use crate::tokens::{Kind, Span};
use crate::value;

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
