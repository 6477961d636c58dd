//! Why a file as a whole cannot be converted. Nothing is published then.

use thiserror::Error;
use weir_model::raw::Compression;

/// A conversion that failed. No message holds a value of a row.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// The input could not be read; the fault is the storage's.
    #[error("reading the object failed after {offset} bytes: {source}")]
    Read {
        /// Bytes of the object read before.
        offset: u64,
        /// What the storage said.
        source: std::io::Error,
    },
    /// The output could not be written; the fault is the storage's.
    #[error("writing the {what} failed: {source}")]
    Write {
        /// Which output.
        what: &'static str,
        /// What the storage said.
        source: std::io::Error,
    },
    /// The compressed data is damaged.
    #[error(
        "the {compression} data is corrupt near byte {offset} of the object ({detail}); nothing of it was published, deliver the file again"
    )]
    Corrupt {
        /// How the object is packed.
        compression: Compression,
        /// Byte of the object, counted from 0.
        offset: u64,
        /// What the decompressor said.
        detail: String,
    },
    /// The object ends in the middle of its compressed data.
    #[error(
        "the {compression} data ends too early, at byte {offset} of the object: the file was cut short; nothing of it was published, deliver the file again"
    )]
    Truncated {
        /// How the object is packed.
        compression: Compression,
        /// Bytes that the object has.
        offset: u64,
    },
    /// The object decompresses to more than is allowed.
    #[error(
        "the object grows to more than {decompressed} bytes from its first {offset}, beyond the limit ({limit}); if it is no zip bomb, raise {setting} in lake.yaml or split the file"
    )]
    TooLarge {
        /// Bytes of the object read so far.
        offset: u64,
        /// Bytes after decompression.
        decompressed: u64,
        /// The limit in words.
        limit: String,
        /// The setting that holds it.
        setting: &'static str,
    },
    /// The text is in an encoding that is not UTF-8.
    #[error("the object is {encoding} text; convert it to UTF-8")]
    Encoding {
        /// Which encoding its first bytes name.
        encoding: &'static str,
    },
    /// The header of a CSV object does not fit the contract.
    #[error("line {line}: {detail}")]
    Header {
        /// Line, counted from 1.
        line: u64,
        /// What is wrong and what to do.
        detail: String,
    },
    /// The object has columns that the contract forbids.
    #[error(
        "the object has columns that contract '{table}' does not name: {names}; add them to the contract, or set weir.unknownColumns to note"
    )]
    UnknownColumns {
        /// The table.
        table: String,
        /// The names, quoted.
        names: String,
    },
    /// The data has more columns than a contract may have; only [`crate::infer`] says so.
    #[error(
        "the data has more than {limit} columns; are some of its keys values? A contract that names the others reads it"
    )]
    TooManyColumns {
        /// The most columns of a contract.
        limit: usize,
    },
    /// A JSON array that holds the rows is not closed, or something follows it.
    #[error("byte {offset} of the decompressed object: {detail}")]
    Array {
        /// Byte after decompression, counted from 0.
        offset: u64,
        /// What is wrong.
        detail: &'static str,
    },
    /// More rows are bad than the contract allows.
    #[error("{bad} of {rows} rows are bad, the contract allows {limit}; {reasons}")]
    TooManyBadRows {
        /// Bad rows, until reading stopped.
        bad: u64,
        /// Rows, until reading stopped.
        rows: u64,
        /// The limit in words.
        limit: String,
        /// The most frequent reasons, each with its first place.
        reasons: String,
    },
    /// [`crate::Progress::cancel`] was called.
    #[error("the conversion was stopped from outside; nothing was published")]
    Cancelled,
    /// A defect of Weir.
    #[error("defect: {0}; please report it, nothing was published")]
    Defect(String),
}

impl ConvertError {
    /// A stable name, which retry rules and people can match on.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ConvertError::Read { .. } => "Transient.Read",
            ConvertError::Write { .. } => "Transient.Write",
            ConvertError::Corrupt { .. } => "Input.Corrupt",
            ConvertError::Truncated { .. } => "Input.Truncated",
            ConvertError::TooLarge { .. } => "Input.TooLarge",
            ConvertError::Encoding { .. } => "Input.Encoding",
            ConvertError::Header { .. } => "Input.Header",
            ConvertError::UnknownColumns { .. } => "Input.UnknownColumns",
            ConvertError::TooManyColumns { .. } => "Input.TooManyColumns",
            ConvertError::Array { .. } => "Input.Array",
            ConvertError::TooManyBadRows { .. } => "Input.TooManyBadRows",
            ConvertError::Cancelled => "Transient.Cancelled",
            ConvertError::Defect(_) => "Weir.Defect",
        }
    }
}
