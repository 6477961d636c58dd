use super::*;

const WHOLE: &str = "\
/*
description: Each review.
partitionBy: [year, month]
sortBy: [id desc, beer]
targetFileSize: 64MiB
variables:
  least: 10
  state: CA
tests:
  - notNull: [id]
  - unique: id
  - acceptedValues: {column: state, values: [CA, 'O''R', 1]}
    severity: warn
  - relationship: {column: beer_id, to: silver.beer.beer_id}
  - rowCount: {min: 1}
  - name: within the scale
    sql: SELECT * FROM this WHERE average > 5
  - sql: |
      SELECT *
      FROM this
charts:
  - title: Best
    kind: bar
    sql: 'SELECT a, b FROM this'
*/
-- what follows is the query
SELECT 1
";

#[test]
fn a_header_is_the_first_comment_and_the_query_what_follows() {
    let split = Header::split("m.sql", WHOLE).unwrap();
    let header = split.header;
    assert_eq!(split.body, "SELECT 1\n");
    assert_eq!(split.body_place, Place { line: 27, column: 1 });
    assert_eq!(header.description.as_deref(), Some("Each review."));
    assert_eq!(header.partition_columns().collect::<Vec<_>>(), ["year", "month"]);
    assert_eq!(header.partition_by[1].place, Place { line: 3, column: 21 });
    let sort: Vec<_> = header.sort_by.iter().map(|sort| (sort.column.as_str(), sort.descending)).collect();
    assert_eq!(sort, [("id", true), ("beer", false)]);
    assert_eq!(header.target_file_bytes, 64 << 20);
    assert_eq!(header.variables[1].value, Literal::Text("CA".to_owned()));
    assert_eq!(header.charts[0].kind, ChartKind::Bar);
}

#[test]
fn a_test_is_named_after_its_rule_and_fails_the_build_unless_it_says_otherwise() {
    let tests = Header::split("m.sql", WHOLE).unwrap().header.tests;
    let names: Vec<&str> = tests.iter().map(|test| test.name.as_str()).collect();
    let expected = [
        "id not null",
        "id unique",
        "state has accepted values",
        "beer_id is in silver.beer.beer_id",
        "at least 1 rows",
        "within the scale",
        "a query that returns no rows",
    ];
    assert_eq!(names, expected);
    assert_eq!(tests[0].severity, Severity::Error);
    assert_eq!(tests[2].severity, Severity::Warn);
}

#[test]
fn sql_in_a_header_knows_where_it_stands() {
    let header = Header::split("m.sql", WHOLE).unwrap().header;
    let texts: Vec<&SqlText> = header
        .tests
        .iter()
        .filter_map(|test| if let Rule::Sql(text) = &test.rule { Some(text) } else { None })
        .collect();
    assert_eq!(texts[0].place, Place { line: 17, column: 10 });
    assert_eq!(texts[1].place, Place { line: 19, column: 7 });
    assert_eq!(texts[1].place_of(Place { line: 2, column: 6 }), Place { line: 20, column: 12 });
    assert_eq!(header.charts[0].sql.place, Place { line: 24, column: 11 });
}

#[test]
fn a_model_may_have_no_header() {
    let split = Header::split("m.sql", "\n-- a comment\nSELECT 1 /* not: [a header */").unwrap();
    assert_eq!(split.header, Header::default());
    assert_eq!((split.body, split.body_place), ("SELECT 1 /* not: [a header */", Place { line: 3, column: 1 }));
    assert_eq!(Header::split("m.sql", "/* description: short */ SELECT 1").unwrap().body, "SELECT 1");
    assert_eq!(Header::split("m.sql", "/* */\r\nSELECT 1").unwrap().header, Header::default());
}

#[test]
fn mistakes_in_a_header_name_the_line_of_the_file() {
    let text = "-- x\n/*\npartitonBy: [a]\ntests:\n  - notNul: [a]\n  - unique: [a]\n    notNull: [a]\n  - rowCount: {min: 2, max: 1}\n*/\nSELECT 1";
    let problems = Header::split("m.sql", text).unwrap_err();
    let lines: Vec<usize> = problems.0.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [3, 5, 7, 8], "{problems}");
    assert!(problems.0[0].to_string().contains("did you mean 'partitionBy'?"), "{problems}");
    assert!(Header::split("m.sql", "/* a: 1\nSELECT 1").unwrap_err().to_string().contains("has no end"));
}

#[test]
fn what_cannot_be_a_partition_a_relationship_or_a_variable_is_refused() {
    for (yaml, word) in [
        ("partitionBy: [year(t)]", "under a name of its own"),
        ("partitionBy: [a, a]", "stands twice"),
        ("partitionBy: []", "a column at least"),
        ("targetFileSize: 3KiB", "1 MiB to 2 GiB"),
        ("variables: {a-b: 1}", "no name of a variable"),
        ("variables: {a: [1]}", "expected a number"),
        ("variables: {a: null}", "found nothing"),
        ("tests: [{relationship: {column: a, to: beer.beer_id}}]", "silver.beer.beer_id"),
        ("tests: [{acceptedValues: {column: a, values: [null]}}]", "null is always accepted"),
        ("tests: [{rowCount: {}}]", "give 'min'"),
        ("charts: [{title: x, kind: pie, sql: SELECT 1}]", "unknown value 'pie'"),
    ] {
        let problems = Header::split("m.sql", &format!("/*\n{yaml}\n*/\nSELECT 1")).unwrap_err();
        assert!(problems.to_string().contains(word), "{yaml}: {problems}");
    }
}

#[test]
fn a_literal_is_written_as_sql_writes_it() {
    let shown: Vec<String> =
        [Literal::Null, Literal::Boolean(true), Literal::Number("4.50".to_owned()), Literal::Text("O'R".to_owned())]
            .iter()
            .map(ToString::to_string)
            .collect();
    assert_eq!(shown, ["NULL", "TRUE", "4.50", "'O''R'"]);
}
