//! How long it takes to write rows by partition: `cargo run --release -p iceberg-files --example write_speed`.
//!
//! 1.6 million rows of 25 columns in 168 partitions, once as a query gives them out (partitions mixed in each batch),
//! once partition after partition, and once without partitions; into a store in memory.

#![allow(clippy::unwrap_used, reason = "an example may fail")]

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{ArrayRef, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use futures::StreamExt;
use iceberg::spec::{
    FormatVersion, NestedField, PrimitiveType, Schema, SortOrder, TableMetadata, TableMetadataBuilder, Transform, Type,
    UnboundPartitionSpec,
};
use iceberg_commit::Warehouse;
use iceberg_files::{FileShape, PartitionedOptions, Written, write_partitioned};
use object_store::memory::InMemory;

const ROWS: usize = 1_600_000;
const BATCH_ROWS: usize = 8192;
const PARTITIONS: u64 = 168;
const STREAMS: usize = 2;
/// After the partition's: four of each of six types.
const COLUMNS: i32 = 24;

fn metadata(partitioned: bool) -> TableMetadata {
    let mut fields = vec![NestedField::required(1, "p", Type::Primitive(PrimitiveType::Int)).into()];
    for column in 0..COLUMNS {
        let of = match column % 6 {
            0 | 1 => PrimitiveType::Long,
            2 => PrimitiveType::Double,
            3 => PrimitiveType::Date,
            _ => PrimitiveType::String,
        };
        fields.push(NestedField::optional(column + 2, format!("c{column}"), Type::Primitive(of)).into());
    }
    let schema = Schema::builder().with_fields(fields).build().unwrap();
    let mut spec = UnboundPartitionSpec::builder();
    if partitioned {
        spec = spec.add_partition_field(1, "p", Transform::Identity).unwrap();
    }
    let (order, location) = (SortOrder::unsorted_order(), "s3://lake/gold/t".to_owned());
    let version = FormatVersion::V2;
    let builder = TableMetadataBuilder::new(schema, spec.build(), order, location, version, HashMap::new()).unwrap();
    builder.build().unwrap().metadata
}

/// A number that looks like any other.
fn mixed(n: u64) -> u64 {
    let n = (n ^ (n >> 31)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    n ^ (n >> 29)
}

fn batch(first: usize, in_order: bool) -> RecordBatch {
    let rows = || (first..(first + BATCH_ROWS).min(ROWS)).map(|row| row as u64);
    let partition = |row: u64| if in_order { row * PARTITIONS / ROWS as u64 } else { mixed(row) % PARTITIONS };
    let p: ArrayRef = Arc::new(Int32Array::from_iter_values(rows().map(|row| partition(row) as i32)));
    let mut columns = vec![("p".to_owned(), p)];
    for column in 0..COLUMNS as u64 {
        let values = || rows().map(move |row| mixed(row * 31 + column));
        let array: ArrayRef = match column % 6 {
            0 => Arc::new(Int64Array::from_iter_values(values().map(|value| value as i64))),
            1 => Arc::new(Int64Array::from_iter_values(values().map(|value| (value % 1000) as i64))),
            2 => Arc::new(Float64Array::from_iter_values(values().map(|value| (value % 100_000) as f64 / 100.0))),
            3 => Arc::new(Date32Array::from_iter_values(values().map(|value| (value % 7300) as i32))),
            4 => Arc::new(StringArray::from_iter_values(values().map(|value| format!("state {}", value % 50)))),
            _ => Arc::new(StringArray::from_iter_values(values().map(|value| format!("{value:x}")))),
        };
        columns.push((format!("c{column}"), array));
    }
    RecordBatch::try_from_iter(columns).unwrap()
}

#[tokio::main]
async fn main() {
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    for (name, partitioned, in_order) in
        [("mixed", true, false), ("in order", true, true), ("without partitions", false, false)]
    {
        for memory_mb in [128, 1024] {
            let warehouse = Warehouse::new(Arc::new(InMemory::new()), "s3://lake").unwrap();
            let shape = Arc::new(FileShape::of(&metadata(partitioned), 128 << 20).unwrap());
            let batches: Vec<RecordBatch> = (0..ROWS).step_by(BATCH_ROWS).map(|first| batch(first, in_order)).collect();
            let streams = batches.chunks(batches.len().div_ceil(STREAMS)).map(|of_stream| {
                let of_stream = of_stream.to_vec();
                futures::stream::iter(of_stream.into_iter().map(Ok::<_, Infallible>)).boxed()
            });
            let options = PartitionedOptions { memory_bytes: memory_mb << 20, workers };
            let (written, streams) = (Written::default(), streams.collect());
            let begun = Instant::now();
            let files =
                write_partitioned(&warehouse, "s3://lake/gold/t", &shape, streams, options, &written).await.unwrap();
            let seconds = begun.elapsed().as_secs_f64();
            let bytes: u64 = files.files.iter().map(|file| file.file_size_in_bytes()).sum();
            println!(
                "{name}, {memory_mb} MiB: {seconds:.2} s, {} rows, {} files, {} MB",
                files.rows,
                files.files.len(),
                bytes / 1_000_000
            );
        }
    }
}
