//! Why a record is not understood.

use thiserror::Error;
use weir_json::Stop;
use weir_model::sequence::SequenceRule;

use crate::reader::MAX_RECORD_BYTES;

/// Why a record is not understood. Names fields and columns, never the values of a row.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// There is nothing in it.
    #[error("the record is empty")]
    Empty,
    /// It is larger than any service delivers.
    #[error("the record has {bytes} bytes, at most {MAX_RECORD_BYTES} are read")]
    TooLong {
        /// How many it has.
        bytes: usize,
    },
    /// It is not UTF-8.
    #[error("byte {at} of the record is not UTF-8; JSON is (RFC 8259, 8.1)")]
    Encoding {
        /// Counted from 0, after white space at the front.
        at: usize,
    },
    /// It is not JSON.
    #[error("not JSON at byte {at}: {what}")]
    Syntax {
        /// What is wrong.
        what: &'static str,
        /// Counted from 0, after white space at the front.
        at: usize,
    },
    /// It nests deeper than any row does.
    #[error("nested deeper than {} levels at byte {at}", weir_json::MAX_DEPTH)]
    TooDeep {
        /// Counted from 0, after white space at the front.
        at: usize,
    },
    /// It is JSON and no object.
    #[error("expected an object, found another JSON value")]
    NotAnObject,
    /// An object has a key twice, so one of the values would be lost.
    #[error("{field} stands twice; which of the two holds cannot be told")]
    DuplicateKey {
        /// Which.
        field: String,
    },
    /// It is neither DMS nor Debezium, and no contract says that it is flat.
    #[error(
        "neither a DMS record (data, metadata) nor a Debezium one (op, source); if it is flat JSON, its table's contract \
         says so with 'weir.envelope: flat' and the stream is set to that table"
    )]
    UnknownShape,
    /// The contract names another envelope.
    #[error("the record is a {found} envelope; the contract of table '{table}' says 'weir.envelope: {expected}'")]
    WrongEnvelope {
        /// The table.
        table: String,
        /// What the contract says.
        expected: &'static str,
        /// What the record is.
        found: &'static str,
    },
    /// A field is missing or null.
    #[error("{field} is missing; {why}")]
    Missing {
        /// Which.
        field: String,
        /// What needs it.
        why: &'static str,
    },
    /// A field is something else than it should be.
    #[error("{field} is not {expected}")]
    Value {
        /// Which.
        field: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A field that the envelope does not have.
    #[error(
        "{field} is no field of a DMS record; if the task writes its before-image there, the contract says so with \
         'weir.dms.beforeImage'"
    )]
    UnknownField {
        /// Which.
        field: String,
    },
    /// An operation that is not known.
    #[error("{field} is no operation that is known")]
    UnknownOperation {
        /// Which field says it; with its word where that is the envelope's own.
        field: String,
    },
    /// The name of a table cannot be one in the lake.
    #[error(
        "{field} cannot be a table name in the lake (a letter, then letters a-z, digits and '_', at most 63); rename it \
         where the stream is made, names are not changed here"
    )]
    TableName {
        /// Which field says it, with the name.
        field: String,
    },
    /// Flat JSON names no table, and the stream is set to none.
    #[error("flat JSON does not say its table; set the stream's table")]
    NoTable,
    /// Nothing says what the table is.
    #[error("table '{table}' has no contract; write contracts/{table}.odcs.yaml, then send the record again")]
    NoContract {
        /// The table.
        table: String,
    },
    /// Nothing says what orders the changes of a table.
    #[error("the contract of table '{table}' does not say what orders its changes; set 'weir.sequence'")]
    NoSequenceRule {
        /// The table.
        table: String,
    },
    /// The rule orders something else.
    #[error("rule '{}' of table '{table}' cannot order {found} records; choose another in 'weir.sequence'", rule.as_str())]
    SequenceRule {
        /// The table.
        table: String,
        /// The rule.
        rule: SequenceRule,
        /// What the record is.
        found: &'static str,
    },
    /// A column has the name of one that a change record adds.
    #[error("column {field} has the name of a column that Weir adds; rename it where the stream is made")]
    ReservedColumn {
        /// Which.
        field: String,
    },
    /// The row has before-image columns, and the contract does not say so.
    #[error(
        "{field} looks like a before-image of the primary key and is no column of the contract; set \
         'weir.dms.beforeImage: BI_*', or add the column"
    )]
    BeforeImageColumn {
        /// Which.
        field: String,
    },
}

impl EnvelopeError {
    /// A name that stays the same when the words change.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            EnvelopeError::Empty => "Envelope.Empty",
            EnvelopeError::TooLong { .. } => "Envelope.TooLong",
            EnvelopeError::Encoding { .. } => "Envelope.Encoding",
            EnvelopeError::Syntax { .. } => "Envelope.Syntax",
            EnvelopeError::TooDeep { .. } => "Envelope.TooDeep",
            EnvelopeError::NotAnObject => "Envelope.NotAnObject",
            EnvelopeError::DuplicateKey { .. } => "Envelope.DuplicateKey",
            EnvelopeError::UnknownShape => "Envelope.UnknownShape",
            EnvelopeError::WrongEnvelope { .. } => "Envelope.WrongEnvelope",
            EnvelopeError::Missing { .. } => "Envelope.Missing",
            EnvelopeError::Value { .. } => "Envelope.Value",
            EnvelopeError::UnknownField { .. } => "Envelope.UnknownField",
            EnvelopeError::UnknownOperation { .. } => "Envelope.UnknownOperation",
            EnvelopeError::TableName { .. } => "Envelope.TableName",
            EnvelopeError::NoTable => "Envelope.NoTable",
            EnvelopeError::NoContract { .. } => "Envelope.NoContract",
            EnvelopeError::NoSequenceRule { .. } => "Envelope.NoSequenceRule",
            EnvelopeError::SequenceRule { .. } => "Envelope.SequenceRule",
            EnvelopeError::ReservedColumn { .. } => "Envelope.ReservedColumn",
            EnvelopeError::BeforeImageColumn { .. } => "Envelope.BeforeImageColumn",
        }
    }

    /// Why the scanner stopped; a record comes whole, so there is no more of it to wait for than its
    /// `length`.
    pub(crate) fn stopped(stop: Stop, length: usize) -> Self {
        match stop {
            Stop::Incomplete => EnvelopeError::Syntax { what: stop.what(), at: length },
            Stop::Syntax { what, at } => EnvelopeError::Syntax { what, at },
            Stop::TooDeep { at } => EnvelopeError::TooDeep { at },
        }
    }

    pub(crate) fn missing(field: impl Into<String>, why: &'static str) -> Self {
        EnvelopeError::Missing { field: field.into(), why }
    }

    pub(crate) fn value(field: impl Into<String>, expected: &'static str) -> Self {
        EnvelopeError::Value { field: field.into(), expected }
    }
}
