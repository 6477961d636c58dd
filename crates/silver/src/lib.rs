//! Bronze to silver: fold changes by key, find the stored rows, merge, commit one Iceberg snapshot.
//!
//! [`merge()`] is the way in. What becomes of the changes of one key is told in [`mod@fold`]; it depends on
//! the set of changes alone, not on how they were cut into merges, which is what makes a repeated,
//! late or concurrent merge harmless.

mod bronze;
mod carried;
mod compact;
mod error;
mod find;
pub mod fold;
mod keys;
mod merge;
mod ordered;
mod plan;
mod report;
mod rows;
mod settings;
pub mod shape;
pub mod sql;
mod table;
mod write;

pub use compact::{CompactReport, compact};
pub use error::MergeError;
pub use merge::{CONTROL_COUNT, CONTROL_IDS, NAMESPACE, Silver, Source, merge, table_name};
pub use report::MergeReport;
pub use settings::Settings;
