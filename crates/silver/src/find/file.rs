//! One data file of the table.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray, new_null_array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, TimeUnit};
use futures::StreamExt;
use iceberg::spec::DataFileFormat;
use iceberg_commit::{LiveFile, Warehouse};
use object_store::ObjectStore;
use object_store::path::Path;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowSelection};
use parquet::arrow::async_reader::{ParquetObjectReader, ParquetRecordBatchStream};
use parquet::arrow::{PARQUET_FIELD_ID_META_KEY, ParquetRecordBatchStreamBuilder, ProjectionMask};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};

use crate::error::MergeError;
use crate::keys::{KeyCodec, Keys};
use crate::rows::{Batch, OpRank, micros};
use crate::table::{Cell, Layout};

/// Rows that are decoded at one time.
const BATCH_ROWS: usize = 8192;
/// Bytes that are read from a file's end at first: its footer, with the index of its pages.
const FOOTER_BYTES: usize = 64 << 10;
const ADVICE: &str = "bring the file back, or go back to an older snapshot of the table";

/// A data file whose footer has been read.
pub(crate) struct StoredFile {
    store: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
    pub(super) metadata: ArrowReaderMetadata,
    /// Place of each field in the file, by its id.
    roots: HashMap<i32, usize>,
    /// The first row of each row group, then the number of rows.
    starts: Vec<u64>,
}

impl StoredFile {
    pub(crate) async fn open(warehouse: &Warehouse, file: &LiveFile, layout: &Layout) -> Result<Self, MergeError> {
        let data = &file.file;
        if data.file_format() != DataFileFormat::Parquet {
            let detail =
                format!("'{}' is no Parquet file; let the engine that wrote it write Parquet", data.file_path());
            return Err(MergeError::Foreign { table: layout.table.clone(), detail });
        }
        let path = warehouse.path(data.file_path())?;
        let store = Arc::clone(warehouse.store());
        let size = data.file_size_in_bytes();
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let mut reader = ParquetObjectReader::new(Arc::clone(&store), path.clone())
            .with_file_size(size)
            .with_footer_size_hint(FOOTER_BYTES);
        let metadata = ArrowReaderMetadata::load_async(&mut reader, options)
            .await
            .map_err(|source| MergeError::Parquet { path: path.to_string(), source, advice: ADVICE })?;
        let mut starts = vec![0];
        for group in metadata.metadata().row_groups() {
            starts.push(starts.last().copied().unwrap_or(0) + group.num_rows().unsigned_abs());
        }
        let roots = roots(&metadata, layout);
        Ok(StoredFile { store, path, size, metadata, roots, starts })
    }

    pub(super) fn parquet(&self) -> &ParquetMetaData {
        self.metadata.metadata()
    }

    pub(crate) fn row_count(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    pub(super) fn row_group_start(&self, group: usize) -> u64 {
        self.starts[group]
    }

    /// The row group that a row is in.
    pub(super) fn row_group_of(&self, position: u64) -> usize {
        self.starts.partition_point(|start| *start <= position).saturating_sub(1)
    }

    /// Place of a field among the file's columns.
    pub(super) fn root(&self, field_id: i32) -> Option<usize> {
        self.roots.get(&field_id).copied()
    }

    pub(super) fn reader(&self) -> ParquetObjectReader {
        ParquetObjectReader::new(Arc::clone(&self.store), self.path.clone()).with_file_size(self.size)
    }

    fn failed(&self, source: parquet::errors::ParquetError) -> MergeError {
        MergeError::Parquet { path: self.path.to_string(), source, advice: ADVICE }
    }

    /// Statistics of the row groups of a field.
    pub(super) fn statistics(&self, field_id: i32) -> Option<StatisticsConverter<'_>> {
        let field = self.metadata.schema().field(self.root(field_id)?);
        StatisticsConverter::try_new(field.name(), self.metadata.schema(), self.metadata.parquet_schema()).ok()
    }

    /// The greatest sequence of each row group, where its statistics tell.
    pub(super) fn greatest_sequences(&self, layout: &Layout) -> Vec<Option<String>> {
        let groups = self.parquet().row_groups();
        let maxes = layout
            .field_of(Cell::Sequence)
            .and_then(|field| self.statistics(field))
            .and_then(|statistics| statistics.row_group_maxes(groups.iter()).ok());
        let Some(maxes) = maxes.as_ref().and_then(|maxes| maxes.as_string_opt::<i32>()) else {
            return vec![None; groups.len()];
        };
        maxes.iter().map(|max| max.map(str::to_owned)).collect()
    }

    /// The time that all rows of a row group have, where its statistics tell.
    pub(super) fn only_times(&self, layout: &Layout, cell: Cell) -> Vec<Option<i64>> {
        let groups = self.parquet().row_groups();
        let statistics = layout.field_of(cell).and_then(|field| self.statistics(field));
        let bounds = statistics.and_then(|statistics| {
            let mins = statistics.row_group_mins(groups.iter()).ok()?;
            let maxes = statistics.row_group_maxes(groups.iter()).ok()?;
            let nulls = statistics.row_group_null_counts(groups.iter()).ok()?;
            Some((mins, maxes, nulls))
        });
        let Some((mins, maxes, nulls)) = &bounds else { return vec![None; groups.len()] };
        let values = |array: &ArrayRef| array.as_primitive_opt::<TimestampMicrosecondType>().cloned();
        let (Some(mins), Some(maxes)) = (values(mins), values(maxes)) else { return vec![None; groups.len()] };
        (0..groups.len())
            .map(|group| {
                let known = mins.is_valid(group) && maxes.is_valid(group) && nulls.is_valid(group);
                let same = known && mins.value(group) == maxes.value(group) && nulls.value(group) == 0;
                same.then(|| mins.value(group))
            })
            .collect()
    }

    /// Reads fields of some rows, batch after batch.
    async fn read(
        &self,
        fields: &[i32],
        ranges: &[Range<u64>],
        mut each: impl FnMut(&RecordBatch) -> Result<(), MergeError>,
    ) -> Result<(), MergeError> {
        if ranges.is_empty() {
            return Ok(());
        }
        let mut stream = Box::pin(self.stream(fields, ranges, BATCH_ROWS)?);
        while let Some(batch) = stream.next().await {
            each(&batch.map_err(|error| self.failed(error))?)?;
        }
        Ok(())
    }

    fn stream(
        &self,
        fields: &[i32],
        ranges: &[Range<u64>],
        batch_rows: usize,
    ) -> Result<ParquetRecordBatchStream<ParquetObjectReader>, MergeError> {
        let wanted = fields.iter().filter_map(|field| self.root(*field));
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), wanted);
        // Rows of a file are counted in a usize by the reader too.
        let selected = ranges.iter().map(|range| range.start as usize..range.end as usize);
        let selection = RowSelection::from_consecutive_ranges(selected, self.row_count() as usize);
        ParquetRecordBatchStreamBuilder::new_with_metadata(self.reader(), self.metadata.clone())
            .with_projection(mask)
            .with_row_selection(selection)
            .with_batch_size(batch_rows)
            .build()
            .map_err(|error| self.failed(error))
    }

    fn field(&self, batch: &RecordBatch, field_id: i32, target: &DataType) -> Result<ArrayRef, MergeError> {
        field(&self.metadata, self.root(field_id), batch, target)
    }

    /// The keys of some rows, with what tells each one's position.
    pub(crate) async fn keys(
        &self,
        layout: &Layout,
        codec: &KeyCodec,
        ranges: &[Range<u64>],
        mut each: impl FnMut(&dyn Fn(usize) -> u64, &Keys),
    ) -> Result<(), MergeError> {
        let fields: Vec<i32> = layout.keys.iter().map(|column| layout.data[*column].field_id).collect();
        let mut positions = Positions::new(ranges);
        self.read(&fields, ranges, |batch| {
            let columns: Result<Vec<ArrayRef>, MergeError> = layout
                .keys
                .iter()
                .map(|column| self.field(batch, layout.data[*column].field_id, &layout.data[*column].data_type))
                .collect();
            let keys = codec.encode(&columns?)?;
            let taken = positions.take(batch.num_rows());
            each(&|index| at(&taken, index as u64), &keys);
            Ok(())
        })
        .await
    }

    /// A time of some rows, in their order. Microseconds.
    pub(super) async fn times(&self, layout: &Layout, cell: Cell, positions: &[u64]) -> Result<Vec<i64>, MergeError> {
        let Some(field) = layout.field_of(cell) else { return Ok(Vec::new()) };
        let mut times = Vec::with_capacity(positions.len());
        self.read(&[field], &runs(positions), |batch| {
            times.extend(micros(&self.field(batch, field, &stored_time())?));
            Ok(())
        })
        .await?;
        Ok(times)
    }

    /// Whole rows, in their order.
    pub(crate) async fn rows(&self, layout: &Layout, positions: &[u64]) -> Result<Vec<Batch>, MergeError> {
        self.batches(layout, &runs(positions)).await
    }

    /// Whole rows of ranges, in their order.
    pub(crate) async fn batches(&self, layout: &Layout, ranges: &[Range<u64>]) -> Result<Vec<Batch>, MergeError> {
        let added = [Cell::Op, Cell::Sequence, Cell::Text, Cell::Time(0), Cell::Time(1)];
        let added = added.into_iter().filter_map(|cell| layout.field_of(cell));
        let fields: Vec<i32> = layout.data.iter().map(|column| column.field_id).chain(added).collect();
        let mut batches = Vec::new();
        self.read(&fields, ranges, |batch| {
            batches.push(self.batch(layout, batch)?);
            Ok(())
        })
        .await?;
        Ok(batches)
    }

    /// Rows of ranges as the table holds them, to be written as they are.
    pub(crate) fn whole(&self, layout: &Layout, ranges: &[Range<u64>], batch_rows: usize) -> Result<Whole, MergeError> {
        if ranges.is_empty() {
            return Ok(Box::pin(futures::stream::empty()));
        }
        let fields: Vec<i32> = layout.files.schema.as_struct().fields().iter().map(|field| field.id).collect();
        let stream = self.stream(&fields, ranges, batch_rows)?;
        let columns = Columns { metadata: self.metadata.clone(), roots: self.roots.clone() };
        let (path, schema, arrow) =
            (self.path.to_string(), Arc::clone(&layout.files.schema), Arc::clone(&layout.files.arrow));
        Ok(Box::pin(stream.map(move |batch| {
            let batch = batch.map_err(|source| MergeError::Parquet { path: path.clone(), source, advice: ADVICE })?;
            let fields = schema.as_struct().fields().iter().zip(arrow.fields());
            let columns: Result<Vec<ArrayRef>, MergeError> =
                fields.map(|(field, arrow)| columns.field(&batch, field.id, arrow.data_type())).collect();
            Ok(RecordBatch::try_new(Arc::clone(&arrow), columns?)?)
        })))
    }

    fn batch(&self, layout: &Layout, batch: &RecordBatch) -> Result<Batch, MergeError> {
        use crate::shape::SilverKind;
        let column = |cell: Cell, target: &DataType| match layout.field_of(cell) {
            Some(field) => self.field(batch, field, target),
            None => Ok(new_null_array(target, batch.num_rows())),
        };
        let columns: Result<Vec<ArrayRef>, MergeError> =
            layout.data.iter().map(|data| self.field(batch, data.field_id, &data.data_type)).collect();
        let ops = column(Cell::Op, &DataType::Utf8)?;
        let ops = ops.as_string::<i32>().iter().map(|op| {
            op.and_then(OpRank::from_letter).ok_or_else(|| MergeError::Foreign {
                table: layout.table.clone(),
                detail: format!(
                    "'{}' has a row whose _op is none of I, U, D, L; mend it with the engine that wrote it",
                    self.path
                ),
            })
        });
        let ops: Vec<OpRank> = ops.collect::<Result<_, _>>()?;
        let text = column(Cell::Text, &DataType::Utf8)?.as_string::<i32>().clone();
        let text = Some(text).filter(|text| text.null_count() < text.len());
        let sequences: StringArray = column(Cell::Sequence, &DataType::Utf8)?.as_string::<i32>().clone();
        let first = micros(&column(Cell::Time(0), &stored_time())?);
        let is_states = layout.kind == SilverKind::StateChanges;
        let (times, created) = match layout.kind {
            SilverKind::Snapshot => (micros(&column(Cell::Time(1), &stored_time())?), Some(first)),
            _ => (first, None),
        };
        let (carried, repeats) = if is_states { (None, text) } else { (text, None) };
        Ok(Batch { columns: columns?, ops, sequences, times, unset: None, carried, created, repeats })
    }
}

/// Rows as the table holds them, batch after batch.
pub(crate) type Whole = futures::stream::BoxStream<'static, Result<RecordBatch, MergeError>>;

/// What tells the fields of a file's batches.
struct Columns {
    metadata: ArrowReaderMetadata,
    roots: HashMap<i32, usize>,
}

impl Columns {
    fn field(&self, batch: &RecordBatch, field_id: i32, target: &DataType) -> Result<ArrayRef, MergeError> {
        field(&self.metadata, self.roots.get(&field_id).copied(), batch, target)
    }
}

/// A field of a batch in the table's type; null where the file is older than the field.
fn field(
    metadata: &ArrowReaderMetadata,
    root: Option<usize>,
    batch: &RecordBatch,
    target: &DataType,
) -> Result<ArrayRef, MergeError> {
    let name = root.map(|root| metadata.schema().field(root).name());
    let Some(column) = name.and_then(|name| batch.column_by_name(name)) else {
        return Ok(new_null_array(target, batch.num_rows()));
    };
    if column.data_type() == target {
        return Ok(Arc::clone(column));
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    Ok(cast_with_options(column, target, &options)?)
}

fn stored_time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()))
}

/// Places of the table's fields in a file: by their ids, or by their names where it has no ids.
fn roots(metadata: &ArrowReaderMetadata, layout: &Layout) -> HashMap<i32, usize> {
    let fields = metadata.schema().fields();
    let id = |field: &arrow_schema::FieldRef| field.metadata().get(PARQUET_FIELD_ID_META_KEY)?.parse::<i32>().ok();
    let with_ids: HashMap<i32, usize> =
        fields.iter().enumerate().filter_map(|(index, field)| Some((id(field)?, index))).collect();
    if !with_ids.is_empty() {
        return with_ids;
    }
    let by_name = |(index, field): (usize, &arrow_schema::FieldRef)| {
        Some((layout.files.schema.field_id_by_name(field.name())?, index))
    };
    fields.iter().enumerate().filter_map(by_name).collect()
}

/// Positions, which ascend, as ranges.
pub(crate) fn runs(positions: &[u64]) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for position in positions {
        match ranges.last_mut() {
            Some(last) if last.end == *position => last.end += 1,
            _ => ranges.push(*position..*position + 1),
        }
    }
    ranges
}

/// The positions of rows as they are read.
struct Positions<'r> {
    ranges: &'r [Range<u64>],
    /// Rows of the first range that were taken.
    taken: u64,
}

impl<'r> Positions<'r> {
    fn new(ranges: &'r [Range<u64>]) -> Self {
        Positions { ranges, taken: 0 }
    }

    /// The ranges of the next `count` rows, each with the number of rows before it.
    fn take(&mut self, count: usize) -> Vec<(u64, Range<u64>)> {
        let (mut before, count) = (0, count as u64);
        let mut taken = Vec::new();
        while before < count {
            let Some(range) = self.ranges.first() else { break };
            let start = range.start + self.taken;
            let rows = (range.end - start).min(count - before);
            taken.push((before, start..start + rows));
            before += rows;
            self.taken += rows;
            if start + rows == range.end {
                self.ranges = &self.ranges[1..];
                self.taken = 0;
            }
        }
        taken
    }
}

fn at(taken: &[(u64, Range<u64>)], index: u64) -> u64 {
    let place = taken.partition_point(|(before, _)| *before <= index).saturating_sub(1);
    taken.get(place).map_or(index, |(before, range)| range.start + index - before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_become_ranges_and_are_told_again() {
        let positions = [3, 4, 5, 9, 11, 12];
        let ranges = runs(&positions);
        assert_eq!(ranges, [3..6, 9..10, 11..13]);
        for batch in 1..=6 {
            let mut told = Positions::new(&ranges);
            let mut found = Vec::new();
            while found.len() < positions.len() {
                let count = batch.min(positions.len() - found.len());
                let taken = told.take(count);
                found.extend((0..count).map(|index| at(&taken, index as u64)));
            }
            assert_eq!(found, positions, "in batches of {batch}");
        }
    }
}
