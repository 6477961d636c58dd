//! Parquet files as a plan of DataFusion, whatever table they are of.
//!
//! Files come with what is known of them beforehand: statistics, and which of their rows count. The rest, from row
//! groups to pages, is DataFusion's own reading of Parquet.

mod adapter;
mod plan;
mod pruning;
mod reader;
mod source;

pub(crate) use adapter::{ByFieldId, ByName, field_id, is_widening};
pub(crate) use plan::{ScanFile, Scanned, access, scan_files};
pub(crate) use pruning::{keep, total};
pub(crate) use reader::{Footers, Origin};
