//! New rows and position deletes as files of the table, which no snapshot names yet.

mod data;
mod deletes;
mod folder;
mod gather;
mod statistics;
mod transform;
mod written;

pub(crate) use data::{FileWriter, write_rows};
pub(crate) use deletes::{FILE_PATH_ID, position_fields, write_deletes};
pub(crate) use written::{Written, run};

use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};

/// Below so many rows a file is compressed with Snappy: it is soon merged into a larger one, and
/// starting Zstandard costs more than it saves.
const SMALL_ROWS: usize = 4096;

fn properties(rows: usize) -> WriterPropertiesBuilder {
    let compression = if rows < SMALL_ROWS {
        Compression::SNAPPY
    } else {
        // Level 1 of zstd is always valid.
        Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default())
    };
    WriterProperties::builder()
        .set_created_by(concat!("weir ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(compression)
        .set_statistics_enabled(EnabledStatistics::Chunk)
}
