//! Stores that fail in the middle: a merge is made or not made, never half, and leaves nothing behind.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    dead_code,
    missing_docs,
    reason = "what fails here fails a test"
)]

mod support;

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use iceberg_commit::{OrphanSettings, TableName};
use support::partitions::Transform;
use support::stores::{Fails, Watched};
use support::wide::{Change, DATA, Kind, Value, Wide};
use weir_silver::{MergeError, Settings, Silver, Source, compact, merge};

fn table(partition: Option<Transform>) -> Wide {
    Wide { keys: vec![Kind::Long], partition: partition.map(|by| ("k0".to_owned(), by)), kind: "snapshot" }
}

/// Records of these keys, every value null but the second column's.
fn changes(keys: std::ops::Range<i64>, sequence: u32) -> Vec<Change> {
    keys.map(|key| {
        let mut values = vec![Some(Value::Null); DATA.len()];
        values[1] = Some(Value::Int(sequence.cast_signed()));
        let sequence = format!("1{sequence:03}");
        Change { key: vec![Value::Long(key)], sequence, op: 'U', time: 0, values }
    })
    .collect()
}

async fn merged(silver: &Silver, table: &Wide, source: &Source) -> Result<(), MergeError> {
    merge(silver, &table.contract(), std::slice::from_ref(source), false).await.map(drop)
}

/// Objects of the table that nothing refers to.
async fn orphans(silver: &Silver) -> Vec<String> {
    // A writer that nobody waits for may still be at work.
    tokio::time::sleep(Duration::from_millis(3)).await;
    let name = TableName::new("silver", "t");
    let Some(table) = silver.tables.load(&name).await.unwrap() else { return Vec::new() };
    let settings = OrphanSettings { older_than: Duration::ZERO, any_age: true };
    let orphans = silver.tables.orphans(&table, &settings).await.unwrap();
    orphans.files.iter().map(|orphan| format!("{orphan:?}")).collect()
}

/// Fails each call of a merge in turn; returns how many calls it made.
async fn fail_each_call(partition: Option<Transform>, settings: &Settings, when: Fails, tidy: bool) -> usize {
    let table = table(partition);
    let first = changes(0..12, 1);
    let second: Vec<Change> = changes(3..9, 2).into_iter().chain(changes(20..23, 2)).collect();
    let before = table.expected(&first);
    let all: Vec<Change> = first.iter().chain(&second).cloned().collect();
    let after = table.expected(&all);
    for number in 1.. {
        let store = Watched::new();
        let (silver, _) = store.silver(settings.clone());
        let first = table.bronze(&silver, 1, &first).await;
        let second = table.bronze(&silver, 2, &second).await;
        merged(&silver, &table, &first).await.unwrap();
        let mut states: [&BTreeSet<_>; 2] = [&before, &after];
        if tidy {
            merged(&silver, &table, &second).await.unwrap();
            states = [&after, &after];
        }
        store.fail(number, when);
        let result = match tidy {
            true => compact(&silver, &table.contract(), false).await.map(drop),
            false => merged(&silver, &table, &second).await,
        };
        let calls = store.heal();
        let place = format!("call {number} of {calls} fails {when:?}: {result:?}");
        let holds = table.read(&silver).await;
        assert!(holds == *states[usize::from(result.is_ok())], "{place}");
        let left = orphans(&silver).await;
        assert!(left.is_empty(), "{place}: {left:?}");
        // A good merge of everything afterwards.
        merge(&silver, &table.contract(), &[second, first], false).await.unwrap();
        assert!(table.read(&silver).await == after, "{place}");
        assert!(orphans(&silver).await.is_empty(), "{place}");
        if number > calls {
            result.unwrap();
            return calls;
        }
    }
    0
}

fn all_settings() -> Vec<Settings> {
    let settings =
        |memory_bytes, rewrite_share| Settings { memory_bytes, rewrite_share, workers: 2, ..Settings::default() };
    vec![settings(1 << 30, 2.0), settings(1 << 30, 0.0), settings(2000, 0.4)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merge_that_is_cut_off_anywhere_changes_nothing_and_leaves_no_file() {
    for partition in [None, Some(Transform::Bucket(3))] {
        for settings in all_settings() {
            for when in [Fails::Before, Fails::After] {
                let calls = fail_each_call(partition, &settings, when, false).await;
                assert!(calls > 8, "{calls}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compaction_that_is_cut_off_anywhere_changes_nothing_and_leaves_no_file() {
    for when in [Fails::Before, Fails::After] {
        let calls = fail_each_call(Some(Transform::Bucket(2)), &all_settings()[0], when, true).await;
        assert!(calls > 8, "{calls}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_merge_of_a_table_may_be_cut_off_anywhere() {
    let table = table(Some(Transform::Bucket(3)));
    for when in [Fails::Before, Fails::After] {
        for number in 1.. {
            let store = Watched::new();
            let (silver, _) = store.silver(Settings { workers: 2, ..Settings::default() });
            let source = table.bronze(&silver, 1, &changes(0..20, 1)).await;
            store.fail(number, when);
            let result = merged(&silver, &table, &source).await;
            let calls = store.heal();
            if result.is_err() {
                assert!(table.read(&silver).await.is_empty());
            }
            assert_eq!(
                orphans(&silver).await,
                Vec::<String>::new(),
                "call {number} of {calls} fails {when:?}: {result:?}"
            );
            merged(&silver, &table, &source).await.unwrap();
            assert_eq!(table.read(&silver).await, table.expected(&changes(0..20, 1)));
            if number > calls {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_table_that_is_dropped_meanwhile_is_told_and_nothing_is_left() {
    let store = Watched::new();
    let (silver, catalog) = store.silver(Settings::default());
    let table = table(None);
    let sources =
        [table.bronze(&silver, 1, &changes(0..9, 1)).await, table.bronze(&silver, 2, &changes(0..5, 2)).await];
    merged(&silver, &table, &sources[0]).await.unwrap();
    let before = objects(&silver).await;
    // It is loaded, then it is gone: the head is read once before the plan.
    let (slow, fast) = (silver.clone(), std::sync::Arc::clone(&catalog));
    let contract = table.contract();
    let merging = merge(&slow, &contract, std::slice::from_ref(&sources[1]), false);
    let dropping = async {
        fast.dropped.store(true, Ordering::SeqCst);
    };
    let (result, ()) = futures::future::join(merging, dropping).await;
    let error = result.unwrap_err();
    assert!(error.to_string().contains("dropped while it was merged into"), "{error}");
    assert_eq!(objects(&silver).await, before);
}

async fn objects(silver: &Silver) -> BTreeSet<String> {
    use futures::TryStreamExt;
    let listed: Vec<_> = silver.tables.warehouse().store().list(None).try_collect().await.unwrap();
    listed.into_iter().map(|meta| meta.location.to_string()).collect()
}
