//! Control records as a table: one row for each version of a raw object.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream;
use weir_model::Timestamp;
use weir_model::control::ControlRecord;
use weir_ports::control_store::{ControlStore, Cursor, MAX_PAGE, Query};

use super::Sources;
use crate::error::QueryError;

/// The tables of this layer.
pub(super) const TABLES: [&str; 1] = ["records"];

/// A column: its name, its type, whether every record has it, and how it is taken from records.
type ColumnOf = (&'static str, DataType, bool, fn(&[ControlRecord]) -> ArrayRef);

pub(super) fn table(sources: &Sources, name: &str) -> Result<Option<Arc<dyn TableProvider>>, QueryError> {
    if name != "records" {
        return Ok(None);
    }
    let records = Records { schema: schema(), store: sources.control.clone() };
    let table = StreamingTable::try_new(Arc::clone(&records.schema), vec![Arc::new(records)])?;
    Ok(Some(Arc::new(table)))
}

/// Reads the records page by page, as they are asked for.
struct Records {
    schema: SchemaRef,
    store: Option<Arc<dyn ControlStore>>,
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("control.records")
    }
}

impl PartitionStream for Records {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let first = self.store.clone().map(|store| (store, None::<Cursor>));
        let schema = Arc::clone(&self.schema);
        let pages = stream::try_unfold(first, move |state| {
            let schema = Arc::clone(&schema);
            async move {
                let Some((store, after)) = state else { return Ok(None) };
                let query = Query { limit: MAX_PAGE, after, ..Query::default() };
                let page =
                    store.list(&query).await.map_err(|error| DataFusionError::from(QueryError::Control(error)))?;
                let arrays = columns().into_iter().map(|(.., of)| of(&page.records)).collect();
                let batch = RecordBatch::try_new(schema, arrays)?;
                Ok::<_, DataFusionError>(Some((batch, page.next.map(|next| (store, Some(next))))))
            }
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), pages))
    }
}

fn schema() -> SchemaRef {
    let field = |(name, data_type, always, _): ColumnOf| Field::new(name, data_type, !always);
    Arc::new(Schema::new(columns().into_iter().map(field).collect::<Vec<_>>()))
}

fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()))
}

fn columns() -> Vec<ColumnOf> {
    use DataType::{Int64, Utf8};
    vec![
        ("id", Utf8, true, |records| text(records, |record| Some(&record.id))),
        // The table that the key names; null where it names none.
        ("table_name", Utf8, false, |records| {
            text(records, |record| Some(&record.table).filter(|table| !table.is_empty()))
        }),
        ("object_key", Utf8, true, |records| text(records, |record| Some(&record.key))),
        ("status", Utf8, true, |records| {
            Arc::new(StringArray::from_iter_values(records.iter().map(|record| record.status.as_str())))
        }),
        ("attempts", Int64, true, |records| number(records, |record| Some(u64::from(record.attempts)))),
        ("size_bytes", Int64, true, |records| number(records, |record| Some(record.size_bytes))),
        ("object_time", time(), true, |records| times(records, |record| Some(record.object_time))),
        ("registered_at", time(), true, |records| times(records, |record| Some(record.registered_at))),
        ("updated_at", time(), true, |records| times(records, |record| Some(record.updated_at))),
        ("started_at", time(), false, |records| times(records, |record| record.started_at)),
        ("finished_at", time(), false, |records| times(records, |record| record.finished_at)),
        ("rows_in", Int64, false, |records| number(records, |record| Some(record.outcome.as_ref()?.counts.rows_in))),
        ("rows_written", Int64, false, |records| {
            number(records, |record| Some(record.outcome.as_ref()?.counts.rows_written))
        }),
        ("rows_quarantined", Int64, false, |records| {
            number(records, |record| Some(record.outcome.as_ref()?.counts.rows_quarantined))
        }),
        ("rows_filtered", Int64, false, |records| {
            number(records, |record| Some(record.outcome.as_ref()?.counts.rows_filtered))
        }),
        ("bytes_out", Int64, false, |records| number(records, |record| Some(record.outcome.as_ref()?.bytes_out))),
        ("contract_version", Utf8, false, |records| {
            text(records, |record| Some(&record.outcome.as_ref()?.contract_version))
        }),
        ("bronze_key", Utf8, false, |records| text(records, |record| Some(&record.outcome.as_ref()?.bronze_key))),
        ("quarantine_key", Utf8, false, |records| {
            text(records, |record| record.outcome.as_ref()?.quarantine_key.as_ref())
        }),
        ("failure_code", Utf8, false, |records| text(records, |record| Some(&record.failure.as_ref()?.code))),
        ("failure_message", Utf8, false, |records| text(records, |record| Some(&record.failure.as_ref()?.message))),
        ("merged_at", time(), false, |records| times(records, |record| Some(record.merged?.at))),
        ("merged_snapshot", Int64, false, |records| {
            Arc::new(records.iter().map(|record| record.merged?.snapshot).collect::<Int64Array>())
        }),
    ]
}

fn text(records: &[ControlRecord], of: fn(&ControlRecord) -> Option<&String>) -> ArrayRef {
    Arc::new(records.iter().map(of).collect::<StringArray>())
}

fn number(records: &[ControlRecord], of: fn(&ControlRecord) -> Option<u64>) -> ArrayRef {
    // No count of rows or bytes comes near the end of 63 bits.
    let number = |record| of(record).map(|number| i64::try_from(number).unwrap_or(i64::MAX));
    Arc::new(records.iter().map(number).collect::<Int64Array>())
}

fn times(records: &[ControlRecord], of: fn(&ControlRecord) -> Option<Timestamp>) -> ArrayRef {
    let micros = |record| of(record).map(Timestamp::micros);
    Arc::new(records.iter().map(micros).collect::<TimestampMicrosecondArray>().with_timezone("+00:00"))
}
