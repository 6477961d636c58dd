//! What other engines put into a table of the test lake.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use iceberg::spec::{DataContentType, DataFile, DataFileBuilder, DataFileFormat, Datum, Struct};
use iceberg_commit::{Kind, Staged, Table};
use object_store::{ObjectStoreExt, PutPayload};
use parquet::arrow::ArrowWriter;

use super::lake::Lake;

/// A row of the snapshot table as another engine writes it.
#[derive(Debug, Clone)]
pub struct Row {
    pub key: i64,
    pub a: Option<&'static str>,
    pub b: Option<i64>,
    pub op: &'static str,
    pub sequence: &'static str,
    /// Seconds.
    pub time: i64,
}

/// A row that is there, with the least of sequences.
pub fn row(key: i64, a: &'static str) -> Row {
    Row { key, a: Some(a), b: None, op: "I", sequence: "0", time: 5 }
}

/// The rows as a batch, with other columns, and without field ids.
pub fn batch(rows: &[Row], more: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let times = |of: &dyn Fn(&Row) -> Option<i64>| -> ArrayRef {
        let times = TimestampMicrosecondArray::from_iter(rows.iter().map(|row| of(row).map(|time| time * 1_000_000)));
        Arc::new(times.with_timezone("UTC"))
    };
    let time = |row: &Row| Some(row.time);
    let none = |_: &Row| None;
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("k", Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.key)))),
        ("a", Arc::new(StringArray::from_iter(rows.iter().map(|row| row.a)))),
        ("b", Arc::new(Int64Array::from_iter(rows.iter().map(|row| row.b)))),
    ];
    columns.extend(more);
    columns.extend([
        ("created_at", times(&time)),
        ("updated_at", times(&time)),
        ("deleted_at", times(&none)),
        ("_op", Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.op))) as ArrayRef),
        ("_seq", Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.sequence)))),
        ("_carried", Arc::new(StringArray::from(vec![None::<&str>; rows.len()]))),
    ]);
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

/// Puts an object below the table, and returns its URI and size.
async fn put(lake: &Lake, name: &str, bytes: Vec<u8>) -> (String, u64) {
    let uri = format!("{}/data/{name}", lake.table().await.location());
    let path = lake.silver.tables.warehouse().path(&uri).unwrap();
    let size = bytes.len() as u64;
    lake.store.put(&path, PutPayload::from(bytes)).await.unwrap();
    (uri, size)
}

fn parquet(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

async fn commit(lake: &Lake, staged: Staged) -> Table {
    lake.silver.tables.commit(&lake.table().await, staged).await.unwrap()
}

fn describe(content: DataContentType, uri: String, bytes: u64, rows: u64) -> DataFileBuilder {
    let mut builder = DataFileBuilder::default();
    builder
        .content(content)
        .file_path(uri)
        .file_format(DataFileFormat::Parquet)
        .partition(Struct::empty())
        .partition_spec_id(0)
        .record_count(rows)
        .file_size_in_bytes(bytes);
    builder
}

/// Appends a Parquet file with these rows: no field ids, no bounds.
pub async fn append(lake: &Lake, name: &str, batch: &RecordBatch) -> DataFile {
    let (uri, bytes) = put(lake, name, parquet(batch)).await;
    let file = describe(DataContentType::Data, uri, bytes, batch.num_rows() as u64).build().unwrap();
    commit(lake, Staged { add_data: vec![file.clone()], ..Staged::default() }).await;
    file
}

/// Appends a file of another format, whatever is in it.
pub async fn append_format(lake: &Lake, format: DataFileFormat) {
    let (uri, bytes) = put(lake, "other", b"not for us".to_vec()).await;
    let file = describe(DataContentType::Data, uri, bytes, 1).file_format(format).build().unwrap();
    commit(lake, Staged { add_data: vec![file], ..Staged::default() }).await;
}

/// Whether a file of position deletes says which data files it is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bounds {
    None,
    /// The least and the greatest path.
    Whole,
    /// As writers cut them: the greatest is a text above it.
    Cut,
}

/// Deletes rows of any data files by one file of positions.
pub async fn delete_positions(lake: &Lake, rows: &[(&str, i64)], bounds: Bounds) {
    let mut rows = rows.to_vec();
    rows.sort_unstable();
    let paths: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|(path, _)| *path)));
    let positions: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|(_, position)| *position)));
    let field = |name: &str, data_type, id: i32| {
        let metadata = [("PARQUET:field_id".to_owned(), id.to_string())];
        arrow_schema::Field::new(name, data_type, false).with_metadata(metadata.into())
    };
    let schema = arrow_schema::Schema::new(vec![
        field("file_path", arrow_schema::DataType::Utf8, 2_147_483_546),
        field("pos", arrow_schema::DataType::Int64, 2_147_483_545),
    ]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![paths, positions]).unwrap();
    let name = format!("{bounds:?}-{}-deletes.parquet", rows.len());
    let (uri, bytes) = put(lake, &name, parquet(&batch)).await;
    let mut builder = describe(DataContentType::PositionDeletes, uri, bytes, rows.len() as u64);
    if bounds != Bounds::None {
        let (first, last) = (rows[0].0, rows[rows.len() - 1].0);
        let (lower, upper) = match bounds {
            Bounds::Cut => (first[..16].to_owned(), format!("{}\u{7f}", &last[..16])),
            _ => (first.to_owned(), last.to_owned()),
        };
        builder.lower_bounds([(2_147_483_546, Datum::string(lower))].into());
        builder.upper_bounds([(2_147_483_546, Datum::string(upper))].into());
    }
    let staged = Staged { kind: Kind::RowDelta, add_deletes: vec![builder.build().unwrap()], ..Staged::default() };
    commit(lake, staged).await;
}

/// Deletes the row of a key by an equality delete.
pub async fn delete_equal(lake: &Lake, key: i64) {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![key]));
    let batch = RecordBatch::try_from_iter([("k", column)]).unwrap();
    let (uri, bytes) = put(lake, "equal-deletes.parquet", parquet(&batch)).await;
    let mut builder = describe(DataContentType::EqualityDeletes, uri, bytes, 1);
    builder.equality_ids(Some(vec![1]));
    let staged = Staged { kind: Kind::RowDelta, add_deletes: vec![builder.build().unwrap()], ..Staged::default() };
    commit(lake, staged).await;
}

/// Adds an optional column of texts at the end of the table.
pub async fn add_column(lake: &Lake, name: &str) {
    use iceberg::spec::{NestedField, PrimitiveType, Schema, Type};
    let table = lake.table().await;
    let current = table.metadata.current_schema();
    let id = table.metadata.last_column_id() + 1;
    let added = Arc::new(NestedField::optional(id, name, Type::Primitive(PrimitiveType::String)));
    let schema = Schema::builder()
        .with_fields(current.as_struct().fields().iter().cloned().chain([added]))
        .with_identifier_field_ids(current.identifier_field_ids())
        .build()
        .unwrap();
    let updates =
        vec![iceberg::TableUpdate::AddSchema { schema }, iceberg::TableUpdate::SetCurrentSchema { schema_id: -1 }];
    commit(lake, Staged { updates, ..Staged::default() }).await;
}

/// The batch with the table's field ids.
pub async fn with_ids(lake: &Lake, batch: &RecordBatch) -> RecordBatch {
    let table = lake.table().await;
    let schema = batch.schema();
    let fields = schema.fields().iter().map(|field| {
        let id = table.metadata.current_schema().field_id_by_name(field.name()).unwrap();
        field.as_ref().clone().with_metadata([("PARQUET:field_id".to_owned(), id.to_string())].into())
    });
    let fields: Vec<arrow_schema::Field> = fields.collect();
    RecordBatch::try_new(Arc::new(arrow_schema::Schema::new(fields)), batch.columns().to_vec()).unwrap()
}
