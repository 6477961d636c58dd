//! The layers of a lake as SQL tables.
//!
//! [`IcebergRows`] is the heart: the rows of an Iceberg table, of any snapshot or of any list of files, as a table of
//! DataFusion, its columns found by field id. [`QueryLake`] puts bronze, silver, gold and the control records beside each
//! other and answers queries over them. Nothing here writes to a lake. Start with `scan/rows.rs`.

mod error;
mod iceberg;
mod lake;
pub mod output;
mod scan;
mod session;
mod sql;

pub use datafusion::arrow::array::RecordBatch;
pub use datafusion::arrow::datatypes::SchemaRef;
pub use error::{FileError, QueryError};
pub use iceberg::{FileRows, IcebergRows, Positions};
pub use lake::{At, Query, QueryLake, Sources};
pub use session::{CATALOG, Settings, session};
