//! Rules of tidying silver tables.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails a test")]

mod common;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use common::TestLake;
use weir_pipeline::{MaintainFailed, MaintainOptions, Maintained, MergeOptions, maintain};

const DAY: Duration = Duration::from_secs(86_400);
const OPTIONS: MaintainOptions =
    MaintainOptions { dry_run: false, expire_older_than: DAY, keep: 1, orphans_older_than: DAY };

/// A lake whose table has three snapshots, all of them made just now.
async fn merged() -> TestLake {
    let lake = TestLake::new();
    for n in 0..3 {
        let text = format!("beer_id,name,abv\n1,v{n},1\n{},new,2\n", n + 2);
        lake.put_and_ingest(&format!("raw/beer/{n}.csv"), text.as_bytes()).await;
        lake.merge(MergeOptions::default()).await.unwrap();
    }
    assert_eq!(lake.snapshots().await.len(), 3);
    // Snapshots carry the machine's time; the lake's clock is what ages are counted by.
    let newest = lake.snapshots().await[0].at;
    lake.clock.set(newest);
    lake
}

async fn tidy(lake: &TestLake, options: MaintainOptions) -> Maintained {
    maintain(&lake.context, &lake.silver(), "beer", options).await.unwrap()
}

/// A file that no snapshot names, written that long ago.
fn leave(lake: &TestLake, name: &str, age: Duration) -> PathBuf {
    let path = lake.dir.path().join("silver/beer/data").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "left by a commit that was killed").unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(SystemTime::now() - age).unwrap();
    path
}

#[tokio::test]
async fn old_snapshots_expire_but_for_the_newest() {
    let lake = merged().await;
    assert!(tidy(&lake, OPTIONS).await.expired.is_empty(), "none is a day old");
    lake.clock.advance(2 * 86_400);
    let snapshots = lake.snapshots().await;
    let dry = tidy(&lake, MaintainOptions { dry_run: true, ..OPTIONS }).await;
    assert!(dry.dry_run && !dry.expired.is_empty());
    assert_eq!(lake.snapshots().await, snapshots, "a dry run changes nothing");

    let kept = tidy(&lake, MaintainOptions { keep: usize::MAX, ..OPTIONS }).await;
    assert!(kept.expired.is_empty());
    let done = tidy(&lake, OPTIONS).await;
    assert!(done.exists && done.expired == dry.expired, "{done:?}");
    let left = lake.snapshots().await;
    assert_eq!((left.len(), left[0].rows), (1, snapshots[0].rows));
    assert!(tidy(&lake, OPTIONS).await.expired.is_empty(), "a second run has nothing to do");
}

#[tokio::test]
async fn what_nothing_needs_goes_once_it_is_old_enough() {
    let lake = merged().await;
    let (old, young) = (leave(&lake, "old.parquet", 2 * DAY), leave(&lake, "young.parquet", DAY / 2));
    let dry = tidy(&lake, MaintainOptions { dry_run: true, ..OPTIONS }).await;
    assert_eq!((dry.orphans, old.exists()), (1, true));
    let done = tidy(&lake, OPTIONS).await;
    assert_eq!((done.orphans, done.orphan_bytes), (1, 32));
    assert!(!old.exists() && young.exists(), "a young file may belong to a merge under way");
    let rows = lake.snapshots().await[0].rows;
    lake.put_and_ingest("raw/beer/later.csv", b"beer_id,name,abv\n9,late,1\n").await;
    lake.merge(MergeOptions::default()).await.unwrap();
    assert_eq!(lake.snapshots().await[0].rows, rows.map(|rows| rows + 1), "the table is whole");
}

#[tokio::test]
async fn small_files_are_joined_and_the_rows_stay() {
    let lake = TestLake::new();
    for n in 0..6 {
        let text = format!("beer_id,name,abv\n{n},a,1\n{},b,2\n", n + 1);
        lake.put_and_ingest(&format!("raw/beer/{n}.csv"), text.as_bytes()).await;
        lake.merge(MergeOptions::default()).await.unwrap();
    }
    let before = lake.snapshots().await.remove(0);
    assert!(before.data_files > Some(3), "{before:?}");
    let dry = tidy(&lake, MaintainOptions { dry_run: true, ..OPTIONS }).await;
    assert!(dry.compacted.files_before > 0 && dry.compacted.snapshot.is_none(), "{dry:?}");
    assert_eq!(lake.snapshots().await[0], before);

    let done = tidy(&lake, OPTIONS).await;
    let after = lake.snapshots().await.remove(0);
    assert_eq!(done.compacted.snapshot, Some(after.id));
    assert_eq!((after.operation.as_str(), after.data_files, after.rows), ("replace", Some(1), before.rows));
    assert_eq!(tidy(&lake, OPTIONS).await.compacted.snapshot, None, "a second run has nothing to do");
    let again = lake.merge(MergeOptions { again: true, ..MergeOptions::default() }).await.unwrap();
    assert!(again.snapshots.is_empty(), "the rows are what they were: {again:?}");
}

#[tokio::test]
async fn an_age_at_which_a_merge_may_still_run_is_refused() {
    let lake = merged().await;
    let options = MaintainOptions { orphans_older_than: Duration::from_secs(3599), ..OPTIONS };
    let refused = maintain(&lake.context, &lake.silver(), "beer", options).await;
    assert!(matches!(refused, Err(MaintainFailed::Young)), "{refused:?}");
}

#[tokio::test]
async fn a_table_that_is_not_there_yet_needs_no_tidying() {
    let lake = TestLake::new();
    let done = tidy(&lake, OPTIONS).await;
    assert!(!done.exists && done.expired.is_empty() && done.orphans == 0);
    let unknown = maintain(&lake.context, &lake.silver(), "bear", OPTIONS).await.unwrap_err();
    assert_eq!(unknown.code(), "Contract.Missing");
}
