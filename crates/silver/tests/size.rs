//! Tables of so many rows that row groups, pages and Bloom filters matter.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    dead_code,
    missing_docs,
    reason = "what fails here fails a test"
)]

mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use iceberg::spec::PrimitiveLiteral;
use iceberg_commit::{LiveFile, TableName};
use support::load::{Keys, bronze, holds};
use support::stores::Watched;
use weir_silver::{MergeReport, Settings, Silver, Source, compact, merge};

const ROWS: u64 = 300_000;

async fn merged(silver: &Silver, keys: Keys, sources: &[Source]) -> MergeReport {
    merge(silver, &keys.contract(), sources, false).await.unwrap()
}

async fn files(silver: &Silver) -> Vec<Arc<LiveFile>> {
    let table = silver.tables.load(&TableName::new("silver", "t")).await.unwrap().unwrap();
    table.live(silver.tables.warehouse()).await.unwrap().data
}

async fn bytes(silver: &Silver) -> u64 {
    files(silver).await.iter().map(|file| file.file.file_size_in_bytes()).sum()
}

/// Twenty keys: ten that are stored, ten that are not.
fn twenty(step: u64) -> Vec<u64> {
    (0..10).map(|n| n * step + 7).chain((0..10).map(|n| ROWS + n * step)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_batch_reads_a_small_part_of_a_large_file() {
    for keys in [Keys::Texts, Keys::Ints] {
        let store = Watched::new();
        let (silver, _) = store.silver(Settings { memory_bytes: 1 << 30, rewrite_share: 2.0, ..Settings::default() });
        let all: Vec<u64> = (0..ROWS).collect();
        let load = bronze(&silver, keys, &all, 1).await;
        merged(&silver, keys, &[load]).await;
        let mut expected: HashMap<u64, u32> = all.iter().map(|number| (*number, 1)).collect();
        let table = bytes(&silver).await;
        for sequence in 2..4 {
            let batch = twenty(u64::from(sequence) * 997);
            let source = bronze(&silver, keys, &batch, sequence).await;
            store.read.store(0, Ordering::SeqCst);
            let report = merged(&silver, keys, &[source]).await;
            let read = store.read.load(Ordering::SeqCst);
            let known = batch.iter().filter(|number| expected.contains_key(number)).count() as u64;
            assert_eq!((report.rows_updated, report.rows_inserted), (known, 20 - known));
            assert!(read < table / 10, "{keys:?}: {read} of {table} bytes were read");
            expected.extend(batch.iter().map(|number| (*number, sequence)));
        }
        // The last row of the last row group.
        let last = keys.greatest(&all);
        let source = bronze(&silver, keys, &[last], 4).await;
        assert_eq!(merged(&silver, keys, &[source]).await.rows_updated, 1);
        expected.insert(last, 4);
        holds(&silver, keys, &expected).await;
    }
}

/// Files whose keys cover each other's range: only their Bloom filters tell them apart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bloom_filter_spares_the_pages_of_files_that_do_not_have_a_key() {
    for keys in [Keys::Texts, Keys::Ints] {
        let store = Watched::new();
        let (silver, _) = store.silver(Settings { memory_bytes: 1 << 30, rewrite_share: 2.0, ..Settings::default() });
        let mut expected = HashMap::new();
        for part in 0..3u64 {
            let all: Vec<u64> = (0..40_000).map(|number| number * 3 + part).collect();
            let load = bronze(&silver, keys, &all, 1).await;
            merged(&silver, keys, &[load]).await;
            expected.extend(all.iter().map(|number| (*number, 1)));
        }
        assert_eq!(files(&silver).await.len(), 3);
        let table = bytes(&silver).await;
        // Spread over the whole range, and in the first file alone.
        let batch: Vec<u64> = (0..200).map(|number| number * 3 * 199).collect();
        let source = bronze(&silver, keys, &batch, 2).await;
        store.read.store(0, Ordering::SeqCst);
        let report = merged(&silver, keys, &[source]).await;
        let read = store.read.load(Ordering::SeqCst);
        assert_eq!((report.files_read, report.rows_updated), (3, 200));
        // One file's keys and rows, and three filters; without them it would be the keys of all.
        assert!(read * 100 < table * 35, "{keys:?}: {read} of {table} bytes were read");
        expected.extend(batch.iter().map(|number| (*number, 2)));
        holds(&silver, keys, &expected).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_passes_make_the_same_table_as_one_with_files_that_do_not_overlap() {
    const ROWS: u64 = 100_000;
    for keys in [Keys::Texts, Keys::Ints] {
        let all: Vec<u64> = (0..ROWS).collect();
        let again: Vec<u64> = (0..ROWS + 5_000).filter(|number| number % 7 == 0).collect();
        let mut expected: HashMap<u64, u32> = all.iter().map(|number| (*number, 1)).collect();
        expected.extend(again.iter().map(|number| (*number, 2)));
        for memory_bytes in [1 << 30, 4 << 20] {
            let store = Watched::new();
            let (silver, _) = store.silver(Settings { memory_bytes, rewrite_share: 2.0, ..Settings::default() });
            // Both sequences of a key are in one merge, in files of their own.
            let sources = [bronze(&silver, keys, &again, 2).await, bronze(&silver, keys, &all, 1).await];
            let report = merged(&silver, keys, &sources).await;
            assert_eq!(report.passes > 1, memory_bytes < 1 << 30, "{report:?}");
            assert_eq!((report.changes, report.keys), ((all.len() + again.len()) as u64, expected.len() as u64));
            holds(&silver, keys, &expected).await;
            let mut spans: Vec<(PrimitiveLiteral, PrimitiveLiteral)> = files(&silver)
                .await
                .iter()
                .map(|file| {
                    (file.file.lower_bounds()[&1].literal().clone(), file.file.upper_bounds()[&1].literal().clone())
                })
                .collect();
            spans.sort_by(|left, right| left.partial_cmp(right).unwrap());
            assert_eq!(spans.len() as u64, report.passes);
            assert!(spans.windows(2).all(|pair| pair[0].1 < pair[1].0), "{spans:?}");
            // Small merges into such a table touch the files of their keys alone.
            let source = bronze(&silver, keys, &[3], 3).await;
            assert_eq!(merged(&silver, keys, &[source]).await.files_read, 1);
            compact(&silver, &keys.contract(), false).await.unwrap();
            let mut after = expected.clone();
            after.insert(3, 3);
            holds(&silver, keys, &after).await;
        }
    }
}
