//! Columns are those of the table by field id, whatever a file calls them.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Float32Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema as ArrowSchema};
use datafusion::parquet::arrow::ArrowWriter;
use iceberg::spec::{
    DataContentType, DataFile, DataFileBuilder, DataFileFormat, NestedField, PrimitiveType, Struct, Transform, Type,
};
use iceberg_commit::Staged;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use weir_query::{IcebergRows, QueryError};

use super::support::{World, column, lines, with};

fn ints(values: &[i32]) -> ArrayRef {
    Arc::new(Int32Array::from(values.to_vec()))
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

#[tokio::test]
async fn a_column_that_was_renamed_is_read_from_old_files() {
    let world =
        World::new(vec![column(1, "k", PrimitiveType::Int), column(2, "old", PrimitiveType::String)], None).await;
    world.append(vec![ints(&[1, 2]), texts(&["a", "b"])]).await;
    world.columns(vec![column(1, "k", PrimitiveType::Int), column(2, "new", PrimitiveType::String)]).await;
    world.append(vec![ints(&[3]), texts(&["c"])]).await;
    assert_eq!(
        world.lines("SELECT k, new FROM t ORDER BY k").await,
        [r#"{"k":1,"new":"a"}"#, r#"{"k":2,"new":"b"}"#, r#"{"k":3,"new":"c"}"#]
    );
    assert_eq!(world.lines("SELECT k FROM t WHERE new >= 'b' ORDER BY k").await, [r#"{"k":2}"#, r#"{"k":3}"#]);
    assert_eq!(
        world.lines("SELECT new, count(*) AS n FROM t WHERE new = 'a' GROUP BY new").await,
        [r#"{"new":"a","n":1}"#]
    );
}

#[tokio::test]
async fn columns_that_exchanged_their_names_keep_their_values() {
    let of = |a: &str, b: &str| vec![column(1, a, PrimitiveType::Int), column(2, b, PrimitiveType::String)];
    let world = World::new(of("a", "b"), None).await;
    world.append(vec![ints(&[1, 2]), texts(&["x", "y"])]).await;
    world.columns(of("b", "a")).await;
    world.append(vec![ints(&[3]), texts(&["z"])]).await;
    assert_eq!(
        world.lines("SELECT a, b FROM t ORDER BY b").await,
        [r#"{"a":"x","b":1}"#, r#"{"a":"y","b":2}"#, r#"{"a":"z","b":3}"#]
    );
    assert_eq!(world.lines("SELECT b FROM t WHERE a > 'x' AND b < 3").await, [r#"{"b":2}"#]);
}

#[tokio::test]
async fn a_name_that_was_dropped_and_given_again_is_null_in_old_files() {
    let world = World::new(vec![column(1, "k", PrimitiveType::Int), column(2, "x", PrimitiveType::String)], None).await;
    world.append(vec![ints(&[1]), texts(&["old"])]).await;
    world.columns(vec![column(1, "k", PrimitiveType::Int)]).await;
    world.append(vec![ints(&[2])]).await;
    world.columns(vec![column(1, "k", PrimitiveType::Int), column(3, "x", PrimitiveType::Int)]).await;
    world.append(vec![ints(&[3]), ints(&[30])]).await;
    assert_eq!(
        world.lines("SELECT k, x FROM t ORDER BY k").await,
        [r#"{"k":1,"x":null}"#, r#"{"k":2,"x":null}"#, r#"{"k":3,"x":30}"#]
    );
    assert_eq!(world.lines("SELECT k FROM t WHERE x IS NULL ORDER BY k").await, [r#"{"k":1}"#, r#"{"k":2}"#]);
    assert_eq!(world.lines("SELECT k FROM t WHERE x = 30").await, [r#"{"k":3}"#]);
    assert_eq!(world.lines("SELECT count(x) AS n, count(*) AS m FROM t").await, [r#"{"n":1,"m":3}"#]);
}

#[tokio::test]
async fn a_column_whose_type_became_wider_keeps_every_value() {
    let decimal = |precision| PrimitiveType::Decimal { precision, scale: 2 };
    let of = |n, f, d| vec![column(1, "n", n), column(2, "f", f), column(3, "d", d)];
    let world = World::new(of(PrimitiveType::Int, PrimitiveType::Float, decimal(5)), None).await;
    let amounts = |values: Vec<i128>, precision| -> ArrayRef {
        Arc::new(Decimal128Array::from(values).with_precision_and_scale(precision, 2).unwrap())
    };
    world
        .append(vec![
            ints(&[i32::MAX, -1]),
            Arc::new(Float32Array::from(vec![0.5, f32::NAN])),
            amounts(vec![99_999, -1], 5),
        ])
        .await;
    world.columns(of(PrimitiveType::Long, PrimitiveType::Double, decimal(20))).await;
    let large: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX]));
    world.append(vec![large, Arc::new(Float64Array::from(vec![1e300])), amounts(vec![12_345_678_901_234], 20)]).await;
    assert_eq!(
        world.lines("SELECT n, f, d FROM t ORDER BY n").await,
        [
            r#"{"n":-1,"f":"NaN","d":"-0.01"}"#,
            r#"{"n":2147483647,"f":0.5,"d":"999.99"}"#,
            r#"{"n":9223372036854775807,"f":1e+300,"d":"123456789012.34"}"#
        ]
    );
    assert_eq!(
        world.lines("SELECT n FROM t WHERE n > 2147483646 AND d > 1000").await,
        [r#"{"n":9223372036854775807}"#]
    );
    assert_eq!(world.lines("SELECT n FROM t WHERE n = 2147483647").await, [r#"{"n":2147483647}"#]);
    // NaN is greater than every number, and a file's bounds leave it out.
    assert_eq!(
        world.lines("SELECT n FROM t WHERE f > 0.7 ORDER BY n").await,
        [r#"{"n":-1}"#, r#"{"n":9223372036854775807}"#]
    );
}

#[tokio::test]
async fn columns_may_stand_in_another_order_and_the_key_of_a_partition_is_the_partitions() {
    let of = || vec![column(1, "k", PrimitiveType::Int), column(2, "s", PrimitiveType::String)];
    let world = World::new(of(), Some((2, Transform::Identity))).await;
    let some = |values: &[Option<&str>]| -> ArrayRef { Arc::new(StringArray::from(values.to_vec())) };
    world.append_partitioned(vec![ints(&[1, 2, 3]), some(&[Some("a"), None, Some("b")])]).await;
    world.columns(vec![column(2, "s", PrimitiveType::String), column(1, "k", PrimitiveType::Int)]).await;
    world.append_partitioned(vec![some(&[Some("a")]), ints(&[4])]).await;
    assert_eq!(
        world.lines("SELECT * FROM t ORDER BY k").await,
        [r#"{"s":"a","k":1}"#, r#"{"s":null,"k":2}"#, r#"{"s":"b","k":3}"#, r#"{"s":"a","k":4}"#]
    );
    world.store.opened();
    assert_eq!(world.lines("SELECT k FROM t WHERE s IS NULL").await, [r#"{"k":2}"#]);
    assert_eq!(world.store.opened().len(), 1);
    assert_eq!(world.lines("SELECT s, count(*) AS n FROM t GROUP BY s ORDER BY s NULLS LAST").await.len(), 3);
}

/// A file as a program leaves it that knows nothing of field ids.
async fn without_ids(world: &World, name: &str) -> DataFile {
    let schema = Arc::new(ArrowSchema::new(vec![
        Field::new("key", DataType::Int32, true),
        Field::new("word", DataType::Utf8, true),
    ]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![ints(&[7, 8]), texts(&["p", "q"])]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let size = bytes.len() as u64;
    world.store.put(&Path::from(format!("silver/t/data/{name}")), PutPayload::from(bytes)).await.unwrap();
    DataFileBuilder::default()
        .content(DataContentType::Data)
        .file_path(format!("s3://lake/silver/t/data/{name}"))
        .file_format(DataFileFormat::Parquet)
        .partition(Struct::empty())
        .partition_spec_id(0)
        .record_count(2)
        .file_size_in_bytes(size)
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_file_without_field_ids_is_read_by_the_name_mapping_and_refused_without() {
    let world = World::new(vec![column(1, "k", PrimitiveType::Int), column(2, "w", PrimitiveType::String)], None).await;
    let file = without_ids(&world, "added.parquet").await;
    world.add(vec![file]).await;
    let error = lines(&world.session().await, "SELECT k FROM t").await.unwrap_err();
    assert!(error.to_string().contains("schema.name-mapping.default"), "{error}");
    let mapping = r#"[{"field-id":1,"names":["k","key"]},{"field-id":2,"names":["word"]}]"#;
    let properties = [("schema.name-mapping.default".to_owned(), mapping.to_owned())].into();
    world.commit(Staged { properties, ..Staged::default() }).await;
    assert_eq!(world.lines("SELECT k, w FROM t WHERE w = 'q'").await, [r#"{"k":8,"w":"q"}"#]);
}

#[tokio::test]
async fn nested_columns_and_every_primitive_type_are_read() {
    let item = NestedField::list_element(10, Type::Primitive(PrimitiveType::String), false).into();
    let list = NestedField::optional(2, "l", Type::List(iceberg::spec::ListType { element_field: item })).into();
    let world = World::new(vec![column(1, "d", PrimitiveType::Date), list], None).await;
    let table = world.table().await;
    let shape = iceberg_files::FileShape::of(&table.metadata, 1).unwrap();
    let DataType::List(field) = shape.arrow.field(1).data_type().clone() else { panic!("{}", shape.arrow) };
    let values: ArrayRef = texts(&["a", "b"]);
    let offsets = datafusion::arrow::buffer::OffsetBuffer::from_lengths([2, 0]);
    let lists: ArrayRef = Arc::new(datafusion::arrow::array::ListArray::new(field, offsets, values, None));
    world.append(vec![Arc::new(Date32Array::from(vec![0, 20_000])), lists]).await;
    assert_eq!(
        world.lines("SELECT d, l, array_length(l) AS n FROM t WHERE d < DATE '2000-01-01' OR d > DATE '2024-01-01' ORDER BY d").await,
        [r#"{"d":"1970-01-01","l":["a","b"],"n":2}"#, r#"{"d":"2024-10-04","l":[],"n":0}"#]
    );
}

#[tokio::test]
async fn a_snapshot_is_read_with_the_columns_that_it_had() {
    let world =
        World::new(vec![column(1, "k", PrimitiveType::Int), column(2, "old", PrimitiveType::String)], None).await;
    let before = world.append(vec![ints(&[1]), texts(&["a"])]).await.current_snapshot_id().unwrap();
    world.columns(vec![column(1, "k", PrimitiveType::Int), column(2, "new", PrimitiveType::String)]).await;
    world.append(vec![ints(&[2]), texts(&["b"])]).await;
    let table = world.table().await;
    let rows = IcebergRows::snapshot(world.warehouse(), &table, Some(before)).await.unwrap();
    assert_eq!(lines(&with(rows), "SELECT * FROM t").await.unwrap(), [r#"{"k":1,"old":"a"}"#]);
    let error = IcebergRows::snapshot(world.warehouse(), &table, Some(5)).await.unwrap_err();
    assert!(matches!(&error, QueryError::Snapshot(text) if text.contains(&before.to_string())), "{error}");
}

#[tokio::test]
async fn a_table_without_a_snapshot_has_columns_and_no_rows() {
    let world = World::new(vec![column(1, "k", PrimitiveType::Int)], None).await;
    assert_eq!(world.lines("SELECT count(*) AS n, max(k) AS k FROM t").await, [r#"{"n":0,"k":null}"#]);
    assert!(world.lines("SELECT k FROM t WHERE k = 1").await.is_empty());
}
