//! Reading and writing manifests, and a memory of those that were read.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::{StreamExt, TryStreamExt};
use iceberg::spec::{
    DataFile, FormatVersion, ManifestContentType, ManifestFile, ManifestList, ManifestListWriter,
    ManifestWriterBuilder, PartitionSpec, SchemaId, SchemaRef, Snapshot,
};
use iceberg::{Error, ErrorKind};

use crate::error::TableError;
use crate::live::LiveFile;
use crate::warehouse::Warehouse;

/// How many manifests are read at once.
pub(crate) const READS_AT_ONCE: usize = 16;
/// How much Avro is remembered. In memory it takes several times as much.
const REMEMBERED_BYTES: usize = 16 << 20;

/// What a manifest holds.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) schema_id: SchemaId,
    pub(crate) schema: SchemaRef,
    pub(crate) spec: PartitionSpec,
    pub(crate) live: Vec<Arc<LiveFile>>,
}

/// Manifests and their lists by location. Neither ever changes, so what was read once is good for ever.
#[derive(Debug, Default)]
pub(crate) struct ManifestCache {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    manifests: HashMap<String, Arc<Manifest>>,
    lists: HashMap<String, Arc<Vec<ManifestFile>>>,
    /// The oldest first, with their lengths.
    order: VecDeque<(String, usize)>,
    bytes: usize,
}

impl ManifestCache {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn remember(&mut self, location: &str, bytes: usize) {
        self.order.push_back((location.to_owned(), bytes));
        self.bytes += bytes;
        while self.bytes > REMEMBERED_BYTES
            && let Some((oldest, bytes)) = self.order.pop_front()
        {
            self.bytes -= bytes;
            self.manifests.remove(&oldest);
            self.lists.remove(&oldest);
        }
    }
}

impl Warehouse {
    /// The manifests of a snapshot.
    pub(crate) async fn read_manifest_list(
        &self,
        snapshot: &Snapshot,
        version: FormatVersion,
    ) -> Result<Arc<Vec<ManifestFile>>, TableError> {
        let location = snapshot.manifest_list();
        if let Some(list) = self.manifests().kept().lists.get(location) {
            return Ok(Arc::clone(list));
        }
        let failed = || TableError::read("the manifest list", location);
        let input = self.file_io().new_input(location).map_err(failed())?;
        let bytes = input.read().await.map_err(failed())?;
        let list = ManifestList::parse_with_version(&bytes, version)
            // A table that was upgraded keeps the lists of its old snapshots.
            .or_else(|error| ManifestList::parse_with_version(&bytes, FormatVersion::V1).map_err(|_| error))
            .map_err(failed())?;
        let list: Arc<Vec<ManifestFile>> = Arc::new(list.consume_entries().into_iter().collect());
        let mut kept = self.manifests().kept();
        if kept.lists.insert(location.to_owned(), Arc::clone(&list)).is_none() {
            kept.remember(location, bytes.len());
        }
        Ok(list)
    }

    /// The manifests, in the order of the files. Those that were read before are not read again.
    pub(crate) async fn read_manifests(&self, files: &[&ManifestFile]) -> Result<Vec<Arc<Manifest>>, TableError> {
        let reads: Vec<_> = files.iter().map(|file| self.clone().read_manifest((*file).clone())).collect();
        futures::stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await
    }

    async fn read_manifest(self, file: ManifestFile) -> Result<Arc<Manifest>, TableError> {
        if let Some(manifest) = self.manifests().kept().manifests.get(&file.manifest_path) {
            return Ok(Arc::clone(manifest));
        }
        let warehouse = self.clone();
        let path = file.manifest_path.clone();
        // A task of its own, since most of the time goes into parsing.
        let read = tokio::spawn(async move { parse(&warehouse, &file).await.map(|manifest| (manifest, file)) }).await;
        let read = read.unwrap_or_else(|error| Err(Error::new(ErrorKind::Unexpected, error.to_string())));
        let (manifest, file) = read.map_err(TableError::read("the manifest", &path))?;
        let manifest = Arc::new(manifest);
        let mut kept = self.manifests().kept();
        if kept.manifests.insert(path.clone(), Arc::clone(&manifest)).is_none() {
            kept.remember(&path, usize::try_from(file.manifest_length).unwrap_or(0));
        }
        Ok(manifest)
    }
}

async fn parse(warehouse: &Warehouse, file: &ManifestFile) -> iceberg::Result<Manifest> {
    let manifest = file.load_manifest(warehouse.file_io()).await?;
    let (entries, metadata) = manifest.into_parts();
    let manifest_path: Arc<str> = file.manifest_path.as_str().into();
    let mut live = Vec::with_capacity(entries.len());
    for entry in entries {
        if !entry.is_alive() {
            continue;
        }
        let entry = Arc::unwrap_or_clone(entry);
        let missing = |what: &str| {
            let message = format!("the entry of {} has no {what}", entry.data_file.file_path());
            Error::new(ErrorKind::DataInvalid, message)
        };
        let sequence_number = entry.sequence_number.ok_or_else(|| missing("sequence number"))?;
        live.push(Arc::new(LiveFile {
            spec_id: file.partition_spec_id,
            sequence_number,
            // Old writers left it out of entries that they took over.
            file_sequence_number: entry.file_sequence_number.unwrap_or(sequence_number),
            snapshot_id: entry.snapshot_id.ok_or_else(|| missing("snapshot id"))?,
            manifest_path: Arc::clone(&manifest_path),
            file: entry.data_file,
        }));
    }
    Ok(Manifest {
        schema_id: metadata.schema_id(),
        schema: metadata.schema().clone(),
        spec: metadata.partition_spec().clone(),
        live,
    })
}

/// A manifest that is to be written.
#[derive(Debug)]
pub(crate) struct NewManifest {
    pub(crate) uri: String,
    pub(crate) content: ManifestContentType,
    pub(crate) schema: SchemaRef,
    pub(crate) spec: PartitionSpec,
    pub(crate) added: Vec<DataFile>,
    pub(crate) existing: Vec<Arc<LiveFile>>,
    pub(crate) deleted: Vec<Arc<LiveFile>>,
}

impl NewManifest {
    pub(crate) async fn write(self, warehouse: &Warehouse, snapshot_id: i64) -> Result<ManifestFile, TableError> {
        let uri = self.uri.clone();
        self.try_write(warehouse, snapshot_id).await.map_err(TableError::write("the manifest", &uri))
    }

    async fn try_write(self, warehouse: &Warehouse, snapshot_id: i64) -> iceberg::Result<ManifestFile> {
        let output = warehouse.file_io().new_output(&self.uri)?;
        let builder = ManifestWriterBuilder::new(output, Some(snapshot_id), self.schema, self.spec);
        let mut writer = match self.content {
            ManifestContentType::Data => builder.build_v2_data(),
            ManifestContentType::Deletes => builder.build_v2_deletes(),
        };
        for file in self.added {
            // -1: the sequence number is that of the snapshot, which readers take from the manifest list.
            writer.add_file(file, -1)?;
        }
        for live in self.existing {
            let (sequence, file_sequence) = (live.sequence_number, Some(live.file_sequence_number));
            writer.add_existing_file(live.file.clone(), live.snapshot_id, sequence, file_sequence)?;
        }
        for live in self.deleted {
            writer.add_delete_file(live.file.clone(), live.sequence_number, Some(live.file_sequence_number))?;
        }
        writer.write_manifest_file().await
    }
}

/// Writes the manifest list of a snapshot.
pub(crate) async fn write_manifest_list(
    warehouse: &Warehouse,
    uri: &str,
    snapshot_id: i64,
    parent: Option<i64>,
    sequence_number: i64,
    manifests: Vec<ManifestFile>,
) -> Result<(), TableError> {
    let write = async {
        let output = warehouse.file_io().new_output(uri)?.writer().await?;
        let mut writer = ManifestListWriter::v2(output, snapshot_id, parent, sequence_number);
        writer.add_manifests(manifests.into_iter())?;
        writer.close().await
    };
    write.await.map_err(TableError::write("the manifest list", uri))
}
