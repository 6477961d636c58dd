//! What a person or a script sees of the program itself.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails a test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn weir(arguments: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir")).args(arguments).current_dir(dir).env_remove("WEIR_LAKE").output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn the_readme_path_works_and_a_second_run_does_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for arguments in [
        &["init", "lake", "--example", "beer"][..],
        &["check", "--lake", "lake"],
        &["generate", "--lake", "lake", "--rows", "500", "--seed", "7"],
        &["run", "--lake", "lake"],
        &["status", "--lake", "lake"],
    ] {
        let output = weir(arguments, dir);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    }
    let again = weir(&["run", "--lake", "lake", "--output", "json"], dir);
    assert_eq!(again.status.code(), Some(0));
    let again = json(&again);
    assert_eq!((&again["ok"], &again["run"]["registered"]), (&true.into(), &0.into()));
    let status = json(&weir(&["status", "--lake", "lake", "--output", "json"], dir));
    let review = status["tables"].as_array().unwrap().iter().find(|table| table["table"] == "review").unwrap();
    assert_eq!((&review["status"], &review["rows_written"]), (&"SUCCEEDED".into(), &500.into()));
}

#[test]
fn a_generated_change_stream_goes_through_raw_into_bronze() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    weir(&["init", "lake", "--example", "beer"], dir);
    let generated =
        weir(&["generate", "--lake", "lake", "--rows", "500", "--changes", "2000", "--output", "json"], dir);
    let changes = &json(&generated)["changes"];
    let number = |of: &Value, name: &str| of[name].as_u64().unwrap();
    let rows_changed = ["inserts", "updates", "deletes", "loads", "duplicates"].map(|name| number(changes, name));
    assert!(rows_changed.iter().all(|count| *count > 0), "{changes}");

    let streamed = weir(&["stream", "--lake", "lake", "lake/streams/changes.jsonl", "--output", "json"], dir);
    assert_eq!(streamed.status.code(), Some(0), "{}", text(&streamed));
    let streamed = &json(&streamed)["stream"];
    assert_eq!(number(streamed, "records"), number(changes, "records"));
    assert_eq!(number(streamed, "dropped"), number(changes, "controls"));
    assert_eq!(number(streamed, "failed"), 0);

    let run = weir(&["run", "--lake", "lake", "--output", "json"], dir);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run));
    let lines: u64 = streamed["tables"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    let rows: u64 = json(&run)["run"]["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|file| file["key"].as_str().unwrap().contains("-1-20"))
        .map(|file| number(&file["outcome"], "rows_written"))
        .sum();
    assert_eq!(rows, lines);
}

#[test]
fn trouble_ends_with_3_says_what_to_do_and_can_be_retried() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    weir(&["init", "lake", "--example", "beer"], dir);
    fs::create_dir_all(dir.join("lake/raw/beer")).unwrap();
    let cut = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1][..];
    fs::write(dir.join("lake/raw/beer/cut.csv.gz"), cut).unwrap();
    let output = weir(&["run", "--lake", "lake"], dir);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    for part in ["FAILED raw/beer/cut.csv.gz", "at byte 11", "weir status --lake lake", "weir retry --all --lake lake"]
    {
        assert!(text(&output).contains(part), "{part}: {}", text(&output));
    }
    let listed = json(&weir(&["status", "--lake", "lake", "--status", "failed", "--output", "json"], dir));
    let id = listed["files"][0]["id"].as_str().unwrap();
    let shown = weir(&["show", &id[..8], "--lake", "lake"], dir);
    assert!(text(&shown).contains("Input.Truncated"), "{}", text(&shown));
    let retried = weir(&["retry", &id[..8], "--lake", "lake"], dir);
    assert!(retried.status.success() && text(&retried).contains("PENDING"), "{}", text(&retried));
    assert_eq!(weir(&["run", "--lake", "lake"], dir).status.code(), Some(3));
}

#[test]
fn convert_prints_one_object_with_the_figures_that_scripts_need() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("in.csv"), "id,name\n1,a\n2,b\n").unwrap();
    let output = weir(&["convert", "in.csv", "out.parquet", "--infer", "--output", "json"], dir);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let answer = json(&output);
    for (field, value) in
        [("rows_in", 2), ("rows_written", 2), ("rows_quarantined", 0), ("rows_filtered", 0), ("bytes_in", 16)]
    {
        assert_eq!(answer[field], value, "{field}");
    }
    assert_eq!(answer["bytes_out"].as_u64().unwrap(), fs::metadata(dir.join("out.parquet")).unwrap().len());
    assert!(answer["seconds"].as_f64().unwrap() > 0.0);
    assert!(answer["peak_memory_bytes"].as_u64().unwrap() > 0);
}

#[test]
fn inference_that_was_too_narrow_loses_no_value() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut rows = String::from("id,code\n");
    for row in 0..600_000 {
        rows.push_str(&format!("{row},{row}\n"));
    }
    rows.push_str("600000,A7\n");
    fs::write(dir.join("in.csv"), rows).unwrap();
    let answer = json(&weir(&["convert", "in.csv", "out.parquet", "--infer", "--output", "json"], dir));
    assert_eq!((&answer["rows_written"], &answer["rows_quarantined"]), (&600_001.into(), &0.into()));
    assert_eq!((&answer["columns"][0]["type"], &answer["columns"][1]["type"]), (&"int64".into(), &"string".into()));
}

#[test]
fn a_failed_conversion_leaves_the_old_file_and_nothing_half_written() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("in.csv"), "id\n1\n").unwrap();
    assert!(weir(&["convert", "in.csv", "out.parquet", "--infer"], dir).status.success());
    let before = fs::read(dir.join("out.parquet")).unwrap();
    fs::write(dir.join("in.csv"), [0x1f, 0x8b, 8, 0]).unwrap();
    let output = weir(&["convert", "in.csv", "out.parquet", "--infer", "--output", "json"], dir);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(json(&output)["error"]["code"], "Input.Truncated");
    assert_eq!(fs::read(dir.join("out.parquet")).unwrap(), before);
    let names: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn quarantined_rows_of_a_conversion_are_kept_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let contract = "apiVersion: v3.1.0\nkind: DataContract\nid: t\nversion: 1.0.0\nstatus: active\nschema:\n  - name: t\n    customProperties: [{property: weir.badRowLimit, value: 5}]\n    properties: [{name: id, logicalType: integer}]\n";
    fs::write(dir.join("t.odcs.yaml"), contract).unwrap();
    fs::write(dir.join("in.csv"), "id\n1\nx\n3\n").unwrap();
    let output = weir(&["convert", "in.csv", "out.parquet", "--contract", "t.odcs.yaml", "--output", "json"], dir);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    let line: Value = serde_json::from_slice(&fs::read(dir.join("out.parquet.quarantine.jsonl")).unwrap()).unwrap();
    assert_eq!((&line["line"], &line["column"], &line["values"]["id"]), (&3.into(), &"id".into(), &"x".into()));
}

#[test]
fn the_input_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("in.csv"), "id\n1\n").unwrap();
    let output = weir(&["convert", "in.csv", "./in.csv", "--infer"], dir);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read(dir.join("in.csv")).unwrap(), b"id\n1\n");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    weir(&["init", "lake", "--example", "beer"], dir);
    let mut child = Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(["check", "--lake", "lake", "--output", "json"])
        .current_dir(dir)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output)), (Some(0), String::new()));
}

#[test]
fn a_mistake_in_a_contract_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    weir(&["init", "lake", "--example", "people"], dir);
    fs::write(dir.join("lake/lake.yaml"), "nam: people\n").unwrap();
    let output = weir(&["run", "--lake", "lake", "--output", "json"], dir);
    assert_eq!(String::from_utf8_lossy(&output.stderr).matches("unknown key 'nam'").count(), 1, "{}", text(&output));
    assert_eq!(json(&output)["error"]["code"], "Lake.Problems");
}

#[test]
fn wrong_arguments_end_with_2_and_every_command_has_an_example() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(weir(&["convert", "a"], dir.path()).status.code(), Some(2));
    assert_eq!(weir(&["retry"], dir.path()).status.code(), Some(2));
    for wrong in [
        &["merge"][..],
        &["merge", "beer", "--all"],
        &["maintain", "beer", "--expire-older-than", "7 weeks"],
        &["maintain", "beer", "--orphans-older-than", "59m"],
        &["sql", "merge", "beer", "--engine", "flink"],
    ] {
        assert_eq!(weir(wrong, dir.path()).status.code(), Some(2), "{wrong:?}");
    }
    let help = text(&weir(&["sql", "merge", "--help"], dir.path()));
    assert!(help.contains("Example") && help.contains("--output"), "{help}");
    for command in [
        "init",
        "check",
        "generate",
        "run",
        "stream",
        "status",
        "show",
        "retry",
        "convert",
        "merge",
        "snapshots",
        "maintain",
    ] {
        let help = text(&weir(&[command, "--help"], dir.path()));
        assert!(help.contains("Example"), "{command}: {help}");
        assert!(help.contains("--output"), "{command}");
    }
}

#[test]
fn a_folder_that_is_no_lake_is_told_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let output = weir(&["run"], dir.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("weir init"), "{}", text(&output));
    let missing = weir(&["convert", "no.csv", "out.parquet", "--infer"], dir.path());
    assert!(text(&missing).contains("no.csv"), "{}", text(&missing));
}
