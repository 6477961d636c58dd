//! Keeping a table small: old snapshots go from its metadata, then files that nothing refers to go from the disk.

mod expire;
mod orphans;
mod reach;

pub use expire::{Expire, Expired};
pub use orphans::{Orphan, OrphanSettings, Orphans, Removed};
