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

/// How deep JSON may nest. Deeper values are refused, not read on the stack.
pub(crate) const MAX_JSON_DEPTH: usize = 128;

/// Small inputs may compress as well as they like; the ratio is judged from here on.
pub(crate) const RATIO_GRACE_BYTES: u64 = 64 << 20;

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

    /// Bytes of one block of decompressed input. A few of them are on their way at once.
    pub(crate) fn block_bytes(&self) -> usize {
        (self.memory_bytes / 64).clamp(64 << 10, 1 << 20)
    }

    /// Bytes of text that one batch of rows is made from. Four batches exist at once.
    pub(crate) fn batch_bytes(&self) -> usize {
        (self.memory_bytes / 32).clamp(256 << 10, 8 << 20)
    }

    /// Encoded bytes after which a row group ends.
    pub(crate) fn row_group_bytes(&self) -> usize {
        (self.memory_bytes / 6).clamp(2 << 20, 128 << 20)
    }

    /// Bytes that each of `columns` may spend on a dictionary, and on an unfinished page.
    pub(crate) fn column_bytes(&self, columns: usize) -> usize {
        (self.memory_bytes / 8 / columns.max(1)).clamp(16 << 10, 1 << 20)
    }

    /// The largest window of a Zstandard frame, as a power of two.
    pub(crate) fn zstd_window_log(&self) -> u32 {
        (self.memory_bytes / 4).max(1 << 20).ilog2()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings::of_lake(&IngestSettings::default())
    }
}
