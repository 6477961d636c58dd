//! Rows that are deleted are not there, whichever way a query comes to them.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int64Array};
use iceberg::spec::{DataContentType, DataFileBuilder, DataFileFormat, PrimitiveType, Struct};
use iceberg_commit::{Kind, LiveFile, Staged};
use object_store::ObjectStoreExt;
use weir_query::{FileRows, IcebergRows, Positions, QueryError};

use super::support::{World, column, lines, with};

fn longs(range: std::ops::Range<i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(range))
}

/// Three files of a hundred rows in row groups of ten: k is 0 to 299.
async fn world() -> World {
    let world = World::new(vec![column(1, "k", PrimitiveType::Long)], None).await;
    for file in 0..3 {
        world.append_in_groups(vec![longs(file * 100..file * 100 + 100)], 10).await;
    }
    world
}

fn keys(lines: &[String]) -> Vec<i64> {
    lines.iter().map(|line| line.trim_start_matches("{\"k\":").trim_end_matches('}').parse().unwrap()).collect()
}

#[tokio::test]
async fn deleted_rows_are_in_no_answer_at_any_filter_and_any_limit() {
    let world = world().await;
    // The first row of each row group, a whole row group, and the end of a file; of one file in two steps.
    let first: Vec<u64> = (0..100).step_by(10).collect();
    world.delete(0, &first).await;
    world.delete(0, &[5, 10, 11]).await;
    world.delete(1, &(20..30).chain(95..100).collect::<Vec<u64>>()).await;
    let gone = |k: i64| match k {
        0..100 => k % 10 == 0 || k == 5 || k == 11,
        100..200 => (120..130).contains(&k) || k >= 195,
        _ => false,
    };
    let live: Vec<i64> = (0..300).filter(|k| !gone(*k)).collect();
    assert_eq!(keys(&world.lines("SELECT k FROM t ORDER BY k").await), live);
    assert_eq!(world.lines("SELECT count(*) AS k FROM t").await, [format!("{{\"k\":{}}}", live.len())]);
    for (filter, passes) in [
        ("k >= 0", (0..300).collect::<Vec<i64>>()),
        ("k < 40", (0..40).collect()),
        ("k IN (0, 1, 20, 125, 199, 299)", vec![0, 1, 20, 125, 199, 299]),
        ("k % 10 = 0", (0..300).step_by(10).collect()),
        ("k BETWEEN 118 AND 131", (118..132).collect()),
    ] {
        let expected: Vec<i64> = passes.into_iter().filter(|k| !gone(*k)).collect();
        assert_eq!(
            keys(&world.lines(&format!("SELECT k FROM t WHERE {filter} ORDER BY k")).await),
            expected,
            "{filter}"
        );
        for limit in [1, 5, 9, 10, 50, 500] {
            let some = keys(&world.lines(&format!("SELECT k FROM t WHERE {filter} LIMIT {limit}")).await);
            assert!(some.iter().all(|k| expected.contains(k)), "{filter} {limit}: {some:?}");
            assert_eq!(some.len(), limit.min(expected.len()), "{filter} {limit}");
        }
    }
    for limit in [1, 9, 10, 95, 1000] {
        let some = keys(&world.lines(&format!("SELECT k FROM t LIMIT {limit}")).await);
        assert!(some.len() == limit.min(live.len()) && some.iter().all(|k| !gone(*k)), "{limit}: {some:?}");
    }
}

#[tokio::test]
async fn given_rows_of_given_files_are_read_and_counted() {
    let world = world().await;
    let (table, files) = (world.table().await, world.files().await);
    let rows = |positions: Vec<Positions>| {
        let files: Vec<FileRows> =
            files.iter().zip(positions).map(|(file, rows)| FileRows { file: Arc::clone(file), rows }).collect();
        IcebergRows::files(world.warehouse(), &table, Arc::clone(table.schema()), files).unwrap()
    };
    let some = with(rows(vec![
        Positions::Only(Arc::from([0, 9, 10, 55])),
        Positions::Except((0..99).collect()),
        Positions::Only(Arc::from([])),
    ]));
    assert_eq!(keys(&lines(&some, "SELECT k FROM t ORDER BY k").await.unwrap()), [0, 9, 10, 55, 199]);
    world.store.opened();
    assert_eq!(lines(&some, "SELECT count(*) AS k FROM t").await.unwrap(), ["{\"k\":5}"]);
    assert_eq!(keys(&lines(&some, "SELECT k FROM t WHERE k > 9 AND k < 60 ORDER BY k").await.unwrap()), [10, 55]);
    let all = with(rows(vec![Positions::All]));
    world.store.opened();
    assert_eq!(lines(&all, "SELECT count(*) AS k FROM t").await.unwrap(), ["{\"k\":100}"]);
    assert!(world.store.opened().is_empty(), "rows of whole files are counted by the manifests");
}

#[tokio::test]
async fn equality_deletes_are_refused_and_the_way_out_is_told() {
    let world = world().await;
    let deletes = DataFileBuilder::default()
        .content(DataContentType::EqualityDeletes)
        .file_path("s3://lake/silver/t/data/equal.parquet".to_owned())
        .file_format(DataFileFormat::Parquet)
        .partition(Struct::empty())
        .partition_spec_id(0)
        .record_count(1)
        .file_size_in_bytes(10)
        .equality_ids(Some(vec![1]))
        .build()
        .unwrap();
    world.commit(Staged { kind: Kind::RowDelta, add_deletes: vec![deletes], ..Staged::default() }).await;
    let error = lines(&world.session().await, "SELECT k FROM t").await.unwrap_err();
    assert!(matches!(&error, QueryError::Foreign { detail, .. } if detail.contains("equality deletes")), "{error}");
}

#[tokio::test]
async fn a_file_that_is_gone_or_damaged_is_named() {
    let world = world().await;
    let files: Vec<Arc<LiveFile>> = world.files().await;
    let path = |file: usize| world.warehouse().path(files[file].file.file_path()).unwrap();
    world.store.delete(&path(1)).await.unwrap();
    let error = lines(&world.session().await, "SELECT sum(k) AS k FROM t").await.unwrap_err();
    let QueryError::File(failed) = &error else { panic!("{error}") };
    assert!(failed.missing && failed.path == files[1].file.file_path(), "{error}");
    assert!(error.to_string().contains("weir maintain"), "{error}");
    assert_eq!(keys(&world.lines("SELECT k FROM t WHERE k < 2 ORDER BY k").await), [0, 1], "the others are read");

    // Bytes in the middle are pages.
    let bytes = world.store.get(&path(2)).await.unwrap().bytes().await.unwrap();
    let mut damaged = bytes.to_vec();
    for byte in &mut damaged[4..60] {
        *byte = 0xff;
    }
    world.store.put(&path(2), damaged.into()).await.unwrap();
    let error = lines(&world.session().await, "SELECT sum(k) AS k FROM t WHERE k >= 200").await.unwrap_err();
    let QueryError::File(failed) = &error else { panic!("{error:?}") };
    assert!(!failed.missing && failed.path == files[2].file.file_path(), "{error}");
    world.store.put(&path(2), bytes.slice(0..40).into()).await.unwrap();
    let error = lines(&world.session().await, "SELECT sum(k) AS k FROM t WHERE k >= 200").await.unwrap_err();
    assert!(matches!(&error, QueryError::File(failed) if failed.path == files[2].file.file_path()), "{error}");
}
