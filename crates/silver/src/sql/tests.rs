use std::fmt::Write as _;

use weir_model::Contract;
use weir_model::contract::SilverKind;

use super::*;

/// A contract with columns given as `name: type`; the first is the key.
fn contract(columns: &[(&str, &str)], settings: &str) -> Contract {
    let mut text = format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\nstatus: active\nschema:\n  - name: things\n    \
         customProperties: [{settings}]\n    properties:\n"
    );
    for (index, (name, kind)) in columns.iter().enumerate() {
        let key = if index == 0 { ", primaryKey: true" } else { "" };
        let name = serde_json::to_string(name).unwrap();
        writeln!(text, "      - {{name: {name}, {kind}{key}}}").unwrap();
    }
    Contract::parse("things.odcs.yaml", &text).unwrap()
}

fn setting(name: &str, value: &str) -> String {
    format!("{{property: {name}, value: {value}}}")
}

const ID: (&str, &str) = ("id", "logicalType: integer");
const TEXT: &str = "logicalType: string";

fn merged(contract: &Contract) -> Result<String, SqlError> {
    merge(contract, Engine::Spark, &Target::silver("weir", contract), "changes")
}

fn created(contract: &Contract) -> Result<String, SqlError> {
    create_table(contract, Engine::Spark, &Target::silver("weir", contract))
}

#[test]
fn the_merge_names_the_table_the_view_and_the_key() {
    let sql = merged(&contract(&[ID, ("name", TEXT)], "")).unwrap();
    assert!(sql.starts_with("MERGE INTO `weir`.`silver`.`things` AS t\nUSING (\n"), "{sql}");
    assert!(sql.contains("FROM `changes`\n"), "{sql}");
    assert!(sql.contains("\n) AS s\nON t.`id` = s.k0\nWHEN MATCHED AND (\n"), "{sql}");
    assert_eq!(sql.matches("WHEN NOT MATCHED THEN INSERT").count(), 1);
}

#[test]
fn a_column_is_set_by_the_greatest_pair_of_sequence_and_value() {
    let sql = merged(&contract(&[ID, ("name", TEXT)], "")).unwrap();
    assert!(sql.contains("max(named_struct('seq', seq, 'value', c0)) FILTER (WHERE rank < 4 AND NOT"), "{sql}");
    assert!(
        sql.contains("t.`name` = greatest(s.c0, named_struct('seq', coalesce(try_element_at(from_json(t.`_carried`,"),
        "{sql}"
    );
}

#[test]
fn a_row_is_written_only_where_something_of_it_is_new() {
    let sql = merged(&contract(&[ID, ("a", TEXT), ("b", TEXT)], "")).unwrap();
    let condition = sql.split("WHEN MATCHED AND (").nth(1).and_then(|rest| rest.split(") THEN UPDATE").next()).unwrap();
    for part in ["s.first < t.`created_at`", "s.last > ", "s.c0 > ", "s.c1 > "] {
        assert!(condition.contains(part), "{part}: {condition}");
    }
}

#[test]
fn the_target_is_read_by_nothing_but_the_match() {
    let sql = merged(&contract(&[ID, ("name", TEXT)], "")).unwrap();
    assert_eq!(sql.matches("`silver`.`things`").count(), 1, "{sql}");
}

#[test]
fn the_two_zeros_of_a_float_are_told_apart() {
    let sql = merged(&contract(&[ID, ("ratio", "logicalType: number")], "")).unwrap();
    assert!(sql.contains("'value', c0, 'plus', CAST(c0 AS STRING) <> '-0.0')"), "{sql}");
    let sql = merged(&contract(&[ID, ("name", TEXT)], "")).unwrap();
    assert!(!sql.contains("'plus'"), "{sql}");
}

#[test]
fn names_stay_names_whatever_is_in_them() {
    let odd = contract(&[("k`; DROP TABLE x; --", "logicalType: integer"), ("it's a \\ $name", TEXT)], "");
    let sql = merged(&odd).unwrap();
    assert!(sql.contains("ON t.`k``; DROP TABLE x; --` = s.k0"), "{sql}");
    assert!(sql.contains("array('it\\'s a \\\\ \\u0024name')"), "{sql}");
    assert!(sql.contains("t.`it's a \\ $name` = greatest("), "{sql}");
    assert!(created(&odd).unwrap().contains("  `k``; DROP TABLE x; --` BIGINT NOT NULL,\n"));
}

#[test]
fn a_name_that_no_quotes_make_safe_is_refused() {
    for name in ["${env:HOME}", "*"] {
        let error = merged(&contract(&[ID, (name, TEXT)], "")).unwrap_err();
        assert!(matches!(&error, SqlError::Name { what: "column", name: found, .. } if found == name), "{error}");
    }
    let target = Target { catalog: "", namespace: "silver", table: "x" };
    let error = merge(&contract(&[ID], ""), Engine::Spark, &target, "changes").unwrap_err();
    assert!(matches!(error, SqlError::Name { what: "catalog", .. }), "{error}");
}

#[test]
fn a_table_without_other_columns_than_its_key_carries_nothing() {
    let sql = merged(&contract(&[ID], "")).unwrap();
    assert!(sql.contains("t.`_carried` = NULL\n"), "{sql}");
}

#[test]
fn only_snapshots_by_exact_keys_are_merged() {
    let kind = |kind: &str| setting("weir.silver.kind", kind);
    let error = merged(&contract(&[ID, ("a", TEXT)], &kind("history"))).unwrap_err();
    assert_eq!(error, SqlError::Kind { table: "things".to_owned(), kind: SilverKind::History });
    assert!(error.to_string().contains("not available for Spark yet"), "{error}");
    let states = format!("{}, {}", kind("state_changes"), setting("weir.silver.stateColumn", "a"));
    let error = created(&contract(&[ID, ("a", TEXT)], &states)).unwrap_err();
    assert_eq!(error, SqlError::Kind { table: "things".to_owned(), kind: SilverKind::StateChanges });
    let error = merged(&contract(&[ID, ("a", TEXT)], &kind("none"))).unwrap_err();
    assert_eq!(error, SqlError::NoSilver { table: "things".to_owned() });
    let error = merged(&contract(&[("ratio", "logicalType: number"), ("a", TEXT)], "")).unwrap_err();
    assert_eq!(error, SqlError::FloatKey { table: "things".to_owned(), column: "ratio".to_owned() });
}

#[test]
fn a_fresh_table_has_the_columns_and_partitions_that_weir_gives_it() {
    let columns = [
        ID,
        ("at", "logicalType: timestamp"),
        ("name", TEXT),
        ("price", "logicalType: number, physicalType: 'decimal(10,2)'"),
    ];
    let partitions = setting("weir.silver.partitionBy", "['month(at)', 'bucket(16, id)', 'truncate(4, name)', price]");
    let sql = created(&contract(&columns, &partitions)).unwrap();
    assert!(
        sql.starts_with("CREATE TABLE IF NOT EXISTS `weir`.`silver`.`things` (\n  `id` BIGINT NOT NULL,\n"),
        "{sql}"
    );
    assert!(sql.contains("`at` TIMESTAMP_NTZ,\n  `name` STRING,\n  `price` DECIMAL(10,2),\n  `created_at`"), "{sql}");
    assert!(sql.contains("PARTITIONED BY (months(`at`), bucket(16, `id`), truncate(4, `name`), `price`)\n"), "{sql}");
    let names: Vec<&str> = create::ADDED.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, SilverKind::Snapshot.added());
}

#[test]
fn a_view_reads_the_files_that_it_is_given_and_no_others() {
    let things = contract(&[ID], "");
    let view = |bronze| bronze_view(&things, Engine::Spark, "changes", &bronze);
    let [folder] = view(Bronze::Folder("file:///la,ke {1}/bronze's")).unwrap().try_into().unwrap();
    assert!(
        folder.starts_with("CREATE OR REPLACE TEMPORARY VIEW `changes` (\n  `id` BIGINT,\n  `_op` STRING,"),
        "{folder}"
    );
    assert!(
        folder.contains("path 'file:///la\\\\,ke \\\\{1\\\\}/bronze\\'s',\n  recursiveFileLookup 'true'"),
        "{folder}"
    );
    let keys = ["a/1.parquet".to_owned(), "b/2.parquet".to_owned()];
    let [files] = view(Bronze::Files { root: "s3://lake/", keys: &keys }).unwrap().try_into().unwrap();
    assert!(files.contains("path 's3://lake/{a/1.parquet,b/2.parquet}'\n)"), "{files}");
    let error = view(Bronze::Files { root: "s3://lake", keys: &[] }).unwrap_err();
    assert_eq!(error, SqlError::NoFiles { table: "things".to_owned() });
}

#[test]
fn a_renamed_column_is_known_by_its_earlier_names() {
    let renamed = "logicalType: string, customProperties: [{property: weir.renamedFrom, value: title}]";
    let things = contract(&[ID, ("name", renamed)], "");
    let views = bronze_view(&things, Engine::Spark, "changes", &Bronze::Folder("/bronze")).unwrap();
    assert_eq!(views.len(), 2);
    assert!(
        views[0].contains("VIEW `changes_files` (\n  `id` BIGINT,\n  `name` STRING,\n  `title` STRING,"),
        "{}",
        views[0]
    );
    assert!(views[1].contains("coalesce(`name`, `title`) AS `name`"), "{}", views[1]);
    let sql = merged(&things).unwrap();
    assert!(sql.contains("arrays_overlap(unchanged, array('name', 'title'))"), "{sql}");
    assert!(sql.contains("'MAP<STRING,STRING>'), 'title')"), "{sql}");
}

#[test]
fn a_script_ends_each_statement() {
    assert_eq!(script(&["A".to_owned(), "B".to_owned()]), "A;\n\nB;\n");
}
