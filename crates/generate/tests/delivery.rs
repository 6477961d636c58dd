//! What holds of a change stream as it arrives.

mod support;

use std::collections::{BTreeMap, HashMap};

use support::changes::{beer, fold, folded, object, written};
use support::{contract, lake, plain, plan, property};

#[test]
fn the_same_contracts_rows_seed_and_changes_give_the_same_bytes() {
    for name in ["beer", "people"] {
        let with = |seed, changes| written(&plan(&lake(name), 1_000, &plain(seed)), changes).0;
        assert_eq!(with(7, 3_000), with(7, 3_000));
        assert_ne!(with(7, 3_000), with(8, 3_000));
        assert_ne!(with(7, 3_000), with(7, 3_001));
    }
}

/// If this fails, streams that were made before can no longer be made again: say so in the change log.
#[test]
fn the_bytes_stay_the_same_from_version_to_version() {
    let (text, _) = written(&beer(1_000), 10_000);
    let golden = include_str!("golden/changes.jsonl");
    assert_eq!(text.lines().take(golden.lines().count()).collect::<Vec<_>>(), golden.lines().collect::<Vec<_>>());
    let sum = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    assert_eq!(sum, PINNED_SUM);
}

const PINNED_SUM: u64 = 3_776_202_851_524_833_373;

#[test]
fn the_stream_as_it_arrives_folds_to_what_happened() {
    for (name, rows, changes) in [("beer", 1_000, 8_000), ("beer", 5, 3_000), ("people", 300, 3_000), ("people", 1, 1)]
    {
        let plan = plan(&lake(name), rows, &plain(11));
        let (text, _) = written(&plan, changes);
        assert!(fold(&plan, &text) == folded(&plan, changes), "{name} {rows} {changes}");
    }
}

#[test]
fn records_come_twice_late_and_shuffled_and_are_counted() {
    let plan = beer(2_000);
    let (text, counts) = written(&plan, 20_000);
    let mut seen: HashMap<&str, usize> = HashMap::new();
    text.lines().for_each(|line| *seen.entry(line).or_default() += 1);
    assert_eq!(counts.records, text.lines().count() as u64);
    assert_eq!(counts.bytes, text.len() as u64);
    assert_eq!(counts.inserts + counts.updates + counts.deletes, 20_000);
    let kinds = counts.inserts + counts.updates + counts.deletes + counts.loads + counts.controls + counts.duplicates;
    assert_eq!(kinds, counts.records);
    let twice = seen.values().map(|count| *count as u64 - 1).sum::<u64>();
    assert!(twice >= counts.duplicates && (150..300).contains(&counts.duplicates), "{counts:?}");
    assert!((150..300).contains(&counts.late) && (50..200).contains(&counts.loads), "{counts:?}");

    let turn: HashMap<_, _> = plan
        .changes(20_000, &[])
        .unwrap()
        .in_order()
        .enumerate()
        .map(|(turn, change)| ((change.transaction, change.record), turn))
        .collect();
    let arrived = text.lines().filter_map(|line| {
        let record = object(line.as_bytes());
        let number = |name: &str| record["metadata"].get(name)?.as_u64();
        turn.get(&(number("transaction-id")?, number("transaction-record-id")?)).copied()
    });
    let arrived: Vec<usize> = arrived.collect();
    let mut latest = 0;
    let behind: Vec<usize> = arrived
        .iter()
        .map(|turn| {
            latest = latest.max(*turn);
            latest - turn
        })
        .collect();
    assert!(behind.iter().filter(|places| **places >= 450).count() > 100);
    assert!(behind.iter().filter(|places| (1..20).contains(*places)).count() > 5_000);
    // What is late at the end comes when nothing else does.
    let before_end = arrived.iter().zip(&behind).filter(|(turn, _)| **turn < 14_000);
    assert!(before_end.map(|(_, places)| places).all(|places| *places < 20 || (450..5_100).contains(places)));
}

#[test]
fn records_have_the_shape_of_dms() {
    let plan = beer(2_000);
    let (text, counts) = written(&plan, 10_000);
    let mut operations: BTreeMap<String, u64> = BTreeMap::new();
    let mut exceptions = 0;
    for line in text.lines() {
        assert!(line.len() < 1_000 << 10);
        let record = object(line.as_bytes());
        let metadata = record["metadata"].as_object().unwrap();
        let operation = metadata["operation"].as_str().unwrap();
        let kind = metadata["record-type"].as_str().unwrap();
        *operations.entry(format!("{kind} {operation}")).or_default() += 1;
        let names: Vec<&str> = metadata.keys().map(String::as_str).collect();
        let table = metadata["table-name"].as_str().unwrap();
        if kind == "control" {
            assert!(!record.contains_key("data"));
            assert_eq!(metadata["partition-key-type"], "task-id");
            exceptions += usize::from(table == "awsdms_apply_exceptions" && metadata["schema-name"] == "");
            continue;
        }
        let details = if operation == "load" { 7 } else { ROW_METADATA.len() };
        assert_eq!(names, ROW_METADATA[..details], "{line}");
        assert_eq!(record.contains_key("before-image"), operation == "update");
        assert_eq!(metadata["schema-name"], "public");
        let key = &record["data"][format!("{table}_id")];
        assert_eq!(metadata["partition-key-value"], format!("public.{table}.{key}"));
    }
    for operation in [
        "data insert",
        "data update",
        "data delete",
        "data load",
        "control create-table",
        "control add-column",
        "control drop-column",
        "control rename-column",
        "control column-type-change",
        "control rename-table",
        "control drop-table",
        "control TruncateTable",
        "control truncate-table",
    ] {
        assert!(operations.contains_key(operation), "{operation}: {operations:?}");
    }
    assert_eq!((exceptions >= 1, counts.controls), (true, 13));
    for mark in ["\\\"", "\\n", "\u{1f37a}", "è"] {
        assert!(text.contains(mark), "{mark}");
    }
}

const ROW_METADATA: [&str; 13] = [
    "timestamp",
    "record-type",
    "operation",
    "partition-key-type",
    "partition-key-value",
    "schema-name",
    "table-name",
    "transaction-id",
    "transaction-record-id",
    "prev-transaction-id",
    "prev-transaction-record-id",
    "commit-timestamp",
    "stream-position",
];

#[test]
fn a_record_that_firehose_refuses_is_refused_here() {
    let mut properties = property("id", "logicalType: integer|primaryKey: true|required: true", "{kind: sequence}");
    for column in 0..9 {
        let keys = "logicalType: string|physicalType: bytea|required: true";
        properties += &property(&format!("c{column}"), keys, "{kind: bytes, least: 100000, most: 100000}");
    }
    let plan = plan(&[contract("t", "", &properties)], 5, &plain(1));
    let error = plan.changes(50, &[]).unwrap().write(&mut Vec::new(), &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("more than the 1024000 that Firehose takes"), "{error}");
}
