//! Why a merge did not come to its end.

use arrow_schema::ArrowError;
use iceberg_commit::{CommitError, TableError};
use iceberg_files::FilesError;
use parquet::errors::ParquetError;
use thiserror::Error;

use crate::shape::ShapeError;

/// Why a merge did not come to its end. Nothing of it is visible then; run it again once mended.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MergeError {
    /// The contract asks for a table that cannot be, or that the stored one cannot become.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The table could not be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The table could not be committed to.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// An object could not be read or written.
    #[error("{what}: {source}; nothing was merged, run it again")]
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
    /// A bronze file does not hold what a merge needs.
    #[error(
        "bronze file '{path}': {detail}; put the contract's column back as it was, or bring the file back as it was ingested"
    )]
    Bronze {
        /// The file.
        path: String,
        /// What is missing or wrong.
        detail: String,
    },
    /// Another engine wrote to the table in a way that cannot be merged into.
    #[error("table '{table}': {detail}")]
    Foreign {
        /// The table.
        table: String,
        /// What it is, and what to do.
        detail: String,
    },
    /// Other writers were faster, again and again.
    #[error(
        "table '{table}' was changed by others {plans} times while this merge was planned; run it again when fewer write to it"
    )]
    Contended {
        /// The table.
        table: String,
        /// How often the merge was planned.
        plans: u32,
    },
    /// What cannot happen.
    #[error("{0}; this is a defect of Weir, nothing was merged")]
    Defect(String),
}

impl MergeError {
    /// A stable name, for control records and state machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            MergeError::Shape(_) => "Silver.Shape",
            MergeError::Table(TableError::Objects { .. } | TableError::Catalog { .. }) => "Transient.Table",
            MergeError::Table(_) => "Silver.Table",
            MergeError::Commit(CommitError::Refused { .. }) => "Silver.Commit",
            MergeError::Commit(_) => "Transient.Commit",
            MergeError::Store { .. } => "Transient.ObjectStore",
            MergeError::Parquet { .. } => "Silver.Parquet",
            MergeError::Bronze { .. } => "Silver.Bronze",
            MergeError::Foreign { .. } => "Silver.Foreign",
            MergeError::Contended { .. } => "Transient.Contended",
            MergeError::Defect(_) => "Weir.Defect",
        }
    }

    /// What went wrong with a file of a table.
    pub(crate) fn files(table: &str) -> impl FnOnce(FilesError) -> Self {
        let table = table.to_owned();
        move |error| match error {
            FilesError::Table(error) => MergeError::Table(error),
            FilesError::Store { what, source } => MergeError::Store { what, source },
            FilesError::Parquet { path, source, advice } => MergeError::Parquet { path, source, advice },
            FilesError::Foreign { detail } => {
                MergeError::Foreign { table, detail: format!("{detail}, then merge again") }
            }
            FilesError::Defect(what) => MergeError::Defect(what),
            other => MergeError::Defect(other.to_string()),
        }
    }
}

impl From<ArrowError> for MergeError {
    fn from(error: ArrowError) -> Self {
        MergeError::Defect(format!("Arrow: {error}"))
    }
}

impl From<iceberg::Error> for MergeError {
    fn from(error: iceberg::Error) -> Self {
        MergeError::Defect(format!("Iceberg: {error}"))
    }
}
