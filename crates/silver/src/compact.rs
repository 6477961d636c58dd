//! Compaction: small files and files with deletes become large ones without.

use std::collections::BTreeMap;
use std::sync::Arc;

use iceberg::spec::DataFile;
use iceberg_commit::{CommitError, Kind, Live, LiveFile, Staged, Table};
use iceberg_files::{Deletes, FileWriter, Written};
use serde::Serialize;
use weir_model::Contract;

use crate::error::MergeError;
use crate::find::StoredFile;
use crate::merge::{Silver, reload, table_name};
use crate::ordered::Ordered;
use crate::plan::complement;
use crate::table::Layout;
use crate::write::file_properties;

/// A file below this share of the target is small.
const SMALL_SHARE: f64 = 0.5;
/// So many small files of one partition are merged; fewer are left for the next time.
const LEAST_FILES: usize = 4;
/// Rows that are held at one time, of all files that are merged.
const MERGED_ROWS: usize = 64 << 10;
/// Rows that are read of one file at one time, at least.
const LEAST_BATCH_ROWS: usize = 512;

/// What a compaction did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CompactReport {
    /// The table.
    pub table: String,
    /// The snapshot that was committed; `None` where nothing was to be done.
    pub snapshot: Option<i64>,
    /// Data files that were merged or freed from deletes.
    pub files_before: u64,
    /// Data files that took their place; in a dry run 0.
    pub files_after: u64,
    /// Bytes of those that went.
    pub bytes_before: u64,
    /// Bytes of those that came.
    pub bytes_after: u64,
    /// Rows that were deleted by position and now are gone.
    pub deletes_applied: u64,
    /// Files of position deletes that went.
    pub delete_files_removed: u64,
    /// How often it was planned; more than once where another writer was faster.
    pub plans: u32,
}

/// Merges the small files of each partition, and writes files with deleted rows anew. The rows stay
/// as they are.
///
/// # Errors
/// [`MergeError`]; the table is as it was then.
pub async fn compact(silver: &Silver, contract: &Contract, dry_run: bool) -> Result<CompactReport, MergeError> {
    let name = table_name(contract);
    let mut report = CompactReport { table: contract.table.clone(), ..CompactReport::default() };
    let Some(mut table) = silver.tables.load(&name).await? else { return Ok(report) };
    for plans in 1..=silver.settings.max_plans {
        let live = table.live(silver.tables.warehouse()).await?;
        let written = Written::default();
        let planned = plan(silver, contract, &table, &live, dry_run, &written).await;
        let (staged, mut next) = match planned {
            Ok(planned) => planned,
            Err(error) => {
                written.discard(silver.tables.warehouse()).await;
                return Err(error);
            }
        };
        next.plans = plans;
        report = next;
        if dry_run || staged.remove_data.is_empty() {
            return Ok(report);
        }
        match silver.tables.commit(&table, staged).await {
            Ok(head) => {
                report.snapshot = head.metadata.current_snapshot_id();
                return Ok(report);
            }
            Err(error) if error.is_conflict() => {
                written.discard(silver.tables.warehouse()).await;
                table = reload(silver, &name).await?;
            }
            Err(error) => {
                if !matches!(error, CommitError::Unknown { .. }) {
                    written.discard(silver.tables.warehouse()).await;
                }
                return Err(error.into());
            }
        }
    }
    Err(MergeError::Contended { table: contract.table.clone(), plans: silver.settings.max_plans })
}

/// Files that become one.
struct Group {
    files: Vec<Arc<LiveFile>>,
}

async fn plan(
    silver: &Silver,
    contract: &Contract,
    table: &Table,
    live: &Live,
    dry_run: bool,
    written: &Written,
) -> Result<(Staged, CompactReport), MergeError> {
    let layout = Layout::new(&table.metadata, contract)?;
    let mut report = CompactReport { table: contract.table.clone(), ..CompactReport::default() };
    let mut staged = Staged { kind: Kind::Replace, ..Staged::default() };
    for group in groups(live, &layout) {
        report.files_before += group.files.len() as u64;
        report.bytes_before += group.files.iter().map(|file| file.file.file_size_in_bytes()).sum::<u64>();
        let to = if dry_run { None } else { Some(written) };
        let (files, applied, scoped) = rewrite(silver, table, &layout, live, &group, to).await?;
        report.files_after += files.len() as u64;
        report.bytes_after += files.iter().map(DataFile::file_size_in_bytes).sum::<u64>();
        report.deletes_applied += applied;
        report.delete_files_removed += scoped.len() as u64;
        staged.add_data.extend(files);
        staged.remove_data.extend(group.files);
        staged.remove_deletes.extend(scoped);
    }
    Ok((staged, report))
}

/// Which files are worth it: the small ones of a partition where they are many, and those with deletes.
fn groups(live: &Live, layout: &Layout) -> Vec<Group> {
    let with_deletes = live.deletes_by_data_file();
    let mut partitions: BTreeMap<String, Vec<Arc<LiveFile>>> = BTreeMap::new();
    for file in live.data.iter().filter(|file| file.spec_id == layout.files.spec.spec_id()) {
        partitions.entry(format!("{:?}", file.file.partition())).or_default().push(Arc::clone(file));
    }
    // Sizes are far below where a float is not exact.
    let small_bytes = (layout.files.target_file_bytes as f64 * SMALL_SHARE) as u64;
    let mut groups = Vec::new();
    for files in partitions.into_values() {
        let is_small = |file: &LiveFile| file.file.file_size_in_bytes() < small_bytes;
        let has_deletes = |file: &LiveFile| with_deletes.contains_key(file.file.file_path());
        let is_many = files.iter().filter(|file| is_small(file)).count() >= LEAST_FILES;
        let mut group = Group { files: Vec::new() };
        let mut bytes = 0;
        for file in files {
            let small = is_small(&file);
            let is_worth = has_deletes(&file) || (small && is_many);
            if !is_worth {
                continue;
            }
            let size = file.file.file_size_in_bytes();
            if bytes > 0 && bytes + size > layout.files.target_file_bytes {
                groups.push(std::mem::replace(&mut group, Group { files: Vec::new() }));
                bytes = 0;
            }
            bytes += size;
            group.files.push(file);
        }
        if !group.files.is_empty() {
            groups.push(group);
        }
    }
    groups
}

/// Writes the rows of a group that are not deleted, and tells how many were and which files said so.
/// Without a list of what is written it only counts.
async fn rewrite(
    silver: &Silver,
    table: &Table,
    layout: &Layout,
    live: &Live,
    group: &Group,
    written: Option<&Written>,
) -> Result<(Vec<DataFile>, u64, Vec<Arc<LiveFile>>), MergeError> {
    let failed = || MergeError::files(&layout.table);
    let warehouse = silver.tables.warehouse();
    let (mut applied, mut scoped) = (0, Vec::new());
    let mut parts = Vec::new();
    for file in &group.files {
        let deletes = Deletes::load(warehouse, live, file).await.map_err(failed())?;
        applied += deletes.positions.len() as u64;
        scoped.extend(deletes.scoped);
        parts.push((file, deletes.positions));
    }
    let Some(written) = written else { return Ok((Vec::new(), applied, scoped)) };
    let rows: u64 = group.files.iter().map(|file| file.file.record_count()).sum();
    let left = usize::try_from(rows.saturating_sub(applied)).unwrap_or(usize::MAX);
    if left == 0 {
        return Ok((Vec::new(), applied, scoped));
    }
    let Some(first) = group.files.first() else { return Ok((Vec::new(), applied, scoped)) };
    let mut writer = FileWriter::new(
        warehouse,
        table.location(),
        &layout.files,
        first.file.partition(),
        file_properties(layout, left),
        written,
    )
    .map_err(failed())?;
    let mut sources = Vec::with_capacity(parts.len());
    let batch_rows = (MERGED_ROWS / parts.len().max(1)).clamp(LEAST_BATCH_ROWS, MERGED_ROWS);
    for (file, gone) in parts {
        let stored = StoredFile::open(warehouse, file, layout).await?;
        let stay = complement(&gone, stored.row_count());
        sources.push(stored.whole(layout, &stay, batch_rows)?);
    }
    let mut merged = Ordered::new(layout, sources)?;
    while let Some(batch) = merged.next(batch_rows.max(LEAST_BATCH_ROWS)).await? {
        writer.write(&batch).await.map_err(failed())?;
    }
    Ok((vec![writer.close().await.map_err(failed())?], applied, scoped))
}
