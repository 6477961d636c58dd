//! What queries promise, over tables in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what fails here fails a test")]

mod deletes;
mod evolution;
mod lake;
mod pruning;
mod support;
mod travel;
