//! SQL models as their authors write them: what the header of a model says, and the rows that a fixture gives and expects.
//!
//! Nothing here reads SQL. A model is a file of one block comment, which is YAML and is read by
//! [`Header::split`], and one query, which belongs to whoever has a parser for it. Every place counts
//! from the first line of the file, so that a person finds it.

mod fixture;
mod header;
mod read;

pub use fixture::{Case, Cell, Given, Row, fixtures};
pub use header::{Chart, ChartKind, ColumnOf, DataTest, Header, Rule, Severity, SortBy, Split};

use std::fmt;

use serde::Serialize;

use crate::problem::Problem;
use crate::yaml::{Node, Value};

/// Where something stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
}

impl Place {
    /// The first character of a file.
    pub const START: Place = Place { line: 1, column: 1 };

    /// What is wrong here.
    #[must_use]
    pub fn problem(self, file: &str, path: &str, message: impl Into<String>, help: Option<String>) -> Problem {
        Problem {
            file: file.to_owned(),
            line: self.line,
            column: self.column,
            path: path.to_owned(),
            message: message.into(),
            help,
        }
    }

    pub(crate) fn of(node: &Node) -> Place {
        Place { line: node.line, column: node.column }
    }
}

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named {
    /// The name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
}

/// A value that a person wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Literal {
    /// No value.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number in its own spelling.
    Number(String),
    /// Text.
    Text(String),
}

impl Literal {
    pub(crate) fn of(node: &Node) -> Option<Literal> {
        Some(match &node.value {
            Value::Null => Literal::Null,
            Value::Bool(value) => Literal::Boolean(*value),
            Value::Number(text) => Literal::Number(text.clone()),
            Value::String(text) => Literal::Text(text.clone()),
            Value::List(_) | Value::Map(_) => return None,
        })
    }
}

/// As SQL writes it.
impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Null => f.write_str("NULL"),
            Literal::Boolean(value) => f.write_str(if *value { "TRUE" } else { "FALSE" }),
            Literal::Number(text) => f.write_str(text),
            Literal::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
        }
    }
}

/// A value that a model's SQL names as `$name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Variable {
    /// The name, without the dollar sign.
    pub name: String,
    /// The value; never [`Literal::Null`].
    pub value: Literal,
    /// Where the name stands.
    pub place: Place,
}

/// SQL within a YAML document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SqlText {
    /// The statement.
    pub sql: String,
    /// Where its first character stands.
    pub place: Place,
}

impl SqlText {
    /// The place in the file of a place in the statement.
    #[must_use]
    pub fn place_of(&self, inner: Place) -> Place {
        // All lines of a YAML block are indented alike.
        Place { line: self.place.line + inner.line - 1, column: self.place.column + inner.column - 1 }
    }
}
