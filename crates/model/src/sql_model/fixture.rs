//! Fixtures of a model: the rows that it is given, and those that it has to make of them.

use super::read::{bounded, variables};
use super::{Literal, Named, Place, Variable};
use crate::problem::Problems;
use crate::reader::Reader;
use crate::yaml::{self, Node, Value};

const MAX_CASES: usize = 1_000;
/// A case of more rows is no longer read by anyone, and comparing takes the square of them.
const MAX_ROWS: usize = 1_000;

/// One case of a fixture file.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// Values in place of the model's own.
    pub variables: Vec<Variable>,
    /// The rows of the tables that the model reads; a table that is not named has none.
    pub given: Vec<Given>,
    /// The rows that have to come out, in any order.
    pub expect: Vec<Row>,
    /// Where it stands.
    pub place: Place,
}

/// The rows of one table.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// The table, with its layer.
    pub table: Named,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// A row of named values.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its values.
    pub cells: Vec<Cell>,
    /// Where it stands.
    pub place: Place,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// The column, and where its name stands.
    pub column: Named,
    /// The value.
    pub value: Literal,
    /// Where the value stands.
    pub place: Place,
}

/// Reads a fixture file.
///
/// # Errors
/// Every mistake in the document, each with its line.
pub fn fixtures(file: &str, text: &str) -> Result<Vec<Case>, Problems> {
    let root = yaml::parse(file, text)?;
    let mut reader = Reader::new(file);
    let mut cases: Vec<Case> = Vec::new();
    for (index, node) in bounded(&mut reader, &root, "", MAX_CASES).iter().enumerate() {
        let Some(case) = case(&mut reader, node, &format!("[{index}]")) else { continue };
        if let Some(first) = cases.iter().find(|other| other.name == case.name) {
            let message = format!("a case of this name stands on line {} already", first.place.line);
            reader.problem(node, &format!("[{index}].name"), message);
        }
        cases.push(case);
    }
    reader.finish(Some(cases))
}

fn case(reader: &mut Reader<'_>, node: &Node, path: &str) -> Option<Case> {
    let fields = reader.map(node, path, &["name", "variables", "given", "expect"]);
    let name = fields.need_text(reader, "name");
    let variables = match fields.get("variables") {
        Some(node) => variables(reader, node, &fields.path("variables")),
        None => Vec::new(),
    };
    let given = match fields.get("given").map(|node| (node, &node.value)) {
        None => Vec::new(),
        Some((_, Value::Map(entries))) => entries
            .iter()
            .map(|entry| {
                let path = format!("{}.{}", fields.path("given"), entry.key);
                let place = Place { line: entry.line, column: entry.column };
                // A key without rows is a table without rows.
                let rows = if entry.node.value == Value::Null { Vec::new() } else { rows(reader, &entry.node, &path) };
                Given { table: Named { name: entry.key.clone(), place }, rows }
            })
            .collect(),
        Some((node, other)) => {
            let message = format!("expected tables with their rows, found {}", other.kind());
            reader.problem_with_help(node, &fields.path("given"), message, "write 'silver.beer:' and a list of rows");
            Vec::new()
        }
    };
    let expect = fields.need(reader, "expect").map(|node| rows(reader, node, &fields.path("expect")));
    Some(Case { name: name?, variables, given, expect: expect?, place: Place::of(node) })
}

fn rows(reader: &mut Reader<'_>, node: &Node, path: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for (index, item) in bounded(reader, node, path, MAX_ROWS).iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Value::Map(entries) = &item.value else {
            let message = format!("expected a row, found {}", item.value.kind());
            reader.problem_with_help(item, &path, message, "write it as {column: value, …}");
            continue;
        };
        let mut cells = Vec::new();
        for entry in entries {
            let Some(value) = Literal::of(&entry.node) else {
                let found = entry.node.value.kind();
                let path = format!("{path}.{}", entry.key);
                reader.problem(&entry.node, &path, format!("expected a plain value, found {found}"));
                continue;
            };
            let place = Place { line: entry.line, column: entry.column };
            let column = Named { name: entry.key.clone(), place };
            cells.push(Cell { column, value, place: Place::of(&entry.node) });
        }
        rows.push(Row { cells, place: Place::of(item) });
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_rows_given_and_rows_expected() {
        let text = "\
- name: no beer
  variables: {least: 2}
  given:
    silver.review:
      - {id: 1, beer: null, text: 'a'}
    silver.beer:
  expect:
    - id: 1
";
        let cases = fixtures("f", text).unwrap();
        let [case] = cases.as_slice() else { panic!("{cases:?}") };
        assert_eq!((case.name.as_str(), case.variables.len(), case.place.line), ("no beer", 1, 1));
        assert_eq!(case.given[0].table.name, "silver.review");
        assert_eq!(case.given[0].rows[0].cells[1].value, Literal::Null);
        assert_eq!(case.given[0].rows[0].cells[2].place, Place { line: 5, column: 35 });
        assert_eq!(case.given[1].rows, []);
        assert_eq!(case.expect[0].cells[0].value, Literal::Number("1".to_owned()));
    }

    #[test]
    fn mistakes_in_a_fixture_name_their_line() {
        let text = "- name: a\n  givn: {}\n  expect: []\n- name: a\n  expect: [1]\n- given: {}\n";
        let problems = fixtures("f", text).unwrap_err();
        let lines: Vec<usize> = problems.0.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [2, 4, 5, 6, 6], "{problems}");
        assert!(problems.0[0].to_string().contains("did you mean 'given'?"), "{problems}");
    }
}
