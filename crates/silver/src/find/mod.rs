//! The stored rows of a set of keys, found without reading the table: by the bounds of its files,
//! then of their row groups and pages, then by Bloom filters, and last by reading key columns.

mod file;
mod prune;

use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use iceberg_commit::{Live, LiveFile, Warehouse};
use iceberg_files::Deletes;

use crate::error::MergeError;
use crate::fold::Groups;
use crate::keys::{KeyCodec, KeySpan};
use crate::rows::{Batch, Rows};
use crate::table::{Cell, Layout};

pub(crate) use file::{StoredFile, Whole};

/// Files that each worker searches at one time: while one waits for bytes, another is decoded.
const READ_AT_ONCE: usize = 3;

/// What a search is for.
pub(crate) struct Wanted {
    pub(crate) layout: Arc<Layout>,
    pub(crate) codec: Arc<KeyCodec>,
    pub(crate) groups: Groups,
    pub(crate) rows: Rows,
    pub(crate) span: KeySpan,
}

/// A stored row of a key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Match {
    pub(crate) key: u32,
    /// Place in the data file.
    pub(crate) position: u64,
    pub(crate) stored: Stored,
}

/// What is known of a stored row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stored {
    /// Older than the newest change of its key, which sets every column: only its time of creation
    /// counts, in microseconds.
    Older { created: i64 },
    /// Row of the found file's batches: batch and row.
    Full(u32, u32),
}

/// A data file with rows of the keys.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) file: Arc<LiveFile>,
    /// The rows that are deleted already.
    pub(crate) deletes: Deletes,
    pub(crate) matches: Vec<Match>,
    pub(crate) batches: Vec<Batch>,
}

/// Whether a data file may hold one of the keys, from its bounds.
pub(crate) fn may_hold(layout: &Layout, span: &KeySpan, file: &iceberg::spec::DataFile) -> Result<bool, MergeError> {
    let Some(first) = layout.keys.first() else { return Ok(true) };
    let id = layout.data[*first].field_id;
    Ok(span.may_hold_datum(file.lower_bounds().get(&id), file.upper_bounds().get(&id))?)
}

/// Finds the stored rows of the wanted keys. Also returns how many files were opened.
pub(crate) async fn find(
    wanted: &Arc<Wanted>,
    live: &Arc<Live>,
    warehouse: &Warehouse,
    workers: usize,
) -> Result<(Vec<Found>, u64), MergeError> {
    let mut files = Vec::new();
    for file in &live.data {
        if may_hold(&wanted.layout, &wanted.span, &file.file)? {
            files.push(Arc::clone(file));
        }
    }
    let opened = files.len() as u64;
    let tasks = files.into_iter().map(|file| {
        let (wanted, live, warehouse) = (Arc::clone(wanted), Arc::clone(live), warehouse.clone());
        async move {
            let task = tokio::spawn(async move { find_in(&wanted, &live, &warehouse, file).await });
            task.await.map_err(|error| MergeError::Defect(format!("a search broke off: {error}")))?
        }
    });
    let found: Vec<Option<Found>> = stream::iter(tasks).buffered(workers.max(1) * READ_AT_ONCE).try_collect().await?;
    Ok((found.into_iter().flatten().collect(), opened))
}

async fn find_in(
    wanted: &Wanted,
    live: &Live,
    warehouse: &Warehouse,
    file: Arc<LiveFile>,
) -> Result<Option<Found>, MergeError> {
    let layout = &wanted.layout;
    let stored = StoredFile::open(warehouse, &file, layout).await?;
    let ranges = prune::ranges(&stored, layout, &wanted.span).await?;
    if ranges.is_empty() {
        return Ok(None);
    }
    let mut hits: Vec<(u64, u32)> = Vec::new();
    stored
        .keys(layout, &wanted.codec, &ranges, |position, keys| {
            let found = (0..keys.len()).filter_map(|index| Some((index, wanted.groups.table.find(keys, index)?)));
            hits.extend(found.map(|(index, key)| (position(index), key)));
        })
        .await?;
    if hits.is_empty() {
        return Ok(None);
    }
    let deletes = Deletes::load(warehouse, live, &file).await.map_err(MergeError::files(&layout.table))?;
    hits.retain(|(position, _)| !deletes.contains(*position));
    if hits.is_empty() {
        return Ok(None);
    }
    let (older, full) = split(wanted, &stored, hits);
    let mut matches = Vec::with_capacity(older.len() + full.len());
    matches.extend(created_times(&stored, layout, &older).await?);
    let positions: Vec<u64> = full.iter().map(|(position, _)| *position).collect();
    let batches = stored.rows(layout, &positions).await?;
    let places = batches.iter().zip(0u32..).flat_map(|(batch, index)| {
        // A batch holds far fewer than 2^32 rows.
        (0..batch.len() as u32).map(move |row| (index, row))
    });
    matches.extend(full.iter().zip(places).map(|((position, key), (batch, row))| Match {
        key: *key,
        position: *position,
        stored: Stored::Full(batch, row),
    }));
    Ok(Some(Found { file, deletes, matches, batches }))
}

type Hits = Vec<(u64, u32)>;

/// Tells apart the rows of which only the time of creation counts: what is stored in their row
/// group is older than the newest change of their key, and that one sets every column.
fn split(wanted: &Wanted, stored: &StoredFile, hits: Hits) -> (Hits, Hits) {
    if wanted.layout.kind != crate::shape::SilverKind::Snapshot {
        return (Vec::new(), hits);
    }
    let newest = stored.greatest_sequences(&wanted.layout);
    hits.into_iter().partition(|(position, key)| {
        let Some(Some(newest)) = newest.get(stored.row_group_of(*position)) else { return false };
        let changes = wanted.groups.changes(*key as usize);
        let Some(first) = changes.first() else { return false };
        let sequence = wanted.rows.seq(*first);
        let is_alone = changes.get(1).is_none_or(|second| wanted.rows.seq(*second) < sequence);
        is_alone && sequence > newest.as_str() && wanted.rows.is_whole(*first)
    })
}

async fn created_times(stored: &StoredFile, layout: &Layout, older: &Hits) -> Result<Vec<Match>, MergeError> {
    if older.is_empty() {
        return Ok(Vec::new());
    }
    let known = stored.only_times(layout, Cell::Time(0));
    let time_of = |position: u64| known.get(stored.row_group_of(position)).copied().flatten();
    let unknown: Vec<u64> =
        older.iter().map(|(position, _)| *position).filter(|position| time_of(*position).is_none()).collect();
    let mut read = stored.times(layout, Cell::Time(0), &unknown).await?.into_iter();
    let mut matches = Vec::with_capacity(older.len());
    for (position, key) in older {
        let created = match time_of(*position) {
            Some(created) => created,
            None => read.next().ok_or_else(|| MergeError::Defect("a stored time is missing".to_owned()))?,
        };
        matches.push(Match { key: *key, position: *position, stored: Stored::Older { created } });
    }
    Ok(matches)
}
