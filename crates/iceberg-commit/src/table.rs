//! A table as one metadata file describes it.

use std::collections::HashMap;
use std::sync::Arc;

use iceberg::spec::{
    ManifestFile, PartitionSpecRef, Schema, SchemaRef, SnapshotRef, SortOrder, TableMetadataRef, UnboundPartitionSpec,
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
