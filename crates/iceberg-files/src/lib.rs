//! Parquet files of Iceberg tables: written with what manifests say of them, and their position deletes read.
//!
//! [`FileShape`] says what a table's files look like. [`FileWriter`] writes one file, [`write_partitioned`] the rows of
//! whole streams, and [`Written`] keeps what they began, so that a plan that fails can take its files away.
//! [`Deletes`] are the rows of a data file that are no more. Nothing here commits: that is `iceberg-commit`'s.

mod batches;
mod conform;
mod deletes;
mod error;
mod folder;
mod groups;
mod partitioned;
mod shape;
mod statistics;
mod transform;
mod writer;
mod written;

pub use deletes::{Deletes, applying, read_positions, write_deletes};
pub use error::{FilesError, WriteError};
pub use partitioned::{PartitionedFiles, PartitionedOptions, write_partitioned};
pub use shape::FileShape;
pub use transform::transform;
pub use writer::{FileWriter, ROW_GROUP_ROWS, properties};
pub use written::{Written, run};
