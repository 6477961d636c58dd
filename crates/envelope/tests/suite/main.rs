//! The rules of `docs/envelopes.md`, each held by a test that names it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod arbitrary;
mod bad_input;
mod common;
mod debezium;
mod dms;
mod flat;
mod recorded;
