//! What a real Debezium delivered for real changes: folded by key and sequence, in any order of
//! delivery, it gives the rows that the tables held.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};
use weir_envelope::{Reader, Source, Tables, Understood};
use weir_model::keys::is_table_name;

use crate::common::{contract, event};

struct Shape {
    key: Vec<String>,
    columns: BTreeMap<String, String>,
}

/// The tables that can be tables of a lake.
fn shapes(source: &str) -> BTreeMap<String, Shape> {
    let text = event(&format!("debezium/{source}.tables.jsonl"));
    let tables = text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
    tables
        .filter(|table| is_table_name(table["table"].as_str().unwrap()))
        .map(|table| {
            let key = table["key"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
            let columns = table["columns"].as_object().unwrap().iter();
            let columns = columns.map(|(name, of)| (name.clone(), of.as_str().unwrap().to_owned())).collect();
            (table["table"].as_str().unwrap().to_owned(), Shape { key, columns })
        })
        .collect()
}

fn tables(shapes: &BTreeMap<String, Shape>, rule: &str) -> Tables {
    let contracts: Vec<_> = shapes
        .iter()
        .map(|(name, shape)| {
            let columns: Vec<String> = shape
                .columns
                .keys()
                .map(|column| if shape.key.contains(column) { format!("{column}!") } else { column.clone() })
                .collect();
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            contract(name, &format!("weir.sequence: {rule}"), &columns)
        })
        .collect();
    Tables::new(&contracts)
}

/// The values of the recorded events; `key` and `topic` are left behind.
fn values(file: &str) -> Vec<String> {
    event(&format!("debezium/{file}.jsonl")).split('\n').filter(|line| !line.is_empty()).map(value).collect()
}

/// The bytes of the member `value` as they stand.
fn value(line: &str) -> String {
    let mut found = None;
    weir_json::object::<weir_json::Stop>(line.as_bytes(), |key, value| {
        if key.is(b"value") {
            found = Some(String::from_utf8(value.raw.to_vec()).unwrap());
        }
        Ok(())
    })
    .unwrap();
    found.unwrap()
}

type Row = Map<String, Json>;
/// A table and the values of its key, as JSON.
type RowKey = (String, String);

/// One line that the reader wrote.
struct Line {
    table: String,
    row: Row,
}

#[derive(Default)]
struct Outcome {
    lines: Vec<Line>,
    control: BTreeMap<&'static str, usize>,
    truncated: BTreeSet<String>,
    refused: BTreeSet<&'static str>,
}

fn read_all(values: &[String], tables: &Tables) -> Outcome {
    let mut outcome = Outcome::default();
    let mut reader = Reader::new();
    for value in values {
        match reader.read(value.as_bytes(), tables, Source::default()) {
            Ok(Understood::Changes(changes)) => {
                let mut out = Vec::new();
                assert_eq!(changes.write_lines(&mut out), 1, "Debezium sends a delete of its own");
                let row = serde_json::from_slice(&out).unwrap();
                outcome.lines.push(Line { table: changes.table().to_owned(), row });
            }
            Ok(Understood::Control(control)) => {
                *outcome.control.entry(control.kind.as_str()).or_default() += 1;
                if control.kind.needs_attention() {
                    outcome.truncated.extend(control.table.map(|table| table.into_owned()));
                }
            }
            Err(error) => {
                // Names with spaces and capitals cannot be tables of a lake, and Debezium's own signal
                // table is none of ours.
                let is_known = error.code() == "Envelope.TableName" || value.contains("\"table\":\"signal\"");
                assert!(is_known, "{error}: {value}");
                outcome.refused.insert(error.code());
            }
        }
    }
    outcome
}

/// The rows that remain, by table and key.
fn fold<'l>(lines: impl Iterator<Item = &'l Line>, shapes: &BTreeMap<String, Shape>) -> BTreeMap<RowKey, Row> {
    let mut by_key = BTreeMap::<RowKey, BTreeMap<String, &Row>>::new();
    for line in lines.filter(|line| !shapes[&line.table].key.is_empty()) {
        let key: Vec<&Json> = shapes[&line.table].key.iter().map(|column| &line.row[column]).collect();
        let key = (line.table.clone(), serde_json::to_string(&key).unwrap());
        let sequence = line.row["_seq"].as_str().unwrap().to_owned();
        by_key.entry(key).or_default().insert(sequence, &line.row);
    }
    let mut rows = BTreeMap::new();
    for (key, changes) in by_key {
        let mut row: Option<Row> = None;
        for change in changes.values() {
            if change["_op"] == "D" {
                row = None;
                continue;
            }
            let mut next = (*change).clone();
            for column in change.get("_unchanged").and_then(Json::as_array).into_iter().flatten() {
                let column = column.as_str().unwrap();
                if let Some(value) = row.as_ref().and_then(|row| row.get(column)) {
                    next.insert(column.to_owned(), value.clone());
                }
            }
            row = Some(next);
        }
        if let Some(row) = row {
            rows.insert(key, row);
        }
    }
    rows
}

/// Whether Debezium writes a column of this type as SQL shows it, so that the two can be compared.
fn is_plain(column_type: &str) -> bool {
    ["int", "bigint", "smallint", "mediumint", "text", "varchar", "character varying", "boolean", "uuid", "mediumtext"]
        .iter()
        .any(|plain| column_type.starts_with(plain))
        && !column_type.contains("[]")
        && !column_type.starts_with("interval")
}

/// `misled` are tables whose deletes do not carry the primary key (`events/debezium/README.md`),
/// `known` the values that Debezium changes.
fn check(source: &str, rule: &str, misled: &[&str], known: &[(&str, &str, &str)]) {
    let shapes = shapes(source);
    let outcome = read_all(&values(source), &tables(&shapes, rule));
    assert_eq!(outcome.refused, BTreeSet::from(["Envelope.NoContract", "Envelope.TableName"]));
    assert!(outcome.lines.len() > 150, "{}", outcome.lines.len());
    for kind in ["tombstone", "heartbeat", "transaction-begin", "transaction-end", "truncate-table"] {
        assert!(outcome.control.contains_key(kind), "{kind}: {:?}", outcome.control);
    }

    let rows = fold(outcome.lines.iter(), &shapes);
    // Delivery in another order, and twice, changes nothing.
    assert_eq!(rows, fold(outcome.lines.iter().rev(), &shapes));
    let (odd, even): (Vec<_>, Vec<_>) = outcome.lines.iter().enumerate().partition(|(index, _)| index % 2 == 1);
    let shuffled = even.iter().chain(odd.iter().rev()).chain(&even).map(|(_, line)| *line);
    assert_eq!(rows, fold(shuffled, &shapes));

    let text = event(&format!("debezium/{source}.expected.jsonl"));
    let mut expected = BTreeMap::new();
    for line in text.lines() {
        let line: Json = serde_json::from_str(line).unwrap();
        let table = line["table"].as_str().unwrap().to_owned();
        let Some(shape) = shapes.get(&table).filter(|shape| !shape.key.is_empty()) else { continue };
        let key: Vec<&Json> = shape.key.iter().map(|column| &line["row"][column]).collect();
        expected.insert((table, serde_json::to_string(&key).unwrap()), line["row"].as_object().unwrap().clone());
    }
    let keys = |rows: &BTreeMap<RowKey, Row>| -> BTreeSet<RowKey> {
        rows.keys().filter(|(table, _)| !misled.contains(&table.as_str())).cloned().collect()
    };
    // What a truncate took away is still there, which is why it is said loudly; nothing else is.
    let (found, wanted) = (keys(&rows), keys(&expected));
    assert_eq!(wanted.difference(&found).count(), 0);
    let mut too_many = found.difference(&wanted);
    assert!(too_many.all(|(table, _)| outcome.truncated.contains(table)), "{found:?} {wanted:?}");

    let mut compared = 0;
    for key in keys(&expected) {
        for (column, value) in expected[&key].iter().filter(|(column, _)| is_plain(&shapes[&key.0].columns[*column])) {
            if known.contains(&(key.0.as_str(), key.1.as_str(), column.as_str())) {
                continue;
            }
            // A column that came after the row was last written is not in its record.
            let Some(found) = rows[&key].get(column) else { continue };
            assert_eq!(found, value, "{key:?} {column}");
            compared += 1;
        }
    }
    assert!(compared > 80, "{compared}");
}

#[test]
fn recorded_changes_of_postgresql_fold_to_the_rows_that_the_tables_held() {
    check("postgres", "debezium-postgres", &["coupon"], &[]);
}

#[test]
fn recorded_changes_of_mariadb_fold_to_the_rows_that_the_tables_held() {
    check("mariadb", "debezium-mysql", &[], &[("kinds", "[2]", "big_u")]);
}

#[test]
fn recorded_events_with_schemas_are_read_as_those_without() {
    for (source, rule) in [("postgres", "debezium-postgres"), ("mariadb", "debezium-mysql")] {
        let outcome = read_all(&values(&format!("{source}-schema")), &tables(&shapes(source), rule));
        let operations: BTreeSet<&str> = outcome.lines.iter().map(|line| line.row["_op"].as_str().unwrap()).collect();
        assert_eq!(operations, BTreeSet::from(["D", "I", "L", "U"]), "{source}");
        assert!(outcome.control.len() >= 4, "{source}: {:?}", outcome.control);
    }
}

#[test]
fn recorded_placeholders_of_every_type_are_unchanged_columns() {
    let shapes = shapes("postgres");
    let outcome = read_all(&values("postgres"), &tables(&shapes, "debezium-postgres"));
    let unchanged: BTreeSet<&str> = outcome
        .lines
        .iter()
        .filter_map(|line| line.row.get("_unchanged")?.as_array())
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    for column in ["body", "doc", "docb", "raw", "tags", "counts", "bigs", "uids", "pairs", "markup", "loose"] {
        assert!(unchanged.contains(column), "{column}: {unchanged:?}");
    }
    for line in &outcome.lines {
        let mut row = line.row.clone();
        row.remove("_unchanged");
        assert!(!serde_json::to_string(&row).unwrap().contains("__debezium_unavailable_value"), "{}", line.table);
    }
}
