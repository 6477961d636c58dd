//! Tables that other engines wrote to: what they did is merged into, or refused by name.

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

use arrow_array::{ArrayRef, StringArray};
use iceberg::spec::DataFileFormat;
use support::changes::Change;
use support::foreign::{
    Bounds, Row, add_column, append, append_format, batch, delete_equal, delete_positions, row, with_ids,
};
use support::lake::{Lake, contract};
use weir_silver::{MergeError, Settings, compact};

fn change(key: i64, sequence: u8, a: &str) -> Change {
    Change { key, sequence, op: 'U', time: 9_000_000, a: Some(Some(a.to_owned())), b: Some(None) }
}

async fn merge(lake: &Lake, changes: &[Change]) -> Result<weir_silver::MergeReport, MergeError> {
    let source = lake.bronze(changes).await;
    lake.merge(&[source]).await
}

/// A table with the keys 0 to 9, whose `a` is `own`.
async fn lake(rewrite_share: f64) -> Lake {
    let lake = Lake::new(contract(&[]), Settings { rewrite_share, ..Settings::default() });
    merge(&lake, &(0..10).map(|key| change(key, 1, "own")).collect::<Vec<_>>()).await.unwrap();
    lake
}

/// Key and `a` of every row; fails on a double.
async fn values(lake: &Lake) -> Vec<(i64, String)> {
    let mut rows: Vec<(i64, String)> =
        lake.read().await.iter().map(|row| (row[0].parse().unwrap(), row[1].clone())).collect();
    rows.sort();
    rows
}

fn own(changed: &[(i64, &str)]) -> Vec<(i64, String)> {
    let mut rows: std::collections::BTreeMap<i64, String> = (0..10).map(|key| (key, "own".to_owned())).collect();
    rows.extend(changed.iter().map(|(key, a)| (*key, (*a).to_owned())));
    rows.into_iter().collect()
}

#[tokio::test]
async fn a_file_without_field_ids_is_read_by_its_names() {
    for share in [0.0, 2.0] {
        let lake = lake(share).await;
        append(&lake, "plain.parquet", &batch(&[row(20, "theirs"), row(21, "theirs"), row(22, "theirs")], vec![]))
            .await;
        merge(&lake, &[change(20, 1, "ours"), change(3, 2, "ours")]).await.unwrap();
        assert_eq!(values(&lake).await, own(&[(3, "ours"), (20, "ours"), (21, "theirs"), (22, "theirs")]));
        // The least time of both is kept.
        assert!(lake.read().await.iter().any(|row| row[0] == "20" && row[3] == "5000000"));
        lake.compact().await;
        merge(&lake, &[change(21, 1, "ours")]).await.unwrap();
        assert_eq!(values(&lake).await, own(&[(3, "ours"), (20, "ours"), (21, "ours"), (22, "theirs")]));
    }
}

#[tokio::test]
async fn a_key_that_stands_twice_stands_once_after_it_was_merged_into() {
    // Older than what is stored, and newer than it; a change that is newer than all, and one that is older.
    for (theirs, stands) in [("0", "own"), ("1002", "theirs")] {
        for (sequence, late) in [(9, false), (0, true)] {
            let lake = lake(2.0).await;
            let double = Row { sequence: if theirs == "0" { "0" } else { "1002" }, ..row(4, "theirs") };
            append(&lake, "double.parquet", &batch(&[double, row(20, "theirs")], vec![])).await;
            let report = merge(&lake, &[change(4, sequence, "ours")]).await.unwrap();
            assert_eq!(report.rows_removed, 1);
            let expected = if late { stands } else { "ours" };
            assert_eq!(values(&lake).await, own(&[(4, expected), (20, "theirs")]), "{theirs} {sequence}");
            // What was there already is merged again, and nothing changes.
            assert_eq!(merge(&lake, &[change(4, sequence, "ours")]).await.unwrap().snapshot, None);
        }
    }
}

#[tokio::test]
async fn doubles_that_are_equal_in_all_are_one_row() {
    for sequence in [1, 0] {
        let lake = lake(2.0).await;
        let double = Row { sequence: "1001", op: "U", time: 9, ..row(4, "own") };
        append(&lake, "double.parquet", &batch(&[double.clone(), double], vec![])).await;
        merge(&lake, &[change(4, sequence, "own")]).await.unwrap();
        assert_eq!(values(&lake).await, own(&[]));
    }
}

#[tokio::test]
async fn deletes_of_several_files_in_one_are_kept() {
    for bounds in [Bounds::None, Bounds::Whole, Bounds::Cut] {
        for share in [0.0, 2.0] {
            let lake = lake(share).await;
            let first = append(&lake, "a.parquet", &batch(&[row(20, "x"), row(21, "x"), row(22, "x")], vec![])).await;
            let second = append(&lake, "b.parquet", &batch(&[row(30, "x"), row(31, "x"), row(32, "x")], vec![])).await;
            let (first, second) = (first.file_path().to_owned(), second.file_path().to_owned());
            delete_positions(&lake, &[(&first, 0), (&first, 2), (&second, 1)], bounds).await;
            assert_eq!(values(&lake).await, own(&[(21, "x"), (30, "x"), (32, "x")]));
            // One that is deleted comes again as a new row, one that is not is replaced; first in one of the files
            // alone, so that what is deleted of the other has to stay deleted.
            merge(&lake, &[change(20, 1, "new"), change(21, 1, "new")]).await.unwrap();
            let expected = own(&[(20, "new"), (21, "new"), (30, "x"), (32, "x")]);
            assert_eq!(values(&lake).await, expected, "{bounds:?} {share}");
            merge(&lake, &[change(32, 1, "new")]).await.unwrap();
            let expected = own(&[(20, "new"), (21, "new"), (30, "x"), (32, "new")]);
            assert_eq!(values(&lake).await, expected, "{bounds:?} {share}");
            assert!(lake.read().await.iter().any(|row| row[0] == "20" && row[3] == "9000000"), "no row was found");
            lake.compact().await;
            assert_eq!(values(&lake).await, expected, "{bounds:?} {share}");
            merge(&lake, &[change(31, 1, "late")]).await.unwrap();
            let expected = own(&[(20, "new"), (21, "new"), (30, "x"), (31, "late"), (32, "new")]);
            assert_eq!(values(&lake).await, expected, "{bounds:?} {share}");
        }
    }
}

/// Nothing of a merge that is refused is visible, and nothing is left of it.
async fn is_refused(lake: &Lake, changes: &[Change], says: &[&str]) {
    let source = lake.bronze(changes).await;
    let (head, before) = (lake.table().await.metadata_location, lake.objects().await);
    let error = lake.merge(&[source]).await.unwrap_err();
    assert!(matches!(error, MergeError::Foreign { .. }), "{error:?}");
    for word in says {
        assert!(error.to_string().contains(word), "{error}");
    }
    assert_eq!(lake.table().await.metadata_location, head);
    assert_eq!(lake.objects().await, before);
}

#[tokio::test]
async fn equality_deletes_are_refused_and_the_table_stays() {
    for share in [0.0, 2.0] {
        let lake = lake(share).await;
        delete_equal(&lake, 4).await;
        is_refused(&lake, &[change(4, 2, "ours")], &["equality deletes", "rewrite_data_files"]).await;
        is_refused(&lake, &[change(5, 2, "ours"), change(99, 1, "new")], &["equality deletes"]).await;
        // Keys of which there is no row in the files that they are about are no matter.
        merge(&lake, &[change(99, 1, "new")]).await.unwrap();
        merge(&lake, &[change(99, 2, "newer")]).await.unwrap();
    }
}

#[tokio::test]
async fn a_data_file_of_another_format_is_refused_and_the_table_stays() {
    for format in [DataFileFormat::Orc, DataFileFormat::Avro] {
        let lake = lake(2.0).await;
        append_format(&lake, format).await;
        is_refused(&lake, &[change(4, 2, "ours")], &["is no Parquet file", "data/other"]).await;
        // Compaction tells it too, once it meets the file, and changes nothing.
        let head = lake.table().await.metadata_location;
        let _ = compact(&lake.silver, &lake.contract, false).await;
        assert_eq!(lake.table().await.metadata_location, head);
    }
}

#[tokio::test]
async fn a_row_with_an_unknown_operation_is_refused_by_its_file() {
    for op in ["X", "", "delete"] {
        let lake = lake(2.0).await;
        let nonsense = Row {
            op: if op == "X" {
                "X"
            } else if op.is_empty() {
                ""
            } else {
                "delete"
            },
            sequence: "9",
            ..row(20, "x")
        };
        append(&lake, "odd.parquet", &batch(&[nonsense], vec![])).await;
        is_refused(&lake, &[change(20, 2, "ours")], &["data/odd.parquet", "_op", "I, U, D, L"]).await;
        merge(&lake, &[change(3, 2, "ours")]).await.unwrap();
    }
}

/// A whole record sets every column of its row, so that one which it does not know is null.
#[tokio::test]
async fn a_column_of_another_engine_stays_where_no_change_comes() {
    for share in [0.0, 2.0] {
        let lake = lake(share).await;
        add_column(&lake, "note").await;
        let notes: ArrayRef = Arc::new(StringArray::from(vec!["n20", "n21", "n22", "n23"]));
        let rows = [row(20, "x"), row(21, "x"), row(22, "x"), row(23, "x")];
        let report = merge(&lake, &[change(0, 2, "ours")]).await.unwrap();
        assert!(report.notes.iter().any(|note| note.contains("'note' is not in the contract")), "{:?}", report.notes);
        let rows = with_ids(&lake, &batch(&rows, vec![("note", notes)])).await;
        append(&lake, "notes.parquet", &rows).await;
        let noted = async || -> Vec<(String, String)> {
            let rows = lake.read().await;
            let mut rows: Vec<_> =
                rows.iter().map(|row| (row[0].clone(), row[3].clone())).filter(|(key, _)| key.len() == 2).collect();
            rows.sort();
            rows
        };
        let expected = |first: &str, last: &str| {
            [("20", first), ("21", "n21"), ("22", "n22"), ("23", last)]
                .map(|(key, note)| (key.to_owned(), note.to_owned()))
                .to_vec()
        };
        assert_eq!(noted().await, expected("n20", "n23"));
        merge(&lake, &[change(20, 1, "ours")]).await.unwrap();
        assert_eq!(noted().await, expected("-", "n23"));
        // A deletion sets no column.
        merge(&lake, &[Change { op: 'D', ..change(23, 1, "") }]).await.unwrap();
        assert_eq!(noted().await, expected("-", "n23"));
        lake.compact().await;
        assert_eq!(noted().await, expected("-", "n23"));
    }
}
