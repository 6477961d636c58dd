//! The ports on AWS: so far the Iceberg catalog, in Glue.
//!
//! Nothing here knows what a table holds or decides what is to be done. Start with [`GlueCatalog`]; it passes
//! the same conformance suite as the catalog on a laptop.

mod glue_catalog;
pub mod sdk;

pub use glue_catalog::{GlueCatalog, GlueSettings};
