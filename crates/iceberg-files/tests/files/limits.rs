//! How much is held, and how large files become.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use arrow_array::Array;
use futures::StreamExt;
use iceberg::spec::Transform;
use iceberg_files::{FileShape, PartitionedFiles};

use crate::support::*;

const BATCH_ROWS: i64 = 1000;

/// A stream that counts how many of its batches are held by anybody when it makes the next one.
fn counted(batches: i64, held: &Arc<Mutex<Vec<Weak<dyn Array>>>>, most: &Arc<AtomicUsize>) -> Stream {
    let (held, most) = (Arc::clone(held), Arc::clone(most));
    futures::stream::iter(0..batches)
        .map(move |n| {
            let batch = batch(&numbered(n * BATCH_ROWS..(n + 1) * BATCH_ROWS, 5));
            let mut held = held.lock().unwrap();
            held.retain(|array| array.strong_count() > 0);
            // The column of ids is taken over as it is, so whoever holds it holds the batch.
            held.push(Arc::downgrade(batch.column(0)));
            most.fetch_max(held.len(), Ordering::Relaxed);
            Ok(batch)
        })
        .boxed()
}

async fn write(streams: usize, memory_bytes: usize) -> (PartitionedFiles, usize) {
    let (held, most) = (Arc::default(), Arc::default());
    let streams = (0..streams).map(|_| counted(60, &held, &most)).collect();
    let shape = shape(&[(2, Transform::Identity)]);
    let written = World::new().write(&shape, streams, options(memory_bytes, 2)).await.unwrap();
    (written, most.load(Ordering::Relaxed))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_follows_the_memory_and_not_the_rows() {
    for streams in [1, 3] {
        let (written, most) = write(streams, 1 << 30).await;
        assert_eq!((written.rows, written.files.len()), (60_000 * streams as u64, 5));
        assert!(most > 60 * streams - 5, "{most}");
        // About 38 bytes a row: some ten batches.
        let (written, most) = write(streams, 380_000).await;
        assert_eq!(written.rows, 60_000 * streams as u64);
        assert!((25 * streams..=35 * streams).contains(&written.files.len()), "{}", written.files.len());
        // Besides, each stream has one in hand and one on its way.
        assert!(most < 13 + 3 * streams, "{most}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_is_cut_at_the_target_size() {
    let metadata = metadata(&[(2, Transform::Identity)], &[]);
    let shape = Arc::new(FileShape::of(&metadata, 200_000).unwrap());
    let world = World::new();
    let rows = numbered(0..200_000, 2);
    let written =
        world.write(&shape, vec![stream(rows.chunks(8192).map(batch).collect())], options(1 << 30, 2)).await.unwrap();
    let mut files: HashMap<String, Vec<u64>> = HashMap::new();
    for file in &written.files {
        files.entry(format!("{:?}", file.partition())).or_default().push(file.file_size_in_bytes());
    }
    assert_eq!((files.len(), written.rows), (2, 200_000));
    for sizes in files.values() {
        assert!(sizes.len() > 1 && sizes.iter().all(|size| *size < 400_000), "{sizes:?}");
    }
}

#[tokio::test]
async fn no_rows_are_no_files() {
    for streams in [vec![], vec![stream(vec![])], vec![stream(vec![batch(&[])])]] {
        let world = World::new();
        let written = world.write(&shape(&[(2, Transform::Void)]), streams, options(0, 0)).await.unwrap();
        assert_eq!((written.rows, written.files.len(), world.objects().await.len()), (0, 0, 0));
    }
}
