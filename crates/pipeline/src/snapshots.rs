//! What became of a silver table, snapshot by snapshot.

use std::str::FromStr;

use iceberg_commit::{Table, TableError};
use serde::Serialize;
use weir_model::Timestamp;
use weir_silver::{CONTROL_COUNT, CONTROL_IDS, Silver};

use crate::merge::silver_name;

/// One snapshot of a silver table. A number is `None` where whoever committed it did not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SnapshotInfo {
    /// Its id, by which readers travel back to it.
    pub id: i64,
    /// The one before it.
    pub parent: Option<i64>,
    /// When it was committed.
    pub at: Timestamp,
    /// What the commit did, as Iceberg names it: `append`, `overwrite`, `replace` or `delete`.
    pub operation: String,
    /// Whether readers see this one.
    pub current: bool,
    /// Rows in the table.
    pub rows: Option<u64>,
    /// Rows that are new in the table; of a merge by Weir alone.
    pub rows_inserted: Option<u64>,
    /// Rows that took the place of a stored one; of a merge by Weir alone.
    pub rows_updated: Option<u64>,
    /// Of those inserted or updated, the ones that are deleted in the source; of a merge by Weir alone.
    pub rows_deleted: Option<u64>,
    /// Rows in the data files that it added, rows that were only moved to another file among them.
    pub rows_written: Option<u64>,
    /// Data files of the table.
    pub data_files: Option<u64>,
    /// Files of deletes of the table.
    pub delete_files: Option<u64>,
    /// How many control records it merged.
    pub merged_files: Option<u64>,
    /// Their ids; of very many only the first.
    pub control_ids: Vec<String>,
}

/// The snapshots of a table, the newest first, at most `limit`; `None` where the table is not there.
///
/// # Errors
/// [`TableError`] where the catalog or the table's metadata cannot be read.
pub async fn snapshots(silver: &Silver, table: &str, limit: usize) -> Result<Option<Vec<SnapshotInfo>>, TableError> {
    Ok(silver.tables.load(&silver_name(table)).await?.map(|table| list(&table, limit)))
}

fn list(table: &Table, limit: usize) -> Vec<SnapshotInfo> {
    let mut snapshots: Vec<_> = table.metadata.snapshots().collect();
    snapshots.sort_by_key(|snapshot| std::cmp::Reverse((snapshot.sequence_number(), snapshot.timestamp_ms())));
    let current = table.current_snapshot_id();
    let mut listed = Vec::new();
    for snapshot in snapshots.into_iter().take(limit) {
        let summary = snapshot.summary();
        let text = |key: &str| summary.additional_properties.get(key).map(String::as_str);
        let number = |key: &str| text(key).and_then(|text| u64::from_str(text).ok());
        let deleted = number("total-position-deletes").unwrap_or(0);
        let ids = text(CONTROL_IDS).unwrap_or("");
        listed.push(SnapshotInfo {
            id: snapshot.snapshot_id(),
            parent: snapshot.parent_snapshot_id(),
            at: Timestamp::from_micros(snapshot.timestamp_ms().saturating_mul(1000)),
            operation: summary.operation.as_str().to_owned(),
            current: Some(snapshot.snapshot_id()) == current,
            // A row is deleted by position once at most.
            rows: number("total-records").map(|rows| rows.saturating_sub(deleted)),
            rows_inserted: number("weir.rows-inserted"),
            rows_updated: number("weir.rows-updated"),
            rows_deleted: number("weir.rows-deleted"),
            rows_written: number("added-records").or(text("total-records").map(|_| 0)),
            data_files: number("total-data-files"),
            delete_files: number("total-delete-files"),
            merged_files: number(CONTROL_COUNT),
            control_ids: ids.split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect(),
        });
    }
    listed
}
