//! The silver table of a contract: its schema, partitions and order.
//!
//! [`Shape::of`] says what a new table is; [`evolve()`] says what has to change in one that is there.
//! Columns are told apart by their field ids, so a renamed column keeps its values.

mod error;
mod evolve;
mod partition;
mod schema;

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use iceberg::spec::{Schema, SortOrder, UnboundPartitionSpec};
use weir_model::Contract;
pub use weir_model::contract::SilverKind;

pub use error::ShapeError;
pub use evolve::{Evolution, evolve};
pub use schema::{arrow_schema, iceberg_type};

/// The names of the columns that silver adds.
pub mod columns {
    pub use weir_model::contract::silver::columns::*;
}

/// Properties of a silver table that are Weir's own.
pub mod properties {
    /// What a row stands for, as the contract's `weir.silver.kind` says it.
    pub const KIND: &str = "weir.silver.kind";
    /// The version of the contract that the table was last brought in line with.
    pub const CONTRACT_VERSION: &str = "weir.contract.version";
    /// The SHA-256 of that contract, in hexadecimal.
    pub const CONTRACT_DIGEST: &str = "weir.contract.digest";
    /// How many bytes a data file should have; Iceberg's own name for it.
    pub const TARGET_FILE_BYTES: &str = "write.target-file-size-bytes";
}

/// A silver table that is not there yet.
#[derive(Debug, Clone)]
pub struct Shape {
    /// What a row stands for; never [`SilverKind::None`].
    pub kind: SilverKind,
    /// The columns with their field ids, from 1. The primary key is its identifier, unless the key has a
    /// float, which Iceberg does not allow there.
    pub schema: Schema,
    /// How rows are grouped into partitions; its sources are field ids of `schema`.
    pub partition: UnboundPartitionSpec,
    /// How rows are ordered within a file; its sources are field ids of `schema`.
    pub sort: SortOrder,
    /// `schema` for writing: each field tells its id under `PARQUET:field_id`.
    pub arrow: SchemaRef,
    properties: HashMap<String, String>,
}

impl Shape {
    /// The table that `contract` asks for.
    ///
    /// # Errors
    /// Where the contract's kind is none, or Iceberg refuses what it asks for.
    pub fn of(contract: &Contract) -> Result<Shape, ShapeError> {
        let kind = kind(contract)?;
        let refused = |source| ShapeError::iceberg(contract, source);
        let schema = schema::new(contract).map_err(refused)?;
        let fields = partition::fields(contract, &schema)?;
        let partition = partition::spec(&fields, &schema).map_err(refused)?;
        // Binding says now what the table's creation would say later.
        partition.clone().bind(Arc::new(schema.clone())).map_err(refused)?;
        let sort = partition::sort(contract, &schema)?;
        let arrow = arrow_schema(&schema).map_err(refused)?;
        Ok(Shape { kind, schema, partition, sort, arrow, properties: new_properties(contract) })
    }

    /// The properties that a new table has: what it was made from, and how other engines should write
    /// to it.
    #[must_use]
    pub fn properties(&self) -> &HashMap<String, String> {
        &self.properties
    }
}

fn kind(contract: &Contract) -> Result<SilverKind, ShapeError> {
    match contract.silver.kind {
        SilverKind::None => Err(ShapeError::NoSilver { table: contract.table.clone() }),
        kind => Ok(kind),
    }
}

/// What the contract says, as properties; these follow it when it changes.
fn contract_properties(contract: &Contract) -> [(&'static str, String); 4] {
    [
        (properties::KIND, contract.silver.kind.to_string()),
        (properties::CONTRACT_VERSION, contract.version.to_string()),
        (properties::CONTRACT_DIGEST, contract.digest.clone()),
        (properties::TARGET_FILE_BYTES, contract.silver.target_file_bytes.to_string()),
    ]
}

fn new_properties(contract: &Contract) -> HashMap<String, String> {
    // Set once: whoever writes to the table with another engine may have reasons to change them.
    let writing = [
        ("write.delete.mode", "merge-on-read"),
        ("write.update.mode", "merge-on-read"),
        ("write.merge.mode", "merge-on-read"),
        ("write.parquet.compression-codec", "zstd"),
    ];
    let writing = writing.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    contract_properties(contract).into_iter().map(|(name, value)| (name.to_owned(), value)).chain(writing).collect()
}

#[cfg(test)]
mod tests;
