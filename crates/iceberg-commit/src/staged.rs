//! What a commit is to change.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use iceberg::TableUpdate;
use iceberg::spec::{DataFile, Struct};

use crate::live::LiveFile;

/// Tells of a data file that another writer added whether it could hold one of this commit's keys.
pub type MayConflict = Arc<dyn Fn(&DataFile) -> bool + Send + Sync>;

/// What a commit means.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Kind {
    /// Rows are added, and nothing else.
    #[default]
    Append,
    /// Rows are added, replaced or deleted, by files or by positions.
    RowDelta,
    /// Files are rewritten, with the same rows in them: compaction.
    Replace,
    /// All that these partitions hold is replaced by what is added. They are partitions of the table's default spec.
    ReplacePartitions(Vec<Struct>),
    /// All that the table holds, under whatever partition spec it was written, is replaced by what is added.
    ReplaceTable,
}

/// A commit to be. All files were written already.
#[derive(Clone, Default)]
pub struct Staged {
    /// What it means.
    pub kind: Kind,
    /// New data files, written under the default spec (that which `updates` leave).
    pub add_data: Vec<DataFile>,
    /// New delete files, written under the default spec.
    pub add_deletes: Vec<DataFile>,
    /// Data files that go. Delete files that are about one of these alone go with it.
    pub remove_data: Vec<Arc<LiveFile>>,
    /// Delete files that go.
    pub remove_deletes: Vec<Arc<LiveFile>>,
    /// Data files that `add_deletes` point into: they must still be live, with the same deletes, when this is committed.
    pub targets: Vec<Arc<LiveFile>>,
    /// Could a data file that another writer added hold one of this commit's keys? `None`: such files do not matter.
    pub may_conflict: Option<MayConflict>,
    /// Changes of metadata, such as of the schema, that come before the snapshot.
    pub updates: Vec<TableUpdate>,
    /// What the snapshot's summary says besides its counts.
    pub summary: BTreeMap<String, String>,
    /// Properties of the table that are set in the same step.
    pub properties: BTreeMap<String, String>,
    /// Properties of the table whose values this commit was planned from: each must still be what it is in the base.
    pub unchanged_properties: Vec<String>,
}

impl fmt::Debug for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staged")
            .field("kind", &self.kind)
            .field("add_data", &self.add_data.len())
            .field("add_deletes", &self.add_deletes.len())
            .field("remove_data", &self.remove_data.len())
            .field("remove_deletes", &self.remove_deletes.len())
            .field("targets", &self.targets.len())
            .field("updates", &self.updates)
            .field("summary", &self.summary)
            .field("properties", &self.properties)
            .field("unchanged_properties", &self.unchanged_properties)
            .finish_non_exhaustive()
    }
}

impl Staged {
    /// Whether no file comes or goes by name.
    pub(crate) fn no_files(&self) -> bool {
        self.add_data.is_empty()
            && self.add_deletes.is_empty()
            && self.remove_data.is_empty()
            && self.remove_deletes.is_empty()
    }

    /// Whether files go that are not told by name.
    pub(crate) fn replaces(&self) -> bool {
        self.kind == Kind::ReplaceTable || !self.partitions().is_empty()
    }

    /// Whether it is about metadata alone.
    pub(crate) fn only_metadata(&self) -> bool {
        self.no_files() && !self.replaces()
    }

    /// The partitions that are replaced.
    pub(crate) fn partitions(&self) -> &[Struct] {
        match &self.kind {
            Kind::ReplacePartitions(partitions) => partitions,
            _ => &[],
        }
    }
}
