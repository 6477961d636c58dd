//! What a merge changes in one state of the table: files that come, files that go.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::TryStreamExt;
use iceberg::spec::DataFile;
use iceberg_commit::{Kind, Live, LiveFile, Staged, Warehouse};
use iceberg_files::{Deletes, FileWriter, Written, run, write_deletes};

use crate::bronze::BronzeFile;
use crate::error::MergeError;
use crate::find::{Found, Match, Stored, StoredFile, Wanted, find, may_hold};
use crate::fold::{Folder, Groups, NewRow, Noticed};
use crate::keys::{Key, KeyCodec, KeySpan};
use crate::report::MergeReport;
use crate::rows::{OpRank, RowRef, Rows};
use crate::settings::Settings;
use crate::table::Layout;
use crate::write::{file_properties, write_rows};

/// Decoded changes and what is built from them, in relation to the changes alone.
const MEMORY_FACTOR: u64 = 4;
/// The share of the memory that the keys of all passes may take.
const SPANS_SHARE: usize = 8;
/// Rows that are copied at one time.
const REWRITE_ROWS: usize = 8192;
/// Keys that are looked at to cut a merge into ranges.
const SAMPLED_KEYS: usize = 20_000;

/// What a plan is made for.
pub(crate) struct Planner<'p> {
    pub(crate) warehouse: &'p Warehouse,
    pub(crate) location: &'p str,
    pub(crate) layout: Arc<Layout>,
    pub(crate) codec: Arc<KeyCodec>,
    pub(crate) files: &'p [BronzeFile],
    pub(crate) settings: &'p Settings,
    pub(crate) dry_run: bool,
}

/// What a merge changes.
pub(crate) struct Plan {
    pub(crate) staged: Staged,
    pub(crate) report: MergeReport,
}

/// The rows of one data file that go.
struct Removal {
    file: Arc<LiveFile>,
    deletes: Deletes,
    positions: Vec<u64>,
}

impl Planner<'_> {
    /// Plans the merge into the files that are live. What it writes is told to `written`, for removal
    /// where it fails.
    pub(crate) async fn plan(&self, live: &Arc<Live>, written: &Written) -> Result<Plan, MergeError> {
        let mut report = MergeReport { table: self.layout.table.clone(), ..MergeReport::default() };
        report.files_live = live.data.len() as u64;
        report.sources = self.files.len() as u64;
        let mut staged = Staged { kind: Kind::RowDelta, ..Staged::default() };
        let mut removals: BTreeMap<String, Removal> = BTreeMap::new();
        let (mut spans, mut kept) = (Vec::new(), 0);
        for (from, to) in self.ranges().await? {
            let (new, rows, span) = self.pass((from.as_ref(), to.as_ref()), live, &mut removals, &mut report).await?;
            // They are kept until the commit, of every pass: of many only the ends.
            let bytes = span.bytes();
            let is_room = kept + bytes <= self.settings.memory_bytes / SPANS_SHARE;
            kept += if is_room { bytes } else { 0 };
            spans.push(if is_room { span } else { span.ends() });
            report.passes += 1;
            if self.dry_run {
                continue;
            }
            let workers = self.settings.workers;
            let files = write_rows(self.warehouse, self.location, &self.layout, &rows, new, workers, written).await?;
            staged.add_data.extend(files);
        }
        report.files_added = staged.add_data.len() as u64;
        self.remove(removals, &mut staged, &mut report, written).await?;
        let bytes = |files: &[DataFile]| files.iter().map(DataFile::file_size_in_bytes).sum::<u64>();
        report.bytes_written = bytes(&staged.add_data) + bytes(&staged.add_deletes);
        let layout = Arc::clone(&self.layout);
        // A file that cannot be judged may hold anything.
        staged.may_conflict =
            Some(Arc::new(move |file| spans.iter().any(|span| may_hold(&layout, span, file).unwrap_or(true))));
        Ok(Plan { staged, report })
    }

    /// The ranges of keys that are merged one after the other, each of a size that memory has room for.
    async fn ranges(&self) -> Result<Vec<(Option<Key>, Option<Key>)>, MergeError> {
        let bytes: u64 = self.files.iter().map(BronzeFile::decoded_bytes).sum();
        let memory = (self.settings.memory_bytes as u64).max(1);
        let passes = bytes.saturating_mul(MEMORY_FACTOR).div_ceil(memory);
        if passes <= 1 {
            return Ok(vec![(None, None)]);
        }
        let rows: u64 = self.files.iter().map(BronzeFile::rows).sum();
        let step = (rows / SAMPLED_KEYS as u64).max(1);
        let mut sample: Vec<Key> = Vec::new();
        let mut seen = 0u64;
        for file in self.files {
            file.keys(&self.layout, &self.codec, |keys| {
                for index in 0..keys.len() {
                    if seen.is_multiple_of(step) {
                        sample.push(keys.key(index));
                    }
                    seen += 1;
                }
            })
            .await?;
        }
        sample.sort_unstable();
        // However little memory there is, a range has a key of its own.
        let passes = passes.min(sample.len() as u64);
        let mut bounds: Vec<Key> = (1..passes)
            // Far below the number of sampled keys.
            .filter_map(|pass| sample.get((sample.len() as u64 * pass / passes) as usize).cloned())
            .collect();
        bounds.dedup();
        let starts = std::iter::once(None).chain(bounds.iter().cloned().map(Some));
        let ends = bounds.iter().cloned().map(Some).chain(std::iter::once(None));
        Ok(starts.zip(ends).collect())
    }

    /// One range of keys: what has to be written, from which rows.
    async fn pass(
        &self,
        range: (Option<&Key>, Option<&Key>),
        live: &Arc<Live>,
        removals: &mut BTreeMap<String, Removal>,
        report: &mut MergeReport,
    ) -> Result<(Vec<NewRow>, Arc<Rows>, KeySpan), MergeError> {
        let (mut rows, mut groups) = (self.layout.rows(), Groups::default());
        for file in self.files {
            file.changes(&self.layout, &self.codec, range, |batch, keys| groups.add(&mut rows, batch, &keys)).await?;
        }
        report.changes += groups.rows() as u64;
        report.keys += groups.keys() as u64;
        groups.sort(&rows);
        let first = self.layout.keys.first().copied().unwrap_or(0);
        let span = KeySpan::new(&self.codec, rows.batches.iter().map(|batch| &batch.columns[first]))?;
        let wanted =
            Arc::new(Wanted { layout: Arc::clone(&self.layout), codec: Arc::clone(&self.codec), groups, rows, span });
        let (found, opened) = find(&wanted, live, self.warehouse, self.settings.workers).await?;
        report.files_read += opened;
        let wanted =
            Arc::into_inner(wanted).ok_or_else(|| MergeError::Defect("a search goes on after its end".to_owned()))?;
        let Wanted { groups, mut rows, span, .. } = wanted;
        let new = fold(&self.layout, &groups, &mut rows, found, removals, report)?;
        Ok((new, Arc::new(rows), span))
    }

    /// Decides for each file with rows to remove: it goes, it is written anew, or it gets position deletes.
    async fn remove(
        &self,
        removals: BTreeMap<String, Removal>,
        staged: &mut Staged,
        report: &mut MergeReport,
        written: &Written,
    ) -> Result<(), MergeError> {
        let tasks = removals.into_values().map(|removal| self.remove_from(removal, written)).collect();
        for Removed { file, scoped, rewritten, deletes } in run(tasks, self.settings.workers.max(1) * 4).await? {
            staged.remove_deletes.extend(scoped);
            match deletes {
                Some(deletes) => {
                    staged.add_deletes.push(deletes);
                    staged.targets.push(file);
                    report.delete_files_added += 1;
                }
                None => {
                    report.files_added += rewritten.len() as u64;
                    report.files_removed += 1;
                    staged.add_data.extend(rewritten);
                    staged.remove_data.push(file);
                }
            }
        }
        Ok(())
    }

    async fn remove_from(&self, removal: Removal, written: &Written) -> Result<Removed, MergeError> {
        let Removal { file, deletes, mut positions } = removal;
        positions.extend(&deletes.positions);
        positions.sort_unstable();
        positions.dedup();
        let count = file.file.record_count();
        let scoped = deletes.scoped;
        if self.dry_run || positions.len() as u64 >= count {
            return Ok(Removed { file, scoped, rewritten: Vec::new(), deletes: None });
        }
        // Counts of rows are far below where a float is not exact.
        let is_own = file.spec_id == self.layout.files.spec.spec_id();
        if !is_own {
            let detail = format!(
                "'{}' was written under another partitioning; rewrite it with the engine that changed the partitioning \
                 (rewrite_data_files), then merge again",
                file.file.file_path()
            );
            return Err(MergeError::Foreign { table: self.layout.table.clone(), detail });
        }
        if positions.len() as f64 >= count as f64 * self.settings.rewrite_share {
            let rewritten = self.rewrite(&file, &positions, written).await?;
            return Ok(Removed { file, scoped, rewritten: vec![rewritten], deletes: None });
        }
        let deletes = write_deletes(self.warehouse, self.location, &file, &positions, written).await;
        let deletes = deletes.map_err(MergeError::files(&self.layout.table))?;
        Ok(Removed { file, scoped, rewritten: Vec::new(), deletes: Some(deletes) })
    }

    /// Writes the rows that stay to a new file.
    async fn rewrite(&self, file: &LiveFile, gone: &[u64], written: &Written) -> Result<DataFile, MergeError> {
        let stored = StoredFile::open(self.warehouse, file, &self.layout).await?;
        let rows = stored.row_count();
        let stay = complement(gone, rows);
        let left = (rows as usize).saturating_sub(gone.len());
        let partition = file.file.partition();
        let failed = || MergeError::files(&self.layout.table);
        let (files, properties) = (&self.layout.files, file_properties(&self.layout, left));
        let writer = FileWriter::new(self.warehouse, self.location, files, partition, properties, written);
        let mut writer = writer.map_err(failed())?;
        let mut whole = stored.whole(&self.layout, &stay, REWRITE_ROWS)?;
        while let Some(batch) = whole.try_next().await? {
            writer.write(&batch).await.map_err(failed())?;
        }
        writer.close().await.map_err(failed())
    }
}

/// What became of a file with rows to remove.
struct Removed {
    file: Arc<LiveFile>,
    scoped: Vec<Arc<LiveFile>>,
    rewritten: Vec<DataFile>,
    deletes: Option<DataFile>,
}

/// The ranges of `0..rows` without some positions, which ascend.
pub(crate) fn complement(gone: &[u64], rows: u64) -> Vec<std::ops::Range<u64>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    for position in gone {
        if *position > start {
            ranges.push(start..*position);
        }
        start = position + 1;
    }
    if start < rows {
        ranges.push(start..rows);
    }
    ranges
}

/// Folds every key with what was found of it, and notes which rows go.
fn fold(
    layout: &Layout,
    groups: &Groups,
    rows: &mut Rows,
    found: Vec<Found>,
    removals: &mut BTreeMap<String, Removal>,
    report: &mut MergeReport,
) -> Result<Vec<NewRow>, MergeError> {
    // The found files' batches stand behind those of bronze.
    let mut matches: Vec<(Match, usize)> = Vec::new();
    let mut files = Vec::with_capacity(found.len());
    for Found { file, deletes, matches: of_file, batches } in found {
        // A pass holds far fewer than 2^32 batches.
        let first = rows.batches.len() as u32;
        let place = files.len();
        matches.extend(of_file.into_iter().map(|mut found| {
            if let Stored::Full(batch, _) = &mut found.stored {
                *batch += first;
            }
            (found, place)
        }));
        for batch in batches {
            rows.push(batch);
        }
        files.push((file, deletes, Vec::new()));
    }
    matches.sort_unstable_by_key(|(found, place)| (found.key, *place, found.position));

    let rows = &*rows;
    let mut folder = Folder::new(rows, layout.kind, layout.state);
    // Most keys have one row.
    let mut new = Vec::with_capacity(groups.keys());
    let mut matches = matches.as_slice();
    let (mut stored, mut places) = (Vec::new(), Vec::new());
    for key in 0..groups.keys() {
        let count = matches.iter().take_while(|(found, _)| found.key as usize == key).count();
        let (of_key, rest) = matches.split_at(count);
        matches = rest;
        stored.clear();
        places.clear();
        let mut created = None;
        for (found, place) in of_key {
            match found.stored {
                Stored::Older { created: known } => {
                    created = Some(created.map_or(known, |least: i64| least.min(known)));
                    files[*place].2.push(found.position);
                }
                Stored::Full(batch, row) => {
                    stored.push(RowRef { batch, row });
                    places.push((*place, found.position));
                }
            }
        }
        let outcome = folder.fold(groups.changes(key), &stored, created)?;
        for gone in &outcome.remove {
            let (place, position) = places[*gone];
            files[place].2.push(position);
        }
        let gone = outcome.remove.len() + of_key.len() - stored.len();
        let written = outcome.write.len();
        if written == 0 && gone == 0 {
            report.keys_unchanged += 1;
        }
        report.rows_updated += written.min(gone) as u64;
        report.rows_inserted += written.saturating_sub(gone) as u64;
        report.rows_removed += gone.saturating_sub(written) as u64;
        report.rows_deleted += outcome.write.iter().filter(|row| row.op == OpRank::Delete).count() as u64;
        new.extend(outcome.write);
    }
    let Noticed { ties, unresolved } = folder.noticed;
    report.ties += ties;
    report.unresolved += unresolved;
    for (file, deletes, positions) in files {
        if positions.is_empty() {
            continue;
        }
        let entry = removals.entry(file.file.file_path().to_owned());
        entry.or_insert_with(|| Removal { file, deletes, positions: Vec::new() }).positions.extend(positions);
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::complement;

    #[test]
    fn what_stays_is_what_does_not_go() {
        assert_eq!(complement(&[], 3), vec![0..3; 1]);
        assert_eq!(complement(&[0, 2], 3), vec![1..2; 1]);
        assert_eq!(complement(&[1, 2], 5), [0..1, 3..5]);
        assert!(complement(&[0, 1], 2).is_empty());
    }
}
