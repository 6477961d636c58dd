//! New rows as data files: partition after partition, each in the table's order.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef};
use arrow_row::{RowConverter, SortField};
use arrow_schema::SortOptions;
use iceberg::arrow::arrow_primitive_to_literal;
use iceberg::spec::{DataFile, NullOrder, SortDirection, Struct, Transform, Type};
use iceberg_commit::Warehouse;
use object_store::buffered::BufWriter;
use parquet::arrow::AsyncArrowWriter;
use parquet::arrow::async_writer::ParquetObjectWriter;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::gather;
use super::statistics::data_file;
use super::transform::transform;
use super::written::{Written, run};
use crate::error::MergeError;
use crate::fold::NewRow;
use crate::rows::Rows;
use crate::table::{Cell, Layout};

/// Rows that are handed to the Parquet writer at one time.
const BATCH_ROWS: usize = 8192;
/// Rows of a page: what is read for one key.
const PAGE_ROWS: usize = 2048;
/// Bytes of a page, before compression: that of numbers has [`PAGE_ROWS`] rows, that of texts fewer.
const PAGE_BYTES: usize = 128 << 10;
const ROW_GROUP_ROWS: usize = 256 << 10;
/// What a row group may hold in memory before it is written.
const ROW_GROUP_BYTES: usize = 24 << 20;
/// Small files that each worker writes at one time.
const SMALL_AT_ONCE: usize = 8;
/// Below so many rows a file has no Bloom filter: reading the keys costs no more.
const BLOOM_ROWS: usize = 16 << 10;
const BLOOM_FALSE_POSITIVES: f64 = 0.01;

/// Writes new rows as data files under `location`, the table's.
pub(crate) async fn write_rows(
    warehouse: &Warehouse,
    location: &str,
    layout: &Arc<Layout>,
    rows: &Arc<Rows>,
    new: Vec<NewRow>,
    workers: usize,
    written: &Written,
) -> Result<Vec<DataFile>, MergeError> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let partitions = partitions(layout, rows, &new)?;
    // Small files take longer to reach the disk than to be made, and several can wait for it at once.
    let small = partitions.iter().all(|partition| partition.order.len() <= BATCH_ROWS);
    let at_once = if small { workers.max(1) * SMALL_AT_ONCE } else { workers.max(1) };
    let new = Arc::new(new);
    let tasks = partitions.into_iter().map(|partition| {
        let (warehouse, layout, rows, new, written) =
            (warehouse.clone(), Arc::clone(layout), Arc::clone(rows), Arc::clone(&new), written.clone());
        let location = location.to_owned();
        async move {
            let task = tokio::spawn(async move {
                write_partition(&warehouse, &location, &layout, &rows, &new, partition, &written).await
            });
            task.await.map_err(|error| MergeError::Defect(format!("a writer broke off: {error}")))?
        }
    });
    Ok(run(tasks.collect(), at_once).await?.into_iter().flatten().collect())
}

/// The rows of one partition, in the table's order.
struct Partition {
    value: Struct,
    order: Vec<u32>,
}

/// Groups the rows by partition and sorts each group.
fn partitions(layout: &Layout, rows: &Rows, new: &[NewRow]) -> Result<Vec<Partition>, MergeError> {
    let mut values: Vec<ArrayRef> = Vec::new();
    for field in layout.spec.fields().iter().filter(|field| field.transform != Transform::Void) {
        let source = gather::named(rows, layout, field.source_id, new)?;
        values.push(transform(&field.transform, source)?);
    }
    let mut fields: Vec<SortField> = values.iter().map(|array| SortField::new(array.data_type().clone())).collect();
    let mut columns = values.clone();
    for field in &layout.sort.fields {
        let source = gather::named(rows, layout, field.source_id, new)?;
        let column = transform(&field.transform, source)?;
        let options = SortOptions {
            descending: field.direction == SortDirection::Descending,
            nulls_first: field.null_order == NullOrder::First,
        };
        fields.push(SortField::new_with_options(column.data_type().clone(), options));
        columns.push(column);
    }
    // A pass holds far fewer than 2^32 rows.
    let mut order: Vec<u32> = (0..new.len() as u32).collect();
    if !columns.is_empty() {
        let sortable = RowConverter::new(fields)?.convert_columns(&columns)?;
        order.sort_unstable_by(|left, right| sortable.row(*left as usize).cmp(&sortable.row(*right as usize)));
    }
    if values.is_empty() {
        return Ok(vec![Partition { value: Struct::empty(), order }]);
    }
    let types = values.iter().map(|array| SortField::new(array.data_type().clone())).collect();
    let grouped = RowConverter::new(types)?.convert_columns(&values)?;
    let partition_type = layout.spec.partition_type(&layout.schema)?;
    let mut partitions = Vec::new();
    for group in order.chunk_by(|left, right| grouped.row(*left as usize) == grouped.row(*right as usize)) {
        let first = group[0] as usize;
        let mut literals = Vec::new();
        let mut arrays = values.iter();
        for (field, described) in layout.spec.fields().iter().zip(partition_type.fields()) {
            if field.transform == Transform::Void {
                literals.push(None);
                continue;
            }
            let array = arrays.next().ok_or_else(|| MergeError::Defect("a partition value is missing".to_owned()))?;
            literals.push(literal(&array.slice(first, 1), &described.field_type)?);
        }
        partitions.push(Partition { value: Struct::from_iter(literals), order: group.to_vec() });
    }
    Ok(partitions)
}

fn literal(value: &ArrayRef, described: &Type) -> Result<Option<iceberg::spec::Literal>, MergeError> {
    let literals = arrow_primitive_to_literal(value, described)?;
    literals.into_iter().next().ok_or_else(|| MergeError::Defect("a partition value is missing".to_owned()))
}

async fn write_partition(
    warehouse: &Warehouse,
    location: &str,
    layout: &Layout,
    rows: &Rows,
    new: &[NewRow],
    partition: Partition,
    written: &Written,
) -> Result<Vec<DataFile>, MergeError> {
    let mut files = Vec::new();
    let mut writer: Option<FileWriter> = None;
    for chunk in partition.order.chunks(BATCH_ROWS) {
        let batch = gather::batch(rows, layout, new, chunk)?;
        let open = match &mut writer {
            Some(open) => open,
            None => {
                let rows = partition.order.len();
                writer.insert(FileWriter::new(warehouse, location, layout, &partition.value, rows, written)?)
            }
        };
        open.write(&batch).await?;
        if open.bytes() >= layout.target_file_bytes
            && let Some(full) = writer.take()
        {
            files.push(full.close(layout).await?);
        }
    }
    if let Some(last) = writer {
        files.push(last.close(layout).await?);
    }
    Ok(files)
}

/// One data file that is being written.
pub(crate) struct FileWriter {
    writer: AsyncArrowWriter<ParquetObjectWriter>,
    uri: String,
    partition: Struct,
}

impl FileWriter {
    /// `rows` is how many rows are to come, at most; the file is told to `written`.
    pub(crate) fn new(
        warehouse: &Warehouse,
        location: &str,
        layout: &Layout,
        partition: &Struct,
        rows: usize,
        written: &Written,
    ) -> Result<Self, MergeError> {
        let folder = if layout.spec.is_unpartitioned() {
            String::new()
        } else {
            format!("{}/", super::folder::folder(layout, partition))
        };
        let uri = format!("{location}/data/{folder}{}.parquet", uuid::Uuid::now_v7());
        let path = warehouse.path(&uri)?;
        written.begin(&uri);
        let sink = ParquetObjectWriter::from_buf_writer(BufWriter::new(Arc::clone(warehouse.store()), path));
        let writer = AsyncArrowWriter::try_new(sink, Arc::clone(&layout.arrow), Some(file_properties(layout, rows)))
            .map_err(|error| MergeError::Defect(format!("Parquet: {error}")))?;
        Ok(FileWriter { writer, uri, partition: partition.clone() })
    }

    pub(crate) async fn write(&mut self, batch: &arrow_array::RecordBatch) -> Result<(), MergeError> {
        let mut result = self.writer.write(batch).await;
        if result.is_ok() && self.writer.memory_size() >= ROW_GROUP_BYTES {
            result = self.writer.flush().await;
        }
        result.map_err(|error| self.failed(&error))
    }

    pub(crate) fn bytes(&self) -> u64 {
        (self.writer.bytes_written() + self.writer.in_progress_size()) as u64
    }

    pub(crate) async fn close(mut self, layout: &Layout) -> Result<DataFile, MergeError> {
        let metadata = self.writer.finish().await.map_err(|error| self.failed(&error))?;
        let bytes = self.writer.bytes_written() as u64;
        data_file(layout, &metadata, self.uri, bytes, self.partition)
    }

    fn failed(&self, error: &parquet::errors::ParquetError) -> MergeError {
        let source = object_store::Error::Generic { store: "silver", source: error.to_string().into() };
        MergeError::Store { what: format!("'{}' could not be written", self.uri), source }
    }
}

fn file_properties(layout: &Layout, rows: usize) -> WriterProperties {
    let path = |name: &str| ColumnPath::new(vec![name.to_owned()]);
    let mut builder = super::properties(rows)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_write_batch_size(1024);
    for key in &layout.keys {
        let name = path(&layout.data[*key].name);
        builder = builder
            .set_column_statistics_enabled(name.clone(), EnabledStatistics::Page)
            // Read by every merge, and Snappy is read faster.
            .set_column_compression(name.clone(), Compression::SNAPPY);
        if layout.keys.len() == 1 {
            // Each key stands once: a dictionary of them would be built and thrown away.
            builder = builder.set_column_dictionary_enabled(name.clone(), false);
        }
        if rows >= BLOOM_ROWS && layout.keys.first() == Some(key) {
            builder = builder
                .set_column_bloom_filter_enabled(name.clone(), true)
                .set_column_bloom_filter_fpp(name.clone(), BLOOM_FALSE_POSITIVES)
                .set_column_bloom_filter_ndv(name, rows.min(ROW_GROUP_ROWS) as u64);
        }
    }
    // Delta encodings would be smaller, but Iceberg's vectorised reader in Spark refuses them in all
    // but its newest releases (docs/decisions/0009-silver-files.md).
    for cell in [Cell::Sequence, Cell::Text] {
        if let Some(name) = layout.column_of(cell) {
            builder = builder.set_column_dictionary_enabled(path(name), false);
        }
    }
    builder.build()
}
