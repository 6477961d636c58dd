//! The files that make up a table's current state.

use std::collections::HashMap;
use std::sync::Arc;

use iceberg::spec::{DataContentType, DataFile, ManifestContentType, ManifestFile, Snapshot};

use crate::error::TableError;
use crate::scope::{Scope, may_apply};
use crate::table::Table;
use crate::warehouse::Warehouse;

/// A data or delete file of a snapshot, with what its manifest says about it.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveFile {
    /// The file.
    pub file: DataFile,
    /// The partition spec that its partition is of.
    pub spec_id: i32,
    /// Its place among data and deletes: deletes apply to what is not younger.
    pub sequence_number: i64,
    /// The sequence number of the commit that added the file.
    pub file_sequence_number: i64,
    /// The snapshot that added it.
    pub snapshot_id: i64,
    /// The URI of the manifest that lists it.
    pub manifest_path: Arc<str>,
}

/// All live files of a snapshot.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// Files with rows.
    pub data: Vec<Arc<LiveFile>>,
    /// Files with deletes, of positions and of equal rows.
    pub deletes: Vec<Arc<LiveFile>>,
}

impl Live {
    /// The delete files that may take rows from each data file, by the data file's path. Data files without deletes are left out.
    #[must_use]
    pub fn deletes_by_data_file(&self) -> HashMap<&str, Vec<Arc<LiveFile>>> {
        let by_path: HashMap<&str, &Arc<LiveFile>> =
            self.data.iter().map(|data| (data.file.file_path(), data)).collect();
        let mut deletes: HashMap<&str, Vec<Arc<LiveFile>>> = HashMap::new();
        for delete in &self.deletes {
            let scoped;
            let candidates: &[&Arc<LiveFile>] = match Scope::of(&delete.file) {
                Scope::File(path) => {
                    scoped = by_path.get(path.as_str()).copied();
                    scoped.as_slice()
                }
                Scope::Paths(..) | Scope::Rows => &by_path.values().copied().collect::<Vec<_>>(),
            };
            for data in candidates.iter().filter(|data| may_apply(delete, data)) {
                deletes.entry(data.file.file_path()).or_default().push(Arc::clone(delete));
            }
        }
        deletes
    }
}

impl Table {
    /// All live files of the current snapshot; none where there is no snapshot.
    ///
    /// # Errors
    /// [`TableError::Read`] where a manifest cannot be read.
    pub async fn live(&self, warehouse: &Warehouse) -> Result<Live, TableError> {
        self.live_where(warehouse, |_| true, |_| true).await
    }

    /// The live files of the current snapshot that are selected, from the manifests that are selected.
    ///
    /// A manifest that is not selected is not read: its summaries say which partitions it is about.
    ///
    /// # Errors
    /// [`TableError::Read`] where a manifest cannot be read.
    pub async fn live_where(
        &self,
        warehouse: &Warehouse,
        manifests: impl Fn(&ManifestFile) -> bool,
        files: impl Fn(&LiveFile) -> bool,
    ) -> Result<Live, TableError> {
        match self.current_snapshot() {
            Some(snapshot) => self.live_of(warehouse, snapshot, manifests, files).await,
            None => Ok(Live::default()),
        }
    }

    /// All live files of a snapshot; `None` where the metadata has no such snapshot.
    ///
    /// # Errors
    /// [`TableError::Read`] where a manifest cannot be read; [`TableError::is_missing_file`] tells whether it is gone.
    pub async fn live_at(&self, warehouse: &Warehouse, snapshot_id: i64) -> Result<Option<Live>, TableError> {
        self.live_at_where(warehouse, snapshot_id, |_| true, |_| true).await
    }

    /// The live files of a snapshot that are selected, from the manifests that are selected.
    ///
    /// # Errors
    /// As [`Table::live_at`].
    pub async fn live_at_where(
        &self,
        warehouse: &Warehouse,
        snapshot_id: i64,
        manifests: impl Fn(&ManifestFile) -> bool,
        files: impl Fn(&LiveFile) -> bool,
    ) -> Result<Option<Live>, TableError> {
        match self.snapshot(snapshot_id) {
            Some(snapshot) => self.live_of(warehouse, snapshot, manifests, files).await.map(Some),
            None => Ok(None),
        }
    }

    async fn live_of(
        &self,
        warehouse: &Warehouse,
        snapshot: &Snapshot,
        manifests: impl Fn(&ManifestFile) -> bool,
        files: impl Fn(&LiveFile) -> bool,
    ) -> Result<Live, TableError> {
        let list = warehouse.read_manifest_list(snapshot, self.metadata.format_version()).await?;
        let mut live = Live::default();
        let selected: Vec<&ManifestFile> = list.iter().filter(|manifest| manifests(manifest)).collect();
        for (manifest, parsed) in selected.iter().zip(warehouse.read_manifests(&selected).await?) {
            let to = match manifest.content {
                ManifestContentType::Data => &mut live.data,
                ManifestContentType::Deletes => &mut live.deletes,
            };
            to.extend(parsed.live.iter().filter(|file| files(file)).cloned());
        }
        Ok(live)
    }
}

impl LiveFile {
    /// Whether the file holds deletes and not rows.
    #[must_use]
    pub fn is_delete(&self) -> bool {
        self.file.content_type() != DataContentType::Data
    }
}
