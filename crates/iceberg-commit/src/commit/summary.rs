//! The counts of a snapshot's summary.

use std::collections::{BTreeMap, HashMap, HashSet};

use iceberg::spec::{DataContentType, DataFile, Operation, Summary};

use crate::error::TableError;
use crate::staged::{Kind, Staged};
use crate::table::Table;
use crate::warehouse::Warehouse;

/// Counts over data and delete files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    data_files: u64,
    records: u64,
    position_delete_files: u64,
    position_deletes: u64,
    equality_delete_files: u64,
    equality_deletes: u64,
    bytes: u64,
}

impl Counts {
    fn of<'a>(files: impl IntoIterator<Item = &'a DataFile>) -> Self {
        let mut counts = Counts::default();
        for file in files {
            counts.bytes += file.file_size_in_bytes();
            let (files, rows) = match file.content_type() {
                DataContentType::Data => (&mut counts.data_files, &mut counts.records),
                DataContentType::PositionDeletes => (&mut counts.position_delete_files, &mut counts.position_deletes),
                DataContentType::EqualityDeletes => (&mut counts.equality_delete_files, &mut counts.equality_deletes),
            };
            *files += 1;
            *rows += file.record_count();
        }
        counts
    }

    fn delete_files(&self) -> u64 {
        self.position_delete_files + self.equality_delete_files
    }

    /// As the keys `total-*` have them.
    fn totals(&self) -> Totals {
        Totals([
            self.data_files,
            self.delete_files(),
            self.records,
            self.bytes,
            self.position_deletes,
            self.equality_deletes,
        ])
    }
}

/// What a table holds, in the order of [`TOTALS`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Totals([u64; 6]);

const TOTALS: [&str; 6] = [
    "total-data-files",
    "total-delete-files",
    "total-records",
    "total-files-size",
    "total-position-deletes",
    "total-equality-deletes",
];

impl Totals {
    /// What a snapshot says it holds; `None` where it leaves something out.
    fn said(summary: &Summary) -> Option<Self> {
        let mut totals = Totals::default();
        for (total, key) in totals.0.iter_mut().zip(TOTALS) {
            *total = summary.additional_properties.get(key)?.parse().ok()?;
        }
        Some(totals)
    }

    /// What there is after a commit; `None` where more goes than there was.
    fn after(self, added: Totals, removed: Totals) -> Option<Self> {
        let mut totals = self;
        for (total, (added, removed)) in totals.0.iter_mut().zip(added.0.into_iter().zip(removed.0)) {
            *total = total.checked_add(added)?.checked_sub(removed)?;
        }
        Some(totals)
    }
}

/// The summary of the snapshot that comes after `head`.
pub(super) async fn summary(
    warehouse: &Warehouse,
    head: &Table,
    staged: &Staged,
    removed: &[&DataFile],
) -> Result<Summary, TableError> {
    let added = Counts::of(staged.add_data.iter().chain(&staged.add_deletes));
    let gone = Counts::of(removed.iter().copied());
    let mut keys = change(&added, &gone);
    let partitions = staged.add_data.iter().chain(&staged.add_deletes).chain(removed.iter().copied());
    let partitions: HashSet<_> = partitions.map(DataFile::partition).collect();
    keys.insert("changed-partition-count".to_owned(), partitions.len().to_string());
    if matches!(staged.kind, Kind::ReplacePartitions(_)) {
        keys.insert("replace-partitions".to_owned(), "true".to_owned());
    }

    let (plus, minus) = (added.totals(), gone.totals());
    let before = match head.current_snapshot() {
        None => Some(Totals::default()),
        Some(snapshot) => Totals::said(snapshot.summary()),
    };
    let after = match before.and_then(|before| before.after(plus, minus)) {
        Some(after) => after,
        // The snapshot before is another's, and it says too little or what cannot be.
        None => recount(warehouse, head).await?.after(plus, minus).unwrap_or_default(),
    };
    for (key, total) in TOTALS.into_iter().zip(after.0) {
        keys.insert(key.to_owned(), total.to_string());
    }
    for (key, value) in &staged.summary {
        // The counts are ours to tell.
        keys.entry(key.clone()).or_insert_with(|| value.clone());
    }
    Ok(Summary { operation: operation(staged, !removed.is_empty()), additional_properties: keys })
}

fn operation(staged: &Staged, removes: bool) -> Operation {
    match &staged.kind {
        Kind::Replace => Operation::Replace,
        Kind::ReplacePartitions(_) | Kind::ReplaceTable => Operation::Overwrite,
        Kind::Append | Kind::RowDelta if !removes && staged.add_deletes.is_empty() => Operation::Append,
        Kind::Append | Kind::RowDelta if staged.add_data.is_empty() => Operation::Delete,
        Kind::Append | Kind::RowDelta => Operation::Overwrite,
    }
}

async fn recount(warehouse: &Warehouse, head: &Table) -> Result<Totals, TableError> {
    let live = head.live(warehouse).await?;
    Ok(Counts::of(live.data.iter().chain(&live.deletes).map(|live| &live.file)).totals())
}

/// What is added and removed. As usual, what is zero is left out.
fn change(added: &Counts, removed: &Counts) -> HashMap<String, String> {
    let keys = BTreeMap::from([
        ("added-data-files", added.data_files),
        ("added-records", added.records),
        ("added-delete-files", added.delete_files()),
        ("added-position-delete-files", added.position_delete_files),
        ("added-position-deletes", added.position_deletes),
        ("added-equality-delete-files", added.equality_delete_files),
        ("added-equality-deletes", added.equality_deletes),
        ("added-files-size", added.bytes),
        ("deleted-data-files", removed.data_files),
        ("deleted-records", removed.records),
        ("removed-delete-files", removed.delete_files()),
        ("removed-position-delete-files", removed.position_delete_files),
        ("removed-position-deletes", removed.position_deletes),
        ("removed-equality-delete-files", removed.equality_delete_files),
        ("removed-equality-deletes", removed.equality_deletes),
        ("removed-files-size", removed.bytes),
    ]);
    keys.into_iter().filter(|(_, count)| *count > 0).map(|(key, count)| (key.to_owned(), count.to_string())).collect()
}
