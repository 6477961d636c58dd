//! Data tests: what a model's header says of its rows, asked of the rows.
//!
//! Each test is a query for the rows that break it. A result tells how many there are and how to look at them; the
//! rows themselves may hold personal data and are in no message.

use std::collections::BTreeSet;

use datafusion::arrow::array::{Array, Int64Array, RecordBatch};
use datafusion::common::DataFusionError;
use datafusion::prelude::{SQLOptions, SessionContext};
use serde::Serialize;
use thiserror::Error;
use weir_model::sql_model::{DataTest, Literal, Named, Rule, Severity};
use weir_ports::catalog::TableName;

use crate::models::{Model, THIS, tables_of};

/// What a data test found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditResult {
    /// The test's name.
    pub name: String,
    /// What follows from a failure.
    pub severity: Severity,
    /// Whether the rule holds.
    pub passed: bool,
    /// How many rows break it; for uniqueness how many values stand more than once, and for a number of rows 1.
    pub failed_rows: u64,
    /// The same in words, with where the test stands.
    pub message: String,
    /// The query for those rows, of the table by its own name.
    pub sql: String,
}

/// Why a data test could not be asked.
#[derive(Debug, Error)]
#[error("{file}:{line}: the test '{test}' could not be run: {reason}")]
pub struct AuditError {
    /// The model's file.
    pub file: String,
    /// The line of the test.
    pub line: usize,
    /// Its name.
    pub test: String,
    /// What went wrong, without any value of a row.
    pub reason: String,
    /// Whether the engine ran out of memory or disk, which another run may not.
    pub exhausted: bool,
}

/// The query for the rows that break `test`; `this` is how it names the model's table.
#[must_use]
pub fn query(model: &Model, test: &DataTest, this: &str) -> String {
    match &test.rule {
        Rule::NotNull { columns } => {
            let null: Vec<String> = columns.iter().map(|column| format!("{} IS NULL", quoted(&column.name))).collect();
            format!("SELECT * FROM {this} WHERE {}", null.join(" OR "))
        }
        Rule::Unique { columns } => {
            let names = list(columns);
            let there: Vec<String> =
                columns.iter().map(|column| format!("{} IS NOT NULL", quoted(&column.name))).collect();
            let there = there.join(" AND ");
            let mut times = "times".to_owned();
            while columns.iter().any(|column| column.name.eq_ignore_ascii_case(&times)) {
                times.push('_');
            }
            format!(
                "SELECT {names}, COUNT(*) AS {times} FROM {this} WHERE {there} GROUP BY {names} HAVING COUNT(*) > 1"
            )
        }
        Rule::AcceptedValues { column, values } => {
            let column = quoted(&column.name);
            let values: Vec<String> = values.iter().map(Literal::to_string).collect();
            // A null is in no list, and passes.
            format!("SELECT * FROM {this} WHERE {column} NOT IN ({})", values.join(", "))
        }
        Rule::Relationship { column, to } => {
            let column = quoted(&column.name);
            let table = format!("{}.{}", quoted(&to.schema), quoted(&to.table));
            format!(
                "SELECT weir_this.* FROM {this} AS weir_this WHERE weir_this.{column} IS NOT NULL AND NOT EXISTS \
                 (SELECT 1 FROM {table} AS weir_other WHERE weir_other.{} = weir_this.{column})",
                quoted(&to.column)
            )
        }
        Rule::RowCount { min, max } => {
            let below = min.map(|min| format!("COUNT(*) < {min}"));
            let above = max.map(|max| format!("COUNT(*) > {max}"));
            let outside: Vec<String> = below.into_iter().chain(above).collect();
            format!("SELECT COUNT(*) AS row_count FROM {this} HAVING {}", outside.join(" OR "))
        }
        Rule::Sql(text) if this == THIS => text.sql.trim().trim_end_matches(';').to_owned(),
        Rule::Sql(text) => model.sql_with_this(&text.sql),
    }
}

/// The tables that the model's tests read besides its own.
#[must_use]
pub fn tables(model: &Model) -> BTreeSet<TableName> {
    let mut tables = BTreeSet::new();
    for test in &model.header.tests {
        match &test.rule {
            Rule::Relationship { to, .. } => {
                tables.insert(TableName::new(&to.schema, &to.table));
            }
            Rule::Sql(text) => tables.extend(tables_of(&text.sql)),
            _ => {}
        }
    }
    tables
}

/// Asks all tests of a model. The session knows its table as `this`, and the other [`tables`] by their names.
///
/// # Errors
/// Where a test cannot be asked, as when it names a table that the session does not know.
pub async fn audit(session: &SessionContext, model: &Model) -> Result<Vec<AuditResult>, AuditError> {
    let mut results = Vec::new();
    for test in &model.header.tests {
        let failed_rows = counted(session, &count(model, test, THIS)).await.map_err(|error| AuditError {
            file: model.file.clone(),
            line: test.place.line,
            test: test.name.clone(),
            exhausted: matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)),
            reason: without_values(&error),
        })?;
        results.push(result(model, test, failed_rows));
    }
    Ok(results)
}

/// What follows from the number of rows that break a test.
#[must_use]
pub fn result(model: &Model, test: &DataTest, failed_rows: u64) -> AuditResult {
    let passed = failed_rows == 0;
    let message = if passed {
        format!("{}: '{}' holds", model.name, test.name)
    } else {
        let (line, found) = (test.place.line, found(&test.rule, failed_rows));
        format!("{}: '{}' ({}:{line}) does not hold: {found}", model.name, test.name, model.file)
    };
    let sql = query(model, test, &model.name.to_string());
    AuditResult { name: test.name.clone(), severity: test.severity, passed, failed_rows, message, sql }
}

/// The query for the number of rows that break `test`: one row of one column.
#[must_use]
pub fn count(model: &Model, test: &DataTest, this: &str) -> String {
    // On lines of its own, since a query may end in a comment.
    format!("SELECT COUNT(*) AS failed FROM (\n{}\n) AS failing", query(model, test, this))
}

fn found(rule: &Rule, failed: u64) -> String {
    let (one, more) = match rule {
        Rule::Unique { .. } => ("value stands more than once", "values stand more than once"),
        Rule::RowCount { .. } => return "the number of rows is another".to_owned(),
        _ => ("row breaks it", "rows break it"),
    };
    format!("{failed} {}", if failed == 1 { one } else { more })
}

async fn counted(session: &SessionContext, sql: &str) -> Result<u64, DataFusionError> {
    let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let batches = session.sql_with_options(sql, options).await?.collect().await?;
    read_count(&batches).ok_or_else(|| DataFusionError::Internal("a count came back without a number".to_owned()))
}

/// What the query of [`count`] returned; `None` where that is no count.
#[must_use]
pub fn read_count(batches: &[RecordBatch]) -> Option<u64> {
    let counted = batches.iter().find_map(|batch| {
        let column = batch.columns().first()?.as_any().downcast_ref::<Int64Array>()?;
        (!column.is_empty()).then(|| column.value(0))
    });
    counted.and_then(|count| u64::try_from(count).ok())
}

/// What went wrong, without the values that some errors carry.
fn without_values(error: &DataFusionError) -> String {
    match error.find_root() {
        DataFusionError::ArrowError(..) | DataFusionError::Execution(_) => {
            "a value could not be computed, as in a cast or a division by zero; run the test's query by `weir query` to \
             see which"
                .to_owned()
        }
        other => other.strip_backtrace().lines().next().unwrap_or_default().to_owned(),
    }
}

fn list(columns: &[Named]) -> String {
    columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ")
}

/// The name as SQL takes it exactly: in quotes where it would be folded or taken for something else.
fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if plain && !RESERVED.contains(&name) { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Words that are no column where one could stand.
const RESERVED: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "as",
    "between",
    "both",
    "by",
    "case",
    "cast",
    "check",
    "column",
    "create",
    "cross",
    "current_date",
    "current_time",
    "current_timestamp",
    "current_user",
    "delete",
    "desc",
    "describe",
    "distinct",
    "drop",
    "else",
    "end",
    "except",
    "exists",
    "extract",
    "false",
    "fetch",
    "filter",
    "for",
    "from",
    "full",
    "group",
    "having",
    "in",
    "inner",
    "insert",
    "intersect",
    "interval",
    "into",
    "is",
    "join",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "natural",
    "not",
    "null",
    "offset",
    "on",
    "or",
    "order",
    "outer",
    "over",
    "position",
    "qualify",
    "right",
    "select",
    "session_user",
    "some",
    "struct",
    "table",
    "then",
    "to",
    "trailing",
    "trim",
    "true",
    "union",
    "unique",
    "unnest",
    "update",
    "user",
    "using",
    "values",
    "when",
    "where",
    "window",
    "with",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_quoted_where_sql_would_take_it_for_another() {
        let quoted: Vec<String> = ["beer_id", "Order", "order", "a\"b", "2nd"].map(quoted).to_vec();
        assert_eq!(quoted, ["beer_id", "\"Order\"", "\"order\"", "\"a\"\"b\"", "\"2nd\""]);
    }
}
