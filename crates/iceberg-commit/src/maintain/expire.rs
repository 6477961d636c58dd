//! Taking old snapshots out of a table's metadata. No file is deleted by that.

use std::collections::HashSet;

use iceberg::spec::{SnapshotRetention, TableMetadata, TableMetadataRef};

use crate::commit::Settled;
use crate::error::{CommitError, TableError};
use crate::metadata;
use crate::table::Table;
use crate::tables::Tables;

/// Which snapshots may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expire {
    /// Those made before this time, in milliseconds since 1970-01-01T00:00:00Z.
    pub older_than_ms: i64,
    /// But never the last ones of a branch, this many. At least one.
    pub keep_last: usize,
    /// Only say what would go.
    pub dry_run: bool,
}

/// What went or would go.
#[derive(Debug, Clone)]
pub struct Expired {
    /// The table's head: the new one, or the one looked at where nothing was changed.
    pub table: Table,
    /// The snapshots, the oldest first.
    pub snapshots: Vec<i64>,
}

impl Tables {
    /// Takes snapshots that are old enough out of the table's metadata.
    ///
    /// Kept are the snapshots of every branch and tag, the last ones of every branch, and what is younger. Where
    /// others commit meanwhile, it is decided anew from their head.
    ///
    /// # Errors
    /// [`CommitError::Refused`] where the table's property `gc.enabled` is `false`; otherwise as a commit.
    pub async fn expire(&self, table: &Table, settings: &Expire) -> Result<Expired, CommitError> {
        let attempts = self.settings().max_attempts.max(1);
        let mut head = table.clone();
        for attempt in 1..=attempts {
            if head.property("gc.enabled") == Some("false") {
                let what = "its property gc.enabled is false; set it to true if its snapshots may go".to_owned();
                return Err(CommitError::Refused { table: head.name, what });
            }
            let snapshots = expirable(&head, settings)?;
            if snapshots.is_empty() || settings.dry_run {
                return Ok(Expired { table: head, snapshots });
            }
            let next: TableMetadataRef = without(&head, &snapshots)?.into();
            let location = self.write_next(&head, &next).await?;
            match self.settle(&head, &next, &location, None).await {
                Ok(Settled::Won(table)) => return Ok(Expired { table, snapshots }),
                Ok(Settled::Lost(Some(table))) => {
                    self.discard([location]).await;
                    head = table;
                }
                Ok(Settled::Lost(None)) => {
                    self.discard([location]).await;
                    return Err(CommitError::Conflict { table: head.name, what: "the table was dropped".to_owned() });
                }
                Err(error) => {
                    if !matches!(error, CommitError::Unknown { .. }) {
                        self.discard([location]).await;
                    }
                    return Err(error);
                }
            }
            self.settings().wait(attempt).await;
        }
        Err(CommitError::Contention { table: head.name, attempts })
    }
}

fn expirable(table: &Table, settings: &Expire) -> Result<Vec<i64>, TableError> {
    let metadata = &table.metadata;
    let mut kept: HashSet<i64> = metadata.current_snapshot_id().into_iter().collect();
    // A table may have a current snapshot and no entry for its branch.
    let mut branches: Vec<(i64, usize)> = kept.iter().map(|id| (*id, settings.keep_last)).collect();
    for reference in metadata::refs(table)?.into_values() {
        kept.insert(reference.snapshot_id);
        if let SnapshotRetention::Branch { min_snapshots_to_keep, .. } = reference.retention {
            let least = min_snapshots_to_keep.and_then(|least| usize::try_from(least).ok()).unwrap_or(0);
            branches.push((reference.snapshot_id, least.max(settings.keep_last)));
        }
    }
    for (head, keep) in branches {
        let mut next = Some(head);
        for _ in 0..keep {
            let Some(snapshot) = next.and_then(|id| metadata.snapshot_by_id(id)) else { break };
            kept.insert(snapshot.snapshot_id());
            next = snapshot.parent_snapshot_id();
        }
    }
    let mut old: Vec<_> = metadata
        .snapshots()
        .filter(|snapshot| snapshot.timestamp_ms() < settings.older_than_ms && !kept.contains(&snapshot.snapshot_id()))
        .map(|snapshot| (snapshot.sequence_number(), snapshot.timestamp_ms(), snapshot.snapshot_id()))
        .collect();
    old.sort_unstable();
    Ok(old.into_iter().map(|(_, _, id)| id).collect())
}

fn without(table: &Table, snapshots: &[i64]) -> Result<TableMetadata, TableError> {
    let metadata = TableMetadata::clone(&table.metadata);
    let mut builder = metadata.into_builder(Some(table.metadata_location.clone())).remove_snapshots(snapshots);
    for id in snapshots {
        builder = builder.remove_statistics(*id).remove_partition_statistics(*id);
    }
    let built = builder.build().map_err(TableError::metadata("the expiry", &table.name))?;
    Ok(built.metadata)
}
