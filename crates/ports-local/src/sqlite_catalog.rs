//! An Iceberg catalog in one SQLite file: the tables that PyIceberg's `SqlCatalog` and Java's `JdbcCatalog` have.
//!
//! Whoever opens the file with one of these, under the same catalog name, sees the same tables and
//! may commit to them: all move a head with the same conditional statement.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use weir_ports::catalog::{Catalog, CatalogError, Swap, TableName};

use crate::blocking::{self, Lost};

/// How long a call waits for another process to finish its write. A write takes milliseconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

// As PyIceberg 0.12 creates them, letter for letter. Its column `iceberg_type` tells tables from views;
// older files lack it, and stay as they are.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS iceberg_tables (
        catalog_name VARCHAR(255) NOT NULL,
        table_namespace VARCHAR(255) NOT NULL,
        table_name VARCHAR(255) NOT NULL,
        metadata_location VARCHAR(1000),
        previous_metadata_location VARCHAR(1000),
        iceberg_type VARCHAR(5),
        PRIMARY KEY (catalog_name, table_namespace, table_name)
    );
    CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
        catalog_name VARCHAR(255) NOT NULL,
        namespace VARCHAR(255) NOT NULL,
        property_key VARCHAR(255) NOT NULL,
        property_value VARCHAR(1000) NOT NULL,
        PRIMARY KEY (catalog_name, namespace, property_key)
    );
";

/// Keeps table heads in a SQLite file that PyIceberg and Spark open too.
///
/// Several of these, in one process or in many on one machine, may use one file, which must be on a local disk.
#[derive(Debug, Clone)]
pub struct SqliteCatalog {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    name: String,
    /// Whether rows say if they are a table or a view.
    typed: bool,
    connection: Mutex<Connection>,
}

impl SqliteCatalog {
    /// Opens the file, and creates it, its folder and its tables where they are missing. Waits for the disk.
    ///
    /// `catalog_name` is what others must pass as the catalog's name to see the same tables.
    ///
    /// # Errors
    /// [`CatalogError::Unusable`] where the file cannot be opened or is no database;
    /// [`CatalogError::Unavailable`] where another process holds it for too long.
    pub fn open(path: impl AsRef<Path>, catalog_name: &str) -> Result<Self, CatalogError> {
        let path = path.as_ref().to_owned();
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| {
                let reason = format!("the folder {} cannot be created: {error}; choose another", folder.display());
                CatalogError::Unusable { reason }
            })?;
        }
        let begun = Instant::now();
        loop {
            match try_open(&path) {
                Ok((connection, typed)) => {
                    let (name, connection) = (catalog_name.to_owned(), Mutex::new(connection));
                    return Ok(SqliteCatalog { inner: Arc::new(Inner { path, name, typed, connection }) });
                }
                // Switching to the write-ahead log does not wait for others by itself.
                Err(error) => match from_sqlite(&error, &path) {
                    CatalogError::Unavailable { .. } if begun.elapsed() < BUSY_TIMEOUT => {
                        std::thread::sleep(Duration::from_millis(20));
                    }
                    error => return Err(error),
                },
            }
        }
    }

    /// Runs `call` with the connection, on a thread that may wait for the disk.
    async fn with<T, F>(&self, call: F) -> Result<T, CatalogError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection, &Inner) -> Result<T, rusqlite::Error> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let result = blocking::run(move || {
            // Each call is one transaction, which a panic rolls back, so nothing half done stays behind it.
            let mut connection = inner.connection.lock().unwrap_or_else(PoisonError::into_inner);
            call(&mut connection, &inner).map_err(|error| from_sqlite(&error, &inner.path))
        });
        match result.await {
            Ok(result) => result,
            // The call may have run to its end all the same.
            Err(lost @ (Lost::Stopped | Lost::Panicked)) => {
                Err(CatalogError::Unavailable { reason: lost.reason().to_owned() })
            }
        }
    }
}

fn try_open(path: &Path) -> Result<(Connection, bool), rusqlite::Error> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // A commit that was answered with success stays, after a power cut too: what a merge has taken
    // in is recorded elsewhere, and would not be taken in again.
    connection.pragma_update(None, "synchronous", "full")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(SCHEMA)?;
    let column = "SELECT 1 FROM pragma_table_info('iceberg_tables') WHERE name = 'iceberg_type'";
    let typed = transaction.query_row(column, [], |_| Ok(())).optional()?.is_some();
    transaction.commit()?;
    Ok((connection, typed))
}

/// What an error of SQLite means to a caller, and what a person can do about it.
fn from_sqlite(error: &rusqlite::Error, path: &Path) -> CatalogError {
    use rusqlite::ErrorCode as Code;
    let advice = match error.sqlite_error_code() {
        Some(Code::DatabaseBusy | Code::DatabaseLocked) => {
            let reason = format!("{} is locked by another process: {error}", path.display());
            return CatalogError::Unavailable { reason };
        }
        Some(Code::SystemIoFailure) => {
            let reason = format!("{}: {error}; see that the disk is local and healthy", path.display());
            return CatalogError::Unavailable { reason };
        }
        Some(Code::DiskFull) => "make room on the disk",
        Some(Code::NotADatabase | Code::DatabaseCorrupt) => {
            "this is no catalog or it was damaged; give another path or restore a backup"
        }
        Some(Code::CannotOpen | Code::ReadOnly | Code::PermissionDenied) => {
            "see that the folder exists and that you may write to it"
        }
        _ => "see that the file is an Iceberg SQL catalog; if it is, report this as a defect of Weir",
    };
    CatalogError::Unusable { reason: format!("{}: {error}; {advice}", path.display()) }
}

impl Inner {
    /// The end of a `WHERE` that leaves views out.
    fn no_views(&self) -> &'static str {
        if self.typed { " AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)" } else { "" }
    }
}

#[async_trait]
impl Catalog for SqliteCatalog {
    async fn head(&self, table: &TableName) -> Result<Option<String>, CatalogError> {
        let table = table.clone();
        self.with(move |connection, inner| {
            let sql = format!(
                "SELECT metadata_location FROM iceberg_tables
                 WHERE catalog_name = ?1 AND table_namespace = ?2 AND table_name = ?3{}",
                inner.no_views()
            );
            let mut select = connection.prepare_cached(&sql)?;
            let head =
                select.query_row(params![inner.name, table.namespace, table.name], |row| row.get(0)).optional()?;
            Ok(head.flatten())
        })
        .await
    }

    async fn tables(&self, namespace: &str) -> Result<Vec<TableName>, CatalogError> {
        let namespace = namespace.to_owned();
        self.with(move |connection, inner| {
            let sql = format!(
                "SELECT table_name FROM iceberg_tables
                 WHERE catalog_name = ?1 AND table_namespace = ?2{} ORDER BY table_name",
                inner.no_views()
            );
            let mut select = connection.prepare_cached(&sql)?;
            let rows = select.query_map(params![inner.name, namespace], |row| {
                Ok(TableName { namespace: namespace.clone(), name: row.get(0)? })
            })?;
            rows.collect()
        })
        .await
    }

    async fn create(&self, table: &TableName, metadata_location: &str) -> Result<Swap, CatalogError> {
        let (table, location) = (table.clone(), metadata_location.to_owned());
        self.with(move |connection, inner| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // PyIceberg refuses to create a table in a namespace without this row.
            transaction.execute(
                "INSERT OR IGNORE INTO iceberg_namespace_properties
                 (catalog_name, namespace, property_key, property_value) VALUES (?1, ?2, 'exists', 'true')",
                params![inner.name, table.namespace],
            )?;
            let (column, value) = if inner.typed { (", iceberg_type", ", 'TABLE'") } else { ("", "") };
            let sql = format!(
                "INSERT OR IGNORE INTO iceberg_tables
                 (catalog_name, table_namespace, table_name, metadata_location, previous_metadata_location{column})
                 VALUES (?1, ?2, ?3, ?4, NULL{value})"
            );
            let rows = transaction.execute(&sql, params![inner.name, table.namespace, table.name, location])?;
            transaction.commit()?;
            Ok(won(rows))
        })
        .await
    }

    async fn swap(&self, table: &TableName, from: &str, to: &str) -> Result<Swap, CatalogError> {
        let (table, from, to) = (table.clone(), from.to_owned(), to.to_owned());
        self.with(move |connection, inner| {
            let sql = format!(
                "UPDATE iceberg_tables SET metadata_location = ?1, previous_metadata_location = ?2
                 WHERE catalog_name = ?3 AND table_namespace = ?4 AND table_name = ?5 AND metadata_location = ?2{}",
                inner.no_views()
            );
            let mut update = connection.prepare_cached(&sql)?;
            Ok(won(update.execute(params![to, from, inner.name, table.namespace, table.name])?))
        })
        .await
    }
}

fn won(rows: usize) -> Swap {
    if rows == 1 { Swap::Won } else { Swap::Lost }
}
