//! One statement that asks and changes nothing, and the tables that it names.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{
    Ident, ObjectName, ObjectNamePart, Query, SetExpr, Statement as SqlStatement, TableAlias, TableFactor, VisitMut,
    VisitorMut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Tokenizer, TokenizerError};

use super::place::{Place, excerpt};
use super::version::{Version, take_versions};
use crate::error::QueryError;

/// A statement that asks.
pub(crate) struct Parsed {
    pub(crate) statement: Statement,
    /// The tables that it names, in the order of the text; a table that is named twice is there twice.
    pub(crate) references: Vec<Reference>,
    /// Whether it asks which tables there are.
    pub(crate) asks_for_tables: bool,
}

/// A table as a query names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    /// The parts of the name, folded as SQL folds them.
    pub(crate) parts: Vec<String>,
    /// Which state of it is meant, where the query says so.
    pub(crate) version: Option<Version>,
    /// Where the name stands.
    pub(crate) place: Option<Place>,
}

/// Reads the text of one query.
///
/// # Errors
/// [`QueryError::Syntax`], and [`QueryError::Refused`] for a statement that does more than ask.
pub(crate) fn parse(sql: &str) -> Result<Parsed, QueryError> {
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location().map_err(|error| {
        let TokenizerError { message, location } = error;
        syntax(sql, &message, Place::new(location.line, location.column))
    })?;
    let (tokens, versions) = take_versions(sql, tokens)?;
    let parsed = DFParserBuilder::new(tokens).build().and_then(|mut parser| parser.parse_statements());
    let mut statements = parsed.map_err(|error| {
        let message = error.find_root().strip_backtrace();
        let (message, place) = told(&message);
        syntax(sql, &message, place)
    })?;
    if statements.len() > 1 {
        return Err(QueryError::Refused(format!(
            "there are {} statements, and one at a time is run",
            statements.len()
        )));
    }
    let Some(mut statement) = statements.pop_front() else {
        return Err(syntax(sql, "there is no statement", None));
    };
    check_asks(&statement)?;
    let mut names = Names { versions, ..Names::default() };
    visit(&mut statement, &mut names);
    if let Some(place) = names.versions.keys().min() {
        return Err(syntax(sql, "time travel stands behind something that is no table of the lake", Some(*place)));
    }
    let asks_for_tables = matches!(innermost(&statement), Some(statement) if is_about_tables(statement))
        || names.references.iter().any(|name| name.parts.iter().any(|part| part == "information_schema"));
    let Names { references, ctes, .. } = names;
    // What a WITH names is no table of the lake.
    let references = references.into_iter().filter(|name| name.parts.len() > 1 || !ctes.contains(&name.parts[0]));
    Ok(Parsed { statement, references: references.collect(), asks_for_tables })
}

impl Parsed {
    /// Lets references at these places name other tables, under the name that they had.
    pub(crate) fn rename(&mut self, tables: HashMap<Place, String>) {
        visit(&mut self.statement, &mut Rename { tables });
    }
}

fn syntax(sql: &str, message: &str, place: Option<Place>) -> QueryError {
    let at = place.map_or(String::new(), |place| format!(" at line {}, column {}", place.line, place.column));
    QueryError::Syntax { message: format!("the query cannot be read{at}: {message}"), excerpt: excerpt(sql, place) }
}

/// What the parser said, and the place that it said it of: `… at Line: 1, Column: 8`.
fn told(message: &str) -> (String, Option<Place>) {
    let message = message.trim_start_matches("SQL error: ");
    let message = message.strip_prefix("ParserError(\"").and_then(|rest| rest.strip_suffix("\")")).unwrap_or(message);
    let message = message.trim_start_matches("sql parser error: ");
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let split = message.rsplit_once(" at Line: ").and_then(|(message, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        let digits: String = column.chars().take_while(char::is_ascii_digit).collect();
        Some((message, Place::new(number(line)?, number(&digits)?)?))
    });
    match split {
        Some((message, place)) => (message.to_owned(), Some(place)),
        None => (message.to_owned(), None),
    }
}

fn innermost(statement: &Statement) -> Option<&SqlStatement> {
    match statement {
        Statement::Statement(statement) => Some(statement),
        Statement::Explain(explain) => innermost(&explain.statement),
        _ => None,
    }
}

fn is_about_tables(statement: &SqlStatement) -> bool {
    matches!(
        statement,
        SqlStatement::ShowTables { .. } | SqlStatement::ShowColumns { .. } | SqlStatement::ShowSchemas { .. }
    )
}

fn check_asks(statement: &Statement) -> Result<(), QueryError> {
    let first_word = || statement.to_string().split_whitespace().next().unwrap_or_default().to_uppercase();
    match innermost(statement) {
        Some(SqlStatement::Query(query)) => check_body(&query.body),
        Some(
            SqlStatement::ShowTables { .. } | SqlStatement::ShowColumns { .. } | SqlStatement::ExplainTable { .. },
        ) => Ok(()),
        _ => Err(QueryError::Refused(format!("{} is not run", first_word()))),
    }
}

fn check_body(body: &SetExpr) -> Result<(), QueryError> {
    match body {
        SetExpr::Select(select) if select.into.is_some() => {
            Err(QueryError::Refused("SELECT INTO makes a table, and is not run".to_owned()))
        }
        SetExpr::Select(_) | SetExpr::Values(_) | SetExpr::Table(_) => Ok(()),
        SetExpr::Query(query) => check_body(&query.body),
        SetExpr::SetOperation { left, right, .. } => check_body(left).and_then(|()| check_body(right)),
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
            Err(QueryError::Refused("a statement that changes tables is not run".to_owned()))
        }
    }
}

fn visit(statement: &mut Statement, visitor: &mut impl VisitorMut<Break = ()>) {
    match statement {
        Statement::Statement(statement) => {
            let _: ControlFlow<()> = statement.visit(visitor);
        }
        Statement::Explain(explain) => visit(&mut explain.statement, visitor),
        _ => {}
    }
}

/// A part of a name as SQL folds it.
fn folded(part: &ObjectNamePart) -> Option<String> {
    let ident = part.as_ident()?;
    Some(if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() })
}

fn place_of(name: &ObjectName) -> Option<Place> {
    let start = name.0.first()?.as_ident()?.span.start;
    Place::new(start.line, start.column)
}

#[derive(Default)]
struct Names {
    versions: HashMap<Place, Version>,
    references: Vec<Reference>,
    ctes: HashSet<String>,
}

impl VisitorMut for Names {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.ctes.extend(folded(&ObjectNamePart::Identifier(cte.alias.name.clone())));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &mut SqlStatement) -> ControlFlow<()> {
        // DESCRIBE names a table that is no part of a query.
        if let SqlStatement::ExplainTable { table_name, .. } = statement {
            self.add(table_name);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        // With arguments it is a function.
        if let TableFactor::Table { name, args: None, .. } = factor {
            self.add(name);
        }
        ControlFlow::Continue(())
    }
}

impl Names {
    fn add(&mut self, name: &ObjectName) {
        let place = place_of(name);
        let version = place.and_then(|place| self.versions.remove(&place));
        let parts: Vec<String> = name.0.iter().filter_map(folded).collect();
        if !parts.is_empty() {
            self.references.push(Reference { parts, version, place });
        }
    }
}

struct Rename {
    tables: HashMap<Place, String>,
}

impl VisitorMut for Rename {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, alias, .. } = factor
            && let Some(table) = place_of(name).and_then(|place| self.tables.get(&place))
            && let Some(last) = name.0.last_mut()
            && let Some(old) = last.as_ident().cloned()
        {
            *last = ObjectNamePart::Identifier(Ident { value: table.clone(), quote_style: Some('"'), span: old.span });
            alias.get_or_insert(TableAlias { explicit: true, name: old, columns: Vec::new() });
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::parse_time;

    fn references(sql: &str) -> Vec<(String, Option<Version>)> {
        let parsed = parse(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        parsed.references.into_iter().map(|name| (name.parts.join("."), name.version)).collect()
    }

    #[test]
    fn tables_are_found_wherever_they_stand_and_names_of_with_are_none() {
        let sql = "WITH a AS (SELECT * FROM Silver.Review), b AS (SELECT * FROM a) \
                   SELECT *, (SELECT max(x) FROM gold.\"Top\") FROM b JOIN bronze.beer USING (id) WHERE id IN (SELECT id FROM weir.silver.beer)";
        let mut names: Vec<String> = references(sql).into_iter().map(|(name, _)| name).collect();
        names.sort();
        assert_eq!(names, ["bronze.beer", "gold.Top", "silver.review", "weir.silver.beer"]);
    }

    #[test]
    fn every_way_to_write_time_travel_is_read() {
        let time = Some(Version::Time(parse_time("2026-01-31 08:30:00").unwrap()));
        for (written, version) in [
            ("VERSION AS OF 123", Some(Version::Id(123))),
            ("version as of '123'", Some(Version::Id(123))),
            ("FOR VERSION AS OF 9223372036854775807", Some(Version::Id(i64::MAX))),
            ("FOR SYSTEM_VERSION AS OF 5", Some(Version::Id(5))),
            ("TIMESTAMP AS OF '2026-01-31 08:30:00'", time),
            ("FOR TIMESTAMP AS OF TIMESTAMP '2026-01-31 08:30:00 UTC'", time),
            ("FOR TIMESTAMP AS OF TIMESTAMP '2026-01-31T09:30:00+01:00'", time),
            ("FOR /* here */ SYSTEM_TIME AS OF\n'2026-01-31T08:30:00Z'", time),
            ("", None),
        ] {
            for (behind, count) in [("", 1), (" AS r WHERE r.x = 1", 1), (" r JOIN silver.review s ON r.id = s.id", 2)]
            {
                let found = references(&format!("SELECT * FROM silver.review {written}{behind}"));
                assert_eq!(found.len(), count, "{written}{behind}");
                assert_eq!(found[0], ("silver.review".to_owned(), version), "{written}{behind}");
            }
        }
        let two = references("SELECT * FROM silver.t VERSION AS OF 1 a JOIN silver.t VERSION AS OF 2 b ON a.k = b.k");
        assert_eq!(
            two.iter().map(|(_, version)| *version).collect::<Vec<_>>(),
            [Some(Version::Id(1)), Some(Version::Id(2))]
        );
    }

    #[test]
    fn time_travel_that_cannot_be_read_is_shown_where_it_stands() {
        for (sql, column) in [
            ("SELECT * FROM silver.t VERSION AS OF now()", 38),
            ("SELECT * FROM silver.t TIMESTAMP AS OF 'yesterday'", 40),
            ("SELECT * FROM silver.t VERSION AS OF", 35),
            ("SELECT x VERSION AS OF 1 FROM silver.t", 8),
        ] {
            let Err(QueryError::Syntax { message, excerpt }) = parse(sql) else { panic!("{sql}") };
            assert!(message.contains(&format!("line 1, column {column}")), "{sql}: {message}");
            assert!(excerpt.ends_with('^'), "{excerpt}");
        }
    }

    #[test]
    fn a_mistake_is_shown_where_it_stands() {
        let Err(QueryError::Syntax { message, excerpt }) = parse("SELECT *\nFROM silver.t WHRE x") else { panic!() };
        assert!(message.contains("line 2, column 20"), "{message}");
        assert_eq!(excerpt, "  FROM silver.t WHRE x\n                     ^");
        for sql in ["", "  -- nothing", "SELECT 'open"] {
            assert!(matches!(parse(sql), Err(QueryError::Syntax { .. })), "{sql}");
        }
    }

    #[test]
    fn what_does_more_than_ask_is_refused() {
        for sql in [
            "INSERT INTO silver.t VALUES (1)",
            "DELETE FROM silver.t",
            "UPDATE silver.t SET a = 1",
            "CREATE TABLE t AS SELECT 1",
            "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '/etc'",
            "CREATE VIEW v AS SELECT 1",
            "DROP TABLE silver.t",
            "COPY silver.t TO 'f.parquet'",
            "SELECT 1 INTO t",
            "SET datafusion.execution.batch_size = 1",
            "RESET datafusion.execution.batch_size",
            "EXPLAIN ANALYZE INSERT INTO silver.t VALUES (1)",
            "SELECT 1; SELECT 2",
            "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
            "BEGIN",
            "SHOW ALL",
        ] {
            assert!(matches!(parse(sql), Err(QueryError::Refused(_))), "{sql}");
        }
        for sql in [
            "SELECT 1",
            "VALUES (1)",
            "EXPLAIN SELECT 1",
            "SHOW TABLES",
            "DESCRIBE silver.t",
            "(SELECT 1) UNION ALL SELECT 2;",
        ] {
            assert!(parse(sql).is_ok(), "{sql}");
        }
    }

    #[test]
    fn a_renamed_table_keeps_the_name_that_columns_are_qualified_with() {
        let mut parsed = parse("SELECT t.x, u.x FROM silver.t, silver.t AS u").unwrap();
        let places: Vec<Place> = parsed.references.iter().filter_map(|name| name.place).collect();
        parsed.rename(places.into_iter().zip(["t@1".to_owned(), "t@2".to_owned()]).collect());
        assert_eq!(parsed.statement.to_string(), "SELECT t.x, u.x FROM silver.\"t@1\" AS t, silver.\"t@2\" AS u");
    }
}
