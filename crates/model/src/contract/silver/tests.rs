use super::*;
use crate::contract::Contract;

/// Columns as `name type`, a `*` before those of the key; more of a column after a `|`.
fn parse(settings: &str, columns: &[&str]) -> Result<Contract, String> {
    let mut text = String::from(
        "apiVersion: v3.1.0\nkind: DataContract\nid: t\nversion: 1.0.0\nstatus: active\nschema:\n  - name: t\n    \
         logicalType: object\n",
    );
    if !settings.is_empty() {
        text.push_str("    customProperties:\n");
    }
    for setting in settings.split('|').filter(|setting| !setting.is_empty()) {
        let (name, value) = setting.split_once(": ").unwrap();
        text.push_str(&format!("      - property: weir.silver.{name}\n        value: {value}\n"));
    }
    text.push_str("    properties:\n");
    for column in columns {
        let (head, more) = column.split_once('|').unwrap_or((column, ""));
        let (name, kind) = head.rsplit_once(' ').unwrap();
        let (name, key) = name.strip_prefix('*').map_or((name, false), |name| (name, true));
        let (logical, physical) = match kind {
            "decimal" => ("number", "decimal(10,2)"),
            "int" => ("integer", "int"),
            "binary" => ("string", "binary"),
            "json" => ("object", "json"),
            "number" => ("number", "double"),
            "integer" => ("integer", "bigint"),
            other => (other, other),
        };
        text.push_str(&format!("      - name: '{name}'\n        logicalType: {logical}\n"));
        if logical != physical {
            text.push_str(&format!("        physicalType: {physical}\n"));
        }
        if key {
            text.push_str("        primaryKey: true\n");
        }
        for line in more.split('|').filter(|line| !line.is_empty()) {
            text.push_str(&format!("        {line}\n"));
        }
    }
    Contract::parse("c.yaml", &text).map_err(|problems| problems.to_string())
}

const ALL: &[&str] = &[
    "*id integer",
    "*part string",
    "s string",
    "i int",
    "f number",
    "d decimal",
    "b boolean",
    "day date",
    "at timestamp",
    "raw binary",
    "doc json",
];

fn settings(text: &str) -> Result<SilverSettings, String> {
    parse(text, ALL).map(|contract| contract.silver.clone())
}

#[test]
fn a_table_with_a_key_is_a_snapshot_and_one_without_stays_in_bronze() {
    let silver = settings("").unwrap();
    assert_eq!(silver.kind, SilverKind::Snapshot);
    assert_eq!(silver.target_file_bytes, 128 << 20);
    assert_eq!(silver.partition_by, []);
    let order: Vec<(&str, bool)> = silver.sort_by.iter().map(|f| (f.column.as_str(), f.descending)).collect();
    assert_eq!(order, [("id", false), ("part", false)]);

    let keyless = parse("", &["a string", "created_at timestamp"]).unwrap();
    assert_eq!(keyless.silver, SilverSettings::default());
    assert_eq!(keyless.silver.kind, SilverKind::None);
}

#[test]
fn every_setting_of_silver_is_read() {
    let silver = settings(
        "kind: state_changes|stateColumn: s|partitionBy: ['month(changed_at)', 'bucket(16, id)', s]|\
         sortBy: [changed_at desc, id]|targetFileSize: 64MiB",
    )
    .unwrap();
    assert_eq!(silver.kind, SilverKind::StateChanges);
    assert_eq!(silver.state_column, Some(2));
    assert_eq!(silver.target_file_bytes, 64 << 20);
    let parts: Vec<String> = silver.partition_by.iter().map(ToString::to_string).collect();
    assert_eq!(parts, ["month(changed_at)", "bucket(16, id)", "s"]);
    assert_eq!(silver.sort_by[0], SortField { column: "changed_at".to_owned(), descending: true });

    let silver = settings("kind: history|partitionBy: year(valid_from)|sortBy: s asc|targetFileSize: 1048576").unwrap();
    assert_eq!(silver.partition_by[0].transform, Transform::Year);
    assert_eq!((silver.sort_by[0].column.as_str(), silver.sort_by[0].descending), ("s", false));
    assert_eq!(silver.target_file_bytes, 1 << 20);
    assert_eq!(settings("kind: none").unwrap().sort_by, []);
}

#[test]
fn a_transform_has_to_suit_its_column() {
    for (columns, transforms) in [
        (vec!["id", "i"], vec!["{}", "bucket(4, {})", "truncate(10, {})", "identity({})"]),
        (vec!["s", "raw", "d"], vec!["{}", "bucket(4, {})", "truncate(10, {})"]),
        (vec!["day"], vec!["{}", "bucket(4, {})", "year({})", "month({})", "day({})"]),
        (vec!["at"], vec!["{}", "bucket(4, {})", "year({})", "month({})", "day({})", "hour({})"]),
        (vec!["b"], vec!["{}"]),
        (vec!["f", "doc"], vec![]),
    ] {
        let every =
            ["{}", "bucket(4, {})", "truncate(10, {})", "identity({})", "year({})", "month({})", "day({})", "hour({})"];
        for column in columns {
            for transform in every {
                let suits =
                    transforms.contains(&transform) || (transform == "identity({})" && transforms.contains(&"{}"));
                let text = transform.replace("{}", column);
                let read = settings(&format!("partitionBy: ['{text}']"));
                assert_eq!(read.is_ok(), suits, "{text}: {read:?}");
            }
        }
    }
}

#[test]
fn contradictory_settings_of_silver_are_errors_with_their_line() {
    for (text, part) in [
        ("kind: snapshots", "did you mean 'snapshot'?"),
        ("kinds: snapshot", "did you mean 'weir.silver.kind'?"),
        ("kind: state_changes", "needs 'weir.silver.stateColumn'"),
        ("stateColumn: s", "contradicts the kind 'snapshot'"),
        ("kind: state_changes|stateColumn: id", "never changes within a key"),
        ("kind: state_changes|stateColumn: f", "how they were rounded"),
        ("kind: state_changes|stateColumn: dya", "did you mean 'day'?"),
        ("kind: none|sortBy: [id]", "'weir.silver.sortBy' contradicts 'weir.silver.kind: none'"),
        ("partitionBy: [month(att)]", "did you mean 'at'?"),
        ("partitionBy: [mnth(at)]", "did you mean 'month'?"),
        ("partitionBy: [month(updated_at)]", "unknown column of a silver table of kind 'snapshot' 'updated_at'"),
        ("kind: history|partitionBy: [month(valid_to)]", "did you mean 'valid_from'?"),
        ("kind: state_changes|stateColumn: s|partitionBy: [day]", "unknown column of a silver table"),
        ("kind: state_changes|stateColumn: s|sortBy: [day]", "unknown column of a silver table"),
        ("partitionBy: [year(at), month(at)]", "parts the same column twice"),
        ("partitionBy: [s, s]", "parts the same column twice"),
        ("partitionBy: ['bucket(0, id)']", "a number from 1 to 100000"),
        ("partitionBy: ['bucket(id)']", "does not say how many"),
        ("partitionBy: ['truncate(-1, s)']", "does not say how many"),
        ("partitionBy: [f]", "rounded otherwise"),
        ("sortBy: [id, id desc]", "its second place orders nothing"),
        ("sortBy: [3]", "put it in quotes"),
        ("targetFileSize: 1MB", "from 1 MiB to 2 GiB"),
        ("targetFileSize: 3GiB", "from 1 MiB to 2 GiB"),
        ("targetFileSize: 99999999999999999999GiB", "from 1 MiB to 2 GiB"),
        ("targetFileSize: large", "from 1 MiB to 2 GiB"),
    ] {
        let error = settings(text).unwrap_err();
        assert!(error.contains(part) && error.starts_with("c.yaml:1"), "{text}: {error}");
    }
}

#[test]
fn a_kind_of_silver_needs_a_primary_key() {
    for (text, part) in [
        ("kind: history", "mark the columns of the key with 'primaryKey: true', or write none"),
        ("partitionBy: [a]", "needs a primary key; without one there is no silver table"),
    ] {
        let error = parse(text, &["a string"]).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
    assert!(parse("kind: none", &["a string"]).is_ok());
}

#[test]
fn a_column_cannot_have_the_name_of_one_that_silver_adds() {
    for (settings, column) in [
        ("", "created_at"),
        ("", "Updated_At"),
        ("", "deleted_at"),
        ("", "_carried"),
        ("kind: history", "valid_from"),
        ("kind: history", "valid_to"),
    ] {
        let error = parse(settings, &["*id integer", &format!("{column} timestamp")]).unwrap_err();
        assert!(error.contains(&format!("'{column}' is one of the columns that silver adds")), "{error}");
        assert!(error.contains(&format!("'physicalName: {column}'")) && error.contains("c.yaml:1"), "{error}");
        assert!(parse("kind: none", &["*id integer", &format!("{column} timestamp")]).is_ok());
    }
    // What another kind adds is free.
    assert!(parse("kind: history", &["*id integer", "created_at timestamp"]).is_ok());
    assert!(parse("", &["*id integer", "valid_from timestamp", "previous_id string", "_repeats string"]).is_ok());
    let changes = "kind: state_changes|stateColumn: s";
    // Only the key and the state come along.
    assert!(parse(changes, &["*id integer", "s string", "changed_at timestamp"]).is_ok());
    for key in ["*changed_at timestamp", "*previous_s string", "*_repeats string"] {
        let error = parse(changes, &[key, "s string"]).unwrap_err();
        assert!(error.contains("silver adds to a table of kind 'state_changes'"), "{error}");
    }
}

#[test]
fn a_column_tells_the_names_it_had_before() {
    let contract = parse(
        "",
        &[
            "*id integer|customProperties: [{property: weir.renamedFrom, value: [number, no]}]",
            "Name string|customProperties: [{property: weir.renamedFrom, value: name}]",
            "x string",
        ],
    )
    .unwrap();
    let silver = contract.silver;
    assert_eq!(silver.earlier_names(0), ["number", "no"]);
    assert_eq!(silver.earlier_names(1), ["name"]);
    assert_eq!(silver.earlier_names(2), [] as [&str; 0]);
}

#[test]
fn nothing_was_renamed_from_a_column_that_is_there() {
    let renamed = |value: &str| format!("a string|customProperties: [{{property: weir.renamedFrom, value: {value}}}]");
    for (value, part) in [
        ("x", "'x' is a column of this contract now"),
        ("X", "'X' is a column of this contract now"),
        ("a", "'a' is a column of this contract now"),
        ("[old, old]", "'old' stands twice as an earlier name"),
        ("{a: b}", "expected text, found a map"),
    ] {
        let error = parse("", &["*x integer", &renamed(value)]).unwrap_err();
        assert!(error.contains(part), "{value}: {error}");
    }
}

#[test]
fn a_column_whose_name_looks_like_a_setting_is_still_a_column() {
    let contract =
        parse("partitionBy: ['year(x)']|sortBy: [x desc, y desc]", &["*year(x) string", "x desc integer", "y string"]);
    let silver = contract.unwrap().silver.clone();
    assert_eq!(silver.partition_by[0].transform, Transform::Identity);
    assert_eq!(silver.sort_by[0], SortField { column: "x desc".to_owned(), descending: false });
    assert_eq!(silver.sort_by[1], SortField { column: "y".to_owned(), descending: true });
}
