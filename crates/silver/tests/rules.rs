//! What others get wrong, each by its name, and what a merge must not do.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    dead_code,
    missing_docs,
    reason = "what fails here fails a test"
)]

mod support;

use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array, Int64Array, StringArray};
use support::changes::Change;
use support::lake::{Lake, contract, parse};
use support::model;
use weir_silver::{MergeError, Settings, Source, compact, merge};

fn change(key: i64, sequence: u8, op: char, a: Option<&str>, b: Option<i64>) -> Change {
    Change { key, sequence, op, time: i64::from(sequence) * 1_000_000, a: Some(a.map(str::to_owned)), b: Some(b) }
}

fn lake() -> Lake {
    Lake::new(contract(&[]), Settings { rewrite_share: 2.0, ..Settings::default() })
}

/// Merges the files one after the other and compares with the model.
async fn holds(lake: &Lake, files: &[&[Change]]) -> Vec<Source> {
    let mut sources = Vec::new();
    for file in files {
        let source = lake.bronze(file).await;
        lake.merge(std::slice::from_ref(&source)).await.unwrap();
        sources.push(source);
    }
    let all: Vec<Change> = files.iter().flat_map(|file| file.iter().cloned()).collect();
    assert_eq!(lake.read().await, model::snapshot(&all));
    sources
}

/// Peers 1: every row of a file gets the file's time as its order.
#[tokio::test]
async fn of_many_updates_in_one_file_the_last_in_sequence_wins() {
    let lake = lake();
    let mut file: Vec<Change> = (0..200).map(|n| change(1, n, 'U', Some(&n.to_string()), None)).collect();
    for change in &mut file {
        change.time = 7_000_000;
    }
    file.reverse();
    file.swap(0, 150);
    holds(&lake, &[&file]).await;
    assert_eq!(lake.read().await.first().unwrap()[1], "199");
}

/// Peers 2 and 23: inserts are appended before updates, deletes are merged apart.
#[tokio::test]
async fn delete_and_insert_in_one_batch_end_as_the_sequence_says() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]] {
        let all = [
            change(1, 1, 'I', Some("first"), Some(1)),
            change(1, 2, 'D', None, None),
            change(1, 3, 'I', Some("again"), Some(2)),
        ];
        let file: Vec<Change> = order.iter().map(|place| all[*place].clone()).collect();
        let lake = lake();
        holds(&lake, &[&file]).await;
        let row = lake.read().await.first().unwrap().clone();
        assert_eq!((row[1].as_str(), row[5].as_str(), row[6].as_str()), ("again", "-", "I"));
    }
}

/// Peers 2, 13 and 20: a repeated file, or a repeated record, doubles rows.
#[tokio::test]
async fn a_file_that_comes_again_under_any_name_changes_nothing() {
    let lake = lake();
    let file = [
        change(1, 1, 'I', Some("x"), Some(1)),
        change(2, 1, 'I', Some("y"), None),
        change(1, 1, 'I', Some("x"), Some(1)),
    ];
    holds(&lake, &[&file]).await;
    let head = lake.table().await.metadata_location;
    let again = lake.bronze(&file).await;
    let report = lake.merge(&[again]).await.unwrap();
    assert_eq!((report.snapshot, report.keys_unchanged), (None, 2));
    assert_eq!(lake.table().await.metadata_location, head);
}

/// Peers 3: a delete that carries only the key blanks the other columns.
#[tokio::test]
async fn a_deleted_row_keeps_its_columns() {
    let lake = lake();
    holds(&lake, &[&[change(1, 1, 'I', Some("x"), Some(7))], &[change(1, 2, 'D', None, None)]]).await;
    let row = lake.read().await.first().unwrap().clone();
    assert_eq!(&row[1..7], ["x", "7", "1000000", "2000000", "2000000", "D"]);
}

/// A deletion that comes before its row keeps the row from coming back.
#[tokio::test]
async fn a_late_insert_does_not_bring_back_a_deleted_row() {
    let lake = lake();
    holds(&lake, &[&[change(1, 2, 'D', None, None)], &[change(1, 1, 'I', Some("x"), Some(7))]]).await;
    let row = lake.read().await.first().unwrap().clone();
    assert_eq!((row[1].as_str(), row[6].as_str()), ("x", "D"));
}

/// Peers 4: snapshot rows match none of insert, update and delete, and vanish.
#[tokio::test]
async fn loads_are_rows_and_rank_below_every_change() {
    let lake = lake();
    holds(
        &lake,
        &[
            &[change(1, 1, 'U', Some("changed"), None)],
            &[change(1, 9, 'L', Some("loaded"), None), change(2, 9, 'L', Some("other"), None)],
        ],
    )
    .await;
    let values: Vec<String> = lake.read().await.iter().map(|row| row[1].clone()).collect();
    assert_eq!(values, ["changed", "other"]);
}

/// Peers 5: a table is overwritten whole with only the touched partitions.
#[tokio::test]
async fn a_row_that_moves_to_another_partition_leaves_the_old_one() {
    let lake = Lake::new(contract(&[("weir.silver.partitionBy", "[b]")]), Settings::default());
    let files: [&[Change]; 2] = [
        &[
            change(1, 1, 'I', Some("x"), Some(1)),
            change(2, 1, 'I', Some("y"), Some(1)),
            change(3, 1, 'I', Some("z"), Some(2)),
        ],
        &[change(1, 2, 'U', Some("x"), Some(2))],
    ];
    holds(&lake, &files).await;
}

/// Peers 23: parallel functions that write one table lose or double rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_at_once_lose_and_double_nothing() {
    let lake = Lake::new(contract(&[("weir.silver.partitionBy", "[\"bucket(4, k)\"]")]), Settings::default());
    let files: Vec<Vec<Change>> = (0..8u8)
        .map(|writer| (0..30).map(|key| change(key, writer + 1, 'U', Some(&format!("{writer}")), Some(key))).collect())
        .collect();
    let mut tasks = Vec::new();
    for file in &files {
        let (lake, source) = (lake.clone(), lake.bronze(file).await);
        tasks.push(tokio::spawn(async move { lake.merge(&[source]).await.unwrap() }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(lake.read().await, model::snapshot(&files.concat()));
}

/// Peers 24: types silently default.
#[tokio::test]
async fn a_value_that_does_not_fit_fails_the_merge_and_names_its_column() {
    let lake = lake();
    let changes = [change(1, 1, 'I', None, None)];
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("k", Arc::new(Int64Array::from(vec![1]))),
        ("a", Arc::new(StringArray::from(vec!["x"]))),
        ("b", Arc::new(StringArray::from(vec!["twelve"]))),
    ];
    let source = lake.bronze_of(columns, &changes).await;
    let error = lake.merge(&[source]).await.unwrap_err();
    assert!(matches!(&error, MergeError::Bronze { detail, .. } if detail.contains("'b'")), "{error}");
    assert!(lake.read().await.is_empty());
}

/// Peers 24: missing columns fail every row. A column that came to be later is null in older files.
#[tokio::test]
async fn a_column_that_a_bronze_file_does_not_have_yet_is_null() {
    let lake = lake();
    let columns: Vec<(&str, ArrayRef)> =
        vec![("k", Arc::new(Int32Array::from(vec![1]))), ("a", Arc::new(StringArray::from(vec!["x"])))];
    let source = lake.bronze_of(columns, &[change(1, 1, 'I', Some("x"), None)]).await;
    lake.merge(&[source]).await.unwrap();
    assert_eq!(lake.read().await, model::snapshot(&[change(1, 1, 'I', Some("x"), None)]));
}

/// Peers 25: maintenance races with writers, and breaks pointers.
#[tokio::test]
async fn compaction_keeps_the_rows_and_removes_every_delete() {
    for kind in ["snapshot", "history"] {
        let lake = Lake::new(
            contract(&[("weir.silver.kind", kind), ("weir.silver.partitionBy", "[\"bucket(2, k)\"]")]),
            Settings { rewrite_share: 2.0, ..Settings::default() },
        );
        let mut all = Vec::new();
        for sequence in 0..6u8 {
            let file: Vec<Change> = (0..20)
                .filter(|key| sequence == 0 || key % i64::from(sequence) == 0)
                .map(|key| {
                    change(key, sequence, if key % 7 == 6 { 'D' } else { 'U' }, Some("x"), Some(i64::from(sequence)))
                })
                .collect();
            let source = lake.bronze(&file).await;
            lake.merge(&[source]).await.unwrap();
            all.extend(file);
        }
        let expected = if kind == "history" { model::versions(&all) } else { model::snapshot(&all) };
        assert_eq!(lake.read().await, expected);
        let dry = compact(&lake.silver, &lake.contract, true).await.unwrap();
        let done = lake.compact().await;
        assert!(done.deletes_applied > 0 && done.snapshot.is_some(), "{done:?}");
        assert_eq!(
            (dry.files_before, dry.deletes_applied, dry.snapshot),
            (done.files_before, done.deletes_applied, None)
        );
        assert_eq!(lake.read().await, expected);
        let live = lake.table().await.live(lake.silver.tables.warehouse()).await.unwrap();
        assert_eq!((live.data.len(), live.deletes.len()), (2, 0));
        let summary = &lake.table().await.current_snapshot().unwrap().summary().additional_properties.clone();
        assert_eq!(summary["total-records"], expected.len().to_string());
        assert_eq!(lake.compact().await.snapshot, None);
        // What comes then is merged as before.
        let late = lake.bronze(&all).await;
        assert_eq!(lake.merge(&[late]).await.unwrap().snapshot, None);
    }
}

/// A file of which every row is gone goes too.
#[tokio::test]
async fn a_data_file_without_rows_left_is_taken_out() {
    let lake = lake();
    let files: Vec<Vec<Change>> =
        (1..4u8).map(|sequence| (0..10).map(|key| change(key, sequence, 'U', Some("x"), None)).collect()).collect();
    let files: Vec<&[Change]> = files.iter().map(Vec::as_slice).collect();
    holds(&lake, &files).await;
    let live = lake.table().await.live(lake.silver.tables.warehouse()).await.unwrap();
    assert_eq!((live.data.len(), live.deletes.len()), (1, 0));
}

/// A data file has one file of position deletes at most, however often it is merged into.
#[tokio::test]
async fn deletes_of_a_data_file_do_not_pile_up() {
    let lake = lake();
    let first: Vec<Change> = (0..40).map(|key| change(key, 1, 'L', Some("x"), None)).collect();
    let mut files: Vec<Vec<Change>> = vec![first];
    files.extend((0..5).map(|key| vec![change(key, 2, 'U', Some("y"), None)]));
    let files: Vec<&[Change]> = files.iter().map(Vec::as_slice).collect();
    holds(&lake, &files).await;
    let live = lake.table().await.live(lake.silver.tables.warehouse()).await.unwrap();
    assert_eq!(live.deletes.len(), 1);
    assert_eq!(live.deletes[0].file.record_count(), 5);
}

/// Iceberg's vectorised reader in Spark refuses others (docs/decisions/0009-silver-files.md).
#[tokio::test]
async fn data_files_have_no_encoding_that_a_reader_refuses() {
    use parquet::basic::Encoding;
    let lake = lake();
    let file: Vec<Change> = (0..20_000).map(|key| change(key, 1, 'L', Some("x"), Some(key))).collect();
    holds(&lake, &[&file]).await;
    let live = lake.table().await.live(lake.silver.tables.warehouse()).await.unwrap();
    let path = lake.silver.tables.warehouse().path(live.data[0].file.file_path()).unwrap();
    let bytes = object_store::ObjectStoreExt::get(&lake.store, &path).await.unwrap().bytes().await.unwrap();
    let reader = parquet::file::serialized_reader::SerializedFileReader::new(bytes).unwrap();
    let known = [Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY];
    for group in parquet::file::reader::FileReader::metadata(&reader).row_groups() {
        for column in group.columns() {
            assert!(column.encodings().all(|encoding| known.contains(&encoding)), "{:?}", column.column_path());
        }
    }
}

/// A partition that outgrows the target size becomes several files, none of them much larger, each with keys of its own.
#[tokio::test]
async fn a_large_partition_is_cut_at_the_target_size() {
    let lake = Lake::new(contract(&[("weir.silver.targetFileSize", "1MiB")]), Settings::default());
    let text = |key: i64| {
        (0..4u64)
            .map(|part| format!("{:016x}", (key.cast_unsigned() * 4 + part).wrapping_mul(0x9E37_79B9_7F4A_7C15)))
            .collect::<String>()
    };
    let file: Vec<Change> = (0..60_000).map(|key| change(key, 1, 'L', Some(&text(key)), None)).collect();
    holds(&lake, &[&file]).await;
    let live = lake.table().await.live(lake.silver.tables.warehouse()).await.unwrap();
    assert!(live.data.len() >= 2, "{}", live.data.len());
    for file in &live.data {
        assert!(file.file.file_size_in_bytes() < 2 << 20, "{}", file.file.file_size_in_bytes());
    }
    let again = lake.bronze(&file[30_000..30_010]).await;
    let report = lake.merge(&[again]).await.unwrap();
    assert_eq!((report.snapshot, report.files_read), (None, 1));
}

/// A dry run counts what the merge does, and writes nothing.
#[tokio::test]
async fn a_dry_run_writes_nothing_and_counts_the_same() {
    let lake = lake();
    for file in [
        vec![change(1, 1, 'I', Some("x"), None), change(2, 1, 'I', None, None)],
        vec![change(1, 2, 'D', None, None), change(3, 1, 'I', None, None)],
    ] {
        let source = lake.bronze(&file).await;
        let before = lake.objects().await;
        let dry = merge(&lake.silver, &lake.contract, std::slice::from_ref(&source), true).await.unwrap();
        assert_eq!(lake.objects().await, before);
        let done = lake.merge(&[source]).await.unwrap();
        let counts = |report: &weir_silver::MergeReport| {
            (report.changes, report.keys, report.rows_inserted, report.rows_updated, report.rows_deleted)
        };
        assert_eq!(counts(&dry), counts(&done));
        assert_eq!(dry.snapshot, None);
    }
}

/// A merge that fails leaves nothing behind.
#[tokio::test]
async fn a_merge_that_fails_leaves_no_file() {
    let lake = lake();
    let good = lake.bronze(&[change(1, 1, 'I', Some("x"), None)]).await;
    lake.merge(std::slice::from_ref(&good)).await.unwrap();
    let before = lake.objects().await;
    let gone = Source { control_id: "0".into(), bronze_key: "bronze/t/gone.parquet".into() };
    let error = lake.merge(&[good, gone]).await.unwrap_err();
    assert!(error.to_string().contains("bronze/t/gone.parquet"), "{error}");
    assert_eq!(lake.objects().await, before);
}

/// A value that no record of the key has is told, and is filled as soon as one comes.
#[tokio::test]
async fn what_the_source_left_out_is_counted_until_it_comes() {
    let lake = lake();
    let later = Change { a: None, ..change(1, 5, 'U', None, Some(1)) };
    let source = lake.bronze(std::slice::from_ref(&later)).await;
    assert_eq!(lake.merge(&[source]).await.unwrap().unresolved, 1);
    let earlier = change(1, 1, 'I', Some("kept"), Some(0));
    let source = lake.bronze(std::slice::from_ref(&earlier)).await;
    lake.merge(&[source]).await.unwrap();
    assert_eq!(lake.read().await, model::snapshot(&[earlier, later]));
}

/// A contract that grows: new column, wider type, another name.
#[tokio::test]
async fn rows_survive_a_change_of_the_contract() {
    let mut lake = lake();
    holds(&lake, &[&[change(1, 1, 'I', Some("x"), Some(1)), change(2, 1, 'I', Some("y"), Some(2))]]).await;
    lake.contract = parse(
        "apiVersion: v3.1.0\nkind: DataContract\nid: t\nname: t\nversion: 1.1.0\nstatus: active\nschema:\n  - name: t\n    properties:\n\
         \x20     - {name: k, logicalType: integer, physicalType: bigint, primaryKey: true, primaryKeyPosition: 1, required: true}\n\
         \x20     - {name: label, logicalType: string, customProperties: [{property: weir.renamedFrom, value: a}]}\n\
         \x20     - {name: b, logicalType: integer, physicalType: bigint}\n\
         \x20     - {name: c, logicalType: integer, physicalType: bigint}\n",
    );
    // A file from before the change, with a value left out, and one from after it.
    let old = Change { a: None, ..change(1, 2, 'U', None, Some(10)) };
    let old = lake.bronze(&[old]).await;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("k", Arc::new(Int64Array::from(vec![3]))),
        ("label", Arc::new(StringArray::from(vec!["z"]))),
        ("b", Arc::new(Int64Array::from(vec![3]))),
        ("c", Arc::new(Int64Array::from(vec![33]))),
    ];
    let new = lake.bronze_of(columns, &[change(3, 3, 'I', None, None)]).await;
    lake.merge(&[old, new]).await.unwrap();
    let rows: Vec<Vec<String>> = lake.read().await.into_iter().map(|row| row[..4].to_vec()).collect();
    assert_eq!(rows, [["1", "x", "10", "-"], ["2", "y", "2", "-"], ["3", "z", "3", "33"]]);
}
