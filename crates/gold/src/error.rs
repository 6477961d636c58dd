//! Why a model was not built.

use datafusion::error::DataFusionError;
use iceberg_commit::{CommitError, TableError};
use iceberg_files::FilesError;
use thiserror::Error;
use weir_model::Problems;
use weir_ports::catalog::TableName;
use weir_query::QueryError;

use crate::audit::AuditError;

/// Why a model was not built. Its table is as it was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GoldError {
    /// The model cannot be built as it is written.
    #[error(transparent)]
    Model(#[from] Problems),
    /// A table's metadata cannot be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A data file cannot be read or written.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The rows of a table cannot be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The query failed.
    #[error("{file}: the query of {model} fails: {source}")]
    Engine {
        /// The model.
        model: TableName,
        /// Its file.
        file: String,
        /// Why.
        source: Box<DataFusionError>,
    },
    /// The query needs more memory than it may have, and cannot go to disk.
    #[error(
        "{file}: {model} needs more memory than it may have; raise gold.memoryMb in lake.yaml, or let the model join and \
         group less at one time ({detail})"
    )]
    Memory {
        /// The model.
        model: TableName,
        /// Its file.
        file: String,
        /// Which part of the query.
        detail: String,
    },
    /// A table of this name is there, and no model made it.
    #[error(
        "{file}: a table {model} is there already, and no model made it; give the model another name, or remove the \
         table with the tool of your catalog"
    )]
    Taken {
        /// The model.
        model: TableName,
        /// Its file.
        file: String,
    },
    /// The rows do not pass the model's own tests.
    #[error("{model} does not pass {failed}; nothing was committed, readers see the rows from before: {detail}")]
    Audit {
        /// The model.
        model: TableName,
        /// How many tests, in words.
        failed: String,
        /// Which, and how to see the rows.
        detail: String,
    },
    /// A test of the model cannot be carried out.
    #[error(transparent)]
    Test(#[from] AuditError),
    /// The commit was refused.
    #[error(transparent)]
    Commit(CommitError),
    /// Others kept changing the table.
    #[error("{model}: others committed to the table each time that it was built, {builds} times; build it again")]
    Contended {
        /// The model.
        model: TableName,
        /// How often it was built.
        builds: u32,
    },
    /// A mistake of ours.
    #[error("a defect of Weir, please report it: {0}")]
    Defect(String),
}

impl GoldError {
    /// A stable name, for scripts and state machines. What begins with `Transient.` may pass by itself.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            GoldError::Model(_) | GoldError::Test(_) => "Gold.Model",
            GoldError::Table(TableError::Catalog { .. } | TableError::Objects { .. }) => "Transient.Store",
            GoldError::Table(_) => "Gold.Table",
            GoldError::Files(FilesError::Store { .. }) => "Transient.Store",
            GoldError::Files(_) => "Gold.Files",
            GoldError::Query(_) | GoldError::Engine { .. } => "Gold.Query",
            GoldError::Memory { .. } => "Gold.Memory",
            GoldError::Taken { .. } => "Gold.Taken",
            GoldError::Audit { .. } => "Gold.Audit",
            GoldError::Commit(_) => "Gold.Commit",
            GoldError::Contended { .. } => "Transient.Contended",
            GoldError::Defect(_) => "Weir.Defect",
        }
    }
}
