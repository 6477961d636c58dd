//! What one attempt writes: manifests, their list, and the metadata that points to them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use futures::future::try_join_all;
use iceberg::spec::{
    MAIN_BRANCH, ManifestContentType, ManifestFile, PartitionSpec, SchemaRef, Snapshot, TableMetadata, TableMetadataRef,
};

use super::check::check_partition;
use super::summary::summary;
use super::validate::lists_deletes;
use super::{Commit, Derived, Head, Prepared};
use crate::error::{CommitError, TableError};
use crate::live::LiveFile;
use crate::manifests::{NewManifest, write_manifest_list};
use crate::metadata;
use crate::scope::Scope;
use crate::staged::Kind;
use crate::table::Table;

/// The most files that one new manifest lists.
const FILES_A_MANIFEST: usize = 10_000;

/// A manifest that is to be written, and what it is made of; `None` for the manifests of what is added.
type Job = (Option<Derived>, NewManifest);

impl Commit<'_> {
    /// Writes all that comes after `head` but the head itself; `None` where nothing changes.
    pub(super) async fn prepare(&mut self, head: &Head) -> Result<Option<Prepared>, CommitError> {
        let removal = self.removal(head).await?;
        let files = !(self.staged.no_files() && removal.is_empty());
        if !files {
            if self.staged.updates.is_empty() && self.staged.properties.is_empty() {
                return Ok(None);
            }
            let next: TableMetadataRef = self.build(head, None)?.into();
            let location = metadata::next_location(&head.table, &next)?;
            self.written.insert(location.to_string());
            metadata::write(self.tables.warehouse(), &next, &location).await?;
            let location = location.to_string();
            let own = vec![location.clone()];
            return Ok(Some(Prepared { metadata: next, location, snapshot_id: None, own, refers_to: vec![] }));
        }

        let manifests = self.manifests(head, &removal).await?;
        let removed: Vec<_> = removal.values().flatten().map(|live| &live.file).collect();
        let warehouse = self.tables.warehouse();
        let summary = summary(warehouse, &head.table, &self.staged, &removed).await?;
        let number = self.next();
        let list = format!("{}/metadata/snap-{}-{number}-{}.avro", head.table.location(), self.snapshot_id, self.id);
        let (parent, sequence_number) = (head.table.current_snapshot_id(), head.table.metadata.next_sequence_number());
        let snapshot = Snapshot::builder()
            .with_snapshot_id(self.snapshot_id)
            .with_parent_snapshot_id(parent)
            .with_sequence_number(sequence_number)
            .with_timestamp_ms(now_ms().max(head.table.metadata.last_updated_ms()))
            .with_manifest_list(list.clone())
            .with_summary(summary)
            .with_schema_id(self.target(&head.table)?.0.schema_id())
            .build();
        let next: TableMetadataRef = self.build(head, Some(snapshot))?.into();
        let location = metadata::next_location(&head.table, &next)?;
        let own = vec![list.clone(), location.to_string()];
        self.written.extend(own.iter().cloned());
        let refers_to = manifests.iter().map(|manifest| manifest.manifest_path.clone()).collect();
        // Nobody reads either before the head points to them, so neither waits for the other.
        let warehouse = self.tables.warehouse();
        let write_list = write_manifest_list(warehouse, &list, self.snapshot_id, parent, sequence_number, manifests);
        futures::try_join!(write_list, metadata::write(warehouse, &next, &location))?;
        let (location, snapshot_id) = (location.to_string(), Some(self.snapshot_id));
        Ok(Some(Prepared { metadata: next, location, snapshot_id, own, refers_to }))
    }

    /// The metadata after `head`.
    fn build(&self, head: &Head, snapshot: Option<Snapshot>) -> Result<TableMetadata, TableError> {
        let (name, metadata) = (&head.table.name, &head.table.metadata);
        let location = Some(head.table.metadata_location.clone());
        let mut builder = TableMetadata::clone(metadata).into_builder(location);
        for update in &self.staged.updates {
            builder = update.clone().apply(builder).map_err(TableError::metadata("an update", name))?;
        }
        let properties = self.staged.properties.clone().into_iter().collect();
        builder = builder.set_properties(properties).map_err(TableError::metadata("setting properties", name))?;
        if let Some(snapshot) = snapshot {
            builder = builder
                .set_branch_snapshot(snapshot, MAIN_BRANCH)
                .map_err(TableError::metadata("adding the snapshot", name))?;
        }
        Ok(builder.build().map_err(TableError::metadata("the commit", name))?.metadata)
    }

    /// The schema and the spec that added files are of: those that the updates leave.
    fn target(&self, head: &Table) -> Result<(SchemaRef, PartitionSpec), TableError> {
        if self.staged.updates.is_empty() {
            return Ok((head.schema().clone(), PartitionSpec::clone(head.spec())));
        }
        let updated = head.after(&self.staged.updates)?;
        Ok((updated.current_schema().clone(), PartitionSpec::clone(updated.default_partition_spec())))
    }

    /// The files that go, by the manifest that lists them.
    async fn removal(&self, head: &Head) -> Result<BTreeMap<String, Vec<Arc<LiveFile>>>, CommitError> {
        let listed: HashSet<&str> = head.manifests.iter().map(|manifest| manifest.manifest_path.as_str()).collect();
        let find = |file: &Arc<LiveFile>| {
            let path = file.file.file_path();
            match head.moved.get(path) {
                Some(moved) => Ok((path.to_owned(), Arc::clone(moved))),
                None if listed.contains(&*file.manifest_path) => Ok((path.to_owned(), Arc::clone(file))),
                None => {
                    Err(self
                        .refused(format!("{path} is not live in the table as it was loaded; plan from its live files")))
                }
            }
        };
        let staged = &self.staged;
        staged.targets.iter().try_for_each(|target| find(target).map(drop))?;
        let removed = staged.remove_data.iter().chain(&staged.remove_deletes);
        let mut files: BTreeMap<String, Arc<LiveFile>> = removed.map(find).collect::<Result<_, _>>()?;
        if staged.replaces() {
            files.extend(self.replaced(head).await?);
        }
        if files.values().any(|file| !file.is_delete()) {
            let deletes: Vec<&ManifestFile> =
                head.manifests.iter().filter(|manifest| lists_deletes(manifest)).collect();
            for manifest in self.tables.warehouse().read_manifests(&deletes).await? {
                for delete in &manifest.live {
                    if let Scope::File(path) = Scope::of(&delete.file)
                        && files.get(&path).is_some_and(|file| !file.is_delete())
                    {
                        files.insert(delete.file.file_path().to_owned(), Arc::clone(delete));
                    }
                }
            }
        }
        let mut removal: BTreeMap<String, Vec<Arc<LiveFile>>> = BTreeMap::new();
        for file in files.into_values() {
            removal.entry(file.manifest_path.to_string()).or_default().push(file);
        }
        Ok(removal)
    }

    /// All files of what is replaced.
    async fn replaced(&self, head: &Head) -> Result<Vec<(String, Arc<LiveFile>)>, CommitError> {
        let partitions: HashSet<_> = self.staged.partitions().iter().collect();
        let spec_id = head.table.metadata.default_partition_spec_id();
        let whole = self.staged.kind == Kind::ReplaceTable;
        let manifests: Vec<&ManifestFile> = head.manifests.iter().collect();
        let mut files = Vec::new();
        for manifest in self.tables.warehouse().read_manifests(&manifests).await? {
            for live in &manifest.live {
                if whole {
                    files.push((live.file.file_path().to_owned(), Arc::clone(live)));
                    continue;
                }
                if live.spec_id != spec_id && !live.is_delete() {
                    let path = live.file.file_path();
                    return Err(self.refused(format!(
                        "{path} is of an older partition spec, so it cannot be told whether it is in a partition that is \
                         replaced; rewrite such files first"
                    )));
                }
                if live.spec_id == spec_id && partitions.contains(live.file.partition()) {
                    files.push((live.file.file_path().to_owned(), Arc::clone(live)));
                }
            }
        }
        Ok(files)
    }

    /// The manifests of the new snapshot. Those that must be written are.
    async fn manifests(
        &mut self,
        head: &Head,
        removal: &BTreeMap<String, Vec<Arc<LiveFile>>>,
    ) -> Result<Vec<ManifestFile>, CommitError> {
        let mut jobs: Vec<Job> = Vec::new();
        if self.added.is_none() {
            jobs.extend(self.added_jobs(&head.table)?);
        }
        let mut carried = Vec::new();
        let mut rewritten = Vec::new();
        for manifest in head.manifests.iter() {
            match removal.get(&manifest.manifest_path) {
                Some(removed) => rewritten.push((manifest, removed)),
                // What lists only files that are gone was of use to the snapshot that removed them.
                None if manifest.has_added_files() || manifest.has_existing_files() => carried.push(manifest),
                None => {}
            }
        }
        let mut keys = Vec::new();
        for (manifest, removed) in rewritten {
            let key = Derived {
                from: vec![manifest.manifest_path.clone()],
                without: removed.iter().map(|file| file.file.file_path().to_owned()).collect(),
            };
            if !self.derived.contains_key(&key) {
                let job = self.rewrite(&head.table, manifest, removed).await?;
                jobs.push((Some(key.clone()), job));
            }
            keys.push(key);
        }
        let mut result = Vec::new();
        for content in [ManifestContentType::Data, ManifestContentType::Deletes] {
            let of_content: Vec<&ManifestFile> = carried.iter().copied().filter(|m| m.content == content).collect();
            for group in self.groups(of_content).await? {
                let [single] = group.as_slice() else {
                    let key =
                        Derived { from: group.iter().map(|m| m.manifest_path.clone()).collect(), without: vec![] };
                    if !self.derived.contains_key(&key) {
                        let job = self.merge(&head.table, &group).await?;
                        jobs.push((Some(key.clone()), job));
                    }
                    keys.push(key);
                    continue;
                };
                result.push((*single).clone());
            }
        }
        self.write(jobs).await?;
        let derived = keys.iter().filter_map(|key| self.derived.get(key)).cloned();
        Ok(self.added.iter().flatten().cloned().chain(derived).chain(result).collect())
    }

    async fn write(&mut self, jobs: Vec<Job>) -> Result<(), CommitError> {
        self.written.extend(jobs.iter().map(|(_, job)| job.uri.clone()));
        let (warehouse, snapshot_id) = (self.tables.warehouse(), self.snapshot_id);
        let writes = jobs
            .into_iter()
            .map(|(key, job)| async move { job.write(warehouse, snapshot_id).await.map(|manifest| (key, manifest)) });
        let written = try_join_all(writes).await?;
        for (key, manifest) in written {
            match key {
                Some(key) => drop(self.derived.insert(key, manifest)),
                None => self.added.get_or_insert_default().push(manifest),
            }
        }
        self.added.get_or_insert_default();
        Ok(())
    }

    fn added_jobs(&mut self, head: &Table) -> Result<Vec<Job>, CommitError> {
        let (schema, spec) = self.target(head)?;
        let partition_type =
            spec.partition_type(&schema).map_err(TableError::metadata("the partition spec", &head.name))?;
        for file in self.staged.add_data.iter().chain(&self.staged.add_deletes) {
            check_partition(file, &partition_type).map_err(|what| self.refused(what))?;
        }
        let mut jobs = Vec::new();
        for content in [ManifestContentType::Data, ManifestContentType::Deletes] {
            let files = match content {
                ManifestContentType::Data => &self.staged.add_data,
                ManifestContentType::Deletes => &self.staged.add_deletes,
            };
            let chunks: Vec<Vec<_>> = files.chunks(FILES_A_MANIFEST).map(<[_]>::to_vec).collect();
            for added in chunks {
                let uri = self.manifest_uri(head);
                let (schema, spec) = (schema.clone(), spec.clone());
                jobs.push((None, NewManifest { uri, content, schema, spec, added, existing: vec![], deleted: vec![] }));
            }
        }
        Ok(jobs)
    }

    /// The manifest with some of its files marked as removed.
    async fn rewrite(
        &mut self,
        head: &Table,
        manifest: &ManifestFile,
        removed: &[Arc<LiveFile>],
    ) -> Result<NewManifest, TableError> {
        let read = self.tables.warehouse().read_manifests(&[manifest]).await?;
        let gone: HashSet<&str> = removed.iter().map(|file| file.file.file_path()).collect();
        let live = read.iter().flat_map(|manifest| &manifest.live).cloned();
        let (deleted, existing) = live.partition(|live| gone.contains(live.file.file_path()));
        Ok(self.derive(head, manifest, &read, existing, deleted))
    }

    /// One manifest with the live files of several.
    async fn merge(&mut self, head: &Table, group: &[&ManifestFile]) -> Result<NewManifest, TableError> {
        let read = self.tables.warehouse().read_manifests(group).await?;
        let existing = read.iter().flat_map(|manifest| &manifest.live).cloned().collect();
        Ok(self.derive(head, group[0], &read, existing, vec![]))
    }

    fn derive(
        &mut self,
        head: &Table,
        from: &ManifestFile,
        read: &[Arc<crate::manifests::Manifest>],
        existing: Vec<Arc<LiveFile>>,
        deleted: Vec<Arc<LiveFile>>,
    ) -> NewManifest {
        let (schema, header) = (read[0].schema.clone(), &read[0].spec);
        // The schema that the files were listed under: the spec's columns are in it, though they may have been dropped since.
        let spec = head.metadata.partition_spec_by_id(from.partition_spec_id);
        let spec = spec.map_or_else(|| header.clone(), |spec| PartitionSpec::clone(spec));
        let uri = self.manifest_uri(head);
        NewManifest { uri, content: from.content, schema, spec, added: vec![], existing, deleted }
    }

    /// The manifests in groups that become one each. As long as there are few manifests, each is on its own.
    async fn groups<'m>(&self, manifests: Vec<&'m ManifestFile>) -> Result<Vec<Vec<&'m ManifestFile>>, TableError> {
        let settings = self.tables.settings();
        if manifests.len() <= settings.max_manifests {
            return Ok(manifests.into_iter().map(|manifest| vec![manifest]).collect());
        }
        let read = self.tables.warehouse().read_manifests(&manifests).await?;
        let mut open: HashMap<(i32, i32), (Vec<&ManifestFile>, u64)> = HashMap::new();
        let mut groups = Vec::new();
        for (manifest, read) in manifests.into_iter().zip(read) {
            let length = u64::try_from(manifest.manifest_length).unwrap_or(0);
            // Partitions and bounds are written with the types of one schema.
            let (group, bytes) = open.entry((manifest.partition_spec_id, read.schema_id)).or_default();
            if !group.is_empty() && *bytes + length > settings.manifest_bytes {
                groups.push(std::mem::take(group));
                *bytes = 0;
            }
            group.push(manifest);
            *bytes += length;
        }
        let mut rest: Vec<_> = open.into_iter().filter(|(_, (group, _))| !group.is_empty()).collect();
        rest.sort_by_key(|(key, _)| *key);
        groups.extend(rest.into_iter().map(|(_, (group, _))| group));
        Ok(groups)
    }

    fn manifest_uri(&mut self, head: &Table) -> String {
        let number = self.next();
        format!("{}/metadata/{}-m{number}.avro", head.location(), self.id)
    }

    fn next(&mut self) -> u32 {
        self.number += 1;
        self.number
    }
}

pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
