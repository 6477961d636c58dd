//! Files that no snapshot names yet, so that they can be removed where none ever will.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::stream::{self, StreamExt};

use iceberg_commit::Warehouse;
use object_store::ObjectStoreExt;

/// The files that a plan wrote or began to write. Cheap to clone; clones share the list.
#[derive(Debug, Clone, Default)]
pub struct Written(Arc<Mutex<Vec<String>>>);

impl Written {
    /// Notes a file before it is written: a store may keep what it says it could not write.
    pub fn begin(&self, uri: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(uri.to_owned());
    }

    /// All files so far.
    #[must_use]
    pub fn uris(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Removes the files, which no snapshot may name. What cannot be removed now, maintenance removes later.
    pub async fn discard(&self, warehouse: &Warehouse) {
        for uri in self.uris() {
            if let Ok(path) = warehouse.path(&uri) {
                let _ = warehouse.store().delete(&path).await;
            }
        }
    }
}

/// Runs tasks that write, so many at one time. Where one fails no other begins, and those that have
/// begun come to their end, so that nothing is written after what is there was removed.
///
/// # Errors
/// The first one of a task.
pub async fn run<T, E>(tasks: Vec<impl Future<Output = Result<T, E>>>, at_once: usize) -> Result<Vec<T>, E> {
    let stopped = Arc::new(AtomicBool::new(false));
    let tasks = tasks.into_iter().map(|task| {
        let stopped = Arc::clone(&stopped);
        async move {
            if stopped.load(Ordering::Relaxed) {
                return None;
            }
            let result = task.await;
            if result.is_err() {
                stopped.store(true, Ordering::Relaxed);
            }
            Some(result)
        }
    });
    let results: Vec<Option<Result<T, E>>> = stream::iter(tasks).buffer_unordered(at_once.max(1)).collect().await;
    results.into_iter().flatten().collect()
}
