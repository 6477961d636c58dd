//! Changing and reading control records over any [`ControlStore`].

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use thiserror::Error;
use weir_model::control::{ControlRecord, TransitionError};

use crate::control_store::{ControlStore, Query, Replaced, StoreError};

/// How often a change is tried while others change the same record.
const MAX_TRIES: u32 = 24;

/// Why a record was not changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ControlError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The record's life does not allow it.
    #[error(transparent)]
    Transition(#[from] TransitionError),
    /// Others changed the record each time before this change could be written.
    #[error("control record {id} was changed by others {tries} times in a row; run the same step again")]
    Contention {
        /// The record.
        id: String,
        /// How often it was tried.
        tries: u32,
    },
}

impl ControlError {
    /// Whether the same step may succeed later, with nothing changed by a person.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            ControlError::Store(error) => error.is_transient(),
            ControlError::Contention { .. } => true,
            ControlError::Transition(_) => false,
        }
    }
}

/// Reads the record, applies `change` to a copy and writes it if nobody else wrote meanwhile;
/// otherwise reads and applies again.
///
/// `change` may therefore run several times, each time on a fresh copy, and must have no effect
/// but on that copy. Where it leaves the record as it is, nothing is written. Comes back with the
/// record as stored and what `change` answered last.
///
/// # Errors
/// What `change` refuses, what the store fails with ([`StoreError::NotFound`] for an unknown id),
/// and [`ControlError::Contention`] after many tries.
pub async fn transition<T, F>(
    store: &dyn ControlStore,
    id: &str,
    mut change: F,
) -> Result<(ControlRecord, T), ControlError>
where
    F: FnMut(&mut ControlRecord) -> Result<T, TransitionError>,
{
    for attempt in 0..MAX_TRIES {
        let stored = store.get(id).await?.ok_or_else(|| StoreError::NotFound { id: id.to_owned() })?;
        let mut changed = stored.clone();
        let answer = change(&mut changed)?;
        if changed == stored {
            return Ok((stored, answer));
        }
        match store.replace(&changed).await? {
            Replaced::Written(written) => return Ok((*written, answer)),
            Replaced::Conflict => tokio::time::sleep(pause(attempt)).await,
        }
    }
    Err(ControlError::Contention { id: id.to_owned(), tries: MAX_TRIES })
}

/// A random time below 2, 4, 8, … and at most 128 milliseconds.
///
/// Random, because workers that collided once would otherwise wake together and collide again.
fn pause(attempt: u32) -> Duration {
    let most = 1000u64 << (attempt + 1).min(7);
    // A hasher's key is the randomness that the standard library has.
    Duration::from_micros(RandomState::new().build_hasher().finish() % most)
}

/// The pages of a query, one after another.
///
/// ```no_run
/// # use weir_ports::{control::Pages, control_store::{ControlStore, Query, StoreError}};
/// # async fn example(store: &dyn ControlStore) -> Result<(), StoreError> {
/// let mut pages = Pages::new(store, Query::default());
/// while let Some(records) = pages.next().await? {
///     for record in records {
///         println!("{} {}", record.id, record.status);
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Pages<'a> {
    store: &'a dyn ControlStore,
    query: Option<Query>,
}

impl<'a> Pages<'a> {
    /// Begins at the query's cursor; its limit is the size of a page.
    #[must_use]
    pub fn new(store: &'a dyn ControlStore, query: Query) -> Self {
        Pages { store, query: Some(query) }
    }

    /// The records of the next page, which may be none; `None` after the last page.
    ///
    /// # Errors
    /// What [`ControlStore::list`] fails with. The place is kept: the call may be repeated.
    pub async fn next(&mut self) -> Result<Option<Vec<ControlRecord>>, StoreError> {
        let Some(query) = &mut self.query else { return Ok(None) };
        let page = self.store.list(query).await?;
        match page.next {
            Some(cursor) => query.after = Some(cursor),
            None => self.query = None,
        }
        Ok(Some(page.records))
    }
}

/// Every record that a query selects, page after page; its limit is the size of a page.
///
/// They are all held in memory; walk over [`Pages`] where there may be many.
///
/// # Errors
/// What [`ControlStore::list`] fails with.
pub async fn list_all(store: &dyn ControlStore, query: Query) -> Result<Vec<ControlRecord>, StoreError> {
    let mut pages = Pages::new(store, query);
    let mut all = Vec::new();
    while let Some(records) = pages.next().await? {
        all.extend(records);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_store::Created;
    use crate::memory::{Fault, MemoryStore};
    use weir_model::Timestamp;
    use weir_model::control::Status;

    fn record() -> ControlRecord {
        let at = Timestamp::from_micros(0);
        ControlRecord::pending("b", "raw/t/a.csv", "1", "t", 1, at, at)
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_that_others_never_stop_changing_is_given_up_and_said_so() {
        let store = MemoryStore::with(Fault::AlwaysConflicts);
        let record = record();
        assert_eq!(store.create(&record).await, Ok(Created::New));
        let mut runs = 0;
        let result = transition(&store, &record.id, |record| {
            runs += 1;
            record.status = Status::Dead;
            Ok(())
        });
        let error = result.await.unwrap_err();
        assert!(matches!(error, ControlError::Contention { tries: MAX_TRIES, .. }));
        assert!(error.is_transient());
        assert_eq!(runs, MAX_TRIES);
    }

    #[tokio::test]
    async fn a_change_of_an_unknown_record_says_that_there_is_none() {
        let store = MemoryStore::default();
        let error = transition(&store, "00", |_| Ok(())).await.unwrap_err();
        assert_eq!(error, ControlError::Store(StoreError::NotFound { id: "00".to_owned() }));
    }

    #[test]
    fn pauses_grow_to_an_eighth_of_a_second_and_no_further() {
        for attempt in 0..MAX_TRIES {
            let most = Duration::from_millis(128.min(2 << attempt.min(10)));
            assert!(pause(attempt) < most, "{attempt}");
        }
    }
}
