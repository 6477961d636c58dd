//! A lake in a folder of one machine: open it, fill it, run it.
//!
//! Never decides what happens to a file, which is `weir-pipeline`'s; it finds the files, wires the
//! local ports and runs the use cases until nothing is pending. Start with [`LocalLake`].

pub mod examples;
mod generate;
mod gold;
mod models;
mod open;
mod query;
mod report;
mod run;
mod scan;
mod silver;
mod stream;

pub use generate::{Generated, GeneratedChanges, generate, generate_changes};
pub use models::{DataTests, FixtureFile, run_data_tests, run_fixtures};
pub use open::{LocalLake, OpenError, control_path};
pub use report::report;
pub use run::{FileResult, Observer, RunError, RunReport, Standing, run};
pub use scan::{Oddity, Scan, scan};
pub use silver::{CATALOG_NAME, TableMerge, catalog_path, merge_tables, moved, moved_from};
pub use stream::{StreamError, StreamOptions, Streamed, stream};
