//! Control records in one SQLite file.
//!
//! The record itself is JSON in one column, so that the store need not know its fields. Beside it
//! stand the columns that queries look at; each write sets all of them in one statement.

mod rows;
mod schema;
mod select;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, named_params};
use weir_model::control::ControlRecord;
use weir_ports::control_store::{ControlStore, Created, Page, Query, Replaced, StoreError, TableCounts, id_prefix};

use crate::blocking::{self, Lost};

/// Keeps control records in a SQLite file.
///
/// Several of these, in one process or in many on one machine, may use one file. The file must be
/// on a local disk: SQLite's write-ahead log needs memory that all of them share
/// (<https://sqlite.org/wal.html>).
#[derive(Debug, Clone)]
pub struct SqliteControlStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl SqliteControlStore {
    /// Opens the file, and creates it and its folder where they are missing. Waits for the disk.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] where the file cannot be opened, is no database, or was written by
    /// a newer version; [`StoreError::Unavailable`] where another process holds it for too long.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let connection = schema::open(&path)?;
        Ok(SqliteControlStore { inner: Arc::new(Inner { path, connection: Mutex::new(connection) }) })
    }

    /// Runs `call` with the connection, on a thread that may wait for the disk.
    async fn with<T, F>(&self, call: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failed> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let result = blocking::run(move || {
            // Each call is one statement or only reads, so a panic in one leaves nothing half done behind it.
            let connection = inner.connection.lock().unwrap_or_else(PoisonError::into_inner);
            call(&connection).map_err(|failed| failed.into_store_error(&inner.path))
        });
        match result.await {
            Ok(result) => result,
            Err(lost @ Lost::Stopped) => Err(StoreError::Unavailable { reason: lost.reason().to_owned() }),
            Err(lost @ Lost::Panicked) => Err(StoreError::Unusable { reason: lost.reason().to_owned() }),
        }
    }
}

/// What a call with the connection failed with.
enum Failed {
    Sqlite(rusqlite::Error),
    Store(StoreError),
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Failed::Sqlite(error)
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Failed::Store(error)
    }
}

impl Failed {
    fn into_store_error(self, path: &Path) -> StoreError {
        match self {
            Failed::Store(error) => error,
            Failed::Sqlite(error) => from_sqlite(&error, path),
        }
    }
}

/// What an error of SQLite means to a caller, and what a person can do about it.
fn from_sqlite(error: &rusqlite::Error, path: &Path) -> StoreError {
    use rusqlite::ErrorCode as Code;
    let advice = match error.sqlite_error_code() {
        Some(Code::DatabaseBusy | Code::DatabaseLocked) => {
            let reason = format!("{} is locked by another process: {error}", path.display());
            return StoreError::Unavailable { reason };
        }
        Some(Code::DiskFull) => "make room on the disk",
        Some(Code::NotADatabase | Code::DatabaseCorrupt) => {
            "this is no control store or it was damaged; give another path or restore a backup"
        }
        Some(Code::CannotOpen | Code::ReadOnly | Code::PermissionDenied) => {
            "see that the folder exists and that you may write to it"
        }
        Some(Code::SystemIoFailure) => "see that the disk is local and healthy",
        _ => "report this as a defect of Weir",
    };
    StoreError::Unusable { reason: format!("{}: {error}; {advice}", path.display()) }
}

#[async_trait]
impl ControlStore for SqliteControlStore {
    async fn create(&self, record: &ControlRecord) -> Result<Created, StoreError> {
        let record = record.clone();
        self.with(move |connection| {
            let row = rows::Row::of(&record)?;
            if connection.prepare_cached(rows::INSERT)?.execute(row.params(&record).as_slice())? == 1 {
                return Ok(Created::New);
            }
            match rows::get(connection, &record.id)? {
                Some(stored) => Ok(Created::Exists(Box::new(stored))),
                // Nothing here deletes records, so a person did, just now.
                None => Err(StoreError::Unavailable { reason: format!("{} was deleted meanwhile", record.id) }.into()),
            }
        })
        .await
    }

    async fn get(&self, id: &str) -> Result<Option<ControlRecord>, StoreError> {
        let id = id.to_owned();
        self.with(move |connection| rows::get(connection, &id)).await
    }

    async fn replace(&self, record: &ControlRecord) -> Result<Replaced, StoreError> {
        let record = record.clone();
        self.with(move |connection| {
            let written = ControlRecord { revision: record.revision.saturating_add(1), ..record };
            let row = rows::Row::of(&written)?;
            if connection.prepare_cached(rows::UPDATE)?.execute(row.params(&written).as_slice())? == 1 {
                return Ok(Replaced::Written(Box::new(written)));
            }
            let mut exists = connection.prepare_cached("SELECT 1 FROM control_records WHERE id = :id")?;
            match exists.query_row(named_params! { ":id": written.id }, |_| Ok(())).optional()? {
                Some(()) => Ok(Replaced::Conflict),
                None => Err(StoreError::NotFound { id: written.id }.into()),
            }
        })
        .await
    }

    async fn list(&self, query: &Query) -> Result<Page, StoreError> {
        let query = query.clone();
        self.with(move |connection| select::list(connection, &query)).await
    }

    async fn find(&self, prefix: &str, limit: usize) -> Result<Vec<ControlRecord>, StoreError> {
        let prefix = id_prefix(prefix)?;
        self.with(move |connection| select::find(connection, &prefix, limit)).await
    }

    async fn counts(&self) -> Result<Vec<TableCounts>, StoreError> {
        self.with(select::counts).await
    }
}
