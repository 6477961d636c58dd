//! Under which limits models are built.

use std::path::PathBuf;

/// Under which limits models are built.
#[derive(Debug, Clone)]
pub struct Settings {
    /// About what a build may hold at one time, in bytes. What sorts, joins and groups beyond it goes to disk.
    pub memory_bytes: usize,
    /// Threads of a query, and files written at one time.
    pub workers: usize,
    /// Where intermediate rows go that do not fit into memory; `None`: the system's folder for such.
    pub spill_folder: Option<PathBuf>,
    /// How often a model is built whose table others keep changing.
    pub max_builds: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            memory_bytes: 1 << 30,
            workers: std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 16),
            spill_folder: None,
            max_builds: 5,
        }
    }
}
