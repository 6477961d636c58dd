//! Iceberg tables as tables of DataFusion.

mod known;
mod rows;
mod table;

pub use rows::{FileRows, IcebergRows, Positions};
pub(crate) use table::{no_such_snapshot, snapshot_at};
