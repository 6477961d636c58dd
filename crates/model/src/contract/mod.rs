//! A table's contract: what its source looks like, what its columns are, how strict to be.
//!
//! Contracts are Open Data Contract Standard v3.1 documents. [`Contract::parse`] reads the subset
//! that `docs/contracts.md` lists; a key that neither the standard nor Weir knows is an error.

mod column_type;
mod keys;
mod read;
pub mod silver;
mod stream;
mod time_pattern;

pub use column_type::{ColumnType, EpochUnit, MAX_DECIMAL_PRECISION, TimeText};
pub use silver::{SilverKind, SilverSettings};
pub use stream::{BeforeImage, EnvelopeKind, EventTimeField, FlatSettings, StreamSettings};
pub use time_pattern::{PatternField, TimePattern};

use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::keys::hex;
use crate::problem::Problems;
use crate::raw::Format;

/// One table, as its contract says it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Contract {
    /// The document's `id`.
    pub id: String,
    /// The document's semantic version.
    pub version: Version,
    /// The table's name: `schema[0].name`.
    pub table: String,
    /// What the table is, for people.
    pub description: Option<String>,
    /// The columns, in the contract's order.
    pub columns: Vec<Column>,
    /// Indexes into `columns` of the primary key, in its own order; empty where there is none.
    pub primary_key: Vec<usize>,
    /// How raw objects of this table are written.
    pub source: SourceSettings,
    /// How many rows of an object may be bad before the object fails as a whole.
    pub bad_row_limit: BadRowLimit,
    /// How `weir generate` makes rows of this table; `None` where the contract does not say.
    pub generate: Option<TableGenerator>,
    /// How change records of this table are read from a stream.
    pub stream: StreamSettings,
    /// What becomes of the table's change records in silver.
    pub silver: SilverSettings,
    /// What the contract says and Weir does not act on at this version.
    pub unread: Vec<Unread>,
    /// SHA-256 of the document's bytes, in hexadecimal.
    pub digest: String,
}

/// A semantic version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Version {
    /// Changes when readers of the table must change; the folder in bronze.
    pub major: u64,
    /// Changes when columns are added.
    pub minor: u64,
    /// Changes when only words change.
    pub patch: u64,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name in bronze and after.
    pub name: String,
    /// Its name in the raw object: the contract's `physicalName`, else `name`.
    pub source_name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// Whether a row without a value is bad.
    pub required: bool,
    /// What it is, for people.
    pub description: Option<String>,
    /// Whether it holds personal data, and what is done about it.
    pub pii: Option<Pii>,
    /// How `weir generate` makes its values.
    pub generate: Option<serde_json::Value>,
}

/// How raw objects are written.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceSettings {
    /// `None`: told by each object's content.
    pub format: Option<Format>,
    /// What happens to columns of the source that the contract does not name.
    pub unknown_columns: UnknownColumns,
    /// For objects that are CSV.
    pub csv: CsvSettings,
}

/// What happens to columns of the source that the contract does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownColumns {
    /// They are left out, and a note on the control record names them.
    Note,
    /// The object fails.
    Fail,
}

/// How CSV is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvSettings {
    /// One ASCII character.
    pub delimiter: u8,
    /// Whether the first record names the columns. Without it they are the contract's, in its order.
    pub header: bool,
    /// Unquoted fields with one of these texts are null.
    pub null: Vec<String>,
    /// Whether a quoted field with one of those texts is null too.
    pub null_when_quoted: bool,
}

impl Default for CsvSettings {
    fn default() -> Self {
        CsvSettings { delimiter: b',', header: true, null: vec![String::new()], null_when_quoted: false }
    }
}

/// How many rows of one object may be bad.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BadRowLimit {
    /// So many.
    Rows(u64),
    /// So many of each hundred, judged at the object's end.
    Percent(f64),
    /// More than so many rows and more than so many of each hundred: a small object may be bad to a
    /// larger part than a large one.
    Both {
        /// So many are always allowed.
        rows: u64,
        /// Beyond them, so many of each hundred.
        percent: f64,
    },
}

impl BadRowLimit {
    /// What holds where a contract says nothing.
    pub const DEFAULT: BadRowLimit = BadRowLimit::Both { rows: 100, percent: 1.0 };

    /// Whether `bad` of `rows` are too many.
    #[must_use]
    pub fn is_exceeded(self, bad: u64, rows: u64) -> bool {
        match self {
            BadRowLimit::Rows(limit) => bad > limit,
            BadRowLimit::Percent(percent) => bad as f64 * 100.0 > percent * rows as f64,
            BadRowLimit::Both { rows: some, percent } => {
                bad > some && BadRowLimit::Percent(percent).is_exceeded(bad, rows)
            }
        }
    }
}

impl fmt::Display for BadRowLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadRowLimit::Rows(limit) => write!(f, "{limit} rows"),
            BadRowLimit::Percent(percent) => write!(f, "{percent}% of the rows"),
            BadRowLimit::Both { rows, percent } => write!(f, "{rows} rows, or {percent}% of them where that is more"),
        }
    }
}

/// Personal data in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Pii {
    /// What it is.
    pub kind: PiiKind,
    /// What bronze holds in its place.
    pub action: PiiAction,
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// Every word of a contract with what it means.
            pub const WORDS: &'static [(&'static str, $name)] = &[$(($word, $name::$variant)),+];

            /// The word that contracts use.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }
    };
}

words! {
    /// What a column's personal data is.
    PiiKind {
        /// An e-mail address.
        Email = "email",
        /// A telephone number.
        Phone = "phone",
        /// A person's name or a part of it.
        Name = "name",
        /// A date of birth.
        DateOfBirth = "date_of_birth",
        /// A postal address or a part of it.
        Address = "address",
        /// A payment card number.
        Card = "card",
        /// A national or tax identifier.
        NationalId = "national_id",
        /// A bank account number.
        Iban = "iban",
        /// An IP address.
        IpAddress = "ip_address",
        /// Anything else about a person.
        Other = "other",
    }
}

words! {
    /// What bronze holds in place of personal data.
    PiiAction {
        /// HMAC-SHA-256 under the lake's key, in hexadecimal: equal values stay equal.
        Hash = "hash",
        /// Null.
        Redact = "redact",
        /// The value as it is: declared and accepted.
        Keep = "keep",
    }
}

/// How `weir generate` makes a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TableGenerator {
    /// So many rows for each thousand of `--rows`.
    PerThousand(f64),
    /// Always so many rows.
    Rows(u64),
}

/// A key that the standard knows and Weir does not act on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// Line, counted from 1.
    pub line: usize,
    /// Where in the document.
    pub path: String,
    /// What a reader may wrongly expect of it.
    pub meaning: String,
}

impl Contract {
    /// Reads one ODCS document; `file` is named in what is wrong.
    ///
    /// # Errors
    /// Every mistake in the document, each with its line.
    pub fn parse(file: &str, text: &str) -> Result<Contract, Problems> {
        read::contract(file, text)
    }

    /// The columns of the primary key, in its order.
    pub fn key_columns(&self) -> impl Iterator<Item = &Column> {
        // Indexes come from `read::contract`, which takes them from `columns` itself.
        self.primary_key.iter().filter_map(|index| self.columns.get(*index))
    }

    /// Whether any column is personal data, kept in clear or not.
    #[must_use]
    pub fn has_pii(&self) -> bool {
        self.columns.iter().any(|column| column.pii.is_some())
    }
}

pub(crate) fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests;
