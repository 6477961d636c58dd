//! What a model may be, what is refused and where it says so.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;

use weir_gold::models::{Model, Models};
use weir_model::Problems;
use weir_model::sql_model::{Literal, Place, Rule, Variable};
use weir_ports::catalog::TableName;

fn table(name: &str) -> TableName {
    let (layer, name) = name.split_once('.').unwrap();
    TableName::new(layer, name)
}

fn known() -> BTreeSet<TableName> {
    ["silver.review", "silver.beer", "silver.brewery"].map(table).into()
}

fn parse(files: &[(&str, &str)]) -> Result<Models, Problems> {
    let files: Vec<_> = files.iter().map(|(file, text)| (format!("models/{file}.sql"), (*text).to_owned())).collect();
    Models::parse(&files, &known())
}

fn one(text: &str) -> Result<Model, Problems> {
    parse(&[("gold/m", text)]).map(|models| models.get(&table("gold.m")).unwrap().as_ref().clone())
}

/// The only problem of a model, as a person sees it.
fn refused(text: &str) -> String {
    let problems = one(text).expect_err(text);
    assert_eq!(problems.0.len(), 1, "{problems}");
    problems.to_string()
}

fn names<'a>(models: impl IntoIterator<Item = &'a std::sync::Arc<Model>>) -> Vec<String> {
    models.into_iter().map(|model| model.name.to_string()).collect()
}

fn reads(model: &Model) -> Vec<String> {
    model.reads.iter().map(|read| read.table.to_string()).collect()
}

#[test]
fn what_a_model_reads_is_found_wherever_it_stands() {
    let model = one("\
WITH r AS (SELECT * FROM Silver.Review), b AS (SELECT * FROM r)
SELECT b.a FROM b
LEFT JOIN (SELECT x.a FROM silver.beer AS x UNION ALL SELECT 1 AS a) AS u ON u.a = b.a
WHERE EXISTS (SELECT 1 FROM silver.\"brewery\" AS beer WHERE beer.a = b.a) AND b.a IN (SELECT a FROM silver.beer)")
    .unwrap();
    assert_eq!(reads(&model), ["silver.beer", "silver.brewery", "silver.review"]);
    assert_eq!(model.reads[0].place, Place { line: 3, column: 28 });
    assert_eq!(model.reads[2].place, Place { line: 1, column: 26 });
}

#[test]
fn the_name_of_a_query_is_a_table_only_within_what_it_belongs_to() {
    let nested = "SELECT a FROM (WITH r AS (SELECT a FROM silver.beer) SELECT a FROM r) AS x JOIN r ON TRUE";
    assert!(refused(nested).contains("'r' does not say its layer"));
    let outer = "WITH r AS (SELECT 1 AS a) SELECT a FROM (SELECT a FROM r) AS x";
    assert_eq!(reads(&one(outer).unwrap()), [""; 0]);
}

#[test]
fn a_table_is_named_with_its_layer_and_the_nearest_is_proposed() {
    assert_eq!(
        refused("/*\ndescription: x\n*/\nSELECT a\n  FROM review"),
        "models/gold/m.sql:5:8: 'review' does not say its layer; write silver.review"
    );
    assert!(refused("SELECT a FROM silver.reviw").contains("did you mean silver.review?"));
    assert!(refused("SELECT a FROM gold.review").contains("did you mean silver.review?"));
    assert!(refused("SELECT a FROM bronze.review").contains("read silver.review"));
    assert!(refused("SELECT a FROM bronze.other").contains("primary key"));
    assert!(refused("SELECT a FROM control.records").contains("'control.records' is no table that a model can read"));
    assert!(refused("SELECT a FROM weir.silver.review").contains("write the layer and the table"));
}

#[test]
fn models_are_built_after_what_they_read_and_side_by_side_where_they_do_not() {
    let models = parse(&[
        ("gold/a", "SELECT x FROM gold.z"),
        ("gold/b", "SELECT x FROM silver.flat"),
        ("gold/z", "SELECT x FROM silver.flat"),
        ("silver/flat", "SELECT x FROM silver.review"),
    ])
    .unwrap();
    assert_eq!(names(models.iter()), ["silver.flat", "gold.b", "gold.z", "gold.a"]);
    let waves: Vec<_> = models.waves().iter().map(names).collect();
    assert_eq!(waves, [vec!["silver.flat"], vec!["gold.b", "gold.z"], vec!["gold.a"]]);
    let upstream: Vec<_> = models.upstream(&table("gold.a")).iter().map(ToString::to_string).collect();
    assert_eq!(upstream, ["gold.z", "silver.flat", "silver.review"]);
    let downstream: Vec<_> = models.downstream(&table("silver.review")).iter().map(ToString::to_string).collect();
    assert_eq!(downstream, ["gold.a", "gold.b", "gold.z", "silver.flat"]);
}

#[test]
fn a_selection_takes_in_what_comes_before_or_after() {
    let models = parse(&[
        ("silver/flat", "SELECT x FROM silver.review"),
        ("gold/a", "SELECT x FROM silver.flat"),
        ("gold/b", "SELECT x FROM gold.a"),
        ("gold/flat", "SELECT x FROM gold.b"),
    ])
    .unwrap();
    let select = |names_: &[&str]| models.select(names_).map(|chosen| names(&chosen));
    assert_eq!(select(&[]).unwrap().len(), 4);
    assert_eq!(select(&["a"]).unwrap(), ["gold.a"]);
    assert_eq!(select(&["gold.a+"]).unwrap(), ["gold.a", "gold.b", "gold.flat"]);
    assert_eq!(select(&["+a", "b"]).unwrap(), ["silver.flat", "gold.a", "gold.b"]);
    assert_eq!(select(&["+b+"]).unwrap().len(), 4);
    assert!(select(&["flat"]).unwrap_err().to_string().contains("silver.flat or gold.flat"));
    assert!(select(&["gold.c"]).unwrap_err().to_string().contains("did you mean"));
    let none = Models::default().named("x").unwrap_err().to_string();
    assert!(none.contains("this lake has no models"), "{none}");
}

#[test]
fn a_circle_names_every_model_on_it_and_where_each_reads_the_next() {
    let problems = parse(&[
        ("gold/a", "SELECT x FROM gold.b"),
        ("gold/b", "SELECT x\nFROM gold.c"),
        ("gold/c", "SELECT x FROM silver.beer, gold.a"),
        ("gold/d", "SELECT x FROM gold.a"),
        ("gold/e", "SELECT x FROM gold.e"),
    ])
    .unwrap_err();
    assert_eq!(problems.0.len(), 2, "{problems}");
    let text = problems.0[0].to_string();
    for step in [
        "gold.a reads gold.b (models/gold/a.sql:1:15)",
        "gold.b reads gold.c (models/gold/b.sql:2:6)",
        "gold.c reads gold.a (models/gold/c.sql:1:28)",
    ] {
        assert!(text.contains(step), "{text}");
    }
    assert!(problems.0[1].to_string().contains("gold.e reads itself"), "{problems}");
}

#[test]
fn layers_are_built_one_after_the_other() {
    let files = [("gold/a", "SELECT x FROM silver.beer"), ("silver/b", "SELECT x\nFROM gold.a")];
    let problems = parse(&files).unwrap_err().to_string();
    assert!(problems.contains("models/silver/b.sql:2:6: a model of silver cannot read gold.a"), "{problems}");
}

#[test]
fn a_model_has_a_name_and_a_place_of_its_own() {
    let cases = [
        ("models/silver/review.sql", "a contract makes the table silver.review already"),
        ("models/gold/Top.sql", "'Top' is no name of a table"),
        ("models/gold/1.sql", "is no name of a table"),
        ("models/gold/this.sql", "no table is called 'this'"),
        ("models/bronze/x.sql", "no place of a model"),
        ("models/x.sql", "no place of a model"),
    ];
    for (file, word) in cases {
        let files = [(file.to_owned(), "SELECT 1 AS a".to_owned())];
        let problems = Models::parse(&files, &known()).unwrap_err().to_string();
        assert!(problems.contains(word), "{problems}");
    }
    // The same name in the other layer is another table.
    assert!(parse(&[("gold/review", "SELECT a FROM silver.review")]).is_ok());
}

#[test]
fn what_differs_from_one_build_to_the_next_is_refused() {
    for (sql, word) in [
        ("SELECT a FROM silver.beer WHERE t < now()", "now differs"),
        ("SELECT CURRENT_DATE AS a", "current_date differs"),
        ("SELECT a, random() AS r FROM silver.beer", "random differs"),
        ("SELECT uuid() AS a", "uuid differs"),
        ("SELECT a FROM silver.beer LIMIT 5", "a limit without an order"),
        ("SELECT a FROM (SELECT a FROM silver.beer FETCH FIRST 5 ROWS ONLY) AS x", "a limit without an order"),
        ("SELECT a FROM silver.beer TABLESAMPLE BERNOULLI (5)", "a sample"),
        ("SELECT ARRAY_AGG(a) AS a FROM silver.beer", "array_agg without an order"),
        ("SELECT FIRST_VALUE(a) AS a FROM silver.beer", "first_value without an order"),
        ("SELECT ROW_NUMBER() OVER (PARTITION BY a) AS a FROM silver.beer", "row_number without an order"),
        ("SELECT APPROX_MEDIAN(a) AS a FROM silver.beer", "approx_median follows the order"),
        ("SELECT a FROM silver.beer ORDER BY a", "a table has no order"),
    ] {
        let problem = refused(sql);
        assert!(problem.contains(word), "{sql}: {problem}");
    }
    for sql in [
        "SELECT a FROM silver.beer ORDER BY a LIMIT 5",
        "SELECT ARRAY_AGG(a ORDER BY a) AS a FROM silver.beer",
        "SELECT FIRST_VALUE(a) OVER (ORDER BY b) AS a FROM silver.beer",
        "SELECT ROW_NUMBER() OVER w AS a FROM silver.beer WINDOW w AS (ORDER BY a)",
        "SELECT COUNT(*) OVER (PARTITION BY a) AS a FROM silver.beer",
    ] {
        one(sql).unwrap();
    }
}

#[test]
fn what_other_engines_do_not_read_is_refused_with_another_way() {
    for (sql, way) in [
        ("SELECT a::INT AS a FROM silver.beer", "CAST(a AS INT)"),
        ("SELECT a FROM silver.beer WHERE a ILIKE 'x'", "LOWER("),
        ("SELECT a FROM silver.beer QUALIFY ROW_NUMBER() OVER (ORDER BY a) = 1", "around this one"),
        ("SELECT DISTINCT ON (a) a, b FROM silver.beer", "ROW_NUMBER()"),
        ("SELECT a, COUNT(*) AS n FROM silver.beer GROUP BY ALL", "name the columns"),
        ("SELECT * EXCEPT (a) FROM silver.beer", "name the columns"),
        ("SELECT a FROM silver.beer LEFT ANTI JOIN silver.review ON TRUE", "NOT EXISTS"),
        ("SELECT a, b,\nFROM silver.beer", "leave it out"),
        ("SELECT value FROM generate_series(1, 3)", "VALUES"),
        ("WITH RECURSIVE t AS (SELECT 1 AS a) SELECT a FROM t", "write out the levels"),
        ("SELECT a, COUNT(*) FROM silver.beer GROUP BY a", "add AS and a name"),
    ] {
        let problem = refused(sql);
        assert!(problem.contains(way), "{sql}: {problem}");
    }
}

#[test]
fn a_model_is_one_query() {
    assert_eq!(
        refused("SELECT 1 AS a;\nSELECT 2 AS a"),
        "models/gold/m.sql:2:1: a model is one query, and a second statement stands here; write one SELECT; WITH may \
         stand before it"
    );
    assert!(refused("\n  DROP TABLE silver.beer").contains("m.sql:2:3: a model is a query, and this is DROP"));
    assert!(refused("INSERT INTO silver.beer SELECT 1").contains("this is INSERT"));
    assert!(refused("/* description: x */\n").contains("there is no query here"));
    assert!(refused("SELECT a,\n FROM silver.beer WHERE )").contains("m.sql:2:"));
    assert!(refused("SELECT 'a").contains("cannot be read"));
    one("SELECT 1 AS a;\n").unwrap();
    let deep = format!("SELECT {}1{} AS a", "(".repeat(500), ")".repeat(500));
    assert!(refused(&deep).contains("nests deeper"));
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let problems =
        parse(&[("gold/a", "/*\nname: x\n*/\nSELECT a FROM silver.beer"), ("gold/b", "SELECT now() AS a FROM beer")])
            .unwrap_err();
    let lines: Vec<_> = problems.0.iter().map(|problem| format!("{}:{}", problem.file, problem.line)).collect();
    assert_eq!(lines, ["models/gold/a.sql:2", "models/gold/b.sql:1", "models/gold/b.sql:1"], "{problems}");
}

const VARIED: &str = "\
/*
variables: {least: -5, word: O'Reilly, on: true}
tests:
  - sql: SELECT * FROM this WHERE n < $least
*/
-- at least $least
SELECT a FROM silver.beer WHERE b > 1-$least AND c = $word AND d = $on -- $word
";

#[test]
fn a_variable_is_a_value_and_never_a_piece_of_sql() {
    let model = one(VARIED).unwrap();
    let query = model.query.to_string();
    assert_eq!(query, "SELECT a FROM silver.beer WHERE b > 1 - (-5) AND c = 'O''Reilly' AND d = true");
    assert_eq!(
        model.portable_sql(),
        "SELECT a FROM silver.beer WHERE b > 1-(-5) AND c = 'O''Reilly' AND d = TRUE -- $word"
    );
    let Rule::Sql(sql) = &model.header.tests[0].rule else { panic!() };
    assert_eq!(sql.sql, "SELECT * FROM this WHERE n < (-5)");
}

#[test]
fn a_variable_can_be_given_another_value() {
    let model = one(VARIED).unwrap();
    let value = |name: &str, value| Variable { name: name.to_owned(), value, place: Place { line: 3, column: 4 } };
    let other = model.with_variables("f", &[value("least", Literal::Number("7".to_owned()))]).unwrap();
    assert!(other.query.to_string().contains("1 - 7 AND c = 'O''Reilly'"));
    assert_ne!(other.fingerprint, model.fingerprint);
    let problem = model.with_variables("f", &[value("lest", Literal::Boolean(true))]).unwrap_err().to_string();
    assert_eq!(problem, "f:3:4: the model has no variable 'lest'; did you mean 'least'?");
}

#[test]
fn a_variable_is_there_and_is_used() {
    assert!(refused("SELECT a FROM silver.beer WHERE b = $x").contains("1:37: the model has no variable 'x'"));
    let unused = refused("/*\nvariables:\n  x: 1\n*/\nSELECT a FROM silver.beer");
    assert!(unused.contains("m.sql:3:3: variables: nothing uses the variable 'x'"), "{unused}");
    assert!(refused("SELECT a FROM silver.beer WHERE b = ?").contains("no variable"));
}

#[test]
fn a_fingerprint_is_of_what_decides_the_rows_and_of_nothing_else() {
    let print = |text: &str| one(text).unwrap().fingerprint;
    let base = print("/* partitionBy: [a] */ SELECT a, b FROM silver.beer");
    let same = print(
        "/*\ndescription: new\npartitionBy: [a]\ntests: [{notNull: a}]\n*/\nselect a,\n  b -- why\nfrom silver.beer",
    );
    assert_eq!(base, same);
    for other in [
        "/* partitionBy: [b] */ SELECT a, b FROM silver.beer",
        "/* {partitionBy: [a], sortBy: [b]} */ SELECT a, b FROM silver.beer",
        "/* partitionBy: [a] */ SELECT a, b FROM silver.beer WHERE a = 1",
        "SELECT a, b FROM silver.beer",
    ] {
        assert_ne!(base, print(other), "{other}");
    }
}

#[test]
fn in_tests_and_charts_the_table_is_called_this() {
    let header = |sql: &str| format!("/*\ntests:\n  - sql: {sql}\n*/\nSELECT a FROM silver.beer");
    let model = one(&header("SELECT this.a FROM this JOIN silver.beer AS b ON b.a = this.a")).unwrap();
    assert_eq!(
        model.sql_with_this("SELECT this.a FROM this JOIN this AS t ON TRUE"),
        "SELECT this.a FROM gold.m AS this JOIN gold.m AS t ON true"
    );
    assert!(refused(&header("SELECT * FROM that")).contains("m.sql:3:24: 'that' does not say its layer"));
    assert!(refused(&header("DELETE FROM this")).contains("m.sql:3:10: this is a query, and this is DELETE"));
    assert!(refused("SELECT a FROM this").contains("'this' does not say its layer"));
}
