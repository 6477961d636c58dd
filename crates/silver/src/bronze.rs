//! Bronze files as change records in the table's types.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray, UInt32Array, new_null_array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::DataType;
use arrow_select::take::take;
use futures::{Stream, StreamExt, TryStreamExt};
use object_store::ObjectStore;
use object_store::path::Path;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::ParquetObjectReader;
use parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use weir_model::change::columns;

use crate::error::MergeError;
use crate::keys::{Key, KeyCodec, Keys};
use crate::rows::{Batch, OpRank, micros};
use crate::table::Layout;

/// Rows that are decoded at one time.
const BATCH_ROWS: usize = 8192;
const ADVICE: &str = "bring the file back from a backup or an older version of the object; its changes wait until then";

/// A bronze file whose footer has been read.
#[derive(Debug, Clone)]
pub(crate) struct BronzeFile {
    store: Arc<dyn ObjectStore>,
    path: Path,
    metadata: ArrowReaderMetadata,
}

impl BronzeFile {
    pub(crate) async fn open(store: Arc<dyn ObjectStore>, path: Path) -> Result<Self, MergeError> {
        let mut reader = ParquetObjectReader::new(Arc::clone(&store), path.clone());
        let metadata = ArrowReaderMetadata::load_async(&mut reader, ArrowReaderOptions::new())
            .await
            .map_err(|source| MergeError::Parquet { path: path.to_string(), source, advice: ADVICE })?;
        Ok(BronzeFile { store, path, metadata })
    }

    pub(crate) fn rows(&self) -> u64 {
        self.metadata.metadata().file_metadata().num_rows().try_into().unwrap_or(0)
    }

    /// About what the columns take once decoded.
    pub(crate) fn decoded_bytes(&self) -> u64 {
        let groups = self.metadata.metadata().row_groups();
        let stored: i64 = groups.iter().map(|group| group.total_byte_size()).sum();
        let columns = self.metadata.schema().fields().len() as u64;
        // Dictionaries and deltas are much smaller than what they stand for.
        stored.unsigned_abs().max(self.rows() * columns * 8)
    }

    fn stream(
        &self,
        columns: &dyn Fn(&str) -> bool,
        groups: Vec<usize>,
    ) -> Result<impl Stream<Item = Result<RecordBatch, MergeError>> + use<>, MergeError> {
        let failed = {
            let path = self.path.to_string();
            move |source| MergeError::Parquet { path: path.clone(), source, advice: ADVICE }
        };
        let reader = ParquetObjectReader::new(Arc::clone(&self.store), self.path.clone());
        let fields = self.metadata.schema().fields().iter().enumerate();
        let wanted = fields.filter(|(_, field)| columns(field.name())).map(|(index, _)| index);
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), wanted);
        let stream = ParquetRecordBatchStreamBuilder::new_with_metadata(reader, self.metadata.clone())
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS)
            .with_row_groups(groups)
            .build()
            .map_err(&failed)?;
        Ok(stream.map_err(failed))
    }

    fn all_groups(&self) -> Vec<usize> {
        (0..self.metadata.metadata().num_row_groups()).collect()
    }

    /// The row groups that may have a key in `from..to`, by their statistics.
    fn groups(
        &self,
        layout: &Layout,
        codec: &KeyCodec,
        range: (Option<&Key>, Option<&Key>),
    ) -> Result<Vec<usize>, MergeError> {
        let first = layout.keys.first().copied();
        let fields = self.metadata.schema().fields();
        let field = fields.iter().find(|field| first.is_some() && layout.source_column(field.name()) == first);
        let statistics = field.and_then(|field| {
            let parquet = self.metadata.parquet_schema();
            StatisticsConverter::try_new(field.name(), self.metadata.schema(), parquet).ok()
        });
        let groups = self.metadata.metadata().row_groups();
        let bounds = statistics.and_then(|statistics| {
            Some((statistics.row_group_mins(groups.iter()).ok()?, statistics.row_group_maxes(groups.iter()).ok()?))
        });
        let Some((mins, maxes)) = bounds else { return Ok(self.all_groups()) };
        let may = codec.may_meet(&mins, &maxes, range)?;
        Ok(may.into_iter().enumerate().filter(|(_, may)| *may).map(|(group, _)| group).collect())
    }

    /// The keys of all rows.
    pub(crate) async fn keys(
        &self,
        layout: &Layout,
        codec: &KeyCodec,
        mut each: impl FnMut(Keys),
    ) -> Result<(), MergeError> {
        let is_key = |name: &str| layout.source_column(name).is_some_and(|column| layout.data[column].is_key);
        let mut stream = Box::pin(self.stream(&is_key, self.all_groups())?);
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            each(codec.encode(&self.key_columns(layout, &batch)?)?);
        }
        Ok(())
    }

    /// The change records whose keys lie in `from..to`, with their keys.
    pub(crate) async fn changes(
        &self,
        layout: &Layout,
        codec: &KeyCodec,
        (from, to): (Option<&Key>, Option<&Key>),
        mut each: impl FnMut(Batch, Keys),
    ) -> Result<(), MergeError> {
        let wanted = |name: &str| {
            layout.source_column(name).is_some()
                || [columns::OP, columns::SEQ, columns::EVENT_TIME, columns::UNCHANGED].contains(&name)
        };
        let groups = self.groups(layout, codec, (from, to))?;
        let mut stream = Box::pin(self.stream(&wanted, groups)?);
        while let Some(batch) = stream.next().await {
            let mut batch = batch?;
            let mut keys = codec.encode(&self.key_columns(layout, &batch)?)?;
            if from.is_some() || to.is_some() {
                let within: Vec<u32> = (0..keys.len())
                    .filter(|index| keys.is_within(*index, from, to))
                    // A batch has BATCH_ROWS rows at most.
                    .map(|index| index as u32)
                    .collect();
                if within.is_empty() {
                    continue;
                }
                if within.len() < keys.len() {
                    let within = UInt32Array::from(within);
                    let taken: Result<Vec<ArrayRef>, _> =
                        batch.columns().iter().map(|column| take(column, &within, None)).collect();
                    batch = RecordBatch::try_new(batch.schema(), taken?)?;
                    keys = codec.encode(&self.key_columns(layout, &batch)?)?;
                }
            }
            let mut read = self.batch(layout, &batch)?;
            drop(batch);
            read.shrink();
            each(read, keys);
        }
        Ok(())
    }

    fn key_columns(&self, layout: &Layout, batch: &RecordBatch) -> Result<Vec<ArrayRef>, MergeError> {
        layout.keys.iter().map(|column| self.column(layout, *column, batch)).collect()
    }

    /// A data column in the table's type; null where the file was written before it came to be.
    fn column(&self, layout: &Layout, column: usize, batch: &RecordBatch) -> Result<ArrayRef, MergeError> {
        let data = &layout.data[column];
        let fields = batch.schema();
        let found = fields.fields().iter().position(|field| layout.source_column(field.name()) == Some(column));
        let Some(found) = found else {
            if data.is_key {
                return Err(self.wrong(format!("the key column '{}' is missing", data.name)));
            }
            return Ok(new_null_array(&data.data_type, batch.num_rows()));
        };
        let values = batch.column(found);
        if data.is_key && values.null_count() > 0 {
            return Err(self.wrong(format!("the key column '{}' is null in some rows", data.name)));
        }
        if values.data_type() == &data.data_type {
            return Ok(Arc::clone(values));
        }
        let options = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(values, &data.data_type, &options).map_err(|error| {
            self.wrong(format!(
                "column '{}' is {} and the table has {}: {error}",
                data.name,
                values.data_type(),
                data.data_type
            ))
        })
    }

    fn wrong(&self, detail: String) -> MergeError {
        MergeError::Bronze { path: self.path.to_string(), detail }
    }

    fn added(&self, batch: &RecordBatch, name: &str, data_type: &DataType) -> Result<ArrayRef, MergeError> {
        let column = batch.column_by_name(name).ok_or_else(|| self.wrong(format!("column '{name}' is missing")))?;
        if column.data_type() != data_type || column.null_count() > 0 {
            return Err(self.wrong(format!("column '{name}' is no {data_type}, or is null in some rows")));
        }
        Ok(Arc::clone(column))
    }

    fn batch(&self, layout: &Layout, batch: &RecordBatch) -> Result<Batch, MergeError> {
        let values: Result<Vec<ArrayRef>, _> =
            (0..layout.data.len()).map(|column| self.column(layout, column, batch)).collect();
        let ops = self.added(batch, columns::OP, &DataType::Utf8)?;
        let ops: Option<Vec<OpRank>> = ops.as_string::<i32>().iter().map(|op| OpRank::from_letter(op?)).collect();
        let ops = ops.ok_or_else(|| self.wrong(format!("'{}' holds an unknown operation", columns::OP)))?;
        let times = self.added(batch, columns::EVENT_TIME, &crate::table::zoned())?;
        let sequences = self.added(batch, columns::SEQ, &DataType::Utf8)?.as_string::<i32>().clone();
        let unset = batch.column_by_name(columns::UNCHANGED).filter(|column| column.null_count() < column.len());
        let unset: Option<StringArray> = unset.and_then(|column| column.as_string_opt::<i32>()).cloned();
        if let Some(texts) = &unset
            && texts.iter().flatten().any(|text| serde_json::from_str::<Vec<String>>(text).is_err())
        {
            return Err(self.wrong(format!("'{}' is no list of names", columns::UNCHANGED)));
        }
        Ok(Batch {
            columns: values?,
            ops,
            sequences,
            times: micros(&times),
            unset,
            carried: None,
            created: None,
            repeats: None,
        })
    }
}
