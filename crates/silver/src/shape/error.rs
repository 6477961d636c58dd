//! Why a table cannot have the shape that a contract asks for.

use thiserror::Error;
use weir_model::Contract;
use weir_model::contract::SilverKind;

/// Why a table cannot have the shape that a contract asks for. Nothing was changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// The contract asks for no silver table.
    #[error(
        "table '{table}' has no silver table: its kind is none; set 'weir.silver.kind', and mark a primary key if it has none"
    )]
    NoSilver {
        /// The table.
        table: String,
    },
    /// A column's type changed in a way that stored values cannot follow.
    #[error("column '{column}' of silver table '{table}' is {stored} and the contract makes it {wanted}; {advice}")]
    ColumnType {
        /// The table.
        table: String,
        /// The column, by the contract's name.
        column: String,
        /// Its type in the table.
        stored: String,
        /// Its type by the contract.
        wanted: String,
        /// Why not, and what to do.
        advice: &'static str,
    },
    /// The primary key is made of other columns now.
    #[error(
        "the primary key of silver table '{table}' is ({stored}) and the contract makes it ({wanted}); rows cannot be told apart by another key afterwards: {REBUILD}"
    )]
    Key {
        /// The table.
        table: String,
        /// Its key, by the table's names.
        stored: String,
        /// Its key, by the contract's names.
        wanted: String,
    },
    /// A row stands for something else now.
    #[error("silver table '{table}' is of kind '{stored}' and the contract makes it '{wanted}'; {REBUILD}")]
    Kind {
        /// The table.
        table: String,
        /// Its kind.
        stored: String,
        /// The kind by the contract.
        wanted: SilverKind,
    },
    /// Another column is followed now.
    #[error(
        "silver table '{table}' does not follow the state column '{wanted}'; if the column had another name before, say so with 'weir.renamedFrom', else {REBUILD}"
    )]
    StateColumn {
        /// The table.
        table: String,
        /// The column to follow, by the contract.
        wanted: String,
    },
    /// The table has rows and other partitions.
    #[error(
        "silver table '{table}' is partitioned by ({stored}) and the contract says ({wanted}); stored rows do not move to other partitions: put 'weir.silver.partitionBy' back, or {REBUILD}"
    )]
    Partition {
        /// The table.
        table: String,
        /// Its partitions.
        stored: String,
        /// The partitions by the contract.
        wanted: String,
    },
    /// A column has both its own name and an earlier one in the table.
    #[error(
        "silver table '{table}' has a column '{column}' and a column '{earlier}', of which 'weir.renamedFrom' says that they are one; take the setting out and both stay, or {REBUILD}"
    )]
    BothNames {
        /// The table.
        table: String,
        /// The column, by the contract's name.
        column: String,
        /// The earlier name.
        earlier: String,
    },
    /// A column that every row needs is not there, or may be null.
    #[error(
        "silver table '{table}' has no required column '{column}', so it is not one that Weir made for this contract; {REBUILD}"
    )]
    Missing {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// Iceberg's own rules.
    #[error("silver table '{table}' cannot be as the contract says: {source}; change the contract, or {REBUILD}")]
    Iceberg {
        /// The table.
        table: String,
        /// What Iceberg says.
        source: Box<iceberg::Error>,
    },
}

/// What can always be done.
const REBUILD: &str = "drop the silver table and merge its bronze again, or write a contract with another table name";

impl ShapeError {
    pub(super) fn iceberg(contract: &Contract, source: iceberg::Error) -> Self {
        ShapeError::Iceberg { table: contract.table.clone(), source: Box::new(source) }
    }
}
