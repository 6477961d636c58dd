//! Commits: prepare what comes next, swap the head, and where another was faster, look whether both go together.

mod check;
mod prepare;
mod settle;
mod summary;
mod validate;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use iceberg::spec::{ManifestFile, TableMetadataRef};
use rand::Rng;
use uuid::Uuid;

use crate::error::CommitError;
use crate::live::LiveFile;
use crate::staged::Staged;
use crate::table::Table;
use crate::tables::Tables;
pub(crate) use prepare::now_ms;
pub(crate) use settle::Settled;

impl Tables {
    /// Makes one snapshot of what is staged, on top of `base` or, where others committed meanwhile and nothing of
    /// theirs conflicts, on top of that. Returns the table's new head.
    ///
    /// Where nothing is staged there is no snapshot, and `base` comes back; properties and updates alone change the
    /// metadata without one. Unless it says [`CommitError::Unknown`], a commit that fails leaves nothing behind but the
    /// data and delete files that it was given.
    ///
    /// # Errors
    /// [`CommitError`].
    pub async fn commit(&self, base: &Table, staged: Staged) -> Result<Table, CommitError> {
        let mut commit = Commit::new(self, base, staged)?;
        let result = commit.run().await;
        // While the outcome is unknown, readers may need any of these files.
        if !matches!(result, Err(CommitError::Unknown { .. })) {
            let Commit { written, kept, .. } = commit;
            self.discard(written.into_iter().filter(|uri| !kept.contains(uri))).await;
        }
        result
    }
}

/// A commit under way.
struct Commit<'a> {
    tables: &'a Tables,
    base: &'a Table,
    staged: Staged,
    snapshot_id: i64,
    /// In the names of all files of this commit.
    id: Uuid,
    /// Of the manifests of this commit.
    number: u32,
    /// The manifests of what is added. They are the same in every attempt.
    added: Option<Vec<ManifestFile>>,
    /// Manifests made from others, by what they were made of. An attempt takes over what an earlier one wrote.
    derived: HashMap<Derived, ManifestFile>,
    /// Every file that was written or begun.
    written: BTreeSet<String>,
    /// Of these, what the winning attempt needs.
    kept: BTreeSet<String>,
}

/// From which manifests one was made, and which files were left out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Derived {
    from: Vec<String>,
    without: Vec<String>,
}

/// The head that an attempt builds on.
struct Head {
    table: Table,
    manifests: Arc<Vec<ManifestFile>>,
    /// Live files that are in another manifest than in the base, by path.
    moved: HashMap<String, Arc<LiveFile>>,
}

/// What an attempt wrote and wants to be the head.
struct Prepared {
    metadata: TableMetadataRef,
    location: String,
    /// `None` where metadata alone changes.
    snapshot_id: Option<i64>,
    /// Files of this attempt alone, which a loser deletes.
    own: Vec<String>,
    /// Files that the snapshot refers to.
    refers_to: Vec<String>,
}

impl<'a> Commit<'a> {
    fn new(tables: &'a Tables, base: &'a Table, staged: Staged) -> Result<Self, CommitError> {
        check::check(base, &staged)?;
        let snapshot_id = new_snapshot_id(base);
        Ok(Commit {
            tables,
            base,
            staged,
            snapshot_id,
            id: Uuid::new_v4(),
            number: 0,
            added: None,
            derived: HashMap::new(),
            written: BTreeSet::new(),
            kept: BTreeSet::new(),
        })
    }

    async fn run(&mut self) -> Result<Table, CommitError> {
        let base = self.base.clone();
        let manifests = base.manifest_list(self.tables.warehouse()).await?.unwrap_or_default();
        let mut head = Head { table: base, manifests, moved: HashMap::new() };
        let attempts = self.tables.settings().max_attempts.max(1);
        for attempt in 1..=attempts {
            let Some(prepared) = self.prepare(&head).await? else { return Ok(head.table) };
            let settled =
                self.tables.settle(&head.table, &prepared.metadata, &prepared.location, prepared.snapshot_id).await?;
            match settled {
                Settled::Won(table) => {
                    self.kept.extend(prepared.own.into_iter().chain(prepared.refers_to));
                    return Ok(table);
                }
                Settled::Lost(table) => {
                    // Readers that go by names take the newest metadata file, so it goes at once.
                    prepared.own.iter().for_each(|uri| {
                        self.written.remove(uri);
                    });
                    self.tables.discard(prepared.own).await;
                    let Some(table) = table else { return Err(self.conflict("the table was dropped".to_owned())) };
                    if attempt < attempts {
                        head = self.validate(table).await?;
                        self.tables.settings().wait(attempt).await;
                    }
                }
            }
        }
        Err(CommitError::Contention { table: self.base.name.clone(), attempts })
    }

    fn conflict(&self, what: String) -> CommitError {
        CommitError::Conflict { table: self.base.name.clone(), what }
    }

    fn refused(&self, what: String) -> CommitError {
        CommitError::Refused { table: self.base.name.clone(), what }
    }
}

/// A random positive id that no snapshot of the table has.
fn new_snapshot_id(table: &Table) -> i64 {
    loop {
        let id = rand::rng().random_range(1..=i64::MAX);
        if table.metadata.snapshot_by_id(id).is_none() {
            return id;
        }
    }
}
