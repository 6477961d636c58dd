//! Random rows, streams and limits, against a plain map of partitions.

use std::collections::BTreeMap;
use std::sync::Arc;

use iceberg::spec::{DataFile, Datum, Literal, NullOrder, SortDirection, Struct, Transform};
use iceberg_files::FileShape;
use proptest::prelude::*;

use crate::support::*;

fn row() -> impl Strategy<Value = Row> {
    let texts = prop_oneof![
        Just(None),
        Just(Some(String::new())),
        prop::sample::select(vec!["a", "../b", "ü/%2F", "null", "x=y z", "\u{0}", "a "])
            .prop_map(|text| Some(text.to_owned())),
    ];
    let doubles = prop_oneof![
        Just(None),
        Just(Some(f64::NAN)),
        Just(Some(-0.0)),
        Just(Some(0.0)),
        Just(Some(f64::NEG_INFINITY)),
        (-3..3i32).prop_map(|value| Some(f64::from(value) / 2.0)),
    ];
    let some = || prop::option::weighted(0.8, -2..3i32);
    (any::<i16>(), some(), some(), texts, doubles).prop_map(|(id, number, day, text, double)| Row {
        id: i64::from(id),
        number,
        day,
        text,
        double,
    })
}

#[derive(Debug, Clone)]
struct Case {
    partition: Vec<(i32, Transform)>,
    sorted: bool,
    /// Streams of batches of rows.
    streams: Vec<Vec<Vec<Row>>>,
    memory_bytes: usize,
    target: u64,
    workers: usize,
}

fn case() -> impl Strategy<Value = Case> {
    let partition = prop::sample::select(vec![
        vec![],
        vec![(2, Transform::Identity)],
        vec![(3, Transform::Identity)],
        vec![(4, Transform::Identity)],
        vec![(4, Transform::Identity), (2, Transform::Identity)],
        vec![(3, Transform::Month), (4, Transform::Void)],
        vec![(2, Transform::Void)],
        vec![(1, Transform::Bucket(3))],
        vec![(4, Transform::Truncate(1)), (1, Transform::Truncate(1000))],
    ]);
    let streams = prop::collection::vec(prop::collection::vec(prop::collection::vec(row(), 0..40), 0..6), 0..4);
    let memory = prop_oneof![Just(0usize), Just(3000), Just(1 << 20)];
    let target = prop_oneof![Just(1u64), Just(1 << 20)];
    (partition, any::<bool>(), streams, memory, target, 0..4usize).prop_map(
        |(partition, sorted, streams, memory_bytes, target, workers)| Case {
            partition,
            sorted,
            streams,
            memory_bytes,
            target,
            workers,
        },
    )
}

/// The partition of a row, by the specification's text.
fn partition(case: &Case, row: &Row) -> Option<Vec<Option<Literal>>> {
    let value = |(field, by): &(i32, Transform)| {
        Some(match (field, by) {
            (_, Transform::Void) => None,
            (2, Transform::Identity) => row.number.map(Literal::int),
            (3, Transform::Identity) => row.day.map(Literal::date),
            (4, Transform::Identity) => row.text.as_deref().map(Literal::string),
            (3, Transform::Month) => row.day.map(|day| Literal::int(if day < 0 { -1 } else { 0 })),
            (4, Transform::Truncate(1)) => {
                row.text.as_deref().map(|text| Literal::string(text.chars().take(1).collect::<String>()))
            }
            (1, Transform::Truncate(1000)) => Some(Literal::long(row.id - row.id.rem_euclid(1000))),
            // Buckets are the transform's own business: that each row is in one is seen by the rows alone.
            _ => return None,
        })
    };
    case.partition.iter().map(value).collect()
}

/// What the manifest says, from the rows.
fn check_statistics(file: &DataFile, rows: &[Row]) {
    assert_eq!(file.record_count(), rows.len() as u64);
    for field in 1..=5 {
        assert_eq!(file.value_counts()[&field], rows.len() as u64);
        assert!(file.column_sizes()[&field] > 0);
    }
    let nulls = |of: fn(&Row) -> bool| rows.iter().filter(|row| of(row)).count() as u64;
    let counted = [
        (1, 0),
        (2, nulls(|row| row.number.is_none())),
        (3, nulls(|row| row.day.is_none())),
        (4, nulls(|row| row.text.is_none())),
        (5, nulls(|row| row.double.is_none())),
    ];
    assert_eq!(file.null_value_counts(), &counted.into());
    assert_eq!(file.nan_value_counts(), &[(5, nulls(|row| row.double.is_some_and(f64::is_nan)))].into());
    let bounds = |field: i32, of: &dyn Fn(&Row) -> Option<Datum>| {
        let mut values: Vec<Datum> = rows.iter().filter_map(of).collect();
        values.sort_by(|left, right| left.partial_cmp(right).unwrap());
        let (least, most) = (values.first(), values.last());
        assert_eq!((file.lower_bounds().get(&field), file.upper_bounds().get(&field)), (least, most), "{field}");
    };
    bounds(1, &|row| Some(Datum::long(row.id)));
    bounds(2, &|row| row.number.map(Datum::int));
    bounds(3, &|row| row.day.map(Datum::date));
    bounds(4, &|row| row.text.as_deref().map(Datum::string));
    // Zero has two signs, and bounds take in both.
    let double = |bound: Option<&Datum>| {
        bound.map(|bound| f64::from_le_bytes(bound.to_bytes().unwrap()[..].try_into().unwrap()))
    };
    let numbers = || rows.iter().filter_map(|row| row.double).filter(|value| !value.is_nan());
    assert_eq!(double(file.lower_bounds().get(&5)), numbers().reduce(f64::min));
    assert_eq!(double(file.upper_bounds().get(&5)), numbers().reduce(f64::max));
}

fn place(file: &DataFile) -> Vec<Option<Literal>> {
    file.partition().iter().map(|value| value.cloned()).collect()
}

async fn run(case: Case) {
    let sort = [(2, SortDirection::Descending, NullOrder::Last), (4, SortDirection::Ascending, NullOrder::First)];
    let metadata = metadata(&case.partition, if case.sorted { &sort } else { &[] });
    let shape = Arc::new(FileShape::of(&metadata, case.target).unwrap());
    let world = World::new();
    let streams = case.streams.iter().map(|batches| stream(batches.iter().map(|rows| batch(rows)).collect())).collect();
    let written = world.write(&shape, streams, options(case.memory_bytes, case.workers)).await.unwrap();

    let all: Vec<&Row> = case.streams.iter().flatten().flatten().collect();
    assert_eq!(written.rows, all.len() as u64);
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut seen = Vec::new();
    for file in &written.files {
        let rows = world.read(file).await;
        assert!(!rows.is_empty());
        check_statistics(file, &rows);
        for row in &rows {
            if let Some(expected) = partition(&case, row) {
                assert_eq!(place(file), expected);
            }
        }
        if case.sorted {
            // None is the least, so that descending puts nulls last.
            let is_sorted = rows.is_sorted_by(|left, right| (right.number, &left.text) <= (left.number, &right.text));
            assert!(is_sorted, "{rows:?}");
            assert_eq!(file.sort_order_id(), Some(1));
        }
        found.entry(format!("{:?}", place(file))).or_default().extend(rows.iter().map(Row::shown));
        seen.push(file.file_path().to_owned());
    }
    // Every row is in one partition once, and within the memory it is where it came.
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let is_known = all.iter().all(|row| partition(&case, row).is_some());
    for row in &all {
        let place = if is_known { format!("{:?}", partition(&case, row).unwrap()) } else { String::new() };
        expected.entry(place).or_default().push(row.shown());
    }
    if !is_known {
        found = BTreeMap::from([(String::new(), found.into_values().flatten().collect())]);
    }
    if case.sorted || case.memory_bytes < 1 << 20 || !is_known {
        for rows in found.values_mut().chain(expected.values_mut()) {
            rows.sort_unstable();
        }
    }
    assert_eq!(found, expected);

    // No file but these, none twice, and all of them known.
    seen.sort_unstable();
    assert_eq!(world.objects().await, seen);
    let mut begun = world.written.uris();
    begun.sort_unstable();
    assert_eq!(begun, seen);
    for uri in seen {
        let folder = uri.strip_prefix("s3://lake/gold/t/data/").unwrap().rsplit_once('/').map(|(folder, _)| folder);
        let is_plain = |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.=".contains(c));
        let depth = if shape.spec.is_unpartitioned() { 0 } else { case.partition.len() };
        assert_eq!(folder.map_or(0, |folder| folder.split('/').filter(|part| is_plain(part)).count()), depth, "{uri}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn rows_that_come_in_are_those_of_the_files_partition_by_partition(case in case()) {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(run(case));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_streams_make_the_same_files() {
    let shape = shape(&[(2, Transform::Identity)]);
    let mut before = None;
    for workers in [1, 3, 3, 3] {
        let world = World::new();
        let streams = (0..3).map(|n| {
            let rows = numbered(n * 1000..(n + 1) * 1000, 7);
            stream(rows.chunks(90).map(batch).collect())
        });
        let written = world.write(&shape, streams.collect(), options(1 << 30, workers)).await.unwrap();
        let mut files = Vec::new();
        for file in &written.files {
            files.push((file.partition().clone(), world.read(file).await));
        }
        assert_eq!(files.iter().map(|(at, _)| at.clone()).collect::<Vec<_>>(), (0..7).map(part).collect::<Vec<_>>());
        assert!(files.iter().all(|(_, rows)| rows.is_sorted_by_key(|row| row.id)), "streams come one after the other");
        assert_eq!(before.get_or_insert_with(|| files.clone()), &files);
    }
}

fn part(number: i32) -> Struct {
    Struct::from_iter([Some(Literal::int(number))])
}

#[tokio::test]
async fn a_null_has_a_folder_of_its_own_and_so_has_what_a_path_may_not_hold() {
    let shape = shape(&[(4, Transform::Identity)]);
    let world = World::new();
    let texts = [None, Some("null"), Some("../x"), Some("a b"), Some("")];
    let rows: Vec<Row> = numbered(0..5, 1)
        .into_iter()
        .zip(texts)
        .map(|(row, text)| Row { text: text.map(str::to_owned), ..row })
        .collect();
    let written = world.write(&shape, vec![stream(vec![batch(&rows)])], options(1 << 20, 1)).await.unwrap();
    let folders: Vec<&str> = written.files.iter().map(|file| file.file_path().rsplit('/').nth(1).unwrap()).collect();
    assert_eq!(folders, ["p0=null", "p0=null", "p0=.._x", "p0=a_b", "p0=_"]);
    assert_eq!(world.read(&written.files[0]).await, rows[..1], "a null and the text null are two partitions");
}
