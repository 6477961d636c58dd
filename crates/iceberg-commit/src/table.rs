//! A table as one metadata file describes it.

use std::collections::HashMap;
use std::sync::Arc;

use iceberg::TableUpdate;
use iceberg::spec::{
    ManifestFile, PartitionSpecRef, Schema, SchemaRef, SnapshotRef, SortOrder, TableMetadata, TableMetadataRef,
    UnboundPartitionSpec,
};
use weir_ports::catalog::TableName;

use crate::error::TableError;
use crate::warehouse::Warehouse;

/// A table as it was when it was loaded or committed to. It never changes: load again to see what others did.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name in the catalog.
    pub name: TableName,
    /// What the metadata file says.
    pub metadata: TableMetadataRef,
    /// The URI of the metadata file.
    pub metadata_location: String,
}

impl Table {
    /// The snapshot that readers see; `None` where nothing was ever committed.
    #[must_use]
    pub fn current_snapshot(&self) -> Option<&SnapshotRef> {
        self.metadata.current_snapshot()
    }

    /// The id of that snapshot.
    #[must_use]
    pub fn current_snapshot_id(&self) -> Option<i64> {
        self.metadata.current_snapshot_id()
    }

    /// A snapshot by its id; `None` where it never was, or was expired.
    #[must_use]
    pub fn snapshot(&self, snapshot_id: i64) -> Option<&SnapshotRef> {
        self.metadata.snapshot_by_id(snapshot_id)
    }

    /// The snapshots that were made on top of `from` until `to`, which is the last of them. `None` where `from` is no
    /// ancestor of `to`, as after the table was set back, or where one between them was expired.
    #[must_use]
    pub fn snapshots_between(&self, from: i64, to: i64) -> Option<Vec<SnapshotRef>> {
        let mut between = Vec::new();
        let mut next = self.snapshot(to)?;
        while next.snapshot_id() != from {
            if between.len() > self.metadata.snapshots().len() {
                return None;
            }
            between.push(SnapshotRef::clone(next));
            let parent = next.parent_snapshot_id()?;
            if parent == from {
                break;
            }
            next = self.snapshot(parent)?;
        }
        between.reverse();
        Some(between)
    }

    /// The metadata that these updates would leave, so that files can be written for it before it is committed.
    ///
    /// # Errors
    /// [`TableError::Metadata`] where an update is not possible.
    pub fn after(&self, updates: &[TableUpdate]) -> Result<TableMetadataRef, TableError> {
        let failed = || TableError::metadata("an update", &self.name);
        let mut builder = TableMetadata::clone(&self.metadata).into_builder(None);
        for update in updates {
            builder = update.clone().apply(builder).map_err(failed())?;
        }
        Ok(Arc::new(builder.build().map_err(failed())?.metadata))
    }

    /// The schema that new files are written with.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        self.metadata.current_schema()
    }

    /// The partition spec that new files are written under.
    #[must_use]
    pub fn spec(&self) -> &PartitionSpecRef {
        self.metadata.default_partition_spec()
    }

    /// Where the table's files are: a URI without a slash at its end.
    #[must_use]
    pub fn location(&self) -> &str {
        self.metadata.location()
    }

    /// A property of the table.
    #[must_use]
    pub fn property(&self, key: &str) -> Option<&str> {
        self.metadata.properties().get(key).map(String::as_str)
    }

    /// The manifests of the current snapshot; `None` where there is no snapshot.
    pub(crate) async fn manifest_list(
        &self,
        warehouse: &Warehouse,
    ) -> Result<Option<Arc<Vec<ManifestFile>>>, TableError> {
        match self.current_snapshot() {
            Some(snapshot) => warehouse.read_manifest_list(snapshot, self.metadata.format_version()).await.map(Some),
            None => Ok(None),
        }
    }
}

/// What a table is created with. Field ids are assigned anew, in the order of the schema.
#[derive(Debug, Clone)]
pub struct NewTable {
    /// The columns.
    pub schema: Schema,
    /// How rows are divided into partitions.
    pub partition_spec: UnboundPartitionSpec,
    /// How rows are sorted within a file.
    pub sort_order: SortOrder,
    /// Properties of the table.
    pub properties: HashMap<String, String>,
}

impl NewTable {
    /// A table that is neither partitioned nor sorted.
    #[must_use]
    pub fn new(schema: Schema) -> Self {
        NewTable {
            schema,
            partition_spec: UnboundPartitionSpec::default(),
            sort_order: SortOrder::unsorted_order(),
            properties: HashMap::new(),
        }
    }
}
