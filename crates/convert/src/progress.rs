//! How far a conversion is, for whoever watches it from another thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counters that only grow, and a way to stop.
#[derive(Debug, Default)]
pub struct Progress {
    bytes_in: AtomicU64,
    bytes_decompressed: AtomicU64,
    rows_in: AtomicU64,
    cancelled: AtomicBool,
}

impl Progress {
    /// Bytes of the object that were read.
    pub fn bytes_in(&self) -> u64 {
        self.bytes_in.load(Ordering::Relaxed)
    }

    /// Bytes after decompression.
    pub fn bytes_decompressed(&self) -> u64 {
        self.bytes_decompressed.load(Ordering::Relaxed)
    }

    /// Records found so far.
    pub fn rows_in(&self) -> u64 {
        self.rows_in.load(Ordering::Relaxed)
    }

    /// Makes the conversion stop with [`crate::ConvertError::Cancelled`], soon.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    pub(crate) fn set_bytes(&self, bytes_in: u64, bytes_decompressed: u64) {
        self.bytes_in.store(bytes_in, Ordering::Relaxed);
        self.bytes_decompressed.store(bytes_decompressed, Ordering::Relaxed);
    }

    pub(crate) fn set_rows_in(&self, rows_in: u64) {
        self.rows_in.store(rows_in, Ordering::Relaxed);
    }
}
