//! Rules of commits, on objects in memory and in a folder.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails a test")]

mod conflicts;
mod folder;
mod maintain;
mod model;
mod others;
mod outcome;
mod races;
mod replace;
mod shape;
mod support;
