//! The real binary over the emulated Runtime API, fed with the events that Firehose sends.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod answers;
mod common;
mod errors;
mod log;
mod settings;
mod size;
