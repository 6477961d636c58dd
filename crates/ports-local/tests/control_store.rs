//! The rules of a control store, over SQLite: with one handle, with several onto one file, and with several processes.

// Clippy knows test functions, not the functions that they call.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use weir_model::Timestamp;
use weir_model::control::{ControlRecord, Outcome, RowCounts, Status};
use weir_ports::control::{ControlError, list_all, transition};
use weir_ports::control_store::{ControlStore, Created, Query, StoreError};
use weir_ports_local::SqliteControlStore;

/// Handles, and the folder that goes when they go.
struct Fresh(Vec<Arc<dyn ControlStore>>, #[expect(dead_code)] tempfile::TempDir);

impl std::ops::Deref for Fresh {
    type Target = [Arc<dyn ControlStore>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

fn handles(number: usize) -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/control.db");
    Fresh((0..number).map(|_| Arc::new(open(&path)) as Arc<dyn ControlStore>).collect(), folder)
}

mod one_handle {
    async fn fresh() -> super::Fresh {
        super::handles(1)
    }

    weir_ports::control_store_conformance!(fresh);
}

mod two_handles_onto_one_file {
    async fn fresh() -> super::Fresh {
        super::handles(2)
    }

    weir_ports::control_store_conformance!(fresh);
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(0).plus_seconds(seconds)
}

fn pending(name: &str) -> ControlRecord {
    ControlRecord::pending("lake", &format!("raw/t/{name}.csv"), "1", "t", 1, at(0), at(0))
}

fn outcome() -> Outcome {
    Outcome {
        counts: RowCounts { rows_in: 1, rows_written: 1, ..RowCounts::default() },
        contract_version: "1.0.0".to_owned(),
        bytes_decompressed: 1,
        bytes_out: 1,
        bronze_key: String::new(),
        quarantine_key: None,
        notes: vec![],
    }
}

fn open(path: &Path) -> SqliteControlStore {
    SqliteControlStore::open(path).unwrap()
}

/// Where the other process finds the store; only set by the test below.
const OTHER_PROCESS: &str = "WEIR_TEST_CONTROL_STORE";

/// Succeeds pending records until there are none, and returns how many.
async fn work(store: &dyn ControlStore) -> usize {
    let owner = format!("process {}", std::process::id());
    let mut done = 0;
    loop {
        let query = Query { status: Some(Status::Pending), limit: 5, ..Query::default() };
        let page = store.list(&query).await.unwrap();
        if page.records.is_empty() {
            return done;
        }
        for record in page.records {
            let leased = transition(store, &record.id, |r| r.lease(&owner, at(1), 600, 3)).await;
            let token = match leased {
                Ok((_, token)) => token.unwrap(),
                Err(ControlError::Transition(_) | ControlError::Contention { .. }) => continue,
                Err(error) => panic!("{error}"),
            };
            transition(store, &record.id, |r| r.succeed(token, outcome(), at(2))).await.unwrap();
            done += 1;
        }
    }
}

#[tokio::test]
async fn several_processes_share_the_records_and_each_succeeds_once() {
    if let Some(path) = std::env::var_os(OTHER_PROCESS) {
        println!("done={}", work(&open(Path::new(&path))).await);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.db");
    let store = open(&path);
    for n in 0..200 {
        assert_eq!(store.create(&pending(&format!("{n}"))).await, Ok(Created::New));
    }
    let processes: Vec<_> = (0..4)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "several_processes_share_the_records_and_each_succeeds_once", "--nocapture"])
                .env(OTHER_PROCESS, &path)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut done = work(&store).await;
    for process in processes {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        let count = text.split("done=").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
        done += count.parse::<usize>().unwrap();
    }
    assert_eq!(done, 200, "each record succeeded in one process");
    for record in list_all(&store, Query::default()).await.unwrap() {
        assert_eq!((record.status, record.revision, record.attempts), (Status::Succeeded, 2, 1));
    }
}

#[tokio::test]
async fn records_outlive_the_process_that_wrote_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.db");
    let record = pending("a");
    open(&path).create(&record).await.unwrap();
    let reopened = open(&path);
    assert_eq!(reopened.get(&record.id).await, Ok(Some(record.clone())));
    assert_eq!(reopened.create(&record).await, Ok(Created::Exists(Box::new(record))));
}

/// What a lake of the version before silver has on its disk: no column `merged`, no such field in the JSON.
#[tokio::test]
async fn a_file_of_the_version_before_is_brought_up_to_date_and_what_had_succeeded_waits_for_a_merge() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.db");
    let (waiting, mut done) = (pending("waiting"), pending("done"));
    {
        let store = open(&path);
        store.create(&waiting).await.unwrap();
        store.create(&done).await.unwrap();
        let token = transition(&store, &done.id, |r| r.lease("w", at(1), 60, 3)).await.unwrap().1.unwrap();
        done = transition(&store, &done.id, |r| r.succeed(token, outcome(), at(2))).await.unwrap().0;
    }
    let database = rusqlite::Connection::open(&path).unwrap();
    database
        .execute_batch(
            "DROP INDEX control_records_by_merged;
             DROP INDEX control_records_by_table_and_merged;
             ALTER TABLE control_records DROP COLUMN merged;
             UPDATE control_records SET record = json_remove(record, '$.merged');
             PRAGMA user_version = 1;",
        )
        .unwrap();
    drop(database);

    let store = open(&path);
    assert_eq!(store.get(&waiting.id).await, Ok(Some(waiting)));
    let unmerged = Query { merged: Some(false), ..Query::default() };
    assert_eq!(list_all(&store, unmerged.clone()).await.unwrap(), [done.clone()]);
    transition(&store, &done.id, |r| r.mark_merged(Some(1), at(3))).await.unwrap();
    assert_eq!(list_all(&store, unmerged.clone()).await.unwrap(), []);
    assert_eq!(list_all(&open(&path), unmerged).await.unwrap(), [], "opening it again changes nothing");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_named_and_never_taken_for_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.db");
    let store = open(&path);
    let (good, bad) = (pending("good"), pending("bad"));
    for record in [&good, &bad] {
        store.create(record).await.unwrap();
    }
    let database = rusqlite::Connection::open(&path).unwrap();
    for json in ["{", "{}", r#"{"id":"1"}"#] {
        database.execute("UPDATE control_records SET record = ?1 WHERE id = ?2", [json, &bad.id]).unwrap();
        for error in [
            store.get(&bad.id).await.unwrap_err(),
            store.create(&bad).await.unwrap_err(),
            store.list(&Query::default()).await.unwrap_err(),
        ] {
            assert!(matches!(&error, StoreError::Corrupt { id, .. } if *id == bad.id), "{error}");
        }
        assert_eq!(store.get(&good.id).await, Ok(Some(good.clone())), "other records stay readable");
    }
}

#[tokio::test]
async fn a_file_that_another_process_holds_is_unavailable_for_now() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.db");
    let store = open(&path);
    let holder = rusqlite::Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(store.get("00").await, Ok(None), "readers do not wait for a writer");
    let error = store.create(&pending("a")).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    holder.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.create(&pending("a")).await, Ok(Created::New), "and is written once it is free");
}
