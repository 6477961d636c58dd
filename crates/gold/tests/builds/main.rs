//! Builds of models over real tables: incremental ones equal full ones, a second one does nothing, a failed one leaves
//! all as it was.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod converges;
mod rules;
mod world;
