//! What a model's header says of its table: checked against its columns, and asked of its rows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::MemorySchemaProvider;
use datafusion::prelude::SessionContext;
use datafusion::sql::TableReference;
use weir_gold::audit::{self, AuditResult};
use weir_gold::models::schema::{Planned, Schemas, plan_all};
use weir_gold::models::{Model, Models};
use weir_model::Problems;
use weir_model::sql_model::Severity;
use weir_ports::catalog::TableName;

fn columns() -> SchemaRef {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("state", DataType::Utf8, true),
        Field::new("rating", DataType::Float64, true),
        Field::new("Order", DataType::Int64, true),
        Field::new("at", time, true),
    ]))
}

fn known() -> Schemas {
    Schemas::from([(TableName::new("silver", "review"), columns()), (TableName::new("silver", "beer"), columns())])
}

fn parse(text: &str) -> Result<Models, Problems> {
    let tables: BTreeSet<TableName> = known().into_keys().collect();
    Models::parse(&[("models/gold/m.sql".to_owned(), text.to_owned())], &tables)
}

async fn plan(text: &str) -> Result<Planned, Problems> {
    plan_all(&parse(text)?, &known()).await
}

fn model(text: &str) -> Arc<Model> {
    Arc::clone(parse(text).unwrap().iter().next().unwrap())
}

async fn wrong(text: &str) -> String {
    plan(text).await.expect_err(text).to_string()
}

#[tokio::test]
async fn a_table_has_the_types_that_iceberg_has() {
    let planned = plan(
        "SELECT id, state, CAST(id AS SMALLINT) AS small, COUNT(*) AS n, AVG(rating) AS mean,
                SUM(CAST(rating AS DECIMAL(5,2))) AS total, CAST(MAX(at) AS DATE) AS day, MAX(at) AS last,
                CAST(ROW_NUMBER() OVER (ORDER BY id) AS BIGINT) AS place, RANK() OVER (ORDER BY id) AS rank, id = 1 AS is_first
         FROM silver.review GROUP BY id, state",
    )
    .await
    .unwrap();
    let schema = &planned.schemas[&TableName::new("gold", "m")];
    let types: Vec<String> = schema.fields().iter().map(|field| field.data_type().to_string()).collect();
    let expected = [
        "Int64",
        "Utf8",
        "Int32",
        "Int64",
        "Float64",
        "Decimal128(15, 2)",
        "Date32",
        "Timestamp(µs, \"+00:00\")",
        "Int64",
        "Int64",
        "Boolean",
    ];
    assert_eq!(types, expected);
    assert!(schema.fields().iter().all(|field| field.is_nullable()));
}

#[tokio::test]
async fn a_column_that_no_table_can_hold_is_refused() {
    for (sql, word) in [
        ("SELECT NULL AS a FROM silver.review", "CAST(NULL AS INT)"),
        ("SELECT r.id, b.id FROM silver.review AS r, silver.beer AS b", "'id'"),
        ("SELECT id, id AS \"ID\" FROM silver.review", "differ in case only"),
        ("SELECT ARRAY_AGG(id ORDER BY id) AS ids FROM silver.review", "which no table of Weir holds"),
    ] {
        let problem = wrong(sql).await;
        assert!(problem.contains(word), "{sql}: {problem}");
    }
}

#[tokio::test]
async fn planning_finds_columns_functions_and_types_with_their_place() {
    for (sql, said) in [
        ("SELECT id,\n  stat\nFROM silver.review", "m.sql:2:3: there is no column 'stat' here; did you mean 'state'?"),
        ("SELECT r.id\nFROM silver.review AS r\nWHERE b.id = 1", "m.sql:3:7: there is no column 'b.id'"),
        ("SELECT id FROM silver.review AS r, silver.beer AS b", "'id' may be a column of more than one table"),
        ("SELECT averge(id) AS a FROM silver.review", "m.sql:1:8: Invalid function 'averge'"),
        ("SELECT id FROM silver.review WHERE at > 5.5 AND state", "m.sql:1:"),
    ] {
        let problem = wrong(sql).await;
        assert!(problem.contains(said), "{sql}: {problem}");
    }
}

#[tokio::test]
async fn a_header_names_columns_that_there_are() {
    let body = "SELECT id, state, rating, \"Order\" FROM silver.review";
    for (header, said) in [
        ("partitionBy: [stat]", "m.sql:2:15: partitionBy: this model has no column 'stat'; did you mean 'state'?"),
        ("partitionBy: [rating]", "is Float64, by which no table is partitioned"),
        ("sortBy: [ids]", "m.sql:2:10: sortBy: this model has no column 'ids'"),
        ("tests: [{unique: [id, stat]}]", "tests[0]: this model has no column 'stat'"),
        ("tests: [{acceptedValues: {column: id, values: [one]}}]", "and 'one' is no such value"),
        ("tests: [{relationship: {column: id, to: silver.ber.id}}]", "did you mean silver.beer?"),
        ("tests: [{relationship: {column: id, to: silver.beer.ids}}]", "silver.beer has no column 'ids'"),
        ("tests: [{sql: SELECT * FROM this WHERE ratin > 5}]", "m.sql:2:40: tests[0]: there is no column 'ratin'"),
        ("charts: [{title: a, kind: bar, sql: 'SELECT id FROM this'}]", "needs labels and a series"),
        ("charts: [{title: a, kind: bar, sql: 'SELECT id, state FROM this'}]", "a series is of numbers"),
    ] {
        let problem = wrong(&format!("/*\n{header}\n*/\n{body}")).await;
        assert!(problem.contains(said), "{header}: {problem}");
    }
}

#[tokio::test]
async fn a_model_that_reads_a_wrong_one_is_not_told_as_wrong_itself() {
    let tables: BTreeSet<TableName> = known().into_keys().collect();
    let files = [("models/gold/a.sql", "SELECT no FROM silver.review"), ("models/gold/b.sql", "SELECT no FROM gold.a")];
    let files = files.map(|(file, text)| (file.to_owned(), text.to_owned()));
    let problems = plan_all(&Models::parse(&files, &tables).unwrap(), &known()).await.unwrap_err();
    assert_eq!(problems.0.len(), 1, "{problems}");
}

/// A session in which `this` has three rows, one of them with nulls, and `silver.beer` has one.
fn session() -> SessionContext {
    let batch = |ids: Vec<i64>, states: Vec<Option<&str>>, ratings: Vec<Option<f64>>, orders: Vec<Option<i64>>| {
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(ids)),
            Arc::new(StringArray::from(states)),
            Arc::new(Float64Array::from(ratings)),
            Arc::new(Int64Array::from(orders)),
        ];
        let fields = columns().fields().iter().take(4).cloned().collect::<Vec<_>>();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
    };
    let session = SessionContext::new();
    let silver = Arc::new(MemorySchemaProvider::new());
    session.catalog("datafusion").unwrap().register_schema("silver", silver).unwrap();
    let this = batch(
        vec![1, 2, 2],
        vec![Some("CA"), Some("OR"), None],
        vec![Some(4.5), Some(6.0), None],
        vec![Some(1), None, None],
    );
    let beer = batch(vec![1], vec![Some("CA")], vec![None], vec![None]);
    session.register_batch("this", this).unwrap();
    let table = session.read_batch(beer).unwrap().into_view();
    session.register_table(TableReference::partial("silver", "beer"), table).unwrap();
    session
}

async fn asked(tests: &str) -> Vec<AuditResult> {
    let text = format!("/*\ntests:\n{tests}\n*/\nSELECT id, state, rating, \"Order\" FROM silver.review");
    plan(&text).await.unwrap();
    audit::audit(&session(), &model(&text)).await.unwrap()
}

#[tokio::test]
async fn each_test_counts_the_rows_that_break_it() {
    let results = asked(
        "  - notNull: [id]
  - notNull: [id, state, Order]
  - unique: [id]
  - unique: [id, state]
  - unique: [Order]
  - acceptedValues: {column: state, values: [CA]}
  - acceptedValues: {column: state, values: [CA, OR]}
  - acceptedValues: {column: id, values: [1]}
  - relationship: {column: id, to: silver.beer.id}
  - relationship: {column: state, to: silver.beer.state}
  - rowCount: {min: 3, max: 3}
  - rowCount: {min: 4}
  - rowCount: {max: 2}
  - sql: SELECT * FROM this WHERE rating > 5 -- above the scale
",
    )
    .await;
    let failed: Vec<u64> = results.iter().map(|result| result.failed_rows).collect();
    assert_eq!(failed, [0, 2, 1, 0, 0, 1, 0, 2, 2, 1, 0, 1, 1, 1]);
    assert!(results.iter().all(|result| result.passed == (result.failed_rows == 0)));
}

#[tokio::test]
async fn a_column_may_have_any_name_in_a_test() {
    for name in ["times", "failed", "row_count", "weir", "theirs", "this", "\"Group\""] {
        let plain = name.trim_matches('"');
        plan(&format!(
            "/*\ntests:\n  - unique: [{plain}]\n  - notNull: [{plain}]\n  - rowCount: {{min: 1}}\n  - relationship: {{column: \
             {plain}, to: gold.m.{plain}}}\n*/\nSELECT id AS {name} FROM silver.review"
        ))
        .await
        .unwrap_or_else(|problems| panic!("{problems}"));
    }
}

#[tokio::test]
async fn a_failed_test_tells_how_to_look_and_shows_no_value() {
    let results = asked("  - acceptedValues: {column: state, values: [NY]}\n    severity: warn").await;
    let [result] = results.as_slice() else { panic!() };
    assert_eq!(result.severity, Severity::Warn);
    assert_eq!(
        result.message,
        "gold.m: 'state has accepted values' (models/gold/m.sql:3) does not hold: 2 rows break it"
    );
    assert_eq!(result.sql, "SELECT * FROM gold.m WHERE state NOT IN ('NY')");
}

#[tokio::test]
async fn the_tables_that_tests_read_are_known_beforehand() {
    let text = "/*\ntests:\n  - relationship: {column: id, to: silver.beer.id}\n  - sql: WITH x AS (SELECT id FROM silver.review) SELECT id FROM x JOIN this USING (id)\n*/\nSELECT id FROM silver.review";
    let tables: Vec<String> = audit::tables(&model(text)).iter().map(ToString::to_string).collect();
    assert_eq!(tables, ["silver.beer", "silver.review"]);
}

#[tokio::test]
async fn a_test_that_cannot_be_asked_names_its_place_and_no_value() {
    let text = "/*\ntests:\n  - name: casts\n    sql: SELECT * FROM this WHERE CAST(state AS INT) > 1\n*/\nSELECT id, state FROM silver.review";
    let error = audit::audit(&session(), &model(text)).await.unwrap_err().to_string();
    assert!(error.starts_with("models/gold/m.sql:3: the test 'casts' could not be run"), "{error}");
    assert!(!error.contains("CA"), "{error}");
}
