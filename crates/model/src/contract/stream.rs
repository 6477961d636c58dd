//! How change records of a table are read from a stream.

use super::TimeText;
use crate::change::Operation;
use crate::sequence::SequenceRule;

/// How change records of a table are read from a stream; the default is that of a contract which
/// says nothing about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StreamSettings {
    /// What stands around a row; `None`: told by each record's content.
    pub envelope: Option<EnvelopeKind>,
    /// What orders the changes of one key. A stream needs one, files have their own.
    pub sequence: Option<SequenceRule>,
    /// Where DMS puts what an update replaced.
    pub before_image: BeforeImage,
    /// For records that are flat JSON.
    pub flat: FlatSettings,
}

/// What stands around a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvelopeKind {
    /// AWS Database Migration Service.
    Dms,
    /// Debezium, bare or as `{schema, payload}`.
    Debezium,
    /// Nothing: the record is the row.
    Flat,
}

impl EnvelopeKind {
    /// Every word of a contract with what it means.
    pub const WORDS: &'static [(&'static str, EnvelopeKind)] =
        &[("dms", EnvelopeKind::Dms), ("debezium", EnvelopeKind::Debezium), ("flat", EnvelopeKind::Flat)];

    /// The word that contracts use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            EnvelopeKind::Dms => "dms",
            EnvelopeKind::Debezium => "debezium",
            EnvelopeKind::Flat => "flat",
        }
    }
}

/// Where DMS puts what an update replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BeforeImage {
    /// An object beside the row: the task's `BeforeImageSettings.FieldName`.
    Field(String),
    /// Columns of the row itself whose names begin with this: a mapping's `add-before-image-columns`.
    Prefix(String),
}

impl Default for BeforeImage {
    fn default() -> Self {
        BeforeImage::Field("before-image".to_owned())
    }
}

/// How flat JSON tells what happened to its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlatSettings {
    /// The field with the operation; without one every record is an insert.
    pub operation_field: Option<String>,
    /// The source's words for operations, as they stand in its records.
    pub operations: Vec<(String, Operation)>,
    /// The field with the number that orders the changes of one key.
    pub sequence_field: Option<String>,
    /// The field with the time of the change.
    pub event_time: Option<EventTimeField>,
}

/// The field with the time of the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventTimeField {
    /// Its name in the source.
    pub name: String,
    /// How it is written, as its column says; RFC 3339 where it is no column.
    pub text: TimeText,
}

impl Default for FlatSettings {
    fn default() -> Self {
        let words = [
            ("insert", Operation::Insert),
            ("update", Operation::Update),
            ("delete", Operation::Delete),
            ("load", Operation::Load),
        ];
        let letters = words.iter().map(|(_, operation)| (operation.letter(), *operation));
        FlatSettings {
            operation_field: None,
            operations: letters.chain(words).map(|(word, operation)| (word.to_owned(), operation)).collect(),
            sequence_field: None,
            event_time: None,
        }
    }
}
