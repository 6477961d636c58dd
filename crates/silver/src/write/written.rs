//! Files that no snapshot names yet, so that they can be removed where none ever will.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::stream::{self, StreamExt};

use crate::error::MergeError;

/// The files that a plan wrote or began to write. Cheap to clone; clones share the list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<String>>>);

impl Written {
    /// Notes a file before it is written: a store may keep what it says it could not write.
    pub(crate) fn begin(&self, uri: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(uri.to_owned());
    }

    /// All files so far.
    pub(crate) fn uris(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Runs tasks that write, so many at one time. Where one fails no other begins, and those that have
/// begun come to their end, so that nothing is written after what is there was removed.
pub(crate) async fn run<T>(
    tasks: Vec<impl Future<Output = Result<T, MergeError>>>,
    at_once: usize,
) -> Result<Vec<T>, MergeError> {
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
    let results: Vec<Option<Result<T, MergeError>>> =
        stream::iter(tasks).buffer_unordered(at_once.max(1)).collect().await;
    results.into_iter().flatten().collect()
}
