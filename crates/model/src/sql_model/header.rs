//! The header of a model: everything about its table but the query.

use serde::Serialize;

use super::{Literal, Named, Place, SqlText, Variable, read};
use crate::contract::SilverSettings;
use crate::problem::Problems;

/// The longest model that is read, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// What a model says of its table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Header {
    /// What a row is, for people.
    pub description: Option<String>,
    /// Columns of the result by whose values rows are grouped into partitions, outermost first; empty: not at all.
    pub partition_by: Vec<Named>,
    /// How rows are ordered within a file.
    pub sort_by: Vec<SortBy>,
    /// How many bytes a data file should have.
    pub target_file_bytes: u64,
    /// The values that the SQL names.
    pub variables: Vec<Variable>,
    /// What has to hold for the table's rows.
    pub tests: Vec<DataTest>,
    /// What a report draws.
    pub charts: Vec<Chart>,
}

/// A column that rows are ordered by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SortBy {
    /// The column.
    pub column: String,
    /// Whether the greatest comes first.
    pub descending: bool,
    /// Where it stands.
    pub place: Place,
}

/// A rule for the rows of a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataTest {
    /// What it is called in reports: the author's name for it, else made from the rule.
    pub name: String,
    /// What follows from a failure.
    pub severity: Severity,
    /// The rule.
    pub rule: Rule,
    /// Where it stands.
    pub place: Place,
}

/// What follows from a data test that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It is told, and the table is committed.
    Warn,
    /// The table is not committed.
    Error,
}

/// What has to hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Rule {
    /// None of the columns is null.
    NotNull {
        /// The columns.
        columns: Vec<Named>,
    },
    /// No two rows agree in all of the columns; rows in which one is null are left out.
    Unique {
        /// The columns.
        columns: Vec<Named>,
    },
    /// A column holds one of the values, or null.
    AcceptedValues {
        /// The column.
        column: Named,
        /// The values.
        values: Vec<Literal>,
    },
    /// A column's values are found in a column of another table, or are null.
    Relationship {
        /// The column.
        column: Named,
        /// Where its values are looked for.
        to: ColumnOf,
    },
    /// The table has so many rows.
    RowCount {
        /// At least.
        min: Option<u64>,
        /// At most.
        max: Option<u64>,
    },
    /// A query that returns no row; the table is called `this` in it.
    Sql(SqlText),
}

/// A column of another table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnOf {
    /// `silver` or `gold`.
    pub schema: String,
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// Where it stands.
    pub place: Place,
}

/// What a report draws of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chart {
    /// What stands above it.
    pub title: String,
    /// How it is drawn.
    pub kind: ChartKind,
    /// Labels in the first column, a series in each other; the table is called `this` in it.
    pub sql: SqlText,
    /// Where it stands.
    pub place: Place,
}

/// How a chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChartKind {
    /// A bar for each label.
    Bar,
    /// A line through the labels.
    Line,
}

/// A model file, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Split<'a> {
    /// What its header says; defaults where it has none.
    pub header: Header,
    /// The query, as it is written.
    pub body: &'a str,
    /// Where the query begins.
    pub body_place: Place,
}

impl Default for Header {
    fn default() -> Self {
        Header {
            description: None,
            partition_by: Vec::new(),
            sort_by: Vec::new(),
            target_file_bytes: SilverSettings::DEFAULT_FILE_BYTES,
            variables: Vec::new(),
            tests: Vec::new(),
            charts: Vec::new(),
        }
    }
}

impl Header {
    /// The names of the columns that the table is partitioned by.
    pub fn partition_columns(&self) -> impl Iterator<Item = &str> {
        self.partition_by.iter().map(|column| column.name.as_str())
    }

    /// Reads the header of the model in `text` and finds where its query begins. The header is a block comment
    /// before the first word of the query; blank lines and comments of one line may stand before it.
    ///
    /// # Errors
    /// Every mistake in the header, each with its line in the file.
    pub fn split<'a>(file: &str, text: &'a str) -> Result<Split<'a>, Problems> {
        let one = |place: Place, message: String, help: Option<String>| {
            Err(Problems(vec![place.problem(file, "", message, help)]))
        };
        if text.len() > MAX_BYTES {
            return one(
                Place::START,
                format!("the model has {} bytes, at most {MAX_BYTES} are read", text.len()),
                None,
            );
        }
        let start = skip(text);
        if !text[start..].starts_with("/*") {
            return Ok(Split { header: Header::default(), body: &text[start..], body_place: place(text, start) });
        }
        let Some(length) = text[start..].find("*/") else {
            let help = Some("end the header with */ before the query".to_owned());
            return one(place(text, start), "the block comment that begins here has no end".to_owned(), help);
        };
        // Blanks in place of all else, so that lines and columns are those of the file.
        let mut yaml: String = text[..start].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        yaml.push_str("  ");
        yaml.push_str(&text[start + 2..start + length]);
        let header = read::header(file, &yaml)?;
        let end = start + length + 2;
        let body = end + skip(&text[end..]);
        Ok(Split { header, body: &text[body..], body_place: place(text, body) })
    }
}

/// Where something other than white space and comments of one line begins.
fn skip(text: &str) -> usize {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    loop {
        rest = rest.trim_start();
        match rest.strip_prefix("--") {
            Some(comment) => rest = comment.find('\n').map_or("", |end| &comment[end..]),
            None => return text.len() - rest.len(),
        }
    }
}

/// The place of the byte at `index`.
fn place(text: &str, index: usize) -> Place {
    let before = &text[..index];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Place { line: 1 + before.matches('\n').count(), column: 1 + before[line_start..].chars().count() }
}

#[cfg(test)]
mod tests;
