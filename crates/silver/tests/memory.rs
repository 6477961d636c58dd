//! What a merge holds at one time.
//!
//! Counts what Rust allocates. The Zstandard library allocates on its own: a few hundred KiB for each column
//! that is being packed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    dead_code,
    missing_docs,
    reason = "what fails here fails a test"
)]
#![expect(unsafe_code, reason = "a global allocator that counts cannot be written without")]

mod support;

use std::alloc::{GlobalAlloc, Layout as Allocation, System};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use iceberg_commit::{Tables, Warehouse};
use support::lake::MemoryCatalog;
use support::load::{Keys, bronze, holds};
use weir_silver::{MergeReport, Settings, Silver, Source, merge};

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grow(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(live, Ordering::Relaxed);
}

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Allocation) -> *mut u8 {
        grow(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Allocation) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Allocation, size: usize) -> *mut u8 {
        // Both may live while one is copied into the other.
        grow(size);
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ROWS: u64 = 300_000;
/// What a file that is being written may hold besides: a row group.
const ROW_GROUP_BYTES: usize = 24 << 20;

fn silver(dir: &std::path::Path, memory_bytes: usize) -> Silver {
    let bronze = weir_ports_local::folder::bucket("lake", dir).unwrap();
    let warehouse = Warehouse::new(Arc::clone(bronze.store()), &format!("file://{}", dir.display())).unwrap();
    let tables = Tables::new(warehouse, Arc::new(MemoryCatalog::default()));
    let settings = Settings { memory_bytes, workers: 2, rewrite_share: 2.0, ..Settings::default() };
    Silver { tables, bronze, settings }
}

/// Merges, and tells the most bytes that were held at one time.
async fn peak(silver: &Silver, keys: Keys, sources: &[Source]) -> (MergeReport, usize) {
    let contract = keys.contract();
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let report = merge(silver, &contract, sources, false).await.unwrap();
    (report, PEAK.load(Ordering::Relaxed) - before)
}

#[test]
fn a_merge_holds_no_more_than_its_setting_allows() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        for (keys, memory_bytes) in [(Keys::Texts, 32 << 20), (Keys::Texts, 8 << 20), (Keys::Ints, 32 << 20)] {
            let dir = tempfile::tempdir().unwrap();
            let silver = silver(&dir.path().canonicalize().unwrap(), memory_bytes);
            // In several files, as a load comes.
            let parts: Vec<Vec<u64>> = (0..3).map(|part| (part * ROWS / 3..(part + 1) * ROWS / 3).collect()).collect();
            let mut sources = Vec::new();
            for part in &parts {
                sources.push(bronze(&silver, keys, part, 1).await);
            }
            let (report, load) = peak(&silver, keys, &sources).await;
            assert!(report.passes > 1, "{report:?}");
            assert!(load <= memory_bytes + ROW_GROUP_BYTES, "{keys:?}, {memory_bytes}: a load held {load} bytes");
            let batch: Vec<u64> = (0..16_000).map(|number| number * 20).collect();
            let source = bronze(&silver, keys, &batch, 2).await;
            let (_, changes) = peak(&silver, keys, &[source]).await;
            assert!(
                changes <= memory_bytes + ROW_GROUP_BYTES,
                "{keys:?}, {memory_bytes}: a merge held {changes} bytes"
            );
            let mut expected: HashMap<u64, u32> = parts.concat().into_iter().map(|number| (number, 1)).collect();
            expected.extend(batch.into_iter().map(|number| (number, 2)));
            holds(&silver, keys, &expected).await;
        }
    });
}
