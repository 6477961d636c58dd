//! Why files could not be read or written.

use arrow_schema::ArrowError;
use iceberg_commit::TableError;
use parquet::errors::ParquetError;
use thiserror::Error;

/// Why files of a table could not be read or written. No snapshot names what was written until then.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FilesError {
    /// A file cannot be addressed.
    #[error(transparent)]
    Table(#[from] TableError),
    /// An object could not be read or written.
    #[error("{what}: {source}; nothing was committed, run it again")]
    Store {
        /// What was to be done.
        what: String,
        /// What the store said.
        source: object_store::Error,
    },
    /// A Parquet file cannot be read.
    #[error("'{path}' cannot be read as Parquet ({source}); {advice}")]
    Parquet {
        /// The file.
        path: String,
        /// What is wrong with it.
        source: ParquetError,
        /// What to do.
        advice: &'static str,
    },
    /// Another engine wrote deletes that are not read here.
    #[error("{detail}")]
    Foreign {
        /// What they are, and the way out.
        detail: String,
    },
    /// A column that the table cannot take.
    #[error("column '{column}' {detail}")]
    Column {
        /// The column.
        column: String,
        /// What is wrong with it, and what to do.
        detail: String,
    },
    /// What cannot happen.
    #[error("{0}; this is a defect of Weir, nothing was committed")]
    Defect(String),
}

impl FilesError {
    /// Whether a file that is needed is not there, as after its snapshot was expired.
    #[must_use]
    pub fn is_missing_file(&self) -> bool {
        match self {
            FilesError::Table(error) => error.is_missing_file(),
            FilesError::Store { source, .. } => matches!(source, object_store::Error::NotFound { .. }),
            FilesError::Parquet { source: ParquetError::External(source), .. } => {
                matches!(source.downcast_ref(), Some(object_store::Error::NotFound { .. }))
            }
            _ => false,
        }
    }
}

impl From<ArrowError> for FilesError {
    fn from(error: ArrowError) -> Self {
        FilesError::Defect(format!("Arrow: {error}"))
    }
}

impl From<iceberg::Error> for FilesError {
    fn from(error: iceberg::Error) -> Self {
        FilesError::Defect(format!("Iceberg: {error}"))
    }
}

/// Why the rows of streams were not written.
#[derive(Debug, Error)]
pub enum WriteError<E: std::error::Error + 'static> {
    /// A stream failed.
    #[error(transparent)]
    Source(E),
    /// The rows could not be written, or the table cannot take them.
    #[error(transparent)]
    Files(#[from] FilesError),
}
