//! What a person or a script sees of silver.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails a test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn weir(arguments: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir")).args(arguments).current_dir(dir).env_remove("WEIR_LAKE").output().unwrap()
}

/// The answer of a command that is well, as JSON.
fn answer(arguments: &[&str], dir: &Path) -> Value {
    let output = weir(&[arguments, &["--lake", "lake", "--output", "json"]].concat(), dir);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    json(&output)
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A beer lake with 300 reviews, registered and run.
fn lake() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    weir(&["init", "lake", "--example", "beer"], dir);
    weir(&["generate", "--lake", "lake", "--rows", "300", "--seed", "7"], dir);
    root
}

fn control_records_without_marks(dir: &Path) -> Value {
    let status = answer(&["status"], dir);
    status["tables"].as_array().unwrap().iter().map(|table| table["waiting_for_merge"].clone()).collect()
}

#[test]
fn a_run_makes_silver_and_status_show_and_snapshots_tell_of_it() {
    let root = lake();
    let dir = root.path();
    let run = weir(&["run", "--lake", "lake"], dir);
    assert!(run.status.success(), "{}", text(&run));
    assert!(text(&run).contains("silver") && text(&run).contains("snapshot"), "{}", text(&run));
    assert_eq!(control_records_without_marks(dir), serde_json::json!([0, 0, 0, 0]));

    let listed = answer(&["snapshots", "review"], dir);
    let snapshots = listed["snapshots"].as_array().unwrap();
    assert_eq!((snapshots.len(), &listed["more"]), (1, &false.into()));
    let first = &snapshots[0];
    for (field, value) in [("rows", 300), ("rows_inserted", 300), ("rows_updated", 0), ("merged_files", 1)] {
        assert_eq!(first[field], value, "{field}: {first}");
    }
    let id = first["control_ids"][0].as_str().unwrap();
    let shown = weir(&["show", id, "--lake", "lake"], dir);
    let snapshot = first["id"].as_i64().unwrap();
    assert!(text(&shown).contains(&format!("snapshot {snapshot}")), "{}", text(&shown));
    let told = text(&weir(&["snapshots", "review", "--lake", "lake"], dir));
    assert!(told.contains(&snapshot.to_string()) && told.contains("1 file"), "{told}");

    // A second run and a second merge find nothing; merging again changes nothing.
    let again = answer(&["run"], dir);
    assert_eq!((&again["ok"], &again["run"]["merges"]), (&true.into(), &serde_json::json!([])));
    let merged = answer(&["merge", "--all", "--again"], dir);
    let merges = merged["merges"].as_array().unwrap();
    assert_eq!(merges.len(), 4);
    assert!(merges.iter().all(|merge| merge["merged"]["snapshots"] == serde_json::json!([])), "{merged}");
    assert_eq!(answer(&["snapshots", "review"], dir), listed);
    let told = text(&weir(&["merge", "review", "--lake", "lake"], dir));
    assert!(told.contains("nothing waits for a merge in review"), "{told}");
}

#[test]
fn what_was_not_merged_is_told_ends_with_1_and_is_merged_once_mended() {
    let root = lake();
    let dir = root.path();
    fs::create_dir_all(dir.join("lake/silver")).unwrap();
    fs::write(dir.join("lake/silver/review"), "in the way").unwrap();
    let run = weir(&["run", "--lake", "lake"], dir);
    assert_eq!(run.status.code(), Some(1), "{}", text(&run));
    for part in ["not merged: review (Silver.Table)", "weir merge --all --lake lake", " beer "] {
        assert!(text(&run).contains(part), "{part}: {}", text(&run));
    }
    let status = text(&weir(&["status", "--lake", "lake"], dir));
    assert!(status.contains("1 file of bronze not in silver yet: weir merge --all --lake lake"), "{status}");
    let listed = answer(&["status", "--table", "review"], dir);
    let id = listed["files"][0]["id"].as_str().unwrap();
    assert_eq!(listed["files"][0]["merged"], Value::Null);
    let shown = text(&weir(&["show", id, "--lake", "lake"], dir));
    assert!(shown.contains("weir merge review --lake lake"), "{shown}");
    let missing = weir(&["snapshots", "review", "--lake", "lake"], dir);
    assert!(missing.status.code() == Some(1) && text(&missing).contains("weir merge review"), "{}", text(&missing));
    let failed = weir(&["merge", "review", "--lake", "lake", "--output", "json"], dir);
    assert_eq!(failed.status.code(), Some(1));
    assert_eq!(json(&failed)["merges"][0]["failure"]["code"], "Silver.Table");

    fs::remove_file(dir.join("lake/silver/review")).unwrap();
    let dry = answer(&["merge", "review", "--dry-run"], dir);
    assert_eq!((&dry["dry_run"], &dry["merges"][0]["merged"]["report"]["rows_inserted"]), (&true.into(), &300.into()));
    assert_eq!(control_records_without_marks(dir), serde_json::json!([0, 0, 0, 1]), "a dry run marks nothing");
    assert_eq!(answer(&["merge", "review"], dir)["merges"][0]["merged"]["report"]["rows_inserted"], 300);
    assert_eq!(control_records_without_marks(dir), serde_json::json!([0, 0, 0, 0]));
}

#[test]
fn maintenance_says_what_it_did_and_what_there_was_not_to_do() {
    let root = lake();
    let dir = root.path();
    let nothing = weir(&["maintain", "review", "--lake", "lake"], dir);
    assert!(nothing.status.success() && text(&nothing).contains("not in silver yet"), "{}", text(&nothing));
    weir(&["run", "--lake", "lake"], dir);
    let told = weir(&["maintain", "beer", "--lake", "lake"], dir);
    assert!(told.status.success(), "{}", text(&told));
    for part in ["no files to join", "no snapshot is old enough", "no files that nothing needs"] {
        assert!(text(&told).contains(part), "{part}: {}", text(&told));
    }
    let all = answer(&["maintain", "--all", "--dry-run", "--expire-older-than", "0s", "--keep", "1"], dir);
    let tables = all["tables"].as_array().unwrap();
    assert_eq!((tables.len(), &all["ok"], &all["dry_run"]), (4, &true.into(), &true.into()));
    assert!(tables.iter().all(|table| table["done"]["exists"] == true && table["failure"].is_null()), "{all}");
}

#[test]
fn the_same_merge_is_printed_for_spark() {
    let root = lake();
    let dir = root.path();
    let script = text(&weir(&["sql", "merge", "review", "--lake", "lake"], dir));
    for part in
        ["MERGE INTO `weir`.`silver`.`review`", "CREATE TABLE IF NOT EXISTS", "/bronze/review/v1", "`weir_bronze`"]
    {
        assert!(script.contains(part), "{part}: {script}");
    }
    let other =
        ["sql", "merge", "review", "--catalog", "glue", "--into", "probe", "--bronze", "s3://b/bronze/review/v1"];
    let statements = answer(&other, dir)["statements"].clone();
    let statements: Vec<&str> = statements.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    assert_eq!(statements.len(), 3);
    assert!(statements[0].contains("s3://b/bronze/review/v1"), "{}", statements[0]);
    assert!(statements[2].contains("`glue`.`silver`.`probe`"), "{}", statements[2]);
}

#[test]
fn a_table_that_is_not_there_or_stays_in_bronze_is_told() {
    let root = lake();
    let dir = root.path();
    for command in [&["merge"][..], &["snapshots"], &["maintain"], &["sql", "merge"]] {
        let output = weir(&[command, &["bear", "--lake", "lake", "--output", "json"]].concat(), dir);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert_eq!(json(&output)["error"]["code"], "Contract.Missing");
        assert!(text(&output).contains("beer, brewery, profile, review"), "{}", text(&output));
    }
    let path = dir.join("lake/contracts/brewery.odcs.yaml");
    let contract = fs::read_to_string(&path).unwrap();
    let kind = "    customProperties:\n      - {property: weir.silver.kind, value: none}\n";
    fs::write(&path, contract.replacen("    customProperties:\n", kind, 1)).unwrap();
    let output = weir(&["merge", "brewery", "--lake", "lake", "--output", "json"], dir);
    assert_eq!(
        (output.status.code(), &json(&output)["error"]["code"]),
        (Some(1), &"Silver.None".into()),
        "{}",
        text(&output)
    );
}
