//! How much a merge may use.

/// How much a merge may use.
#[derive(Debug, Clone)]
pub struct Settings {
    /// About how many bytes the changes that are merged at one time may take, with the rows that they
    /// meet. A larger merge is done by ranges of keys, one after the other.
    pub memory_bytes: usize,
    /// How many files are read or written at one time.
    pub workers: usize,
    /// How often a merge is planned again when other writers were faster.
    pub max_plans: u32,
    /// A data file of whose rows this share is deleted is written anew rather than given more
    /// position deletes.
    pub rewrite_share: f64,
}

impl Settings {
    /// 256 MiB: what a function of 512 MB has room for beside its own code and buffers.
    pub const DEFAULT_MEMORY_BYTES: usize = 256 << 20;
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            memory_bytes: Self::DEFAULT_MEMORY_BYTES,
            workers: std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8),
            max_plans: 20,
            rewrite_share: 0.3,
        }
    }
}
