//! Metadata files: where the next one is written, and what the `iceberg` crate keeps to itself about them.

use std::collections::BTreeMap;

use iceberg::MetadataLocation;
use iceberg::spec::{SnapshotReference, TableMetadata};
use uuid::Uuid;
use weir_ports::catalog::TableName;

use crate::error::TableError;
use crate::table::Table;
use crate::tables::Tables;
use crate::warehouse::Warehouse;

/// The table as the metadata file at `location` describes it.
pub(crate) async fn read(warehouse: &Warehouse, name: &TableName, location: String) -> Result<Table, TableError> {
    let metadata = TableMetadata::read_from(warehouse.file_io(), &location).await;
    let metadata = metadata.map_err(TableError::read("the metadata file", &location))?.into();
    Ok(Table { name: name.clone(), metadata, metadata_location: location })
}

/// Where the metadata that follows `head` goes: one version on, under a name that nobody else chooses.
pub(crate) fn next_location(head: &Table, metadata: &TableMetadata) -> Result<MetadataLocation, TableError> {
    let name = head.metadata_location.rsplit('/').next().unwrap_or_default();
    let version: u32 =
        name.split('-').next().and_then(|digits| digits.trim_start_matches('v').parse().ok()).unwrap_or(0);
    location(&head.name, metadata, version.saturating_add(1))
}

/// Where the first metadata of a table goes.
pub(crate) fn first_location(table: &TableName, metadata: &TableMetadata) -> Result<MetadataLocation, TableError> {
    location(table, metadata, 0)
}

fn location(table: &TableName, metadata: &TableMetadata, version: u32) -> Result<MetadataLocation, TableError> {
    let text = format!("{}/metadata/{version:05}-{}.metadata.json", metadata.location(), Uuid::new_v4());
    let location: MetadataLocation = text.parse().map_err(TableError::metadata("naming the metadata file", table))?;
    Ok(location.with_new_metadata(metadata))
}

pub(crate) async fn write(
    warehouse: &Warehouse,
    metadata: &TableMetadata,
    location: &MetadataLocation,
) -> Result<(), TableError> {
    let written = metadata.write_to(warehouse.file_io(), location).await;
    written.map_err(TableError::write("the metadata file", &location.to_string()))
}

/// All branches and tags. The crate gives them out by name only, so the names are read from its JSON.
pub(crate) fn refs(table: &Table) -> Result<BTreeMap<String, SnapshotReference>, TableError> {
    let failed = |error: serde_json::Error| {
        let error = iceberg::Error::new(iceberg::ErrorKind::DataInvalid, error.to_string());
        TableError::metadata("reading the references", &table.name)(error)
    };
    let json = serde_json::to_value(&*table.metadata).map_err(failed)?;
    match json.get("refs") {
        Some(refs) if !refs.is_null() => serde_json::from_value(refs.clone()).map_err(failed),
        _ => Ok(BTreeMap::new()),
    }
}

impl Tables {
    /// Deletes files that nothing refers to. What cannot be deleted is left for a search for orphans.
    pub(crate) async fn discard(&self, uris: impl IntoIterator<Item = String>) {
        use futures::StreamExt;
        let file_io = self.warehouse().file_io();
        let deletes = uris.into_iter().map(|uri| async move {
            let _ = file_io.delete(uri).await;
        });
        futures::stream::iter(deletes.collect::<Vec<_>>()).buffer_unordered(8).collect::<()>().await;
    }
}
