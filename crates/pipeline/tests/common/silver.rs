//! The silver of a [`TestLake`], and a control store that fails or is overtaken when a test says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use iceberg_commit::{Tables, Warehouse};
use weir_model::control::ControlRecord;
use weir_pipeline::{MergeFailed, MergeOptions, Merged, SnapshotInfo, merge, snapshots};
use weir_ports::control_store::{ControlStore, Created, Page, Query, Replaced, StoreError, TableCounts};
use weir_ports_local::SqliteCatalog;
use weir_silver::{Settings, Silver};

use super::TestLake;

impl TestLake {
    /// Opens the catalog anew, as another process would.
    pub(crate) fn silver(&self) -> Silver {
        let root = self.dir.path().canonicalize().unwrap();
        let store = Arc::clone(self.context.out.store());
        let warehouse = Warehouse::new(store, &format!("file://{}", root.display())).unwrap();
        let catalog = SqliteCatalog::open(root.join("catalog.sqlite"), "weir").unwrap();
        Silver {
            tables: Tables::new(warehouse, Arc::new(catalog)),
            bronze: self.context.out.clone(),
            settings: Settings::default(),
        }
    }

    pub(crate) async fn merge(&self, options: MergeOptions) -> Result<Merged, MergeFailed> {
        merge(&self.context, &self.silver(), "beer", options).await
    }

    /// The snapshots of the table, the newest first.
    pub(crate) async fn snapshots(&self) -> Vec<SnapshotInfo> {
        snapshots(&self.silver(), "beer", usize::MAX).await.unwrap().unwrap_or_default()
    }

    /// How many files wait for a merge.
    pub(crate) async fn waiting(&self) -> usize {
        let query = Query { merged: Some(false), ..Query::default() };
        weir_ports::control::list_all(self.context.control.as_ref(), query).await.unwrap().len()
    }

    /// From here on control records are changed through a store that a test can make fail.
    pub(crate) fn meddle(&mut self) -> Arc<Meddled> {
        let meddled = Arc::new(Meddled {
            inner: Arc::clone(&self.context.control),
            spared: AtomicU32::new(0),
            failures: AtomicU32::new(0),
            overtakes: AtomicU32::new(0),
        });
        self.context.control = meddled.clone();
        meddled
    }
}

/// A control store that fails or is overtaken.
pub(crate) struct Meddled {
    inner: Arc<dyn ControlStore>,
    /// So many writes are let through before any fails.
    pub(crate) spared: AtomicU32,
    /// So many writes fail after that.
    pub(crate) failures: AtomicU32,
    /// Before so many reads another worker leases the record.
    pub(crate) overtakes: AtomicU32,
}

fn take(counter: &AtomicU32) -> bool {
    counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

#[async_trait]
impl ControlStore for Meddled {
    async fn create(&self, record: &ControlRecord) -> Result<Created, StoreError> {
        self.inner.create(record).await
    }

    async fn get(&self, id: &str) -> Result<Option<ControlRecord>, StoreError> {
        let record = self.inner.get(id).await?;
        if let Some(record) = record.as_ref().filter(|_| take(&self.overtakes)) {
            let overtaken = ControlRecord { last_token: record.last_token + 1, ..record.clone() };
            assert!(matches!(self.inner.replace(&overtaken).await?, Replaced::Written(_)));
            return self.inner.get(id).await;
        }
        Ok(record)
    }

    async fn replace(&self, record: &ControlRecord) -> Result<Replaced, StoreError> {
        if !take(&self.spared) && take(&self.failures) {
            return Err(StoreError::Unavailable { reason: "a test says so".to_owned() });
        }
        self.inner.replace(record).await
    }

    async fn list(&self, query: &Query) -> Result<Page, StoreError> {
        self.inner.list(query).await
    }

    async fn find(&self, prefix: &str, limit: usize) -> Result<Vec<ControlRecord>, StoreError> {
        self.inner.find(prefix, limit).await
    }

    async fn counts(&self) -> Result<Vec<TableCounts>, StoreError> {
        self.inner.counts().await
    }
}
