//! Columns that are taken over as they are, and those that are refused.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, Int64Array, LargeStringArray, RecordBatch, StringArray};
use futures::StreamExt;
use iceberg_files::{FilesError, WriteError};

use crate::support::*;

fn with(name: &str, column: ArrayRef) -> RecordBatch {
    let whole = batch(&numbered(0..2, 2));
    let schema = whole.schema();
    let columns = schema.fields().iter().zip(whole.columns()).map(|(field, before)| {
        let column = if field.name() == name { &column } else { before };
        (field.name().clone(), Arc::clone(column), true)
    });
    RecordBatch::try_from_iter_with_nullable(columns.collect::<Vec<_>>()).unwrap()
}

async fn refused(batch: RecordBatch, column: &str, says: &str) {
    let world = World::new();
    let error = world.write(&shape(&[]), vec![stream(vec![batch])], options(1 << 20, 1)).await.unwrap_err();
    assert!(
        matches!(&error, WriteError::Files(FilesError::Column { column: named, .. }) if named == column),
        "{error}"
    );
    assert!(error.to_string().contains(says), "{error}");
    assert!(world.objects().await.is_empty());
}

#[tokio::test]
async fn texts_are_the_same_however_they_are_laid_out() {
    let texts = || vec![Some("a"), None];
    let dictionary: DictionaryArray<Int32Type> = texts().into_iter().collect();
    let layouts: [ArrayRef; 3] =
        [Arc::new(StringArray::from(texts())), Arc::new(LargeStringArray::from(texts())), Arc::new(dictionary)];
    for column in layouts {
        let world = World::new();
        let streams = vec![stream(vec![with("text", column)])];
        let written = world.write(&shape(&[]), streams, options(1 << 20, 1)).await.unwrap();
        let read = world.read(&written.files[0]).await;
        assert_eq!(read.iter().map(|row| row.text.as_deref()).collect::<Vec<_>>(), texts());
    }
}

#[tokio::test]
async fn a_column_of_another_type_is_refused_by_name() {
    refused(with("number", Arc::new(Int64Array::from(vec![1, 2]))), "number", "cast it").await;
    refused(with("id", Arc::new(Int32Array::from(vec![1, 2]))), "id", "Int64").await;
    refused(with("day", Arc::new(StringArray::from(vec!["2020-01-01", "x"]))), "day", "Date32").await;
}

#[tokio::test]
async fn a_null_where_a_value_is_required_is_refused_by_name() {
    refused(with("id", Arc::new(Int64Array::from(vec![Some(1), None]))), "id", "requires a value").await;
}

#[tokio::test]
async fn columns_are_those_of_the_table_in_its_order() {
    let whole = batch(&numbered(0..2, 2));
    refused(whole.project(&[0, 2, 1, 3, 4]).unwrap(), "day", "'number'").await;
    refused(whole.project(&[0, 1, 2, 3]).unwrap(), "double", "missing").await;
    let mut more = whole.columns().to_vec();
    more.push(Arc::clone(whole.column(0)));
    let names = ["id", "number", "day", "text", "double", "more"].into_iter().zip(more);
    refused(RecordBatch::try_from_iter(names).unwrap(), "more", "none of the table's").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_fails_ends_the_writing_and_what_was_written_is_known() {
    for (memory, files) in [(1 << 30, false), (0, true)] {
        let world = World::new();
        let good: Vec<_> = (0..50).map(|n| Ok(batch(&numbered(n * 10..n * 10 + 10, 3)))).collect();
        let broken = futures::stream::iter(good.into_iter().chain([Err(Broken)])).boxed();
        // The other one never ends.
        let endless = futures::stream::pending().boxed();
        let error = world.write(&shape(&[]), vec![endless, broken], options(memory, 2)).await.unwrap_err();
        assert!(matches!(error, WriteError::Source(Broken)));
        assert_eq!(world.objects().await.is_empty(), !files);
        world.written.discard(&world.warehouse).await;
        assert!(world.objects().await.is_empty());
    }
}

#[tokio::test]
async fn a_stream_that_panics_is_not_taken_for_one_that_ended() {
    let world = World::new();
    let panics = futures::stream::iter(0..2)
        .map(|n| match n {
            0 => Ok(batch(&numbered(0..10, 3))),
            _ => panic!("as a query may"),
        })
        .boxed();
    let error = world.write(&shape(&[]), vec![panics], options(1 << 20, 2)).await.unwrap_err();
    assert!(error.to_string().contains("a stream of rows broke off"), "{error}");
}
