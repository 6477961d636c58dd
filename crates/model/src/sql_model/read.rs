//! From the YAML of a header to a [`Header`].

use super::Variable;
use super::{Chart, ChartKind, ColumnOf, DataTest, Header, Literal, Named, Place, Rule, Severity, SortBy, SqlText};
use crate::problem::Problems;
use crate::reader::{Fields, Reader};
use crate::yaml::{self, Node, Value};

const KEYS: &[&str] = &["description", "partitionBy", "sortBy", "targetFileSize", "variables", "tests", "charts"];
const RULES: &[&str] = &["notNull", "unique", "acceptedValues", "relationship", "rowCount", "sql"];
const TEST_KEYS: &[&str] =
    &["name", "severity", "notNull", "unique", "acceptedValues", "relationship", "rowCount", "sql"];
/// More than a person reads.
const MAX_TESTS: usize = 500;
const MAX_CHARTS: usize = 50;
const MAX_VALUES: usize = 10_000;
/// Partitions by more columns than this have few rows each.
const MAX_PARTITION_COLUMNS: usize = 8;

/// Reads the header's text, in which everything stands where it stands in the file.
pub(super) fn header(file: &str, text: &str) -> Result<Header, Problems> {
    let mut header = Header::default();
    if text.trim().is_empty() {
        return Ok(header);
    }
    let root = yaml::parse(file, text)?;
    let mut reader = Reader::new(file);
    let fields = reader.map(&root, "", KEYS);
    header.description = fields.text(&mut reader, "description");
    if let Some(node) = fields.get("partitionBy") {
        header.partition_by = columns(&mut reader, node, "partitionBy");
        if header.partition_by.len() > MAX_PARTITION_COLUMNS {
            reader.problem(node, "partitionBy", format!("at most {MAX_PARTITION_COLUMNS} columns make a partition"));
        }
    }
    if let Some(node) = fields.get("sortBy") {
        header.sort_by = sort_by(&mut reader, node);
    }
    if let Some(bytes) = fields.get("targetFileSize").and_then(|node| reader.file_size(node, "targetFileSize")) {
        header.target_file_bytes = bytes;
    }
    if let Some(node) = fields.get("variables") {
        header.variables = variables(&mut reader, node, "variables");
    }
    if let Some(node) = fields.get("tests") {
        header.tests = bounded(&mut reader, node, "tests", MAX_TESTS)
            .iter()
            .enumerate()
            .filter_map(|(index, item)| test(&mut reader, text, item, &format!("tests[{index}]")))
            .collect();
    }
    if let Some(node) = fields.get("charts") {
        header.charts = bounded(&mut reader, node, "charts", MAX_CHARTS)
            .iter()
            .enumerate()
            .filter_map(|(index, item)| chart(&mut reader, text, item, &format!("charts[{index}]")))
            .collect();
    }
    reader.finish(Some(header))
}

pub(super) fn bounded<'n>(reader: &mut Reader<'_>, node: &'n Node, path: &str, most: usize) -> &'n [Node] {
    let items = reader.list(node, path);
    if items.len() > most {
        reader.problem(node, path, format!("{} stand here, at most {most} are read", items.len()));
        return &[];
    }
    items
}

/// One name, or a list of names that differ.
fn columns(reader: &mut Reader<'_>, node: &Node, path: &str) -> Vec<Named> {
    let items = match &node.value {
        Value::String(_) => std::slice::from_ref(node),
        _ => reader.list(node, path),
    };
    if items.is_empty() && matches!(node.value, Value::List(_)) {
        reader.problem(node, path, "name a column at least, or leave the key out");
    }
    let mut names: Vec<Named> = Vec::new();
    for item in items {
        let Some(named) = named(reader, item, path) else { continue };
        if names.iter().any(|other| other.name == named.name) {
            reader.problem(item, path, format!("'{}' stands twice", named.name));
        } else {
            names.push(named);
        }
    }
    names
}

fn named(reader: &mut Reader<'_>, node: &Node, path: &str) -> Option<Named> {
    let name = reader.text(node, path)?;
    if name.trim().is_empty() || name.contains('(') {
        reader.problem_with_help(
            node,
            path,
            format!("'{name}' is no column"),
            "name a column of the result; for a part of a date, select it under a name of its own",
        );
        return None;
    }
    Some(Named { name, place: Place::of(node) })
}

fn sort_by(reader: &mut Reader<'_>, node: &Node) -> Vec<SortBy> {
    columns(reader, node, "sortBy")
        .into_iter()
        .map(|Named { name, place }| match (name.strip_suffix(" desc"), name.strip_suffix(" asc")) {
            (Some(column), _) => SortBy { column: column.trim().to_owned(), descending: true, place },
            (None, Some(column)) => SortBy { column: column.trim().to_owned(), descending: false, place },
            (None, None) => SortBy { column: name, descending: false, place },
        })
        .collect()
}

/// The variables of a header, or the values that a fixture gives them.
pub(super) fn variables(reader: &mut Reader<'_>, node: &Node, path: &str) -> Vec<Variable> {
    let Value::Map(entries) = &node.value else {
        reader.problem(node, path, format!("expected a map of names and values, found {}", node.value.kind()));
        return Vec::new();
    };
    let mut variables = Vec::new();
    for entry in entries {
        let path = format!("{path}.{}", entry.key);
        let begins = entry.key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !begins || !entry.key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            let message = format!("'{}' is no name of a variable; use letters, digits and '_'", entry.key);
            reader.problem(&entry.node, &path, message);
            continue;
        }
        match Literal::of(&entry.node) {
            None | Some(Literal::Null) => {
                let found = entry.node.value.kind();
                reader.problem(&entry.node, &path, format!("expected a number, a text, true or false, found {found}"));
            }
            Some(value) => {
                let place = Place { line: entry.line, column: entry.column };
                variables.push(Variable { name: entry.key.clone(), value, place });
            }
        }
    }
    variables
}

fn test(reader: &mut Reader<'_>, text: &str, node: &Node, path: &str) -> Option<DataTest> {
    let fields = reader.map(node, path, TEST_KEYS);
    let severities = &[("warn", Severity::Warn), ("error", Severity::Error)];
    let severity = fields.choice(reader, "severity", severities).unwrap_or(Severity::Error);
    let name = fields.text(reader, "name");
    let mut given: Vec<_> = RULES.iter().filter_map(|key| fields.get(key).map(|node| (*key, node))).collect();
    given.sort_by_key(|(_, node)| (node.line, node.column));
    let (first, second) = (given.first().copied(), given.get(1).copied());
    let Some((key, rule_node)) = first else {
        // A key that is none was reported.
        if matches!(&node.value, Value::Map(entries) if entries.iter().all(|entry| TEST_KEYS.contains(&entry.key.as_str())))
        {
            reader.problem(node, path, format!("a test needs a rule, one of {}", RULES.join(", ")));
        }
        return None;
    };
    if let Some((other, node)) = second {
        reader.problem(
            node,
            path,
            format!("'{key}' and '{other}' are two tests; begin the second with a '-' of its own"),
        );
        return None;
    }
    let rule = rule(reader, text, key, rule_node, &fields.path(key))?;
    let name = name.unwrap_or_else(|| described(&rule));
    Some(DataTest { name, severity, rule, place: Place::of(node) })
}

fn rule(reader: &mut Reader<'_>, text: &str, key: &str, node: &Node, path: &str) -> Option<Rule> {
    match key {
        "notNull" => Some(Rule::NotNull { columns: columns(reader, node, path) }),
        "unique" => Some(Rule::Unique { columns: columns(reader, node, path) }),
        "acceptedValues" => {
            let fields = reader.map(node, path, &["column", "values"]);
            let column = need_column(reader, &fields);
            let values = fields.need(reader, "values")?;
            let path = fields.path("values");
            let items = bounded(reader, values, &path, MAX_VALUES);
            if items.is_empty() && matches!(values.value, Value::List(_)) {
                reader.problem(values, &path, "name a value at least");
            }
            let literals = items.iter().filter_map(|item| match Literal::of(item) {
                Some(Literal::Null) => {
                    let help = "null is always accepted; forbid it by a test 'notNull'";
                    reader.problem_with_help(item, &path, "null is no value", help);
                    None
                }
                None => {
                    reader.problem(item, &path, format!("expected a plain value, found {}", item.value.kind()));
                    None
                }
                literal => literal,
            });
            Some(Rule::AcceptedValues { values: literals.collect(), column: column? })
        }
        "relationship" => {
            let fields = reader.map(node, path, &["column", "to"]);
            let column = need_column(reader, &fields);
            let to = fields.need(reader, "to")?;
            Some(Rule::Relationship { to: column_of(reader, to, &fields.path("to"))?, column: column? })
        }
        "rowCount" => {
            let fields = reader.map(node, path, &["min", "max"]);
            let min = fields.whole(reader, "min", 0, u64::MAX);
            let max = fields.whole(reader, "max", 0, u64::MAX);
            if fields.get("min").is_none() && fields.get("max").is_none() {
                reader.problem(node, path, "give 'min', 'max' or both");
            }
            if let (Some(min), Some(max)) = (min, max)
                && min > max
            {
                reader.problem(node, path, format!("min ({min}) is above max ({max})"));
            }
            Some(Rule::RowCount { min, max })
        }
        _ => sql(reader, text, node, path).map(Rule::Sql),
    }
}

fn need_column(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Named> {
    let node = fields.need(reader, "column")?;
    named(reader, node, &fields.path("column"))
}

fn column_of(reader: &mut Reader<'_>, node: &Node, path: &str) -> Option<ColumnOf> {
    let name = reader.text(node, path)?;
    if let [schema @ ("silver" | "gold"), table, column] = name.split('.').collect::<Vec<_>>().as_slice()
        && !table.is_empty()
        && !column.is_empty()
    {
        let (schema, table, column) = ((*schema).to_owned(), (*table).to_owned(), (*column).to_owned());
        return Some(ColumnOf { schema, table, column, place: Place::of(node) });
    }
    let help = "write the layer, the table and the column, as silver.beer.beer_id";
    reader.problem_with_help(node, path, format!("'{name}' is no column of a table"), help);
    None
}

fn chart(reader: &mut Reader<'_>, text: &str, node: &Node, path: &str) -> Option<Chart> {
    let fields = reader.map(node, path, &["title", "kind", "sql"]);
    let title = fields.need_text(reader, "title");
    let kinds = &[("bar", ChartKind::Bar), ("line", ChartKind::Line)];
    let kind = match fields.need(reader, "kind") {
        Some(_) => fields.choice(reader, "kind", kinds),
        None => None,
    };
    let sql = fields.need(reader, "sql").and_then(|node| sql(reader, text, node, &fields.path("sql")));
    Some(Chart { title: title?, kind: kind?, sql: sql?, place: Place::of(node) })
}

fn sql(reader: &mut Reader<'_>, text: &str, node: &Node, path: &str) -> Option<SqlText> {
    let sql = reader.text(node, path)?;
    if sql.trim().is_empty() {
        reader.problem(node, path, "the query is empty");
        return None;
    }
    let place = place_of_text(text, node, &sql);
    Some(SqlText { sql, place })
}

/// Where the first line of a text stands: a block begins on the line after its `|`, a quoted text after its quote.
fn place_of_text(text: &str, node: &Node, value: &str) -> Place {
    let first = value.lines().next().unwrap_or_default().trim_end();
    let lines = text.lines().enumerate().skip(node.line.saturating_sub(1)).take(2);
    for (index, line) in lines {
        let from = if index + 1 == node.line { node.column - 1 } else { 0 };
        let start = line.char_indices().nth(from).map_or(line.len(), |(byte, _)| byte);
        if let Some(found) = line[start..].find(first).filter(|_| !first.is_empty()) {
            return Place { line: index + 1, column: 1 + line[..start + found].chars().count() };
        }
    }
    Place::of(node)
}

/// What a test is called that has no name.
fn described(rule: &Rule) -> String {
    let list = |columns: &[Named]| columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
    match rule {
        Rule::NotNull { columns } => format!("{} not null", list(columns)),
        Rule::Unique { columns } => format!("{} unique", list(columns)),
        Rule::AcceptedValues { column, .. } => format!("{} has accepted values", column.name),
        Rule::Relationship { column, to } => {
            format!("{} is in {}.{}.{}", column.name, to.schema, to.table, to.column)
        }
        Rule::RowCount { min: Some(min), max: Some(max) } => format!("{min} to {max} rows"),
        Rule::RowCount { min: Some(min), max: None } => format!("at least {min} rows"),
        Rule::RowCount { max, .. } => format!("at most {} rows", max.unwrap_or_default()),
        Rule::Sql(_) => "a query that returns no rows".to_owned(),
    }
}
