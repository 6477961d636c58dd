//! The same merge as SQL, for an engine that carries what outgrows one machine.
//!
//! Nothing here runs anything: statements are made from the contract alone, and [`script`] joins them. [`merge`] folds exactly as Weir's own merge does, the stored row with the
//! change records, so that both may write one table by turns. Start with `merge.rs`.

mod create;
mod merge;
mod name;
mod types;
mod view;

#[cfg(test)]
mod tests;

use weir_model::Contract;
use weir_model::contract::SilverKind;

/// Who runs the statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Engine {
    /// Apache Spark 3.5 or later with an Iceberg catalog.
    Spark,
}

/// The table that is merged into, by the names under which the engine knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// The engine's name for the Iceberg catalog, as in `spark.sql.catalog.<name>`.
    pub catalog: &'a str,
    /// The namespace.
    pub namespace: &'a str,
    /// The table.
    pub table: &'a str,
}

impl<'a> Target<'a> {
    /// The silver table of a contract, in the namespace `silver`.
    #[must_use]
    pub fn silver(catalog: &'a str, contract: &'a Contract) -> Self {
        Target { catalog, namespace: "silver", table: &contract.table }
    }
}

/// Which objects of bronze are read. Folders are URIs or paths as the engine opens them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bronze<'a> {
    /// Every Parquet file in a folder and below it, as `s3://lake/bronze/review/v1`.
    Folder(&'a str),
    /// These files below a folder; at least one.
    Files {
        /// The folder, as `s3://lake`.
        root: &'a str,
        /// The objects' keys, as `bronze/review/v1/year=2026/month=01/day=02/….parquet`.
        keys: &'a [String],
    },
}

/// A statement that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// The contract keeps the table in bronze.
    #[error("table '{table}' is not merged into silver (`weir.silver.kind: none`); give it a primary key and a kind")]
    NoSilver {
        /// The table.
        table: String,
    },
    /// A kind of silver table for which there is no SQL.
    #[error(
        "a merge of kind {kind} is not available for Spark yet (table '{table}'); merge it with `weir merge`, or make \
         it a snapshot (`weir.silver.kind: snapshot`)"
    )]
    Kind {
        /// The table.
        table: String,
        /// Its kind.
        kind: SilverKind,
    },
    /// Without a key there is nothing to merge by.
    #[error("table '{table}' has no primary key to merge by; mark its columns with `primaryKey: true`")]
    NoKey {
        /// The table.
        table: String,
    },
    /// SQL holds 0.0 and -0.0 equal, Weir does not.
    #[error(
        "key column '{column}' of table '{table}' is a float, and SQL does not tell the keys 0.0 and -0.0 apart; \
         declare it as decimal(p,s), or merge with `weir merge`"
    )]
    FloatKey {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A name that no quotes make safe.
    #[error("{what} '{name}' cannot stand in a Spark statement: {reason}; rename it")]
    Name {
        /// What is named.
        what: &'static str,
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No file to read.
    #[error("no bronze file of table '{table}' is given; name at least one, or the folder")]
    NoFiles {
        /// The table.
        table: String,
    },
}

/// The `MERGE INTO` that folds change records into a silver table of kind snapshot.
///
/// `view` names a temporary view or a table with all columns of the contract and those that bronze
/// adds; [`bronze_view`] makes one. Records may come twice, late and in any order. A row is written
/// only if something in it changes; where nothing does, Spark writes no file, but an empty snapshot.
///
/// # Errors
/// The contract has no primary key or a float in it, is of another kind, or has a column whose name
/// no quotes make safe.
pub fn merge(contract: &Contract, engine: Engine, target: &Target<'_>, view: &str) -> Result<String, SqlError> {
    match engine {
        Engine::Spark => merge::statement(contract, target, view),
    }
}

/// The `CREATE TABLE IF NOT EXISTS` of a silver table of kind snapshot: the columns, the partitions
/// and the properties that Weir gives it. Its namespace has to be there; a table that is there is left as it is.
///
/// # Errors
/// As [`merge`].
pub fn create_table(contract: &Contract, engine: Engine, target: &Target<'_>) -> Result<String, SqlError> {
    match engine {
        Engine::Spark => create::statement(contract, target),
    }
}

/// The `CREATE OR REPLACE TEMPORARY VIEW`s over bronze objects that [`merge`] reads: one, or two where
/// a column was renamed, of which the last is `view`.
///
/// Columns and types are the contract's, so files of its earlier minor versions are read as well: a
/// column that a file does not have is null there.
///
/// # Errors
/// No file is given, or a name is not safe.
pub fn bronze_view(
    contract: &Contract,
    engine: Engine,
    view: &str,
    bronze: &Bronze<'_>,
) -> Result<Vec<String>, SqlError> {
    match engine {
        Engine::Spark => view::statements(contract, view, bronze),
    }
}

/// Statements as one script: each ends with `;` and a line break.
#[must_use]
pub fn script(statements: &[String]) -> String {
    statements.iter().map(|statement| format!("{statement};\n")).collect::<Vec<_>>().join("\n")
}
