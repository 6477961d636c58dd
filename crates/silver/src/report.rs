//! What a merge did.

use serde::Serialize;

/// What a merge did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MergeReport {
    /// The table.
    pub table: String,
    /// The snapshot that was committed; `None` where nothing changed or nothing was to be written.
    pub snapshot: Option<i64>,
    /// Bronze files that were merged.
    pub sources: u64,
    /// Change records in them.
    pub changes: u64,
    /// Primary keys among them.
    pub keys: u64,
    /// Rows that are new in the table.
    pub rows_inserted: u64,
    /// Rows that took the place of a stored one, deletions among them.
    pub rows_updated: u64,
    /// Stored rows that have no place any more: doubles of a key, versions that another change moved.
    pub rows_removed: u64,
    /// Of the rows inserted or updated, those that are deleted in the source.
    pub rows_deleted: u64,
    /// Keys whose changes were known already, or are older than what is stored.
    pub keys_unchanged: u64,
    /// Values of one key and sequence that differ: the sequence does not order them, the greater value stands.
    pub ties: u64,
    /// Values that the source left out as unchanged and that no earlier record of the key has: null until one comes.
    pub unresolved: u64,
    /// Data files of the table that were opened.
    pub files_read: u64,
    /// Data files of the table.
    pub files_live: u64,
    /// Data files written.
    pub files_added: u64,
    /// Files of position deletes written.
    pub delete_files_added: u64,
    /// Data files taken out of the table.
    pub files_removed: u64,
    /// Bytes of all files written.
    pub bytes_written: u64,
    /// Ranges of keys that the merge was done in.
    pub passes: u64,
    /// How often it was planned; more than once where another writer was faster.
    pub plans: u32,
    /// How it changed the table's schema, and what a person should know.
    pub notes: Vec<String>,
}
