//! What holds of the changes in the order in which they happen.

mod support;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;
use support::changes::{apply, beer, fold, folded, generated, key_of, object, written};
use support::{contract, lake, plain, plan, property, table};
use weir_model::change::Operation;

#[test]
fn more_changes_extend_fewer() {
    let plan = beer(500);
    let (few, many) = (plan.changes(700, &[]).unwrap(), plan.changes(2_000, &[]).unwrap());
    assert_eq!((few.in_order().count(), few.len()), (700, 700));
    assert!(few.in_order().zip(many.in_order()).all(|(a, b)| a == b));
}

#[test]
fn every_change_is_one_that_a_database_allows_and_references_hold_after_each() {
    for (name, rows) in [("beer", 1), ("beer", 20), ("beer", 2_000), ("people", 3), ("people", 500)] {
        let plan = plan(&lake(name), rows, &plain(5));
        let mut tables = generated(&plan);
        let stream = plan.changes(6_000, &[]).unwrap();
        assert_eq!(stream.left_out(), []);
        for change in stream.in_order() {
            apply(&plan, &mut tables, &change);
            let refers = |to: &str, key: &Value| {
                assert!(tables.contains_key(&(to.to_owned(), format!("[{key}]"))), "{to} {key}: {change:?}");
            };
            let row = object(&change.data);
            match (change.table, change.operation) {
                (_, Operation::Delete) => {}
                ("beer", _) => refers("brewery", &row["brewery_id"]),
                ("review", _) => {
                    refers("profile", &row["profile_id"]);
                    let beer = &tables[&("beer".to_owned(), format!("[{}]", row["beer_id"]))];
                    assert_eq!(beer["brewery_id"], row["brewery_id"], "the brewery of the beer: {change:?}");
                }
                _ => {}
            }
        }
        for ((table, _), row) in tables.iter().filter(|((table, _), _)| matches!(table.as_str(), "beer" | "review")) {
            let key = |to: &str, column: &str| (to.to_owned(), format!("[{}]", row[column]));
            assert!(tables.contains_key(&key("brewery", "brewery_id")), "{table} {row:?}");
            if table == "review" {
                assert_eq!(tables[&key("beer", "beer_id")]["brewery_id"], row["brewery_id"]);
            }
        }
    }
}

#[test]
fn changed_rows_are_good_rows_with_values_of_their_hints() {
    let plan = plan(&lake("beer"), 1_000, &plain(2));
    for change in plan.changes(5_000, &[]).unwrap().in_order().filter(|change| change.operation != Operation::Delete) {
        let contract = &table(&plan, change.table).contract;
        let row = object(&change.data);
        for column in &contract.columns {
            let value = row.get(&column.source_name);
            assert!(value.is_some() || !column.required, "{} of {change:?}", column.name);
            assert!(!value.is_some_and(Value::is_null), "a null is absent");
        }
        if change.table == "review" {
            let overall = row["review_overall"].as_f64().unwrap();
            assert!((1.0..=5.0).contains(&overall) && (overall * 2.0).fract() == 0.0, "{overall}");
            assert!(row["review_time"].is_u64() && row["review_id"].is_u64());
        }
    }
}

#[test]
fn an_inserted_row_is_the_next_that_generate_would_have_made() {
    let (few, many) = (plan(&lake("people"), 100, &plain(3)), plan(&lake("people"), 400, &plain(3)));
    let stream = few.changes(500, &[]).unwrap();
    let mut next = 100;
    let mut rows = many.tables[0].rows();
    for change in stream.in_order().filter(|change| change.operation == Operation::Insert && !change.reuses_key) {
        let mut expected = Vec::new();
        let row = object(&change.data);
        let index = row["index"].as_u64().unwrap();
        assert!(index > next, "numbers go on: {index}");
        next = index;
        rows.json(index - 1, &mut expected);
        let mut expected = object(&expected);
        expected.retain(|_, value| !value.is_null());
        assert_eq!(row, expected);
    }
    assert!(next > 150, "{next}");
}

#[test]
fn updates_change_some_columns_and_keep_the_others() {
    let plan = beer(1_000);
    let mut tables = generated(&plan);
    let (mut changed, mut kept) = (0, 0);
    for change in plan.changes(5_000, &[]).unwrap().in_order() {
        if change.operation == Operation::Update && change.table == "review" {
            let contract = &table(&plan, "review").contract;
            let at = ("review".to_owned(), key_of(contract, &object(change.before.as_ref().unwrap())));
            let (old, new) = (&tables[&at], object(&change.data));
            let same = new.iter().filter(|(name, value)| old.get(*name) == Some(value)).count();
            if change.moves_key() {
                assert_eq!(same, new.len() - 1, "a new key leaves the rest of the row");
            }
            kept += same - 1;
            changed += new.len() - same;
        }
        apply(&plan, &mut tables, &change);
    }
    assert!(changed > 2_000 && kept > changed, "{changed} {kept}");
}

#[test]
fn keys_are_hot_change_within_and_across_transactions_and_come_back() {
    let plan = beer(5_000);
    let stream = plan.changes(20_000, &[]).unwrap();
    type Key<'k> = (&'k str, Vec<u8>);
    let mut of_key: HashMap<Key<'_>, Vec<(u64, Operation)>> = HashMap::new();
    let mut of_transaction: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
    let (mut moved, mut reused) = (0, 0);
    for change in stream.in_order() {
        moved += usize::from(change.moves_key());
        reused += usize::from(change.reuses_key);
        of_transaction.entry(change.transaction).or_default().insert(change.table);
        of_key.entry((change.table, change.key)).or_default().push((change.transaction, change.operation));
    }
    let two = of_transaction.values().filter(|tables| tables.len() == 2).count();
    assert!(two * 10 > of_transaction.len(), "{two} of {} change two tables", of_transaction.len());
    assert!(moved > 100 && reused > 500, "{moved} {reused}");
    let within = of_key.values().filter(|all| all.windows(2).any(|pair| pair[0].0 == pair[1].0)).count();
    let again = of_key
        .values()
        .filter(|all| all.windows(2).any(|pair| pair[0].1 == Operation::Delete && pair[1].1 == Operation::Insert));
    assert!(within > 500 && again.count() > 300, "{within}");
    let hottest = of_key.values().map(Vec::len).max().unwrap();
    assert!(hottest > 100, "{hottest}");
    let tables: BTreeSet<&str> = of_key.keys().map(|(table, _)| *table).collect();
    assert_eq!(tables.len(), 4);
}

#[test]
fn commit_transaction_and_record_are_the_true_order_and_timestamp_is_not() {
    let plan = beer(100);
    let stream = plan.changes(5_000, &[]).unwrap();
    let positions: Vec<_> = stream.in_order().map(|c| (c.commit, c.transaction, c.record)).collect();
    assert!(positions.is_sorted_by(|a, b| a < b));
    assert!(positions.windows(2).any(|pair| pair[0].0 == pair[1].0 && pair[0].1 < pair[1].1), "one commit time, two");
    assert!(positions.windows(2).any(|pair| pair[0].1 > pair[1].1), "a long transaction has a low number");
    let (text, _) = written(&plan, 5_000);
    let built: BTreeMap<(String, u64), String> = text
        .lines()
        .map(|line| object(line.as_bytes()))
        .filter_map(|record| {
            let metadata = record["metadata"].as_object()?;
            let commit = metadata.get("commit-timestamp")?.as_str()?.to_owned();
            let at = (commit, metadata["transaction-record-id"].as_u64()?);
            Some((at, metadata["timestamp"].as_str()?.to_owned()))
        })
        .collect();
    assert!(!built.values().is_sorted());
}

#[test]
fn numbers_keep_the_spelling_of_the_rows() {
    let properties = property(
        "id",
        "logicalType: integer|primaryKey: true|required: true",
        "{kind: sequence, from: 9007199254740993}",
    ) + &property("price", "logicalType: number|physicalType: decimal(30,4)|required: true", "");
    let plan = plan(&[contract("t", "", &properties)], 50, &plain(1));
    for change in plan.changes(200, &[]).unwrap().in_order() {
        let data = String::from_utf8(change.data).unwrap();
        assert!(data.starts_with("{\"id\":90071992547"), "{data}");
        if change.operation != Operation::Delete {
            let price = data.split_once("\"price\":").unwrap().1.trim_end_matches('}');
            assert_eq!(price.split_once('.').unwrap().1.len(), 4, "{data}");
        }
    }
}

#[test]
fn a_sequence_never_counts_beyond_its_type() {
    let properties = property(
        "id",
        "logicalType: integer|physicalType: int|primaryKey: true|required: true",
        "{kind: sequence, from: 2147483640}",
    );
    let plan = plan(&[contract("t", "", &properties)], 5, &plain(1));
    let mut tables = generated(&plan);
    for change in plan.changes(2_000, &[]).unwrap().in_order() {
        apply(&plan, &mut tables, &change);
        assert!(object(&change.key)["id"].as_i64().unwrap() <= i64::from(i32::MAX));
    }
    assert!(tables.len() <= 8);
}

#[test]
fn uuid_keys_and_keys_of_several_columns_change_too() {
    let uuid = property("id", "logicalType: string|primaryKey: true|required: true", "")
        + &property("name", "logicalType: string|required: false", "");
    let two = property(
        "part",
        "logicalType: string|primaryKey: true|primaryKeyPosition: 1|required: true",
        "{kind: choice, of: [a, 'b\"c']}",
    ) + &property(
        "number",
        "logicalType: integer|primaryKey: true|primaryKeyPosition: 2|required: true",
        "{kind: sequence}",
    ) + &property("parent", "logicalType: string|required: true", "{kind: reference, table: one}");
    let plan = plan(&[contract("one", "", &uuid), contract("two", "", &two)], 50, &plain(1));
    let (text, _) = written(&plan, 2_000);
    assert!(fold(&plan, &text) == folded(&plan, 2_000));
    assert!(text.contains("\"partition-key-value\":\"public.two.b\\\"c."));
}

#[test]
fn a_table_whose_rows_cannot_be_told_apart_is_left_out_with_the_reason() {
    let sure = property("id", "logicalType: integer|primaryKey: true|required: true", "{kind: sequence}");
    let none = property("id", "logicalType: integer|required: true", "");
    let maybe = property("id", "logicalType: integer|primaryKey: true|required: true", "{kind: number, to: 5}");
    let both =
        plan(&[contract("sure", "", &sure), contract("none", "", &none), contract("maybe", "", &maybe)], 5, &plain(1));
    let stream = both.changes(10, &[]).unwrap();
    let why: Vec<String> = stream.left_out().iter().map(|left| format!("{}: {}", left.table, left.why)).collect();
    assert_eq!(why[0], "none: it has no primary key");
    assert!(why[1].starts_with("maybe: no column of its primary key has the kind 'sequence'"), "{why:?}");
    assert!(stream.in_order().all(|change| change.table == "sure"));
    let error = both.changes(10, &["none".to_owned()]).unwrap_err().to_string();
    assert_eq!(error, "there is no table whose rows can change; table 'none': it has no primary key");
    let empty = plan(&[contract("sure", "", &sure)], 0, &plain(1));
    assert!(empty.changes(10, &[]).unwrap_err().to_string().ends_with("it has no rows"));
}
