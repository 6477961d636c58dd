//! Whether what others committed since the base goes together with what is staged.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use iceberg::spec::{ManifestContentType, ManifestFile};

use super::{Commit, Head};
use crate::error::{CommitError, TableError};
use crate::live::LiveFile;
use crate::scope::may_apply;
use crate::staged::Kind;
use crate::table::Table;

/// What others changed between the base and the head.
struct Change {
    /// Files that are live now and were not.
    added: Vec<Arc<LiveFile>>,
    /// Files that were live and are not any more.
    removed: Vec<Arc<LiveFile>>,
    /// Files that were and are live, but are now in another manifest.
    moved: HashMap<String, Arc<LiveFile>>,
}

impl Commit<'_> {
    /// The head to build on next, if nothing that others did since the base conflicts with this commit.
    pub(super) async fn validate(&self, table: Table) -> Result<Head, CommitError> {
        self.same_shape(&table)?;
        self.same_properties(&table)?;
        let warehouse = self.tables.warehouse();
        let manifests = table.manifest_list(warehouse).await?.unwrap_or_default();
        if self.staged.only_metadata() {
            return Ok(Head { table, manifests, moved: HashMap::new() });
        }
        let change = match self.base.manifest_list(warehouse).await {
            Ok(before) => self.change(&before.unwrap_or_default(), &manifests).await,
            Err(error) => Err(error),
        };
        // An expiry may have taken the base's own manifests away, so that nothing can be compared with them.
        let gone =
            |error: TableError| self.conflict(format!("what changed since it was planned cannot be told: {error}"));
        let change = change.map_err(gone)?;
        self.files_still_live(&manifests, &change)?;
        self.same_deletes(&change)?;
        self.no_new_keys(&change)?;
        self.no_new_file_in_what_is_replaced(&change)?;
        Ok(Head { table, manifests, moved: change.moved })
    }

    /// Rule (e): the table is the same one, and files of this commit are still right for it.
    fn same_shape(&self, head: &Table) -> Result<(), CommitError> {
        let (before, now) = (&self.base.metadata, &head.metadata);
        if before.uuid() != now.uuid() || before.location() != now.location() {
            return Err(self.conflict("the table was replaced by another of the same name".to_owned()));
        }
        if before.format_version() != now.format_version() {
            return Err(self.conflict(format!("the table now has format version {}", now.format_version())));
        }
        if self.staged.only_metadata() && self.staged.updates.is_empty() {
            return Ok(());
        }
        if before.current_schema_id() != now.current_schema_id() || before.current_schema() != now.current_schema() {
            return Err(self.conflict("the table's schema was changed".to_owned()));
        }
        if before.default_partition_spec() != now.default_partition_spec() {
            return Err(self.conflict("the table's partition spec was changed".to_owned()));
        }
        Ok(())
    }

    /// Rule (f): what this commit was planned from still holds.
    fn same_properties(&self, head: &Table) -> Result<(), CommitError> {
        let changed = |key: &&String| self.base.property(key) != head.property(key);
        match self.staged.unchanged_properties.iter().find(changed) {
            Some(key) => Err(self.conflict(format!("the table's property {key} was changed"))),
            None => Ok(()),
        }
    }

    /// Manifests never change, so only those that are not in both lists can tell of a change.
    async fn change(&self, before: &[ManifestFile], now: &[ManifestFile]) -> Result<Change, TableError> {
        let warehouse = self.tables.warehouse();
        let only_in = |some: &'_ [ManifestFile], others: &[ManifestFile]| -> Vec<usize> {
            let others: HashSet<&str> = others.iter().map(|manifest| manifest.manifest_path.as_str()).collect();
            (0..some.len()).filter(|&index| !others.contains(some[index].manifest_path.as_str())).collect()
        };
        let gone: Vec<&ManifestFile> = only_in(before, now).into_iter().map(|index| &before[index]).collect();
        let new: Vec<&ManifestFile> = only_in(now, before).into_iter().map(|index| &now[index]).collect();
        let (gone, new) = (warehouse.read_manifests(&gone).await?, warehouse.read_manifests(&new).await?);

        let mut removed: HashMap<&str, &Arc<LiveFile>> =
            gone.iter().flat_map(|manifest| &manifest.live).map(|live| (live.file.file_path(), live)).collect();
        let mut change = Change { added: Vec::new(), removed: Vec::new(), moved: HashMap::new() };
        for live in new.iter().flat_map(|manifest| &manifest.live) {
            let path = live.file.file_path();
            if removed.remove(path).is_some() || change.moved.contains_key(path) {
                change.moved.insert(path.to_owned(), Arc::clone(live));
            } else {
                change.added.push(Arc::clone(live));
            }
        }
        change.removed = removed.into_values().cloned().collect();
        Ok(change)
    }

    /// Rules (a) and (b): every file that this commit removes or points into is still there.
    fn files_still_live(&self, manifests: &[ManifestFile], change: &Change) -> Result<(), CommitError> {
        let listed: HashSet<&str> = manifests.iter().map(|manifest| manifest.manifest_path.as_str()).collect();
        let staged = &self.staged;
        for file in staged.remove_data.iter().chain(&staged.targets).chain(&staged.remove_deletes) {
            let path = file.file.file_path();
            if !listed.contains(&*file.manifest_path) && !change.moved.contains_key(path) {
                let what = if file.is_delete() { "delete file" } else { "data file" };
                return Err(self.conflict(format!("the {what} {path} was removed")));
            }
        }
        Ok(())
    }

    /// Rule (b): the rows of a data file that this commit removes or points into are still those it saw.
    fn same_deletes(&self, change: &Change) -> Result<(), CommitError> {
        let data: Vec<_> = self.staged.targets.iter().chain(&self.staged.remove_data).collect();
        if data.is_empty() {
            return Ok(());
        }
        for (deletes, what) in [(&change.added, "added"), (&change.removed, "removed")] {
            for delete in deletes.iter().filter(|file| file.is_delete()) {
                if let Some(target) = data.iter().find(|data| may_apply(delete, data)) {
                    let (delete, target) = (delete.file.file_path(), target.file.file_path());
                    return Err(
                        self.conflict(format!("the delete file {delete} was {what}, which may be about {target}"))
                    );
                }
            }
        }
        Ok(())
    }

    /// Rule (c): no other writer added a row with a key of this commit.
    fn no_new_keys(&self, change: &Change) -> Result<(), CommitError> {
        let Some(may_conflict) = &self.staged.may_conflict else { return Ok(()) };
        let mut data = change.added.iter().filter(|file| !file.is_delete());
        match data.find(|file| may_conflict(&file.file)) {
            Some(file) => {
                let path = file.file.file_path();
                Err(self.conflict(format!("the data file {path} was added, which may hold a key of this commit")))
            }
            None => Ok(()),
        }
    }

    /// Rule (d): what is replaced is what was seen.
    fn no_new_file_in_what_is_replaced(&self, change: &Change) -> Result<(), CommitError> {
        let spec_id = self.base.metadata.default_partition_spec_id();
        let partitions = self.staged.partitions();
        let all = self.staged.kind == Kind::ReplaceTable;
        let within =
            |file: &&Arc<LiveFile>| all || file.spec_id == spec_id && partitions.contains(file.file.partition());
        match change.added.iter().find(within) {
            Some(file) => {
                let path = file.file.file_path();
                let to = if all { "the table" } else { "a partition" };
                Err(self.conflict(format!("{path} was added to {to} that this commit replaces")))
            }
            None => Ok(()),
        }
    }
}

/// Whether the manifest lists deletes.
pub(super) fn lists_deletes(manifest: &ManifestFile) -> bool {
    manifest.content == ManifestContentType::Deletes
}
