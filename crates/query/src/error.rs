//! Why a query has no answer.

use std::error::Error as StdError;

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use iceberg_commit::TableError;
use iceberg_files::FilesError;
use thiserror::Error;
use weir_ports::control_store::StoreError;

/// Why a query has no answer. It has changed nothing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The text is no SQL.
    #[error("{message}{}", shown(excerpt))]
    Syntax {
        /// What is wrong, with line and column.
        message: String,
        /// The line of the query with a mark below it; empty where the place is not known.
        excerpt: String,
    },
    /// The statement does more than ask.
    #[error("{0}; only queries are answered here: SELECT, WITH, VALUES, EXPLAIN, SHOW TABLES and DESCRIBE")]
    Refused(String),
    /// A table that there is not.
    #[error("{message}{}", shown(excerpt))]
    Table {
        /// Which, and what is like it.
        message: String,
        /// The line of the query with a mark below it.
        excerpt: String,
    },
    /// A column or function that there is not, or that cannot be used so.
    #[error("{message}{}", shown(excerpt))]
    Unknown {
        /// Which, and what is like it.
        message: String,
        /// The line of the query with a mark below it; empty where the place is not known.
        excerpt: String,
    },
    /// A snapshot that there is not.
    #[error("{0}")]
    Snapshot(String),
    /// A file of a table cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another engine wrote the table in a way that is not read here.
    #[error("table {table}: {detail}")]
    Foreign {
        /// The table.
        table: String,
        /// What it is, and what to do.
        detail: String,
    },
    /// The catalog, or a table's metadata, cannot be read.
    #[error(transparent)]
    Catalog(#[from] TableError),
    /// The control records cannot be read.
    #[error(transparent)]
    Control(#[from] StoreError),
    /// Objects cannot be listed or read.
    #[error("{what}: {source}; run the query again")]
    Store {
        /// What was tried.
        what: String,
        /// What the store said.
        source: object_store::Error,
    },
    /// The query takes more memory than it may.
    #[error(
        "the query takes more memory than it may use ({0}); allow more with `gold.memoryMb` in lake.yaml, use fewer workers, or read less: \
         fewer columns, a filter, a smaller side of the join first"
    )]
    Memory(String),
    /// The query failed while it ran.
    #[error("{0}")]
    Execution(String),
    /// An answer cannot be written.
    #[error("{what}: {source}")]
    Write {
        /// What was to be written.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
    /// What cannot happen.
    #[error("{0}; this is a defect of Weir")]
    Defect(String),
}

fn shown(excerpt: &str) -> String {
    if excerpt.is_empty() { String::new() } else { format!("\n{excerpt}") }
}

/// A file of a table that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a file of {table} cannot be read: {path} ({reason}); {advice}")]
pub struct FileError {
    /// The table.
    pub table: String,
    /// The file.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
    /// What to do.
    pub advice: &'static str,
    /// Whether it is not there at all.
    pub missing: bool,
}

impl QueryError {
    /// A stable name for scripts.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            QueryError::Syntax { .. } => "Query.Syntax",
            QueryError::Refused(_) => "Query.Refused",
            QueryError::Table { .. } => "Query.Table",
            QueryError::Unknown { .. } => "Query.Unknown",
            QueryError::Snapshot(_) => "Query.Snapshot",
            QueryError::File(_) => "Query.File",
            QueryError::Foreign { .. } => "Query.Foreign",
            QueryError::Catalog(TableError::Catalog { .. } | TableError::Objects { .. }) | QueryError::Store { .. } => {
                "Transient.Table"
            }
            QueryError::Catalog(_) => "Query.Catalog",
            QueryError::Control(error) if error.is_transient() => "Transient.ControlStore",
            QueryError::Control(_) => "Query.Control",
            QueryError::Memory(_) => "Query.Memory",
            QueryError::Execution(_) => "Query.Execution",
            QueryError::Write { .. } => "Query.Write",
            QueryError::Defect(_) => "Weir.Defect",
        }
    }

    pub(crate) fn files(table: &str, error: FilesError) -> Self {
        match error {
            FilesError::Table(error) => QueryError::Catalog(error),
            FilesError::Store { what, source } => QueryError::Store { what, source },
            FilesError::Foreign { detail } => QueryError::Foreign { table: table.to_owned(), detail },
            error => {
                let missing = error.is_missing_file();
                match error {
                    FilesError::Parquet { path, source, .. } => QueryError::File(FileError {
                        table: table.to_owned(),
                        path,
                        reason: source.to_string(),
                        advice: if missing { MISSING } else { DAMAGED },
                        missing,
                    }),
                    other => QueryError::Defect(other.to_string()),
                }
            }
        }
    }
}

/// What to do about a file of an Iceberg table that is gone.
pub(crate) const MISSING: &str = "files of expired snapshots go with `weir maintain`: if the query began before that, run it again; else \
     bring the file back, or read another snapshot";
/// What to do about a file of an Iceberg table that is not what its writer wrote.
pub(crate) const DAMAGED: &str = "bring the file back from a copy, or read a snapshot from before the file was added";

impl From<QueryError> for DataFusionError {
    fn from(error: QueryError) -> Self {
        DataFusionError::External(Box::new(error))
    }
}

impl From<DataFusionError> for QueryError {
    fn from(error: DataFusionError) -> Self {
        // An error of ours that only passed through.
        let error = match unwrapped(error) {
            Ok(ours) => return ours,
            Err(error) => error,
        };
        if let Some(file) = cause::<FileError>(&error) {
            return QueryError::File(file.clone());
        }
        let root = error.find_root();
        match root {
            DataFusionError::SQL(parse, _) => QueryError::Syntax { message: parse.to_string(), excerpt: String::new() },
            DataFusionError::ResourcesExhausted(detail) => QueryError::Memory(first_line(detail)),
            DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
                SchemaError::FieldNotFound { field, valid_fields } => {
                    let known: Vec<String> = valid_fields.iter().map(|column| column.name.clone()).collect();
                    let message = crate::sql::no_such("column", &field.name, &known);
                    QueryError::Unknown { message, excerpt: String::new() }
                }
                other => QueryError::Unknown { message: other.to_string(), excerpt: String::new() },
            },
            DataFusionError::Plan(message) => QueryError::Unknown { message: message.clone(), excerpt: String::new() },
            DataFusionError::NotImplemented(message) => QueryError::Unknown {
                message: format!("not possible here: {message}; write it in another way"),
                excerpt: String::new(),
            },
            DataFusionError::Internal(message) => QueryError::Execution(format!(
                "the query engine stumbled ({message}); write the query in another way, and report this"
            )),
            other => QueryError::Execution(first_line(&other.strip_backtrace())),
        }
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_end_matches([':', '.']).to_owned()
}

fn unwrapped(error: DataFusionError) -> Result<QueryError, DataFusionError> {
    match error {
        DataFusionError::External(inner) => match inner.downcast::<QueryError>() {
            Ok(ours) => Ok(*ours),
            Err(other) => Err(DataFusionError::External(other)),
        },
        DataFusionError::Context(context, inner) => {
            unwrapped(*inner).map_err(|inner| DataFusionError::Context(context, Box::new(inner)))
        }
        DataFusionError::Diagnostic(diagnostic, inner) => {
            unwrapped(*inner).map_err(|inner| DataFusionError::Diagnostic(diagnostic, Box::new(inner)))
        }
        other => Err(other),
    }
}

/// The first error of type `E` among an error and its causes.
fn cause<'e, E: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
