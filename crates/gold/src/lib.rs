//! SQL models: what they read, which of their partitions a change can touch, how they are built, tested and committed.
//!
//! Never touches raw files, bronze or control records: its inputs are Iceberg tables, and so are its outputs.
//! Start with [`models`]: a file becomes a model; then `plan.rs`: what of it has to be built; `touch`: how changed
//! rows lead to partitions; `build.rs`: one build; `run.rs`: many.

pub mod audit;
mod build;
mod delta;
mod error;
pub mod fixtures;
mod marks;
pub mod models;
mod opened;
mod partitions;
mod plan;
mod run;
mod settings;
mod table;
mod touch;

pub use build::{Action, Built};
pub use error::GoldError;
pub use plan::Cause;
pub use run::{BuildObserver, Gold, ModelBuild, ModelFailure, ModelPlan};
pub use settings::Settings;
