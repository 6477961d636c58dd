//! What `weir report` writes and says.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails a test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn weir(arguments: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir")).args(arguments).current_dir(dir).env_remove("WEIR_LAKE").output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn report(dir: &Path, code: i32) -> Value {
    let output = weir(&["report", "--lake", "lake", "--output", "json"], dir);
    assert_eq!(output.status.code(), Some(code), "{}", text(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A lake with the contracts of the example and no models.
fn lake(dir: &Path) {
    assert!(weir(&["init", "lake", "--example", "beer"], dir).status.success());
    if dir.join("lake/models").is_dir() {
        fs::remove_dir_all(dir.join("lake/models")).unwrap();
    }
}

fn table<'a>(made: &'a Value, layer: &str, name: &str) -> &'a Value {
    let tables = made["report"]["tables"].as_array().unwrap();
    tables.iter().find(|table| table["layer"] == layer && table["name"] == name).unwrap()
}

#[test]
fn a_lake_in_which_nothing_happened_has_a_report_and_nothing_is_made_for_it() {
    let dir = tempfile::tempdir().unwrap();
    lake(dir.path());
    let output = weir(&["report", "--lake", "lake"], dir.path());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("lake/report.html"), "{}", text(&output));
    let page = fs::read_to_string(dir.path().join("lake/report.html")).unwrap();
    assert!(page.contains("Nothing here yet") && page.contains("weir run --lake lake"));
    for made in [".weir", "catalog.sqlite", "silver"] {
        assert!(!dir.path().join("lake").join(made).exists(), "{made}");
    }
}

#[test]
fn the_report_counts_what_the_other_commands_count() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    lake(dir);
    for arguments in [
        &["generate", "--lake", "lake", "--rows", "500", "--seed", "7"][..],
        &["run", "--lake", "lake", "--bronze-only"],
    ] {
        assert!(weir(arguments, dir).status.success());
    }
    let made = report(dir, 0);
    assert_eq!(made["state"]["level"], "attention");
    let waiting = made["report"]["waiting"].as_array().unwrap();
    assert!(waiting.iter().any(|of| of["command"] == "weir merge review --lake lake"), "{waiting:?}");

    assert!(weir(&["merge", "--all", "--lake", "lake"], dir).status.success());
    let made = report(dir, 0);
    assert_eq!((&made["state"]["level"], &made["ok"]), (&"well".into(), &true.into()), "{made}");
    assert_eq!(table(&made, "bronze", "review")["rows"], 500);
    assert_eq!(table(&made, "silver", "review")["rows"], 500);
    let bytes = |layer: &str| table(&made, layer, "review")["bytes"].as_u64().unwrap();
    let files = walk(&dir.join("lake/bronze/review"));
    assert_eq!(bytes("bronze"), files.iter().map(|file| fs::metadata(file).unwrap().len()).sum::<u64>());
    assert!(bytes("silver") > 0);
    let page = fs::read_to_string(dir.join("lake/report.html")).unwrap();
    assert!(page.contains("All is well"));
}

#[test]
fn what_failed_and_what_could_not_be_read_is_told_with_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    lake(dir);
    let raw = dir.join("lake/raw/brewery");
    fs::create_dir_all(&raw).unwrap();
    let rows = "brewery_id,name,city,state,country,founded,is_open\n1,A,B,CA,US,,true\nx,secret-word,B,CA,US,,true\n";
    fs::write(raw.join("bad.csv"), rows).unwrap();
    fs::write(raw.join("broken.csv.gz"), b"\x1f\x8b\x08 no more").unwrap();
    assert_eq!(weir(&["run", "--lake", "lake"], dir).status.code(), Some(3));

    let made = report(dir, 0);
    assert_eq!(made["state"]["level"], "failing");
    let trouble = &made["report"]["files"]["troubles"][0];
    assert_eq!(trouble["key"], "raw/brewery/broken.csv.gz");
    let id = trouble["id"].as_str().unwrap();
    let command = format!("weir retry {} --lake lake && weir run --lake lake", &id[..12]);
    assert_eq!(trouble["command"], command.as_str());
    let cause = &made["report"]["quarantine"]["causes"][0];
    assert_eq!(
        (&cause["reason"], &cause["column"], &cause["rows"]),
        (&"not_of_type".into(), &"brewery_id".into(), &1.into())
    );
    let page = fs::read_to_string(dir.join("lake/report.html")).unwrap();
    assert!(page.contains("Something failed") && !page.contains("secret-word"));

    // What was delivered anew has been dealt with.
    fs::remove_file(raw.join("broken.csv.gz")).unwrap();
    fs::remove_file(raw.join("bad.csv")).unwrap();
    let made = report(dir, 0);
    assert_eq!(made["state"]["level"], "well", "{made}");
    assert_eq!(made["report"]["quarantine"]["rows"], 1);
}

#[test]
fn a_table_that_cannot_be_read_is_told_and_the_rest_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    lake(dir);
    assert!(weir(&["generate", "--lake", "lake", "--rows", "50"], dir).status.success());
    assert!(weir(&["run", "--lake", "lake"], dir).status.success());
    for file in walk(&dir.join("lake/silver/review/metadata")) {
        if file.extension().is_some_and(|extension| extension == "json") {
            fs::remove_file(file).unwrap();
        }
    }
    let made = report(dir, 3);
    let problems = made["report"]["problems"].as_array().unwrap();
    assert_eq!((problems.len(), &problems[0]["what"]), (1, &"silver.review".into()));
    assert_eq!(table(&made, "silver", "beer")["rows"].as_u64(), table(&made, "bronze", "beer")["rows"].as_u64());
}

#[test]
fn a_report_that_cannot_be_written_leaves_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    lake(dir.path());
    let old = dir.path().join("there/report.html");
    let output = weir(&["report", "--lake", "lake", "--out", "there/report.html"], dir.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("there/report.html cannot be written"), "{}", text(&output));
    fs::create_dir(dir.path().join("there")).unwrap();
    assert!(weir(&["report", "--lake", "lake", "--out", "there/report.html"], dir.path()).status.success());
    assert!(old.is_file());
    assert_eq!(walk(&dir.path().join("there")), [old]);
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}
