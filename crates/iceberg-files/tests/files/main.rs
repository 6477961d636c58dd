//! Rules of data files and position deletes, on objects in memory.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails a test")]

mod deletes;
mod failures;
mod limits;
mod model;
mod refused;
mod support;
