//! The rows that changes leave, computed as a database would.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use weir_generate::{Change, ChangeCounts, Plan};
use weir_model::Contract;
use weir_model::change::Operation;

use super::{lake, plain, plan, table};

/// Rows by table and primary key, without their nulls.
pub(crate) type Tables = BTreeMap<(String, String), Map<String, Value>>;

pub(crate) fn written(plan: &Plan, changes: u64) -> (String, ChangeCounts) {
    let mut out = Vec::new();
    let counts = plan.changes(changes, &[]).unwrap().write(&mut out, &mut |_| {}).unwrap();
    (String::from_utf8(out).unwrap(), counts)
}

pub(crate) fn object(json: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(json).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(json)))
}

pub(crate) fn key_of(contract: &Contract, row: &Map<String, Value>) -> String {
    let values: Vec<&Value> = contract.key_columns().map(|column| &row[&column.source_name]).collect();
    serde_json::to_string(&values).unwrap()
}

/// The rows as `generate` makes them.
pub(crate) fn generated(plan: &Plan) -> Tables {
    let mut tables = Tables::new();
    for table in &plan.tables {
        let mut rows = table.rows();
        for row in 0..table.rows {
            let mut json = Vec::new();
            rows.json(row, &mut json);
            let mut row = object(&json);
            row.retain(|_, value| !value.is_null());
            let before = tables.insert((table.contract.table.clone(), key_of(&table.contract, &row)), row);
            assert_eq!(before, None, "one row, one key");
        }
    }
    tables
}

/// Applies one change to the rows, as a database would: whatever a key forbids is a failure.
pub(crate) fn apply(plan: &Plan, tables: &mut Tables, change: &Change<'_>) {
    let contract = &table(plan, change.table).contract;
    let at = |json: &[u8]| (change.table.to_owned(), key_of(contract, &object(json)));
    match change.operation {
        Operation::Insert => {
            assert_eq!(tables.insert(at(&change.key), object(&change.data)), None, "{change:?}");
        }
        Operation::Update => {
            assert!(tables.remove(&at(change.before.as_ref().unwrap())).is_some(), "{change:?}");
            assert_eq!(tables.insert(at(&change.key), object(&change.data)), None, "{change:?}");
        }
        Operation::Delete => {
            assert_eq!(change.key, change.data, "PostgreSQL tells only the key");
            assert!(tables.remove(&at(&change.key)).is_some(), "{change:?}");
        }
        Operation::Load => panic!("a load is no change"),
    }
}

/// The state after records of a stream in the order of their transactions; a repeated record does nothing.
pub(crate) fn fold(plan: &Plan, text: &str) -> Tables {
    let mut ordered = BTreeMap::new();
    for line in text.lines() {
        let record = object(line.as_bytes());
        let metadata = &record["metadata"];
        if metadata["record-type"] == "control" || metadata["operation"] == "load" {
            continue;
        }
        let number = |name: &str| metadata[name].as_u64().unwrap();
        let commit = metadata["commit-timestamp"].as_str().unwrap().to_owned();
        ordered.insert((commit, number("transaction-id"), number("transaction-record-id")), record);
    }
    let mut tables = generated(plan);
    for record in ordered.values() {
        let name = record["metadata"]["table-name"].as_str().unwrap();
        let contract = &table(plan, name).contract;
        let row = record["data"].as_object().unwrap();
        let at = |row| (name.to_owned(), key_of(contract, row));
        if let Some(before) = record.get("before-image") {
            tables.remove(&at(before.as_object().unwrap()));
        }
        if record["metadata"]["operation"] == "delete" {
            tables.remove(&at(row));
        } else {
            tables.insert(at(row), row.clone());
        }
    }
    tables
}

pub(crate) fn folded(plan: &Plan, changes: u64) -> Tables {
    let stream = plan.changes(changes, &[]).unwrap();
    let mut tables = generated(plan);
    stream.in_order().for_each(|change| apply(plan, &mut tables, &change));
    tables
}

pub(crate) fn beer(rows: u64) -> Plan {
    plan(&lake("beer"), rows, &plain(1))
}
