//! The rules of a catalog, over SQLite: with one handle, with several onto one file, and with several processes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails a test")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use weir_ports::catalog::{Catalog, CatalogError, Swap, TableName};
use weir_ports_local::SqliteCatalog;

/// Handles, and the folder that goes when they go.
struct Fresh(Vec<Arc<dyn Catalog>>, #[expect(dead_code)] tempfile::TempDir);

impl std::ops::Deref for Fresh {
    type Target = [Arc<dyn Catalog>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

fn open(path: &Path) -> SqliteCatalog {
    SqliteCatalog::open(path, "weir").unwrap()
}

fn handles(number: usize) -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lake/catalog.sqlite");
    Fresh((0..number).map(|_| Arc::new(open(&path)) as Arc<dyn Catalog>).collect(), folder)
}

mod one_handle {
    async fn fresh() -> super::Fresh {
        super::handles(1)
    }

    weir_ports::catalog_conformance!(fresh);
}

mod two_handles_onto_one_file {
    async fn fresh() -> super::Fresh {
        super::handles(2)
    }

    weir_ports::catalog_conformance!(fresh);
}

mod a_file_without_the_column_for_views {
    async fn fresh() -> super::Fresh {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.sqlite");
        let old =
            "CREATE TABLE iceberg_tables (catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL,
            table_name VARCHAR(255) NOT NULL, metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000),
            PRIMARY KEY (catalog_name, table_namespace, table_name))";
        rusqlite::Connection::open(&path).unwrap().execute_batch(old).unwrap();
        super::Fresh(vec![super::Arc::new(super::open(&path))], folder)
    }

    weir_ports::catalog_conformance!(fresh);
}

fn review() -> TableName {
    TableName::new("silver", "review")
}

/// Where the other process finds the catalog; only set by the test below.
const OTHER_PROCESS: &str = "WEIR_TEST_CATALOG";

/// Adds one to the number that stands for the head, 50 times.
async fn count(catalog: &dyn Catalog) {
    let mut left = 50;
    while left > 0 {
        let from = catalog.head(&review()).await.unwrap().unwrap();
        let to = (from.parse::<u64>().unwrap() + 1).to_string();
        if catalog.swap(&review(), &from, &to).await.unwrap() == Swap::Won {
            left -= 1;
        }
    }
}

#[tokio::test]
async fn several_processes_swap_one_head_and_no_swap_is_lost() {
    if let Some(path) = std::env::var_os(OTHER_PROCESS) {
        count(&open(Path::new(&path))).await;
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog.sqlite");
    let catalog = open(&path);
    catalog.create(&review(), "0").await.unwrap();
    let processes: Vec<_> = (0..3)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "several_processes_swap_one_head_and_no_swap_is_lost"])
                .env(OTHER_PROCESS, &path)
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    count(&catalog).await;
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    assert_eq!(catalog.head(&review()).await, Ok(Some("200".to_owned())));
}

#[tokio::test]
async fn a_file_may_hold_several_catalogs_that_do_not_see_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog.sqlite");
    let other = SqliteCatalog::open(&path, "other").unwrap();
    open(&path).create(&review(), "a").await.unwrap();
    assert_eq!(other.head(&review()).await, Ok(None));
    assert_eq!(other.create(&review(), "b").await, Ok(Swap::Won));
    assert_eq!(open(&path).head(&review()).await, Ok(Some("a".to_owned())));
}

#[tokio::test]
async fn a_view_is_no_table_and_its_name_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog.sqlite");
    let catalog = open(&path);
    let database = rusqlite::Connection::open(&path).unwrap();
    database.execute("INSERT INTO iceberg_tables VALUES ('weir', 'silver', 'review', 'v', NULL, 'VIEW')", []).unwrap();
    assert_eq!(catalog.head(&review()).await, Ok(None));
    assert_eq!(catalog.tables("silver").await, Ok(vec![]));
    assert_eq!(catalog.create(&review(), "t").await, Ok(Swap::Lost));
    assert_eq!(catalog.swap(&review(), "v", "t").await, Ok(Swap::Lost));
}

#[tokio::test]
async fn a_swap_remembers_where_the_head_was_and_the_namespace_exists() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog.sqlite");
    let catalog = open(&path);
    catalog.create(&review(), "a").await.unwrap();
    catalog.swap(&review(), "a", "b").await.unwrap();
    let database = rusqlite::Connection::open(&path).unwrap();
    let row: (String, String, String) = database
        .query_row(
            "SELECT metadata_location, previous_metadata_location, iceberg_type FROM iceberg_tables",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    assert_eq!(row, ("b".to_owned(), "a".to_owned(), "TABLE".to_owned()));
    let namespace: (String, String, String, String) = database
        .query_row("SELECT * FROM iceberg_namespace_properties", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap();
    assert_eq!(namespace, ("weir".into(), "silver".into(), "exists".into(), "true".into()));
}

#[tokio::test]
async fn a_file_that_another_process_holds_leaves_the_outcome_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog.sqlite");
    let catalog = open(&path);
    let holder = rusqlite::Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(catalog.head(&review()).await, Ok(None), "readers do not wait for a writer");
    let error = catalog.create(&review(), "a").await.unwrap_err();
    assert!(error.outcome_is_unknown(), "{error}");
    holder.execute_batch("ROLLBACK").unwrap();
    assert_eq!(catalog.create(&review(), "a").await, Ok(Swap::Won));
}

#[test]
fn what_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "not a database, and longer than the header of one".repeat(9)).unwrap();
    let error = SqliteCatalog::open(&path, "weir").unwrap_err();
    assert!(matches!(error, CatalogError::Unusable { .. }) && error.to_string().contains("no catalog"), "{error}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("not a database"));
}

#[test]
fn of_many_that_open_a_new_file_at_once_all_succeed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/catalog.sqlite");
    std::thread::scope(|scope| {
        let opening: Vec<_> = (0..16).map(|_| scope.spawn(|| SqliteCatalog::open(&path, "weir").map(|_| ()))).collect();
        for opened in opening {
            assert_eq!(opened.join().unwrap(), Ok(()));
        }
    });
}
