//! One model.

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{self, Query};
use sha2::{Digest, Sha256};
use weir_model::Problems;
use weir_model::sql_model::{Header, Place, Variable};
use weir_ports::catalog::TableName;

use super::variables;

/// A table as a query over others.
#[derive(Debug, Clone)]
pub struct Model {
    /// The table that it makes.
    pub name: TableName,
    /// Its file within the lake.
    pub file: String,
    /// What its header says; the SQL of tests and charts has the variables' values in place.
    pub header: Header,
    /// The query as its author wrote it.
    pub sql: String,
    /// Where the query begins in the file.
    pub body: Place,
    /// The query with the variables' values in place. Its spans are lines and columns of the file.
    pub query: Box<Query>,
    /// What it reads, each table once, by name.
    pub reads: Vec<Read>,
    /// SHA-256 of what the table's rows and their places depend on, in hexadecimal: the query without comments and
    /// with its variables, partitions and order. Descriptions, tests and charts are not among it.
    pub fingerprint: String,
    /// The query with its variables by name.
    pub(super) template: Box<Query>,
}

/// A table that a model reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The table.
    pub table: TableName,
    /// Where it is first named.
    pub place: Place,
}

impl Model {
    /// The query, as DataFusion plans it.
    #[must_use]
    pub fn statement(&self) -> Statement {
        Statement::Statement(Box::new(ast::Statement::Query(self.query.clone())))
    }

    /// The query with the variables' values in place and otherwise as its author wrote it, comments included: what
    /// another engine runs.
    #[must_use]
    pub fn portable_sql(&self) -> String {
        // The text was read before, so its tokens are known to be good.
        let text = variables::in_text(&self.sql, &self.header.variables).unwrap_or_else(|| self.query.to_string());
        text.trim_end().trim_end_matches(';').trim_end().to_owned()
    }

    /// A query of a test or a chart in which `this` is the model's table by its own name.
    #[must_use]
    pub fn sql_with_this(&self, sql: &str) -> String {
        super::parse::rename_this(sql, &self.name).unwrap_or_else(|| sql.to_owned())
    }

    /// The same model with other values of some variables.
    ///
    /// # Errors
    /// Where it has no such variable; `file` is where the values stand.
    pub fn with_variables(&self, file: &str, values: &[Variable]) -> Result<Model, Problems> {
        let mut model = self.clone();
        let names: Vec<&str> = self.header.variables.iter().map(|variable| variable.name.as_str()).collect();
        let mut problems = Vec::new();
        for value in values {
            match model.header.variables.iter_mut().find(|variable| variable.name == value.name) {
                Some(variable) => variable.value = value.value.clone(),
                None => problems.push(variables::unknown(file, value.place, &value.name, &names)),
            }
        }
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        model.query = variables::in_query(&self.template, &model.header.variables);
        model.fingerprint = fingerprint(&model.query, &model.header);
        Ok(model)
    }
}

pub(super) fn fingerprint(query: &Query, header: &Header) -> String {
    let mut hash = Sha256::new();
    let mut part = |text: &str| {
        // The length keeps two neighbours from being taken for others.
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    part("weir model 1");
    part(&query.to_string());
    for column in header.partition_columns() {
        part("partition");
        part(column);
    }
    for sort in &header.sort_by {
        part(if sort.descending { "descending" } else { "ascending" });
        part(&sort.column);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
