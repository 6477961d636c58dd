//! Deterministic example data for the tables of a lake, made from their contracts.
//!
//! It never opens a file, reads a clock or asks the system for randomness: the caller gives every writer, and
//! the same contracts, rows, seed and options give the same bytes.
//! Start with [`Plan::new`], then [`TablePlan::write`] for rows and [`Plan::changes`] for what happens to them later;
//! `docs/generate.md` lists the words of a contract's hints.
//!
//! Every value is a function of the seed, the table, the column and the row's number. So a row does not depend on
//! how many rows there are or on the file that it lands in, and files can be written in any order or at once.

mod calendar;
mod changes;
mod decimal;
mod generator;
mod hint;
mod names;
mod options;
mod plan;
mod problem;
mod prose;
mod random;
mod resolve;
mod row;
mod share;
mod skew;
mod values;
mod write;

pub use changes::{Change, ChangeCounts, ChangeError, ChangeStream, Changes, LeftOut};
pub use options::Options;
pub use plan::{FilePlan, Plan, TablePlan};
pub use problem::{HintProblem, PlanError};
pub use row::Rows;
pub use write::{Progress, Sink};
