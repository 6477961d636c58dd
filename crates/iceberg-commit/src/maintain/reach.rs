//! Which objects a table's metadata leads to.

use std::collections::{BTreeMap, HashSet};

use iceberg::spec::ManifestFile;
use object_store::path::Path;

use crate::error::TableError;
use crate::table::Table;
use crate::warehouse::Warehouse;

/// How many manifests are looked through before the next are read.
const AT_ONCE: usize = 64;

/// All objects that the metadata file, one in its log, or any of its snapshots refers to.
///
/// A reference that leads out of the warehouse is an error: if it is only another spelling of a place inside, the
/// object there would pass for an orphan.
pub(super) async fn reachable(warehouse: &Warehouse, table: &Table) -> Result<HashSet<Path>, TableError> {
    let metadata = &table.metadata;
    let mut reached = HashSet::new();
    let mut reach = |uri: &str| -> Result<(), TableError> {
        reached.insert(warehouse.path(uri)?);
        Ok(())
    };
    reach(&table.metadata_location)?;
    for log in metadata.metadata_log() {
        reach(&log.metadata_file)?;
    }
    for statistics in metadata.statistics_iter() {
        reach(&statistics.statistics_path)?;
    }
    for statistics in metadata.partition_statistics_iter() {
        reach(&statistics.statistics_path)?;
    }
    let mut manifests: BTreeMap<String, ManifestFile> = BTreeMap::new();
    for snapshot in metadata.snapshots() {
        reach(snapshot.manifest_list())?;
        let list = warehouse.read_manifest_list(snapshot, metadata.format_version()).await?;
        for manifest in list.iter() {
            manifests.entry(manifest.manifest_path.clone()).or_insert_with(|| manifest.clone());
        }
    }
    let manifests: Vec<&ManifestFile> = manifests.values().collect();
    for chunk in manifests.chunks(AT_ONCE) {
        for (manifest, read) in chunk.iter().zip(warehouse.read_manifests(chunk).await?) {
            reach(&manifest.manifest_path)?;
            for live in &read.live {
                reach(live.file.file_path())?;
            }
        }
    }
    Ok(reached)
}
