//! What a person or a script gets of `weir query`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails a test")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use serde_json::{Value, json};

fn weir(arguments: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir")).args(arguments).current_dir(dir).env_remove("WEIR_LAKE").output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A beer lake with 300 reviews, run. No test changes it.
static LAKE: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    weir(&["init", "lake", "--example", "beer"], dir);
    weir(&["generate", "--lake", "lake", "--rows", "300", "--seed", "7"], dir);
    let run = weir(&["run", "--lake", "lake"], dir);
    assert!(run.status.success(), "{}", text(&run));
    root
});

fn query(arguments: &[&str]) -> Output {
    weir(&[&["query"], arguments, &["--lake", "lake"]].concat(), LAKE.path())
}

/// The answer of a query that is well.
fn answer(arguments: &[&str]) -> String {
    let output = query(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

const ROWS: &str = "SELECT review_id, beer_id, created_at, '' AS empty, CAST(NULL AS INT) AS nothing, 12.5::decimal(6,2) AS amount \
                    FROM silver.review ORDER BY review_id";

#[test]
fn every_format_holds_the_same_rows() {
    let object: Value = serde_json::from_str(&answer(&[ROWS, "--output", "json"])).unwrap();
    assert_eq!(object["row_count"], 300);
    let rows = object["rows"].as_array().unwrap();
    assert_eq!(
        (&rows[0]["empty"], &rows[0]["nothing"], &rows[0]["amount"]),
        (&json!(""), &Value::Null, &json!("12.50"))
    );
    assert_eq!(object["columns"][5], json!({"name": "amount", "type": "decimal(6,2)"}));
    assert_eq!(serde_json::from_str::<Value>(&answer(&[ROWS, "--format", "json"])).unwrap(), object);

    let lines: Vec<Value> =
        answer(&[ROWS, "--format", "jsonl"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(&lines, rows);

    let csv = answer(&[ROWS, "--format", "csv"]);
    let mut csv = csv.lines();
    assert_eq!(csv.next(), Some("review_id,beer_id,created_at,empty,nothing,amount"));
    let first = csv.next().unwrap();
    assert!(first.ends_with(",\"\",,12.50"), "{first}");
    assert_eq!(csv.count(), 299);

    // A Parquet file is a table of bronze to whoever reads it; here its bytes are enough.
    let parquet = query(&[ROWS, "--format", "parquet"]);
    assert!(parquet.status.success() && parquet.stdout.starts_with(b"PAR1") && parquet.stdout.ends_with(b"PAR1"));

    let table = answer(&[ROWS]);
    assert!(table.contains("review_id") && table.contains("null") && table.contains("The first 100 rows"), "{table}");
    assert!(answer(&[ROWS, "--max-rows", "0"]).contains("300 rows"));
    assert!(answer(&["SELECT 1 AS one"]).contains("1 row"));
}

#[test]
fn every_layer_is_asked_in_one_query() {
    let sql = "SELECT (SELECT count(*) FROM bronze.review) AS b, (SELECT count(*) FROM silver.review) AS s, \
               (SELECT sum(rows_in) FROM control.records WHERE table_name = 'review') AS c, \
               (SELECT count(*) FROM bronze.review r JOIN control.records c ON r._control_id = c.id) AS j";
    let rows: Value = serde_json::from_str(&answer(&[sql, "--output", "json"])).unwrap();
    assert_eq!(rows["rows"][0], json!({"b": 300, "s": 300, "c": 300, "j": 300}));
    let tables = answer(&["SHOW TABLES", "--max-rows", "0"]);
    for name in ["silver", "bronze", "records", "brewery"] {
        assert!(tables.contains(name), "{name}: {tables}");
    }
}

#[test]
fn the_past_is_read_by_snapshot_and_by_time() {
    let snapshots: Value =
        serde_json::from_slice(&weir(&["snapshots", "beer", "--lake", "lake", "--output", "json"], LAKE.path()).stdout)
            .unwrap();
    let id = snapshots["snapshots"][0]["id"].to_string();
    let sql = format!("SELECT count(*) AS n FROM silver.beer VERSION AS OF {id}");
    let now = answer(&["SELECT count(*) AS n FROM silver.beer", "--format", "jsonl"]);
    assert_eq!(answer(&[&sql, "--format", "jsonl"]), now);
    assert_eq!(answer(&["SELECT count(*) AS n FROM silver.beer", "--at", &id, "--format", "jsonl"]), now);
    let early = query(&["SELECT count(*) AS n FROM silver.beer", "--at", "2001-01-01", "--output", "json"]);
    let error: Value = serde_json::from_slice(&early.stdout).unwrap();
    assert_eq!((early.status.code(), &error["error"]["code"]), (Some(1), &json!("Query.Snapshot")));
    let wrong = query(&["SELECT 1", "--at", "yesterday"]);
    assert!(
        wrong.status.code() == Some(1) && text(&wrong).contains("neither a snapshot's id nor a time"),
        "{}",
        text(&wrong)
    );
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name).display().to_string();
    let told: Value = serde_json::from_str(&answer(&[ROWS, "--out", &path("r.csv"), "--output", "json"])).unwrap();
    assert_eq!(told["rows"], 300);
    let before = fs::read_to_string(path("r.csv")).unwrap();
    assert_eq!((before.lines().count(), told["bytes"].as_u64()), (301, Some(before.len() as u64)));

    let failing =
        "SELECT review_id, CAST(CASE WHEN review_id % 7 = 3 THEN 'x' ELSE '1' END AS INT) AS n FROM silver.review";
    let failed = query(&[failing, "--out", &path("r.csv"), "--output", "json"]);
    let error: Value = serde_json::from_slice(&failed.stdout).unwrap();
    assert_eq!((failed.status.code(), &error["error"]["code"]), (Some(1), &json!("Query.Execution")));
    assert_eq!(fs::read_to_string(path("r.csv")).unwrap(), before, "what was there stays");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1, "nothing is left behind");

    answer(&[ROWS, "--out", &path("r.parquet")]);
    assert!(fs::read(path("r.parquet")).unwrap().starts_with(b"PAR1"));
    for arguments in [
        vec![ROWS, "--out", "r.txt"],
        vec![ROWS, "--out", "r.csv", "--format", "table"],
        vec![ROWS, "--format", "csv", "--output", "json"],
    ] {
        let output = query(&arguments);
        assert!(output.status.code() == Some(1) && text(&output).contains("--"), "{arguments:?}: {}", text(&output));
    }
}

#[test]
fn a_query_comes_from_a_file_or_standard_input_too() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("q.sql");
    fs::write(&file, "-- how many\nSELECT count(*) AS n\nFROM silver.review;\n").unwrap();
    assert_eq!(answer(&["--file", &file.display().to_string(), "--format", "jsonl"]), "{\"n\":300}\n");
    let mut child = Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(["query", "-", "--lake", "lake", "--format", "csv"])
        .current_dir(LAKE.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"SELECT 'a,b' AS x").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"x\n\"a,b\"\n");
    assert_eq!(query(&[]).status.code(), Some(2), "a query has to be given");
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_a_stable_code() {
    for (sql, code, part) in [
        ("SELEC 1", "Query.Syntax", "line 1, column 1"),
        ("SELECT * FROM silver.revew", "Query.Table", "did you mean 'silver.review'?"),
        ("SELECT beer_idd FROM silver.review", "Query.Unknown", "did you mean 'beer_id'?"),
        ("DROP TABLE silver.review", "Query.Refused", "only queries"),
        ("SELECT 1/0", "Query.Execution", "Divide by zero"),
    ] {
        let output = query(&[sql, "--output", "json"]);
        let error: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{sql}: {}", text(&output)));
        assert_eq!((output.status.code(), &error["error"]["code"]), (Some(1), &json!(code)), "{sql}");
        assert!(error["error"]["message"].as_str().unwrap().contains(part), "{sql}: {error}");
        let output = query(&[sql]);
        assert!(output.stdout.is_empty() && text(&output).contains(part), "{sql}: {}", text(&output));
    }
}

#[test]
fn the_plan_is_shown_instead_of_rows() {
    let plan = answer(&["SELECT beer_id, count(*) FROM silver.review GROUP BY beer_id", "--explain"]);
    assert!(plan.contains("AggregateExec") && plan.contains("DataSourceExec"), "{plan}");
    let plan = answer(&["EXPLAIN SELECT beer_id FROM silver.review"]);
    assert!(plan.contains("TableScan") && plan.lines().count() > 2, "{plan}");
}

#[test]
fn a_lake_that_was_never_run_is_asked_and_left_as_it_is() {
    let root = tempfile::tempdir().unwrap();
    weir(&["init", "lake", "--example", "beer"], root.path());
    let names = || {
        let mut names: Vec<_> =
            fs::read_dir(root.path().join("lake")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    let sql = "SELECT (SELECT count(*) FROM bronze.review) AS b, (SELECT count(*) FROM control.records) AS c";
    let output = weir(&["query", sql, "--lake", "lake", "--format", "jsonl"], root.path());
    assert_eq!(text(&output), "{\"b\":0,\"c\":0}\n");
    let output = weir(&["query", "SELECT * FROM silver.review", "--lake", "lake"], root.path());
    assert!(output.status.code() == Some(1) && text(&output).contains("weir merge review"), "{}", text(&output));
    assert_eq!(names(), before);
}

#[test]
fn a_reader_that_goes_away_ends_a_query_quietly() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(["query", "SELECT * FROM generate_series(1, 3000000)", "--lake", "lake", "--format", "csv"])
        .current_dir(LAKE.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output));
}
