//! Which data files a delete file may take rows from.

use iceberg::metadata_columns::RESERVED_FIELD_ID_DELETE_FILE_PATH;
use iceberg::spec::{DataContentType, DataFile, Datum, PrimitiveLiteral};

use crate::live::LiveFile;

/// What the deletes of a file are about, as far as its metadata tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Positions in this one data file.
    File(String),
    /// Positions in data files whose paths are from the first to the second; `None` where the metadata sets no bound.
    Paths(Option<String>, Option<String>),
    /// Rows equal to those of the file, in any data file.
    Rows,
}

impl Scope {
    /// The scope of a delete file. A data file has that of its own path.
    #[must_use]
    pub fn of(file: &DataFile) -> Self {
        match file.content_type() {
            DataContentType::Data => Scope::File(file.file_path().to_owned()),
            DataContentType::EqualityDeletes => Scope::Rows,
            DataContentType::PositionDeletes => {
                if let Some(path) = file.referenced_data_file() {
                    return Scope::File(path);
                }
                let lower = file.lower_bounds().get(&RESERVED_FIELD_ID_DELETE_FILE_PATH).and_then(text);
                let upper = file.upper_bounds().get(&RESERVED_FIELD_ID_DELETE_FILE_PATH).and_then(text);
                match (lower, upper) {
                    (Some(lower), Some(upper)) if lower == upper => Scope::File(lower),
                    (lower, upper) => Scope::Paths(lower, upper),
                }
            }
        }
    }
}

fn text(datum: &Datum) -> Option<String> {
    match datum.literal() {
        PrimitiveLiteral::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// Whether the delete file may take rows from the data file: the rule by which readers decide what to apply.
#[must_use]
pub fn may_apply(delete: &LiveFile, data: &LiveFile) -> bool {
    let same_partition = || delete.spec_id == data.spec_id && delete.file.partition() == data.file.partition();
    let path = data.file.file_path();
    match Scope::of(&delete.file) {
        // The path alone decides: the partition follows from it.
        Scope::File(scope) => scope == path && delete.sequence_number >= data.sequence_number,
        Scope::Paths(lower, upper) => {
            delete.sequence_number >= data.sequence_number
                && same_partition()
                && lower.is_none_or(|lower| lower.as_str() <= path)
                && upper.is_none_or(|upper| path <= upper.as_str())
        }
        Scope::Rows => {
            let global = || delete.file.partition().fields().is_empty();
            delete.sequence_number > data.sequence_number && (global() || same_partition())
        }
    }
}
