//! A control store in memory, for this crate's own tests: it keeps every rule, or breaks a chosen one.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use weir_model::control::{ControlRecord, Status};

use crate::control_store::{ControlStore, Created, Cursor, Page, Query, Replaced, StoreError, TableCounts, id_prefix};

/// The rule that a store breaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    #[default]
    None,
    AlwaysConflicts,
    CreateOverwrites,
    ReplaceIgnoresTheRevision,
    ReplaceChecksBeforeItWrites,
    OneMoreRecordOnEachPageIsSkipped,
    TheLastRecordComesTwice,
}

#[derive(Debug, Default)]
pub(crate) struct MemoryStore {
    records: Mutex<BTreeMap<String, ControlRecord>>,
    fault: Fault,
}

impl MemoryStore {
    pub(crate) fn with(fault: Fault) -> Self {
        MemoryStore { records: Mutex::default(), fault }
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<String, ControlRecord>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ControlStore for MemoryStore {
    async fn create(&self, record: &ControlRecord) -> Result<Created, StoreError> {
        let mut records = self.records();
        if let Some(stored) = records.get(&record.id)
            && self.fault != Fault::CreateOverwrites
        {
            return Ok(Created::Exists(Box::new(stored.clone())));
        }
        records.insert(record.id.clone(), record.clone());
        Ok(Created::New)
    }

    async fn get(&self, id: &str) -> Result<Option<ControlRecord>, StoreError> {
        Ok(self.records().get(id).cloned())
    }

    async fn replace(&self, record: &ControlRecord) -> Result<Replaced, StoreError> {
        let not_found = || StoreError::NotFound { id: record.id.clone() };
        let revision = self.records().get(&record.id).ok_or_else(not_found)?.revision;
        if self.fault == Fault::ReplaceChecksBeforeItWrites {
            if revision != record.revision {
                return Ok(Replaced::Conflict);
            }
            tokio::task::yield_now().await;
        }
        let mut records = self.records();
        let stored = records.get_mut(&record.id).ok_or_else(not_found)?;
        let conflict = match self.fault {
            Fault::AlwaysConflicts => true,
            Fault::ReplaceIgnoresTheRevision | Fault::ReplaceChecksBeforeItWrites => false,
            _ => stored.revision != record.revision,
        };
        if conflict {
            return Ok(Replaced::Conflict);
        }
        *stored = ControlRecord { revision: record.revision + 1, ..record.clone() };
        Ok(Replaced::Written(Box::new(stored.clone())))
    }

    async fn list(&self, query: &Query) -> Result<Page, StoreError> {
        let place = |record: &ControlRecord| (record.registered_at, record.id.clone());
        let mut records: Vec<_> = self.records().values().filter(|record| query.matches(record)).cloned().collect();
        records.sort_by_key(place);
        if query.newest_first {
            records.reverse();
        }
        if let Some(cursor) = &query.after {
            let behind = (cursor.registered_at(), cursor.id().to_owned());
            records.retain(|record| if query.newest_first { place(record) < behind } else { place(record) > behind });
            if self.fault == Fault::OneMoreRecordOnEachPageIsSkipped && !records.is_empty() {
                records.remove(0);
            }
        }
        let more = records.len() > query.page_size();
        records.truncate(query.page_size());
        let next = records.last().filter(|_| more).map(Cursor::behind);
        if self.fault == Fault::TheLastRecordComesTwice
            && next.is_none()
            && records.len() < query.page_size()
            && let Some(last) = records.last().cloned()
        {
            records.push(last);
        }
        Ok(Page { records, next })
    }

    async fn find(&self, prefix: &str, limit: usize) -> Result<Vec<ControlRecord>, StoreError> {
        let prefix = id_prefix(prefix)?;
        let records = self.records();
        Ok(records.values().filter(|record| record.id.starts_with(&prefix)).take(limit).cloned().collect())
    }

    async fn counts(&self) -> Result<Vec<TableCounts>, StoreError> {
        let mut groups: BTreeMap<(String, usize), TableCounts> = BTreeMap::new();
        for record in self.records().values() {
            let place = Status::ALL.iter().position(|status| *status == record.status).unwrap();
            let group = groups.entry((record.table.clone(), place)).or_insert_with(|| TableCounts {
                table: record.table.clone(),
                status: record.status,
                records: 0,
                size_bytes: 0,
                rows: weir_model::control::RowCounts::default(),
                merged: 0,
            });
            group.records += 1;
            group.merged += u64::from(record.merged.is_some());
            group.size_bytes += record.size_bytes;
            if let Some(outcome) = &record.outcome {
                group.rows.rows_in += outcome.counts.rows_in;
                group.rows.rows_written += outcome.counts.rows_written;
                group.rows.rows_quarantined += outcome.counts.rows_quarantined;
                group.rows.rows_filtered += outcome.counts.rows_filtered;
            }
        }
        Ok(groups.into_values().collect())
    }
}

/// The suite is run over a store that keeps the rules, and each rule's own breach is caught by it.
mod suite {
    use std::sync::Arc;

    use super::*;
    use crate::conformance::control_store as rules;

    fn handles(fault: Fault) -> Vec<Arc<dyn ControlStore>> {
        vec![Arc::new(MemoryStore::with(fault))]
    }

    async fn fresh() -> Vec<Arc<dyn ControlStore>> {
        handles(Fault::None)
    }

    crate::control_store_conformance!(fresh);

    #[tokio::test]
    #[should_panic(expected = "changes nothing")]
    async fn a_create_that_overwrites_is_caught() {
        rules::a_repeated_create_returns_the_stored_record_and_changes_nothing(&handles(Fault::CreateOverwrites)).await;
    }

    #[tokio::test]
    #[should_panic(expected = "old revision")]
    async fn a_replace_without_its_condition_is_caught() {
        let handles = handles(Fault::ReplaceIgnoresTheRevision);
        rules::a_replace_with_an_old_revision_conflicts_and_changes_nothing(&handles).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    #[should_panic(expected = "one worker leases")]
    async fn a_replace_that_checks_before_it_writes_is_caught() {
        rules::of_32_workers_one_leases_a_record(&handles(Fault::ReplaceChecksBeforeItWrites)).await;
    }

    #[tokio::test]
    #[should_panic(expected = "exactly once")]
    async fn a_skipped_record_is_caught() {
        rules::pages_hold_each_record_exactly_once(&handles(Fault::OneMoreRecordOnEachPageIsSkipped)).await;
    }

    #[tokio::test]
    #[should_panic(expected = "exactly once")]
    async fn a_repeated_record_is_caught() {
        rules::pages_hold_each_record_exactly_once(&handles(Fault::TheLastRecordComesTwice)).await;
    }
}
