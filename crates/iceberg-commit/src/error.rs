//! What can go wrong.

use thiserror::Error;
use weir_ports::catalog::{CatalogError, TableName};

/// Why a table cannot be read, created or tidied.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TableError {
    /// The text is no place for tables.
    #[error("'{uri}' is no warehouse: {reason}; give file:///an/absolute/folder or s3://bucket/prefix")]
    Warehouse {
        /// The text.
        uri: String,
        /// Why not.
        reason: String,
    },
    /// A file that is not in the warehouse.
    #[error(
        "'{uri}' is outside of the warehouse {warehouse}; open the warehouse that holds it, or move the table into this one"
    )]
    Outside {
        /// The file.
        uri: String,
        /// Where files are looked for.
        warehouse: String,
    },
    /// A file whose name cannot be addressed.
    #[error("'{uri}' cannot be addressed: {reason}; give the file or its folder another name")]
    Uri {
        /// The file.
        uri: String,
        /// Why not.
        reason: String,
    },
    /// A name that cannot be a table's.
    #[error("'{table}' cannot be the name of a table: {reason}; choose another")]
    Name {
        /// The name.
        table: TableName,
        /// Why not.
        reason: &'static str,
    },
    /// The catalog.
    #[error("table {table}: {source}")]
    Catalog {
        /// The table.
        table: TableName,
        /// What the catalog said.
        source: CatalogError,
    },
    /// A file of the table's metadata cannot be read.
    #[error(
        "{what} {uri} cannot be read: {source}; see that the file is there and whole, then run the same step again"
    )]
    Read {
        /// What the file is.
        what: &'static str,
        /// The file.
        uri: String,
        /// Why not.
        source: Box<iceberg::Error>,
    },
    /// A file cannot be written.
    #[error(
        "{what} {uri} cannot be written: {source}; see that there is room and that you may write, then run the same step again"
    )]
    Write {
        /// What the file is.
        what: &'static str,
        /// The file.
        uri: String,
        /// Why not.
        source: Box<iceberg::Error>,
    },
    /// Objects cannot be listed or deleted.
    #[error("{what} fails: {source}; run the same step again")]
    Objects {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: object_store::Error,
    },
    /// The table's metadata, or a change to it, breaks a rule of Iceberg.
    #[error("{what} of table {table} is not possible: {source}")]
    Metadata {
        /// What was tried.
        what: &'static str,
        /// The table.
        table: TableName,
        /// The rule.
        source: Box<iceberg::Error>,
    },
    /// The table is in a state in which this cannot be done.
    #[error("table {table}: {what}")]
    State {
        /// The table.
        table: TableName,
        /// What stands in the way and what to do.
        what: String,
    },
}

impl TableError {
    /// Whether a file that is needed is not there, as after its snapshot was expired: the store has no such object.
    #[must_use]
    pub fn is_missing_file(&self) -> bool {
        let mut error = match self {
            TableError::Read { source, .. } => Some(source.as_ref() as &(dyn std::error::Error + 'static)),
            TableError::Objects { source, .. } => Some(source as _),
            _ => None,
        };
        while let Some(cause) = error {
            if matches!(cause.downcast_ref(), Some(object_store::Error::NotFound { .. })) {
                return true;
            }
            error = cause.source();
        }
        false
    }

    pub(crate) fn read(what: &'static str, uri: &str) -> impl FnOnce(iceberg::Error) -> Self {
        let uri = uri.to_owned();
        move |source| TableError::Read { what, uri, source: Box::new(source) }
    }

    pub(crate) fn write(what: &'static str, uri: &str) -> impl FnOnce(iceberg::Error) -> Self {
        let uri = uri.to_owned();
        move |source| TableError::Write { what, uri, source: Box::new(source) }
    }

    pub(crate) fn metadata(what: &'static str, table: &TableName) -> impl FnOnce(iceberg::Error) -> Self {
        let table = table.clone();
        move |source| TableError::Metadata { what, table, source: Box::new(source) }
    }

    pub(crate) fn catalog(table: &TableName) -> impl FnOnce(CatalogError) -> Self {
        let table = table.clone();
        move |source| TableError::Catalog { table, source }
    }
}

/// Why a commit was not made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Another commit came first and does not go together with this one. Nothing of this one is left but the data and
    /// delete files that the caller wrote.
    #[error("the commit to {table} conflicts with another: {what}; load the table and plan again")]
    Conflict {
        /// The table.
        table: TableName,
        /// What does not go together.
        what: String,
    },
    /// Others were faster every time. Nothing of this commit is left but the caller's files.
    #[error("the commit to {table} lost {attempts} races; run the same step again, or let fewer write to one table")]
    Contention {
        /// The table.
        table: TableName,
        /// How often it was tried.
        attempts: u32,
    },
    /// The catalog did not say whether the commit was made. Nothing was deleted.
    #[error(
        "it is not known whether the commit to {table} was made ({reason}); it was if {metadata_location} is or becomes \
         a part of the table's history: look there before you repeat it, and keep its files until then"
    )]
    Unknown {
        /// The table.
        table: TableName,
        /// The metadata file that the commit wrote.
        metadata_location: String,
        /// The snapshot that the commit makes; `None` where it changes metadata alone.
        snapshot_id: Option<i64>,
        /// What the catalog said.
        reason: String,
    },
    /// What was staged cannot be committed to this table.
    #[error("the commit to {table} is not possible: {what}")]
    Refused {
        /// The table.
        table: TableName,
        /// Why not and what to do.
        what: String,
    },
    /// A file or the catalog failed before anything was committed.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl CommitError {
    /// Whether planning again from the table's new head may succeed.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, CommitError::Conflict { .. } | CommitError::Contention { .. })
    }
}
