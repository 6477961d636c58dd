//! What an Iceberg table's metadata say, as tables: `silver."review$snapshots"` and `silver."review$files"`.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::Schema;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use iceberg_commit::{Table, Warehouse};

use crate::error::QueryError;
use crate::iceberg::no_such_snapshot;

/// What of a table is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    Snapshots,
    Files,
}

/// `review$files` as `review` and what is asked for.
pub(super) fn split(name: &str) -> Option<(&str, About)> {
    match name.rsplit_once('$')? {
        (table, "snapshots") => Some((table, About::Snapshots)),
        (table, "files") => Some((table, About::Files)),
        _ => None,
    }
}

pub(super) async fn table(
    warehouse: &Warehouse,
    table: &Table,
    about: About,
    snapshot: Option<i64>,
) -> Result<Arc<dyn TableProvider>, QueryError> {
    let columns = match about {
        About::Snapshots => snapshots(table),
        About::Files => files(warehouse, table, snapshot).await?,
    };
    let batch = RecordBatch::try_from_iter_with_nullable(columns).map_err(datafusion::error::DataFusionError::from)?;
    let schema: Arc<Schema> = batch.schema();
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
}

type Columns = Vec<(&'static str, ArrayRef, bool)>;

fn snapshots(table: &Table) -> Columns {
    let mut all: Vec<_> = table.metadata.snapshots().collect();
    all.sort_by_key(|snapshot| (snapshot.sequence_number(), snapshot.timestamp_ms()));
    let count = |key: &'static str| -> ArrayRef {
        let value = |summary: &iceberg::spec::Summary| summary.additional_properties.get(key)?.parse().ok();
        Arc::new(all.iter().map(|snapshot| value(snapshot.summary())).collect::<Int64Array>())
    };
    let current = table.current_snapshot_id();
    vec![
        ("snapshot_id", Arc::new(Int64Array::from_iter_values(all.iter().map(|s| s.snapshot_id()))), false),
        ("parent_id", Arc::new(all.iter().map(|s| s.parent_snapshot_id()).collect::<Int64Array>()), true),
        (
            "committed_at",
            Arc::new(
                TimestampMicrosecondArray::from_iter_values(all.iter().map(|s| s.timestamp_ms().saturating_mul(1000)))
                    .with_timezone("+00:00"),
            ),
            false,
        ),
        (
            "operation",
            Arc::new(StringArray::from_iter_values(all.iter().map(|s| s.summary().operation.as_str()))),
            false,
        ),
        (
            "is_current",
            Arc::new(all.iter().map(|s| Some(Some(s.snapshot_id()) == current)).collect::<BooleanArray>()),
            false,
        ),
        ("added_records", count("added-records"), true),
        ("deleted_records", count("deleted-records"), true),
        ("total_records", count("total-records"), true),
        ("total_position_deletes", count("total-position-deletes"), true),
        ("total_data_files", count("total-data-files"), true),
        ("total_delete_files", count("total-delete-files"), true),
        ("total_files_size", count("total-files-size"), true),
    ]
}

async fn files(warehouse: &Warehouse, table: &Table, snapshot: Option<i64>) -> Result<Columns, QueryError> {
    let live = match snapshot {
        None => table.live(warehouse).await?,
        Some(id) => table.live_at(warehouse, id).await?.ok_or_else(|| no_such_snapshot(table, id))?,
    };
    let files: Vec<_> = live.data.iter().chain(&live.deletes).collect();
    let content = |file: &iceberg_commit::LiveFile| match file.file.content_type() {
        iceberg::spec::DataContentType::Data => "data",
        iceberg::spec::DataContentType::PositionDeletes => "position deletes",
        iceberg::spec::DataContentType::EqualityDeletes => "equality deletes",
    };
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    Ok(vec![
        ("content", Arc::new(StringArray::from_iter_values(files.iter().map(|f| content(f)))), false),
        ("file_path", Arc::new(StringArray::from_iter_values(files.iter().map(|f| f.file.file_path()))), false),
        (
            "record_count",
            Arc::new(Int64Array::from_iter_values(files.iter().map(|f| number(f.file.record_count())))),
            false,
        ),
        (
            "file_size_in_bytes",
            Arc::new(Int64Array::from_iter_values(files.iter().map(|f| number(f.file.file_size_in_bytes())))),
            false,
        ),
        ("spec_id", Arc::new(Int32Array::from_iter_values(files.iter().map(|f| f.spec_id))), false),
        ("sequence_number", Arc::new(Int64Array::from_iter_values(files.iter().map(|f| f.sequence_number))), false),
        ("snapshot_id", Arc::new(Int64Array::from_iter_values(files.iter().map(|f| f.snapshot_id))), false),
    ])
}
