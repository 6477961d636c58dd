//! What a person or a script sees of models before they are built: `weir check`, `weir test`, `weir sql model`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

fn weir(arguments: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir")).args(arguments).current_dir(dir).env_remove("WEIR_LAKE").output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn lake() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let made = weir(&["init", "lake", "--example", "beer"], dir.path());
    assert!(made.status.success(), "{}", text(&made));
    let lake = dir.path().join("lake");
    (dir, lake)
}

fn mend(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{} has no {from}", file.display());
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn fixtures_pass_and_need_no_data_in_the_lake() {
    let (_dir, lake) = lake();
    let all = weir(&["test"], &lake);
    assert_eq!(all.status.code(), Some(0), "{}", text(&all));
    assert!(text(&all).contains("15 cases, 0 failed."), "{}", text(&all));
    let one = weir(&["test", "top_drinkers", "--output", "json"], &lake);
    assert_eq!(json(&one)["cases"].as_array().unwrap().len(), 2);
    assert!(!lake.join("catalog.sqlite").exists(), "a test makes nothing");
}

#[test]
fn a_failing_case_ends_with_1_and_shows_what_differs() {
    let (_dir, lake) = lake();
    mend(
        &lake.join("models/gold/top_drinkers.sql"),
        "ORDER BY reviews DESC, beers DESC",
        "ORDER BY reviews DESC, beers",
    );
    let failed = weir(&["test"], &lake);
    assert_eq!(failed.status.code(), Some(1));
    let text = text(&failed);
    for line in [
        "FAIL  gold.top_drinkers: who writes most ranks first",
        "review_rank: expected 1, found 2",
        "15 cases, 1 failed.",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn a_check_finds_what_is_wrong_with_a_model_and_where() {
    let (_dir, lake) = lake();
    let well = weir(&["check", "--output", "json"], &lake);
    assert_eq!(well.status.code(), Some(0), "{}", text(&well));
    assert_eq!(json(&well)["models"].as_array().unwrap().len(), 6);
    mend(&lake.join("models/silver/review_flat.sql"), "b.abv AS", "b.abw AS");
    let wrong = weir(&["check"], &lake);
    assert_eq!(wrong.status.code(), Some(3));
    let said = text(&wrong);
    assert!(
        said.contains("models/silver/review_flat.sql:31:3: there is no column 'b.abw' here; did you mean 'abv'?"),
        "{said}"
    );
}

#[test]
fn a_model_prints_as_sql_for_another_engine() {
    let (_dir, lake) = lake();
    let sql = weir(&["sql", "model", "top_beers_by_rating"], &lake);
    let said = text(&sql);
    assert!(said.starts_with("WITH monthly AS ("), "{said}");
    assert!(said.contains("COUNT(*) >= 5 AS is_ranked") && !said.contains('$'), "{said}");
    let unknown = weir(&["sql", "model", "top_beer_by_rating", "--output", "json"], &lake);
    assert_eq!(unknown.status.code(), Some(1));
    let error = &json(&unknown)["error"];
    assert_eq!(error["code"], "Model.Unknown");
    assert!(error["message"].as_str().unwrap().contains("did you mean 'top_beers_by_rating'?"));
}

#[test]
fn tests_of_data_say_what_is_not_built() {
    let (_dir, lake) = lake();
    let tests = weir(&["test", "--data"], &lake);
    assert_eq!(tests.status.code(), Some(0), "{}", text(&tests));
    assert!(text(&tests).contains("gold.top_drinkers is not built yet; `weir build`"), "{}", text(&tests));
}
