//! What a caller chooses; everything else comes from the contracts.

use weir_model::raw::{Compression, Format};

/// How the data is made and written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Another seed gives other data.
    pub seed: u64,
    /// `None`: as each contract's `weir.format` says, else CSV.
    pub format: Option<Format>,
    /// How the files are packed.
    pub compression: Compression,
    /// The most rows of one file, at least 1.
    pub rows_per_file: u64,
    /// 1 (fast) to 9 (small).
    pub gzip_level: u32,
}

impl Options {
    /// On rows of short numbers twice as fast as zlib's own default (6), for files that are 5 % larger.
    pub const GZIP_LEVEL: u32 = 3;
    /// About 50 MB of text for a table of ten short columns.
    pub const ROWS_PER_FILE: u64 = 1_000_000;
}

impl Default for Options {
    fn default() -> Self {
        Options {
            seed: 1,
            format: None,
            compression: Compression::Gzip,
            rows_per_file: Self::ROWS_PER_FILE,
            gzip_level: Self::GZIP_LEVEL,
        }
    }
}
