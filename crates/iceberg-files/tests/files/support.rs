//! A table of several types, its rows, and files that are read back.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, Int32Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, StringViewArray,
};
use futures::StreamExt;
use futures::stream::BoxStream;
use iceberg::spec::{
    DataFile, FormatVersion, NestedField, NullOrder, PrimitiveType, Schema, SortDirection, SortField, SortOrder,
    TableMetadata, TableMetadataBuilder, Transform, Type, UnboundPartitionSpec,
};
use iceberg_commit::Warehouse;
use iceberg_files::{FileShape, PartitionedFiles, PartitionedOptions, WriteError, Written, write_partitioned};
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

pub(crate) const LOCATION: &str = "s3://lake/gold/t";

/// A row: a required long, then an optional integer, day, text and double.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) number: Option<i32>,
    pub(crate) day: Option<i32>,
    pub(crate) text: Option<String>,
    pub(crate) double: Option<f64>,
}

impl Row {
    /// As something that is equal to itself, no number included.
    pub(crate) fn shown(&self) -> String {
        format!("{self:?}")
    }
}

pub(crate) fn metadata(partition: &[(i32, Transform)], sort: &[(i32, SortDirection, NullOrder)]) -> TableMetadata {
    let optional = |id, name: &str, of| NestedField::optional(id, name, Type::Primitive(of)).into();
    let fields = [
        NestedField::required(1, "id", Type::Primitive(PrimitiveType::Long)).into(),
        optional(2, "number", PrimitiveType::Int),
        optional(3, "day", PrimitiveType::Date),
        optional(4, "text", PrimitiveType::String),
        optional(5, "double", PrimitiveType::Double),
    ];
    let schema = Schema::builder().with_fields(fields).build().unwrap();
    let mut spec = UnboundPartitionSpec::builder();
    for (number, (field, by)) in partition.iter().enumerate() {
        spec = spec.add_partition_field(*field, format!("p{number}"), *by).unwrap();
    }
    let fields = sort.iter().map(|(field, direction, nulls)| {
        SortField::builder()
            .source_id(*field)
            .transform(Transform::Identity)
            .direction(*direction)
            .null_order(*nulls)
            .build()
    });
    let order = SortOrder::builder().with_fields(fields.collect()).build(&schema).unwrap();
    let location = LOCATION.to_owned();
    let builder =
        TableMetadataBuilder::new(schema, spec.build(), order, location, FormatVersion::V2, HashMap::new()).unwrap();
    builder.build().unwrap().metadata
}

pub(crate) fn shape(partition: &[(i32, Transform)]) -> Arc<FileShape> {
    Arc::new(FileShape::of(&metadata(partition, &[]), 64 << 20).unwrap())
}

/// The rows as an engine hands them on: texts are views, and no field has an id.
pub(crate) fn batch(rows: &[Row]) -> RecordBatch {
    let columns: [(&str, ArrayRef); 5] = [
        ("id", Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.id)))),
        ("number", Arc::new(Int32Array::from_iter(rows.iter().map(|row| row.number)))),
        ("day", Arc::new(Date32Array::from_iter(rows.iter().map(|row| row.day)))),
        ("text", Arc::new(StringViewArray::from_iter(rows.iter().map(|row| row.text.as_deref())))),
        ("double", Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.double)))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

/// The first rows, numbered, in so many partitions by `number`.
pub(crate) fn numbered(rows: std::ops::Range<i64>, partitions: i64) -> Vec<Row> {
    rows.map(|id| Row {
        id,
        number: i32::try_from(id % partitions).ok(),
        day: None,
        text: Some(format!("text {id}")),
        double: None,
    })
    .collect()
}

pub(crate) fn rows(batch: &RecordBatch) -> Vec<Row> {
    let (ids, numbers) = (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Int32Type>());
    let (days, doubles) = (batch.column(2).as_primitive::<Date32Type>(), batch.column(4).as_primitive::<Float64Type>());
    let texts: &StringArray = batch.column(3).as_string();
    (0..batch.num_rows())
        .map(|row| Row {
            id: ids.value(row),
            number: numbers.is_valid(row).then(|| numbers.value(row)),
            day: days.is_valid(row).then(|| days.value(row)),
            text: texts.is_valid(row).then(|| texts.value(row).to_owned()),
            double: doubles.is_valid(row).then(|| doubles.value(row)),
        })
        .collect()
}

#[derive(Debug, thiserror::Error)]
#[error("the source broke")]
pub(crate) struct Broken;

pub(crate) type Stream = BoxStream<'static, Result<RecordBatch, Broken>>;

pub(crate) fn stream(batches: Vec<RecordBatch>) -> Stream {
    futures::stream::iter(batches.into_iter().map(Ok)).boxed()
}

pub(crate) fn options(memory_bytes: usize, workers: usize) -> PartitionedOptions {
    PartitionedOptions { memory_bytes, workers }
}

/// A warehouse in memory.
pub(crate) struct World {
    pub(crate) warehouse: Warehouse,
    pub(crate) written: Written,
}

impl World {
    pub(crate) fn new() -> Self {
        World::over(Arc::new(InMemory::new()))
    }

    pub(crate) fn over(store: Arc<dyn ObjectStore>) -> Self {
        World { warehouse: Warehouse::new(store, "s3://lake").unwrap(), written: Written::default() }
    }

    pub(crate) async fn write(
        &self,
        shape: &Arc<FileShape>,
        streams: Vec<Stream>,
        options: PartitionedOptions,
    ) -> Result<PartitionedFiles, WriteError<Broken>> {
        write_partitioned(&self.warehouse, LOCATION, shape, streams, options, &self.written).await
    }

    /// The rows of a file, in their order.
    pub(crate) async fn read(&self, file: &DataFile) -> Vec<Row> {
        let path = self.warehouse.path(file.file_path()).unwrap();
        let bytes = self.warehouse.store().get(&path).await.unwrap().bytes().await.unwrap();
        assert_eq!(file.file_size_in_bytes(), bytes.len() as u64);
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
        reader.flat_map(|batch| rows(&batch.unwrap())).collect()
    }

    /// The URIs of all objects.
    pub(crate) async fn objects(&self) -> Vec<String> {
        let listed: Vec<_> = self.warehouse.store().list(None).collect().await;
        let mut uris: Vec<String> =
            listed.into_iter().map(|object| self.warehouse.uri_of(&object.unwrap().location)).collect();
        uris.sort_unstable();
        uris
    }
}
