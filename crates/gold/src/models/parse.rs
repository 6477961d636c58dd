//! From files to models.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Ident, ObjectName, Query, Spanned, Statement, TableAlias, TableFactor, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use weir_model::Problem;
use weir_model::sql_model::{Header, Place, Rule, SqlText};
use weir_ports::catalog::TableName;

use super::model::{Model, Read, fingerprint};
use super::references::{self, Scope, folded};
use super::{FOLDER, GOLD, SILVER, SUFFIX, THIS, rules, variables};

/// How deep queries and expressions may nest.
const MAX_DEPTH: usize = 50;
/// The longest name of a model, in bytes: what Glue and file systems bear with room to spare.
const MAX_NAME: usize = 100;

/// The models that could be read, and what is wrong with all of them.
pub(super) fn all(files: &[(String, String)], known: &BTreeSet<TableName>) -> (Vec<Model>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut tables = known.clone();
    let mut named: Vec<(TableName, &str, &str)> = Vec::new();
    for (file, text) in files {
        match table_of(file) {
            Err((message, help)) => problems.push(Place::START.problem(file, "", message, Some(help))),
            Ok(name) if known.contains(&name) => {
                let message = format!("a contract makes the table {name} already");
                let help = "give the file another name: a model's table is called as its file".to_owned();
                problems.push(Place::START.problem(file, "", message, Some(help)));
            }
            Ok(name) => {
                tables.insert(name.clone());
                named.push((name, file, text));
            }
        }
    }
    let models = named.into_iter().filter_map(|(name, file, text)| model(name, file, text, &tables, &mut problems));
    let models = models.collect();
    (models, problems)
}

/// The table that a file makes.
fn table_of(file: &str) -> Result<TableName, (String, String)> {
    let help = format!("a model is {FOLDER}/{SILVER}/NAME{SUFFIX} or {FOLDER}/{GOLD}/NAME{SUFFIX}");
    let parts: Vec<&str> = file.split(['/', '\\']).collect();
    let [.., layer, name] = parts.as_slice() else {
        return Err(("this is no place of a model".to_owned(), help));
    };
    let Some(name) = name.strip_suffix(SUFFIX).filter(|_| [SILVER, GOLD].contains(layer)) else {
        return Err(("this is no place of a model".to_owned(), help));
    };
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    let fits = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !begins || !fits || name.len() > MAX_NAME {
        let help =
            format!("use a-z, 0-9 and '_', a letter first, at most {MAX_NAME}, so that every engine takes it as it is");
        return Err((format!("'{name}' is no name of a table"), help));
    }
    if name == THIS {
        let help = "tests and charts call their model's table by this word".to_owned();
        return Err(("no table is called 'this'".to_owned(), help));
    }
    Ok(TableName::new(*layer, name))
}

fn model(
    name: TableName,
    file: &str,
    text: &str,
    tables: &BTreeSet<TableName>,
    problems: &mut Vec<Problem>,
) -> Option<Model> {
    let split = match Header::split(file, text) {
        Ok(split) => split,
        Err(found) => {
            problems.extend(found.0);
            return None;
        }
    };
    let (mut header, body) = (split.header, split.body_place);
    let before = problems.len();
    // Blanks before it, so that every span is one of the file.
    let padded = format!("{}{}{}", "\n".repeat(body.line - 1), " ".repeat(body.column - 1), split.body);
    let template = query(&padded, &|place| place, "a model").map_err(|problem| problems.push(problem.of(file)));
    let mut used = BTreeSet::new();
    let mut reads = Vec::new();
    if let Ok(template) = &template {
        let scope = Scope { file, tables, this: false };
        let found = references::of(template, &scope, &|place| place, problems);
        for (table, place) in found {
            if name.namespace == SILVER && table.namespace == GOLD {
                let message = format!("a model of silver cannot read {table}: layers are built one after the other");
                let help = "read silver, or make this a model of gold".to_owned();
                problems.push(place.problem(file, "", message, Some(help)));
            }
            reads.push(Read { table, place });
        }
        rules::check(file, template, problems);
        rules::check_commas(file, &padded, problems);
        variables::check(file, variables::named(template), &header.variables, &mut used, problems);
    }
    let values = header.variables.clone();
    let scope = Scope { file, tables, this: true };
    for sql in inner_queries(&mut header) {
        let place_of = |place| sql.place_of(place);
        match query(&sql.sql, &place_of, "this") {
            Err(problem) => problems.push(problem.of(file)),
            Ok(query) => {
                references::of(&query, &scope, &place_of, problems);
                let named = variables::named(&query).into_iter().map(|(name, place)| (name, sql.place_of(place)));
                variables::check(file, named.collect(), &values, &mut used, problems);
                if let Some(text) = variables::in_text(&sql.sql, &values) {
                    sql.sql = text;
                }
            }
        }
    }
    // Where the SQL could not be read nobody knows what it uses.
    if problems.len() == before {
        for variable in values.iter().filter(|variable| !used.contains(&variable.name)) {
            let message = format!("nothing uses the variable '{}'", variable.name);
            let help = format!("write ${} in the SQL, or remove it", variable.name);
            problems.push(variable.place.problem(file, "variables", message, Some(help)));
        }
    }
    let template = template.ok()?;
    let query = variables::in_query(&template, &values);
    let fingerprint = fingerprint(&query, &header);
    let sql = split.body.to_owned();
    Some(Model { name, file: file.to_owned(), header, sql, body, query, reads, fingerprint, template })
}

/// The queries of tests and charts.
fn inner_queries(header: &mut Header) -> impl Iterator<Item = &mut SqlText> {
    let tests = header.tests.iter_mut().filter_map(|test| match &mut test.rule {
        Rule::Sql(sql) => Some(sql),
        _ => None,
    });
    tests.chain(header.charts.iter_mut().map(|chart| &mut chart.sql))
}

/// A problem whose file is not known yet.
pub(super) struct Wrong {
    place: Place,
    message: String,
    help: Option<String>,
}

impl Wrong {
    fn of(self, file: &str) -> Problem {
        self.place.problem(file, "", self.message, self.help)
    }
}

/// The one query in `sql`; `what` it is for is named in what is wrong.
pub(super) fn query(sql: &str, place_of: &dyn Fn(Place) -> Place, what: &str) -> Result<Box<Query>, Wrong> {
    let parsed = Parser::new(&GenericDialect {})
        .with_recursion_limit(MAX_DEPTH)
        .try_with_sql(sql)
        .and_then(|mut parser| parser.parse_statements());
    let statements = parsed.map_err(|error| {
        let (message, place) = match error {
            ParserError::TokenizerError(text) | ParserError::ParserError(text) => located(&text),
            ParserError::RecursionLimitExceeded => (format!("the query nests deeper than {MAX_DEPTH} levels"), None),
        };
        Wrong { place: place_of(place.unwrap_or(Place::START)), message, help: None }
    })?;
    let help = || Some("write one SELECT; WITH may stand before it".to_owned());
    let mut statements = statements.into_iter();
    let Some(statement) = statements.next() else {
        let last = Place { line: sql.lines().count().max(1), column: 1 };
        return Err(Wrong { place: place_of(last), message: "there is no query here".to_owned(), help: help() });
    };
    if let Some(second) = statements.next() {
        let start = second.span().start;
        let place = Place { line: (start.line as usize).max(1), column: (start.column as usize).max(1) };
        let message = format!("{what} is one query, and a second statement stands here");
        return Err(Wrong { place: place_of(place), message, help: help() });
    }
    match statement {
        Statement::Query(query) => Ok(query),
        other => {
            let text = other.to_string();
            let word = text.split_whitespace().next().unwrap_or("statement");
            let first = sql.find(|c: char| !c.is_whitespace()).unwrap_or_default();
            let line = 1 + sql[..first].matches('\n').count();
            let column = 1 + sql[sql[..first].rfind('\n').map_or(0, |end| end + 1)..first].chars().count();
            let message = format!("{what} is a query, and this is {word}");
            Err(Wrong { place: place_of(Place { line, column }), message, help: help() })
        }
    }
}

/// A parser's message without the place that it ends in, and that place.
fn located(text: &str) -> (String, Option<Place>) {
    let text = text.strip_prefix("sql parser error: ").unwrap_or(text);
    let found = text.rsplit_once(" at Line: ").and_then(|(message, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        let place = Place { line: line.trim().parse().ok()?, column: column.trim().parse().ok()? };
        Some((message.to_owned(), place))
    });
    match found {
        Some((message, place)) => (format!("the SQL cannot be read: {message}"), Some(place)),
        None => (format!("the SQL cannot be read: {text}"), None),
    }
}

/// The query in `sql` with the table `table` where `this` stood; `None` where it cannot be read.
pub(super) fn rename_this(sql: &str, table: &TableName) -> Option<String> {
    struct Rename<'a>(&'a TableName);
    impl VisitorMut for Rename<'_> {
        type Break = ();
        fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
            if let TableFactor::Table { name, alias, .. } = factor
                && let [part] = name.0.as_slice()
                && part.as_ident().is_some_and(|ident| folded(ident) == THIS)
            {
                *name = ObjectName::from(vec![Ident::new(&self.0.namespace), Ident::new(&self.0.name)]);
                // Columns may be called this.x.
                if alias.is_none() {
                    *alias = Some(TableAlias { explicit: true, name: Ident::new(THIS), columns: Vec::new() });
                }
            }
            ControlFlow::Continue(())
        }
    }
    let mut query = query(sql, &|place| place, "this").ok()?;
    let _ = VisitMut::visit(query.as_mut(), &mut Rename(table));
    Some(query.to_string())
}
