//! What a person or a script sees of builds.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails a test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

fn weir(arguments: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir")).args(arguments).current_dir(dir).env_remove("WEIR_LAKE").output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The answer of a command that ends so, as JSON.
fn answer(arguments: &[&str], dir: &Path, code: i32) -> Value {
    let output = weir(&[arguments, &["--lake", "lake", "--output", "json"]].concat(), dir);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// A lake of one table and two models, with two rows in silver.
fn lake() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let lake = root.path().join("lake");
    let put = |path: &str, content: &str| {
        let path = lake.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    put("lake.yaml", "name: test\n");
    put(
        "contracts/beer.odcs.yaml",
        "apiVersion: v3.1.0\nkind: DataContract\nid: beer\nversion: 1.0.0\nstatus: active\nschema:\n  - name: beer\n    \
         properties:\n      - {name: id, logicalType: integer, primaryKey: true}\n      - {name: style, logicalType: string}\n      \
         - {name: abv, logicalType: number}\n",
    );
    put(
        "models/silver/beers.sql",
        "/*\npartitionBy: [style]\ntests:\n  - name: no beer is that strong\n    sql: SELECT * FROM this WHERE abv > 60\n*/\n\
         SELECT id, style, abv FROM silver.beer WHERE deleted_at IS NULL\n",
    );
    put(
        "models/gold/styles.sql",
        "/*\npartitionBy: [style]\n*/\nSELECT style, COUNT(*) AS beers, MAX(abv) AS strongest FROM silver.beers GROUP BY style\n",
    );
    put("raw/beer/a.csv", "id,style,abv\n1,ale,5\n2,stout,8\n");
    root
}

fn deliver(dir: &Path, name: &str, rows: &str) {
    fs::write(dir.join("lake/raw/beer").join(name), format!("id,style,abv\n{rows}")).unwrap();
}

fn actions(builds: &Value) -> Vec<(String, String)> {
    let each = builds["builds"].as_array().unwrap().iter();
    each.map(|build| {
        let action = build["built"]["action"].as_str().unwrap_or("failed").to_owned();
        (build["model"].as_str().unwrap().to_owned(), action)
    })
    .collect()
}

fn both(action: &str) -> Vec<(String, String)> {
    ["silver.beers", "gold.styles"].map(|model| (model.to_owned(), action.to_owned())).to_vec()
}

#[test]
fn a_run_builds_models_and_a_second_one_does_not() {
    let root = lake();
    let dir = root.path();
    let run = weir(&["run", "--lake", "lake"], dir);
    assert!(run.status.success(), "{}", text(&run));
    assert!(text(&run).contains("gold.styles") && text(&run).contains("in full"), "{}", text(&run));
    let again = weir(&["run", "--lake", "lake"], dir);
    assert!(text(&again).contains("models: nothing has changed for silver.beers, gold.styles"), "{}", text(&again));
    assert_eq!(actions(&answer(&["build"], dir, 0)), both("none"));
    assert_eq!(actions(&answer(&["build", "--full"], dir, 0)), both("whole"));
}

#[test]
fn a_change_is_planned_and_built_in_the_partition_that_it_touches() {
    let root = lake();
    let dir = root.path();
    answer(&["run"], dir, 0);
    deliver(dir, "b.csv", "3,stout,9\n");
    answer(&["run", "--no-build"], dir, 0);
    let plan = answer(&["plan"], dir, 0);
    assert_eq!(plan["plans"][0]["partitions"], json!([{"style": "stout"}]));
    assert_eq!(plan["plans"][1]["after"], json!(["silver.beers"]));
    let told = weir(&["plan", "--lake", "lake"], dir);
    assert!(text(&told).contains("[style=stout]"), "{}", text(&told));
    assert!(text(&told).contains("is decided once silver.beers is built"), "{}", text(&told));
    assert_eq!(actions(&answer(&["build"], dir, 0)), both("partitions"));
    let rows = answer(&["query", "SELECT style, beers, strongest FROM gold.styles ORDER BY style"], dir, 0);
    assert_eq!(rows["rows"].as_array().unwrap().len(), 2, "{rows}");
    assert!(rows["rows"][1].to_string().contains("stout") && rows["rows"][1].to_string().contains('9'), "{rows}");
}

#[test]
fn rows_that_break_a_test_end_a_build_with_1_and_readers_see_the_rows_from_before() {
    let root = lake();
    let dir = root.path();
    answer(&["run"], dir, 0);
    deliver(dir, "b.csv", "3,stout,99\n");
    let run = weir(&["run", "--lake", "lake"], dir);
    assert_eq!(run.status.code(), Some(1), "{}", text(&run));
    assert!(text(&run).contains("no beer is that strong") && text(&run).contains("weir build"), "{}", text(&run));
    assert!(!text(&run).contains("99"), "a message holds no value of a row: {}", text(&run));
    let rows = answer(&["query", "SELECT count(*) AS n FROM silver.beers"], dir, 0);
    assert!(rows["rows"][0].to_string().contains('2'), "{rows}");
    let notices = fs::read_to_string(dir.join("lake/.weir/notices.jsonl")).unwrap();
    assert!(notices.contains("Gold.Audit") && notices.contains("silver.beers"), "{notices}");
    // A later version of the row mends it.
    deliver(dir, "c.csv", "3,stout,9\n");
    answer(&["run", "--no-build"], dir, 0);
}

#[test]
fn a_model_that_cannot_be_read_is_told_with_its_place_before_anything_is_done() {
    let root = lake();
    let dir = root.path();
    fs::write(dir.join("lake/models/gold/styles.sql"), "SELECT style\nFROM silver.beeers\n").unwrap();
    let run = weir(&["build", "--lake", "lake"], dir);
    assert_eq!(run.status.code(), Some(1), "{}", text(&run));
    assert!(text(&run).contains("models/gold/styles.sql:2:6") && text(&run).contains("silver.beers"), "{}", text(&run));
    let unknown = weir(&["build", "nosuch", "--lake", "lake"], dir);
    assert_eq!(unknown.status.code(), Some(1), "{}", text(&unknown));
}

#[test]
fn a_model_waits_for_a_table_that_has_no_rows_yet() {
    let root = lake();
    let dir = root.path();
    let built = answer(&["build"], dir, 0);
    assert_eq!(actions(&built), both("waits"));
    assert_eq!(built["builds"][0]["built"]["why"], json!(["silver.beer is not there yet"]));
}
