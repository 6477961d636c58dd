//! How much a conversion may hold, and how it writes; every buffer's size follows from one number.

use weir_model::lake::{IngestSettings, ParquetCompression};

/// The bounds of one conversion.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// What all buffers together may hold, in bytes.
    pub memory_bytes: usize,
    /// The longest record that is read, in bytes.
    pub max_record_bytes: usize,
    /// Input that decompresses to more than this fails, in bytes.
    pub max_decompressed_bytes: u64,
    /// Input that decompresses to more than so many times its size fails.
    pub max_compression_ratio: u64,
    /// How Parquet pages are packed.
    pub compression: ParquetCompression,
}

/// A contract may allow any share of bad rows; beyond so many the file fails all the same, so that
/// a quarantine object stays something that a person can read.
pub(crate) const MAX_QUARANTINED_ROWS: u64 = 1_000_000;

/// Small inputs may compress as well as they like; the ratio is judged from here on.
pub(crate) const RATIO_GRACE_BYTES: u64 = 64 << 20;

/// Rows after which a row group ends, whatever its bytes.
pub(crate) const ROW_GROUP_ROWS: usize = 1 << 20;

/// Rows after which a page ends, whatever its bytes.
const PAGE_ROWS: usize = 20_000;

/// About what Zstandard holds for one column at the level that is used here.
const PACKER_BYTES: usize = 512 << 10;

impl Settings {
    /// The settings of a lake.
    #[must_use]
    pub fn of_lake(ingest: &IngestSettings) -> Self {
        Settings {
            memory_bytes: usize::try_from(ingest.memory_mb << 20).unwrap_or(usize::MAX),
            max_record_bytes: usize::try_from(ingest.max_record_bytes).unwrap_or(usize::MAX),
            max_decompressed_bytes: ingest.max_decompressed_bytes,
            max_compression_ratio: ingest.max_compression_ratio,
            compression: ingest.compression,
        }
    }

    // The budget, in parts of `memory_bytes`. Each line is the most of its kind at one time:
    //
    //   1/8    the window of a Zstandard frame of the input (gzip needs 32 KiB)
    //   1/16   4 blocks: two that wait, one being filled, one being read
    //   1/8    the window of text: the longest record (a lake's settings allow it an eighth) and a block
    //   1/64   tokens
    //   1/4    4 batches of up to a sixteenth: being filled, being handed over, waiting, being encoded
    //   5/16   the row group: encoded pages, dictionaries, bloom filters
    //   1/8    Zstandard's memory for packing pages, which Rust's allocator does not see
    //
    // The footer stands beside the budget: about 100 bytes for each page and 400 for each column of
    // each row group, until the end. The lower bounds of sizes are for tests, which want records to cross blocks.

    /// Bytes of one block of decompressed input.
    pub(crate) fn block_bytes(&self) -> usize {
        (self.memory_bytes / 64).clamp(1, 1 << 20)
    }

    /// Bytes of values after which a batch ends. A piece of text, itself about half of this, is read
    /// whole, so that a batch may be twice as large.
    pub(crate) fn batch_bytes(&self) -> usize {
        (self.memory_bytes / 32).clamp(1, 8 << 20)
    }

    /// Bytes that the places of values in one piece of text may take.
    pub(crate) fn token_bytes(&self) -> usize {
        (self.memory_bytes / 64).clamp(1, 2 << 20)
    }

    /// Bytes of the encoder after which a row group ends.
    pub(crate) fn row_group_bytes(&self) -> usize {
        (self.memory_bytes / 16).saturating_mul(5).clamp(1 << 20, 256 << 20)
    }

    /// Bytes that each of `columns` may spend on a dictionary.
    pub(crate) fn dictionary_bytes(&self, columns: usize) -> usize {
        (self.memory_bytes / 16 / columns.max(1)).clamp(8 << 10, 1 << 20)
    }

    /// Bytes and rows after which a page of one of `columns` ends.
    ///
    /// A column that has packed a page keeps its packer until its row group ends. Where there is no
    /// memory for so many of them a page is as long as its row group: then they follow each other.
    pub(crate) fn page_limits(&self, columns: usize) -> (usize, usize) {
        if columns <= self.memory_bytes / 8 / PACKER_BYTES {
            (self.dictionary_bytes(columns), PAGE_ROWS)
        } else {
            (self.row_group_bytes(), ROW_GROUP_ROWS)
        }
    }

    /// How many columns may have a dictionary. The writer makes room for 4,096 values of each at once.
    pub(crate) fn dictionaries(&self) -> usize {
        self.memory_bytes / 8 / (80 << 10)
    }

    /// The largest window of a Zstandard frame, as a power of two.
    pub(crate) fn zstd_window_log(&self) -> u32 {
        (self.memory_bytes / 8).max(1 << 20).ilog2()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings::of_lake(&IngestSettings::default())
    }
}
