//! Over random tables, random changes and SQL of every kind: whatever differs is touched.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::array::{Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::catalog::MemorySchemaProvider;
use datafusion::common::Result;
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, TableScan};
use datafusion::prelude::SessionContext;
use proptest::prelude::*;

use super::{Inputs, touched};

/// A row of any of the tables: all have the same columns, so that one generator does.
type Row = (Option<i64>, Option<i64>, Option<i64>, Option<String>);

const TABLES: [&str; 3] = ["fact", "dim", "far"];

/// The rows of all tables.
type Lake = BTreeMap<&'static str, Vec<Row>>;

fn batch(rows: &[Row]) -> RecordBatch {
    let schema = Schema::new(vec![
        Field::new("a", DataType::Int64, true),
        Field::new("b", DataType::Int64, true),
        Field::new("c", DataType::Int64, true),
        Field::new("d", DataType::Utf8, true),
    ]);
    let number = |of: fn(&Row) -> Option<i64>| Arc::new(rows.iter().map(of).collect::<Int64Array>());
    let text: StringArray = rows.iter().map(|row| row.3.clone()).collect();
    RecordBatch::try_new(Arc::new(schema), vec![number(|r| r.0), number(|r| r.1), number(|r| r.2), Arc::new(text)])
        .unwrap()
}

fn table(rows: &[Row]) -> Arc<MemTable> {
    let batch = batch(rows);
    Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap())
}

fn session(lake: &Lake) -> SessionContext {
    let session = SessionContext::new();
    session.catalog("datafusion").unwrap().register_schema("silver", Arc::new(MemorySchemaProvider::new())).unwrap();
    for (name, rows) in lake {
        session.register_table(format!("silver.{name}"), table(rows)).unwrap();
    }
    session
}

/// What came or went, each row once.
fn changes(old: &[Row], new: &[Row]) -> Vec<Row> {
    let mut weights: BTreeMap<&Row, i64> = BTreeMap::new();
    for row in old {
        *weights.entry(row).or_default() -= 1;
    }
    for row in new {
        *weights.entry(row).or_default() += 1;
    }
    weights.into_iter().filter(|(_, weight)| *weight != 0).map(|(row, _)| row.clone()).collect()
}

struct Both<'a> {
    old: &'a Lake,
    new: &'a Lake,
}

impl Inputs for Both<'_> {
    fn changes(&self, scan: &TableScan) -> Result<LogicalPlan> {
        let name = scan.table_name.table();
        let rows = changes(&self.old[name], &self.new[name]);
        LogicalPlanBuilder::scan("changes", provider_as_source(table(&rows)), None)?.build()
    }

    fn all(&self, scan: &TableScan) -> Result<LogicalPlan> {
        let name = scan.table_name.table();
        let rows: Vec<Row> = self.old[name].iter().chain(&self.new[name]).cloned().collect();
        LogicalPlanBuilder::scan("all", provider_as_source(table(&rows)), None)?.build()
    }
}

/// The answer's rows as text, by the text of their partition columns.
async fn answer(session: &SessionContext, sql: &str, partition: &[String]) -> BTreeMap<Vec<String>, Vec<Vec<String>>> {
    let rows = session.sql(sql).await.unwrap().collect().await.unwrap();
    let mut found: BTreeMap<Vec<String>, Vec<Vec<String>>> = BTreeMap::new();
    for batch in rows {
        for row in 0..batch.num_rows() {
            let text = |column: usize| {
                let options = FormatOptions::default().with_null("NULL");
                let formatter = ArrayFormatter::try_new(batch.column(column).as_ref(), &options).unwrap();
                formatter.value(row).to_string()
            };
            let of = partition.iter().map(|name| text(batch.schema().index_of(name).unwrap())).collect();
            found.entry(of).or_default().push((0..batch.num_columns()).map(text).collect());
        }
    }
    for rows in found.values_mut() {
        rows.sort();
    }
    found
}

/// The model's plan as a build takes it.
async fn planned(session: &SessionContext, sql: &str) -> LogicalPlan {
    let state = session.state();
    let plan = state.create_logical_plan(sql).await.unwrap();
    let plan = state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {}).unwrap();
    crate::plan::simplified(&plan, &state).unwrap()
}

/// The partitions that the changes from `old` to `new` touch, of each table by itself; `None` where one cannot be followed.
async fn touched_partitions(old: &Lake, new: &Lake, sql: &str, partition: &[String]) -> Option<BTreeSet<Vec<String>>> {
    let session = session(new);
    let plan = planned(&session, sql).await;
    let both = Both { old, new };
    let mut all = BTreeSet::new();
    for name in TABLES {
        if changes(&old[name], &new[name]).is_empty() {
            continue;
        }
        let reads = super::rewrite::scans(&plan).unwrap().iter().any(|(_, scan)| scan.table_name.table() == name);
        if !reads {
            continue;
        }
        let plan = touched(&plan, partition, &|scan| scan.table_name.table() == name, &both).unwrap()?;
        let rows = session.execute_logical_plan(plan).await.unwrap().collect().await.unwrap();
        for batch in rows {
            for row in 0..batch.num_rows() {
                let options = FormatOptions::default().with_null("NULL");
                let text = |column: usize| {
                    ArrayFormatter::try_new(batch.column(column).as_ref(), &options).unwrap().value(row).to_string()
                };
                all.insert((0..batch.num_columns()).map(text).collect());
            }
        }
    }
    Some(all)
}

/// What is followed, and by which columns the model is partitioned.
const FOLLOWED: [(&str, &str); 22] = [
    ("b", "SELECT a, b, d FROM silver.fact"),
    ("p", "SELECT a, b % 2 AS p, d FROM silver.fact WHERE c > 1"),
    ("b", "SELECT b, count(*) AS n, sum(c) AS s FROM silver.fact GROUP BY b"),
    ("b", "SELECT b, d, avg(c) AS m FROM silver.fact GROUP BY b, d HAVING count(*) > 1"),
    ("b,d", "SELECT b, d, max(c) AS m FROM silver.fact GROUP BY b, d"),
    ("b", "SELECT b, c, row_number() OVER (PARTITION BY b ORDER BY c, a, d) AS n FROM silver.fact"),
    (
        "b",
        "SELECT * FROM (SELECT b, d, rank() OVER (PARTITION BY b ORDER BY n DESC) AS r FROM \
         (SELECT b, d, count(*) AS n FROM silver.fact GROUP BY b, d) AS counted) AS ranked WHERE r <= 2",
    ),
    ("b", "SELECT DISTINCT b, d FROM silver.fact"),
    ("b", "SELECT fact.b, fact.a, dim.d FROM silver.fact JOIN silver.dim ON fact.a = dim.a"),
    ("b", "SELECT fact.b, fact.a, dim.d FROM silver.fact LEFT JOIN silver.dim ON fact.a = dim.a AND dim.c IS NULL"),
    ("p", "SELECT fact.a, dim.b AS p FROM silver.fact LEFT JOIN silver.dim ON fact.a = dim.a"),
    ("p", "SELECT dim.b AS p, fact.d FROM silver.fact RIGHT JOIN silver.dim ON fact.a = dim.a AND fact.c < dim.c"),
    (
        "b",
        "SELECT fact.b, dim.d AS one, far.d AS other FROM silver.fact LEFT JOIN silver.dim ON fact.a = dim.a \
         LEFT JOIN silver.far ON dim.b = far.a",
    ),
    (
        "b",
        "SELECT fact.b, far.d, count(*) AS n, avg(dim.c) AS m FROM silver.fact LEFT JOIN silver.dim ON fact.a = dim.a \
         LEFT JOIN silver.far ON dim.b = far.a AND far.c IS NOT NULL WHERE fact.c IS NOT NULL GROUP BY fact.b, far.d",
    ),
    ("b", "SELECT b, d FROM silver.fact WHERE a IN (SELECT a FROM silver.dim WHERE c > 1)"),
    (
        "b",
        "SELECT b, d FROM silver.fact WHERE NOT EXISTS (SELECT 1 FROM silver.dim WHERE dim.a = fact.a AND dim.c = fact.c)",
    ),
    ("b", "SELECT b, d FROM silver.fact UNION ALL SELECT a AS b, d FROM silver.dim"),
    ("b", "SELECT b, d FROM silver.fact UNION SELECT b, d FROM silver.far WHERE c = 1"),
    ("b", "SELECT one.b, other.d FROM silver.fact AS one JOIN silver.fact AS other ON one.a = other.c"),
    (
        "b",
        "WITH kept AS (SELECT a, b, d FROM silver.fact WHERE c IS NOT NULL) \
         SELECT kept.b, more.d FROM kept LEFT JOIN kept AS more ON kept.a = more.b",
    ),
    (
        "b",
        "WITH kept AS (SELECT b, d FROM silver.fact WHERE c > 0) SELECT b, d FROM kept UNION ALL SELECT b, 'x' AS d FROM kept",
    ),
    (
        "b",
        "SELECT fact.b, totals.n FROM silver.fact JOIN (SELECT a, count(*) AS n FROM silver.dim GROUP BY a) AS totals \
         ON fact.a = totals.a",
    ),
];

/// Any partition may differ, and the answer has to be that this is not known.
const NOT_FOLLOWED: [(&str, &str); 7] = [
    ("b", "SELECT b, sum(c) OVER (ORDER BY a, b, c, d) AS s FROM silver.fact"),
    ("b", "SELECT b, d, c, count(*) OVER (PARTITION BY d) AS n FROM silver.fact"),
    ("b", "SELECT b, d FROM (SELECT * FROM silver.fact ORDER BY a, b, c, d LIMIT 2) AS first_ones"),
    ("m", "SELECT d, max(b) AS m FROM silver.fact GROUP BY d"),
    ("b", "SELECT fact.b, fact.d FROM silver.fact WHERE c > (SELECT avg(c) FROM silver.fact)"),
    ("b", "SELECT b FROM silver.fact WHERE a NOT IN (SELECT a FROM silver.fact WHERE c = 1)"),
    (
        "b",
        "SELECT fact.b, dim.d FROM silver.fact FULL JOIN silver.dim ON fact.a = dim.a WHERE dim.c IS NOT DISTINCT FROM fact.c",
    ),
];

fn row() -> impl Strategy<Value = Row> {
    let small = || prop_oneof![1 => Just(None), 6 => (0i64..4).prop_map(Some)];
    let text = prop_oneof![1 => Just(None), 4 => "[xy]".prop_map(Some)];
    (small(), small(), small(), text)
}

/// A lake and what it became: some rows gone, some come, some tables as they were.
fn lakes() -> impl Strategy<Value = (Lake, Lake)> {
    let rows =
        || (proptest::collection::vec(row(), 0..7), proptest::collection::vec(row(), 0..3), any::<u8>(), any::<bool>());
    [rows(), rows(), rows()].prop_map(|tables| {
        let (mut old, mut new) = (Lake::new(), Lake::new());
        for (name, (rows, more, gone, changes)) in TABLES.into_iter().zip(tables) {
            let mut after = rows.clone();
            if changes {
                let mut place = 0;
                after.retain(|_| {
                    place += 1;
                    gone >> (place % 8) & 1 == 0
                });
                after.extend(more);
            }
            old.insert(name, rows);
            new.insert(name, after);
        }
        (old, new)
    })
}

fn partition_of(names: &str) -> Vec<String> {
    names.split(',').map(str::to_owned).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_differs_is_touched((old, new) in lakes()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for (partition, sql) in FOLLOWED.iter().chain(&NOT_FOLLOWED) {
                let partition = partition_of(partition);
                let before = answer(&session(&old), sql, &partition).await;
                let after = answer(&session(&new), sql, &partition).await;
                let Some(touched) = touched_partitions(&old, &new, sql, &partition).await else { continue };
                let all: BTreeSet<&Vec<String>> = before.keys().chain(after.keys()).collect();
                for one in all {
                    let differs = before.get(one) != after.get(one);
                    prop_assert!(!differs || touched.contains(one), "{sql}\n{one:?} of {touched:?}");
                }
            }
            Ok(())
        })?;
    }
}

fn lake(fact: &[Row], dim: &[Row], far: &[Row]) -> Lake {
    Lake::from([("fact", fact.to_vec()), ("dim", dim.to_vec()), ("far", far.to_vec())])
}

fn r(a: i64, b: i64, c: i64, d: &str) -> Row {
    (Some(a), Some(b), Some(c), Some(d.to_owned()))
}

#[tokio::test]
async fn every_model_that_can_be_followed_is() {
    let old = lake(&[r(1, 1, 1, "x")], &[r(1, 2, 2, "x")], &[r(2, 2, 2, "y")]);
    let new = lake(&[r(1, 2, 2, "x")], &[r(1, 2, 2, "y")], &[r(2, 2, 2, "x")]);
    for (partition, sql) in FOLLOWED {
        assert!(touched_partitions(&old, &new, sql, &partition_of(partition)).await.is_some(), "{sql}");
    }
}

#[tokio::test]
async fn no_answer_is_given_where_any_partition_may_differ() {
    let old = lake(&[r(1, 1, 1, "x")], &[r(1, 2, 2, "x")], &[]);
    let new = lake(&[r(1, 2, 2, "x")], &[r(1, 2, 2, "x")], &[]);
    for (partition, sql) in NOT_FOLLOWED {
        assert!(touched_partitions(&old, &new, sql, &partition_of(partition)).await.is_none(), "{sql}");
    }
}

#[tokio::test]
async fn a_renamed_dimension_touches_the_partitions_that_show_it_and_no_others() {
    let facts = [r(1, 1, 0, "x"), r(2, 1, 0, "x"), r(2, 2, 0, "x"), r(3, 3, 0, "x")];
    let old = lake(&facts, &[r(1, 10, 0, "one"), r(2, 20, 0, "two")], &[r(10, 0, 1, "near"), r(20, 0, 1, "far")]);
    let new = lake(&facts, &[r(1, 10, 0, "one"), r(2, 20, 0, "two")], &[r(10, 0, 1, "near"), r(20, 0, 1, "away")]);
    let sql = FOLLOWED[12].1;
    let touched = touched_partitions(&old, &new, sql, &partition_of("b")).await.unwrap();
    assert_eq!(touched, BTreeSet::from([vec!["1".to_owned()], vec!["2".to_owned()]]));
}

#[tokio::test]
async fn a_deleted_dimension_touches_the_partitions_that_showed_it() {
    let facts = [r(1, 1, 0, "x"), r(2, 2, 0, "x")];
    let old = lake(&facts, &[r(1, 10, 0, "one"), r(2, 20, 0, "two")], &[]);
    let new = lake(&facts, &[r(1, 10, 0, "one")], &[]);
    let sql = "SELECT fact.b, dim.d FROM silver.fact LEFT JOIN silver.dim ON fact.a = dim.a";
    let touched = touched_partitions(&old, &new, sql, &partition_of("b")).await.unwrap();
    assert_eq!(touched, BTreeSet::from([vec!["2".to_owned()]]));
}

#[tokio::test]
async fn a_row_that_moves_touches_where_it_was_and_where_it_is() {
    let old = lake(&[r(1, 1, 0, "x"), r(2, 2, 0, "y")], &[], &[]);
    let new = lake(&[r(1, 3, 0, "x"), r(2, 2, 0, "y")], &[], &[]);
    let touched = touched_partitions(&old, &new, FOLLOWED[2].1, &partition_of("b")).await.unwrap();
    assert_eq!(touched, BTreeSet::from([vec!["1".to_owned()], vec!["3".to_owned()]]));
}
