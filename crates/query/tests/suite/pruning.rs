//! Files that a filter leaves nothing of are not opened.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
use datafusion::datasource::MemTable;
use iceberg::spec::{PrimitiveType, Transform};

use super::support::{World, column, lines};

const DAY: i64 = 86_400_000_000;

/// Ten files: of file n, k is 10 n to 10 n + 9, s is `a…` to `j…`, and at lies in the year 2000 + n. k of the last row is null.
async fn world() -> World {
    let columns = vec![
        column(1, "k", PrimitiveType::Long),
        column(2, "s", PrimitiveType::String),
        column(3, "at", PrimitiveType::Timestamptz),
    ];
    let world = World::new(columns, None).await;
    for file in 0..10i64 {
        let k: ArrayRef =
            Arc::new(Int64Array::from_iter((0..10).map(|row| (row < 9 || file < 9).then_some(file * 10 + row))));
        let letter = char::from(b'a' + file as u8);
        let s: ArrayRef = Arc::new(StringArray::from_iter_values((0..10).map(|row| format!("{letter}{row}"))));
        // 2000-01-01 and about a year for each file, well within it.
        let from = 946_684_800_000_000 + file * 365 * DAY + file / 4 * DAY + 40 * DAY;
        let at: ArrayRef = Arc::new(
            TimestampMicrosecondArray::from_iter_values((0..10).map(|row| from + row * DAY)).with_timezone("+00:00"),
        );
        world.append(vec![k, s, at]).await;
    }
    world
}

/// The rows that pass, and the files that were opened for them.
async fn read(world: &World, filter: &str) -> (usize, usize) {
    world.store.opened();
    let rows = world.lines(&format!("SELECT s FROM t WHERE {filter}")).await.len();
    (rows, world.store.opened().len())
}

#[tokio::test]
async fn bounds_and_counts_of_manifests_spare_files() {
    let world = world().await;
    let twenty_one: Vec<String> =
        (0..21).map(|n| if n < 20 { (1000 + n).to_string() } else { "55".to_owned() }).collect();
    let long = format!("k IN ({})", twenty_one.join(", "));
    for (filter, rows, files) in [
        ("k = 42", 1, 1),
        ("k = 1000", 0, 0),
        ("k IN (3, 98, 57)", 3, 3),
        (long.as_str(), 1, 1),
        ("k BETWEEN 18 AND 21", 4, 2),
        ("k < 0 OR k >= 98", 1, 1),
        ("k IS NULL", 1, 1),
        ("k IS NOT NULL", 99, 10),
        ("s >= 'i'", 20, 2),
        ("s LIKE 'c%'", 10, 1),
        ("s = 'c5' AND k = 3", 0, 0),
        ("at < TIMESTAMP '2001-01-01'", 10, 1),
        ("date_part('year', at) = 2008", 10, 1),
        ("extract(year FROM at) >= 2007", 30, 3),
        ("date_trunc('year', at) = TIMESTAMP '2003-01-01'", 10, 10),
        ("at >= TIMESTAMP '2004-01-01 00:00:00+00:00' AND at < TIMESTAMP '2005-01-01'", 10, 1),
        ("k + 1 = 43", 1, 10),
    ] {
        assert_eq!(read(&world, filter).await, (rows, files), "{filter}");
    }
}

#[tokio::test]
async fn deletes_of_files_that_are_spared_are_not_read() {
    let world = world().await;
    for file in 0..10 {
        world.delete(file, &[1, 2]).await;
    }
    // The data file and its deletes.
    assert_eq!(read(&world, "k BETWEEN 30 AND 39").await, (8, 2));
    assert_eq!(read(&world, "k = 31").await, (0, 2));
    world.store.opened();
    assert_eq!(world.lines("SELECT count(*) AS n FROM t").await, [r#"{"n":80}"#]);
}

#[tokio::test]
async fn rows_are_counted_without_opening_a_file() {
    let world = world().await;
    world.store.opened();
    assert_eq!(
        world.lines("SELECT count(*) AS n, count(s) AS s, count(k) AS k FROM t").await,
        [r#"{"n":100,"s":100,"k":99}"#]
    );
    assert!(world.store.opened().is_empty());
    // Bounds are no values: least and greatest are read.
    assert_eq!(world.lines("SELECT min(k) AS a, max(k) AS b FROM t").await, [r#"{"a":0,"b":98}"#]);
    assert!(!world.store.opened().is_empty());
}

#[tokio::test]
async fn the_smaller_side_of_a_join_spares_files_of_the_larger() {
    let world = world().await;
    let context = world.session().await;
    let keys: ArrayRef = Arc::new(Int64Array::from(vec![42, 44]));
    let batch = RecordBatch::try_from_iter([("k", keys)]).unwrap();
    let small = MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap();
    context.register_table("small", Arc::new(small)).unwrap();
    world.store.opened();
    let rows = lines(&context, "SELECT t.s FROM t JOIN small ON t.k = small.k ORDER BY s").await.unwrap();
    assert_eq!(rows, [r#"{"s":"e2"}"#, r#"{"s":"e4"}"#]);
    assert_eq!(world.store.opened().len(), 1);
}

#[tokio::test]
async fn partitions_spare_files_by_whatever_transform() {
    for transform in [Transform::Identity, Transform::Truncate(1)] {
        let columns = vec![column(1, "k", PrimitiveType::Long), column(2, "s", PrimitiveType::String)];
        let world = World::new(columns, Some((2, transform))).await;
        let k: ArrayRef = Arc::new(Int64Array::from_iter_values(0..26));
        let s: ArrayRef = Arc::new(StringArray::from_iter_values((0..26u8).map(|n| char::from(b'a' + n).to_string())));
        world.append_partitioned(vec![k, s]).await;
        assert_eq!(world.files().await.len(), 26);
        assert_eq!(read(&world, "s IN ('b', 'x')").await, (2, 2));
        assert_eq!(read(&world, "s > 'w' AND k < 25").await, (2, 2), "{transform}");
    }
}
