//! New rows as data files: partition after partition, each in the table's order.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef};
use arrow_row::{RowConverter, SortField};
use iceberg::spec::{DataFile, Struct};
use iceberg_commit::Warehouse;
use iceberg_files::{FileWriter, Written, run, transform};
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::gather;
use crate::error::MergeError;
use crate::fold::NewRow;
use crate::rows::Rows;
use crate::table::{Cell, Layout};

/// Rows that are handed to the Parquet writer at one time.
const BATCH_ROWS: usize = 8192;
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
    let failed = || MergeError::files(&layout.table);
    let mut values: Vec<ArrayRef> = Vec::new();
    for (field, by) in layout.files.partition_fields() {
        let source = gather::named(rows, layout, field, new)?;
        values.push(transform(&by, source).map_err(failed())?);
    }
    let mut fields: Vec<SortField> = values.iter().map(|array| SortField::new(array.data_type().clone())).collect();
    let mut columns = values.clone();
    for (field, by, options) in layout.files.sort_fields() {
        let source = gather::named(rows, layout, field, new)?;
        let column = transform(&by, source).map_err(failed())?;
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
    let mut partitions = Vec::new();
    for group in order.chunk_by(|left, right| grouped.row(*left as usize) == grouped.row(*right as usize)) {
        let value = layout.files.partition(&values, group[0] as usize).map_err(failed())?;
        partitions.push(Partition { value, order: group.to_vec() });
    }
    Ok(partitions)
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
    let failed = || MergeError::files(&layout.table);
    let mut files = Vec::new();
    let mut writer: Option<FileWriter> = None;
    for chunk in partition.order.chunks(BATCH_ROWS) {
        let batch = gather::batch(rows, layout, new, chunk)?;
        let open = match &mut writer {
            Some(open) => open,
            None => {
                let properties = file_properties(layout, partition.order.len());
                let value = &partition.value;
                let new = FileWriter::new(warehouse, location, &layout.files, value, properties, written);
                writer.insert(new.map_err(failed())?)
            }
        };
        open.write(&batch).await.map_err(failed())?;
        if open.bytes() >= layout.files.target_file_bytes
            && let Some(full) = writer.take()
        {
            files.push(full.close().await.map_err(failed())?);
        }
    }
    if let Some(last) = writer {
        files.push(last.close().await.map_err(failed())?);
    }
    Ok(files)
}

/// How a file of so many rows is written, at most.
pub(crate) fn file_properties(layout: &Layout, rows: usize) -> WriterProperties {
    let path = |name: &str| ColumnPath::new(vec![name.to_owned()]);
    let mut builder = iceberg_files::properties(rows);
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
                .set_column_bloom_filter_ndv(name, rows.min(iceberg_files::ROW_GROUP_ROWS) as u64);
        }
    }
    // Hardly one stands twice. Why no delta encoding takes the dictionary's place is told at `iceberg_files::properties`.
    for cell in [Cell::Sequence, Cell::Text] {
        if let Some(name) = layout.column_of(cell) {
            builder = builder.set_column_dictionary_enabled(path(name), false);
        }
    }
    builder.build()
}
