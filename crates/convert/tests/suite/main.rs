//! The converter from its input to its output: each test converts text and reads the Parquet file
//! back.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod bronze;
mod common;
mod csv;
mod inference;
mod json;
mod long_records;
mod mutations;
mod output;
mod quarantine;
mod round_trip;
mod values;
