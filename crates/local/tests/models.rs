//! The models of a lake: those of the examples are right, and what is wrong is told with its place.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use weir_local::{LocalLake, OpenError, examples, run_fixtures};

fn example(name: &str) -> (TempDir, LocalLake) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("lake");
    examples::init(&root, name).unwrap();
    let lake = LocalLake::read(&root).unwrap();
    (dir, lake)
}

fn write(lake: &LocalLake, file: &str, text: &str) {
    let path = lake.dir.join(file);
    fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).unwrap();
    fs::write(path, text).unwrap();
}

/// Replaces a piece of a file that has to be in it.
fn mend(lake: &LocalLake, file: &str, from: &str, to: &str) {
    let text = fs::read_to_string(lake.dir.join(file)).unwrap();
    assert!(text.contains(from), "{file} has no {from}");
    write(lake, file, &text.replacen(from, to, 1));
}

fn said(result: Result<impl Sized, OpenError>) -> String {
    match result {
        Err(OpenError::Problems(problems)) => problems.to_string(),
        Err(other) => panic!("{other}"),
        Ok(_) => String::new(),
    }
}

#[tokio::test]
async fn the_models_of_the_examples_are_right_and_pass_their_fixtures() {
    for (name, models_there, cases_there) in [("beer", 6, 15), ("people", 2, 4)] {
        let (_dir, lake) = example(name);
        let models = lake.models().unwrap();
        assert_eq!(models.len(), models_there);
        let planned = lake.plan_models(&models).await.unwrap();
        let fixtures = lake.fixtures(&models).unwrap();
        assert_eq!(fixtures.len(), models.len(), "each model has fixtures");
        let results = run_fixtures(&fixtures, &planned).await.unwrap();
        let failed: Vec<_> = results.iter().filter(|result| !result.passed).collect();
        assert!(failed.is_empty(), "{failed:#?}");
        assert_eq!(results.len(), cases_there);
    }
}

#[tokio::test]
async fn the_gold_of_the_beer_lake_is_partitioned_by_months_and_reads_the_flat_reviews() {
    let (_dir, lake) = example("beer");
    let models = lake.models().unwrap();
    for model in models.iter() {
        assert_eq!(model.header.partition_columns().collect::<Vec<_>>(), ["review_year", "review_month"]);
    }
    let waves: Vec<usize> = models.waves().iter().map(Vec::len).collect();
    assert_eq!(waves, [1, 5]);
}

#[tokio::test]
async fn a_mistake_is_found_without_data_and_told_with_its_place() {
    let (_dir, lake) = example("beer");
    let file = "models/gold/top_drinkers.sql";
    mend(&lake, file, "sortBy: [review_rank, profile_id]", "sortBy: [review_rnk]");
    mend(&lake, file, "DISTINCT beer_id)", "DISTINCT ber_id)");
    let models = lake.models().unwrap();
    let problems = lake.plan_models(&models).await.unwrap_err().to_string();
    assert!(
        problems
            .contains("models/gold/top_drinkers.sql:31:20: there is no column 'ber_id' here; did you mean 'beer_id'?"),
        "{problems}"
    );
    mend(&lake, file, "DISTINCT ber_id)", "DISTINCT beer_id)");
    let models = lake.models().unwrap();
    let problems = lake.plan_models(&models).await.unwrap_err().to_string();
    assert!(problems.contains("models/gold/top_drinkers.sql:5:10: sortBy: this model has no column 'review_rnk'; did you mean 'review_rank'?"), "{problems}");
}

#[tokio::test]
async fn fixtures_name_tables_columns_and_values_that_there_are() {
    let (_dir, lake) = example("people");
    write(
        &lake,
        "models/gold/people_duplicates.test.yaml",
        "- name: a\n  variables: {x: 1}\n  given:\n    silver.people: []\n    silver.people_unique:\n      - {user_i: a, times: 1.5}\n  expect:\n    - {tmes: 1}\n",
    );
    let models = lake.models().unwrap();
    let planned = lake.plan_models(&models).await.unwrap();
    let problems = run_fixtures(&lake.fixtures(&models).unwrap(), &planned).await.unwrap_err();
    let lines: Vec<usize> = problems.0.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [2, 4, 6, 6, 8], "{problems}");
    let text = problems.to_string();
    for word in [
        "no variable 'x'",
        "gold.people_duplicates does not read 'silver.people'",
        "did you mean 'user_id'?",
        "1.5 is no value",
        "did you mean 'times'?",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[tokio::test]
async fn a_case_that_fails_says_what_came_out() {
    let (_dir, lake) = example("people");
    write(
        &lake,
        "models/gold/people_duplicates.test.yaml",
        "- name: wrong\n  given:\n    silver.people_unique:\n      - {user_id: a, times: 2}\n  expect:\n    - {times: 2, people: 1, duplicates: 2}\n",
    );
    let models = lake.models().unwrap();
    let planned = lake.plan_models(&models).await.unwrap();
    let results = run_fixtures(&lake.fixtures(&models).unwrap(), &planned).await.unwrap();
    let [wrong] = results.iter().filter(|result| !result.passed).collect::<Vec<_>>()[..] else {
        panic!("{results:#?}")
    };
    let shown = serde_json::to_value(&wrong.differences).unwrap();
    let expected = serde_json::json!([{
        "what": "changed", "line": 6, "row": "{times: 2, people: 1}",
        "columns": [{"column": "duplicates", "expected": "2", "found": "1"}],
    }]);
    assert_eq!(shown, expected);
}

#[test]
fn files_in_the_wrong_place_are_told_and_notes_are_left_alone() {
    let (_dir, lake) = example("people");
    write(&lake, "models/README.md", "notes");
    write(&lake, "models/gold/.#people_duplicates.sql", "an editor's");
    let models = lake.models().unwrap();
    assert_eq!(models.len(), 2);
    write(&lake, "models/gold/nothing.test.yaml", "[]");
    assert!(
        said(lake.fixtures(&models)).contains("models/gold/nothing.test.yaml:1:1: there is no model to these fixtures")
    );
    write(&lake, "models/top.sql", "SELECT 1 AS a");
    assert!(said(lake.models()).contains("models/top.sql:1:1: this is no place of a model"));
}
