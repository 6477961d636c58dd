//! Commits to Iceberg tables that the `iceberg` crate does not publish, and what loading and tidying such tables takes.
//!
//! A [`Warehouse`] is a place for tables, [`Tables`] are those that a catalog knows there. Load a [`Table`], look at its
//! [`Live`] files, write new ones, and hand the difference over as [`Staged`]: [`Tables::commit`] makes one snapshot of it,
//! however many others commit at the same time, or says what it conflicts with and leaves nothing behind. How that is done,
//! and what counts as a conflict, is told in `docs/iceberg.md`.

mod backoff;
mod commit;
mod error;
mod live;
mod maintain;
mod manifests;
mod metadata;
mod scope;
mod staged;
mod storage;
mod table;
mod tables;
mod warehouse;

pub use backoff::CommitSettings;
pub use error::{CommitError, TableError};
pub use live::{Live, LiveFile};
pub use maintain::{Expire, Expired, Orphan, OrphanSettings, Orphans, Removed};
pub use scope::{Scope, may_apply};
pub use staged::{Kind, MayConflict, Staged};
pub use table::{NewTable, Table};
pub use tables::Tables;
pub use warehouse::Warehouse;
pub use weir_ports::catalog::{Catalog, CatalogError, Swap, TableName};
