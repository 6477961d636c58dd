//! What a table's entry in Glue says, and what it becomes.

use aws_sdk_glue::types::{StorageDescriptor, Table, TableInput};
use weir_ports::catalog::{CatalogError, TableName};

use super::failure;

// The names that Iceberg's own Glue catalog gives them.
const TABLE_TYPE: &str = "table_type";
const ICEBERG: &str = "ICEBERG";
const METADATA_LOCATION: &str = "metadata_location";
const PREVIOUS_METADATA_LOCATION: &str = "previous_metadata_location";
const EXTERNAL_TABLE: &str = "EXTERNAL_TABLE";

fn parameter<'a>(entry: &'a Table, name: &str) -> Option<&'a str> {
    entry.parameters()?.get(name).map(String::as_str)
}

/// Whether the entry is an Iceberg table. Writers differ in the case of the word.
pub(super) fn is_iceberg(entry: &Table) -> bool {
    parameter(entry, TABLE_TYPE).is_some_and(|kind| kind.eq_ignore_ascii_case(ICEBERG))
}

/// The location of the table's current metadata file.
pub(super) fn head<'a>(table: &TableName, entry: &'a Table) -> Result<&'a str, CatalogError> {
    let reason = if !is_iceberg(entry) {
        format!(
            "{table} is in AWS Glue, but no Iceberg table (its parameter {TABLE_TYPE} is not {ICEBERG}); \
             choose another name, or drop the entry"
        )
    } else if let Some(location) = parameter(entry, METADATA_LOCATION) {
        return Ok(location);
    } else {
        format!(
            "{table} in AWS Glue has no parameter {METADATA_LOCATION}; \
             register the table's newest metadata file again, or drop the entry"
        )
    };
    Err(CatalogError::Unusable { reason })
}

/// The version that an update has to name.
pub(super) fn version<'a>(table: &TableName, entry: &'a Table) -> Result<&'a str, CatalogError> {
    entry.version_id().ok_or_else(|| CatalogError::Unusable {
        reason: format!(
            "the catalog gives {table} no version, so an update could overwrite another's; use AWS Glue itself"
        ),
    })
}

/// The entry of a new table.
///
/// It has no columns: readers of Iceberg take them from the metadata file. It has a location, by which Lake
/// Formation knows whose table it is, if the metadata file lies where tables have theirs.
pub(super) fn first(table: &TableName, metadata_location: &str) -> Result<TableInput, CatalogError> {
    let location = metadata_location.rsplit_once("/metadata/").map(|(location, _)| location.to_owned());
    TableInput::builder()
        .name(&table.name)
        .table_type(EXTERNAL_TABLE)
        .parameters(TABLE_TYPE, ICEBERG)
        .parameters(METADATA_LOCATION, metadata_location)
        .storage_descriptor(StorageDescriptor::builder().set_location(location).build())
        .build()
        .map_err(|error| failure::incomplete(table, &error))
}

/// The entry with its head moved, and all else as it was: an update replaces the whole entry.
pub(super) fn moved(table: &TableName, entry: Table, from: &str, to: &str) -> Result<TableInput, CatalogError> {
    let mut parameters = entry.parameters.unwrap_or_default();
    parameters.insert(METADATA_LOCATION.to_owned(), to.to_owned());
    parameters.insert(PREVIOUS_METADATA_LOCATION.to_owned(), from.to_owned());
    TableInput::builder()
        .name(entry.name)
        .set_description(entry.description)
        .set_owner(entry.owner)
        .set_last_access_time(entry.last_access_time)
        .set_last_analyzed_time(entry.last_analyzed_time)
        .retention(entry.retention)
        .set_storage_descriptor(entry.storage_descriptor)
        .set_partition_keys(entry.partition_keys)
        .set_view_original_text(entry.view_original_text)
        .set_view_expanded_text(entry.view_expanded_text)
        .set_table_type(entry.table_type)
        .set_parameters(Some(parameters))
        .set_target_table(entry.target_table)
        .build()
        .map_err(|error| failure::incomplete(table, &error))
}
