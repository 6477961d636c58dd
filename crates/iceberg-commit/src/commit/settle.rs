//! Swapping the head, and finding out what became of it.

use iceberg::spec::TableMetadataRef;
use weir_ports::catalog::{CatalogError, Swap};

use crate::error::CommitError;
use crate::metadata;
use crate::table::Table;
use crate::tables::Tables;

/// What became of an attempt. Both are certain.
pub(crate) enum Settled {
    /// It is the head or a part of its history. This is the head.
    Won(Table),
    /// It is not and never will be. This is the head; `None` where the table is gone.
    Lost(Option<Table>),
}

impl Tables {
    /// Points the table from `from` to the metadata at `to`, which makes snapshot `snapshot_id`.
    ///
    /// An answer that is lost is no answer: the head is looked at until it tells. Where it is still `from`, the
    /// swap is made again; should the first one come through late, the second is lost to it, and looking finds it.
    pub(crate) async fn settle(
        &self,
        from: &Table,
        metadata: &TableMetadataRef,
        to: &str,
        snapshot_id: Option<i64>,
    ) -> Result<Settled, CommitError> {
        let name = &from.name;
        let ours = || Table { name: name.clone(), metadata: metadata.clone(), metadata_location: to.to_owned() };
        let mut reason = String::new();
        // Whether an earlier swap of these two locations may have taken effect.
        let mut open = false;
        for attempt in 1..=self.settings().max_attempts.max(1) {
            match self.catalog().swap(name, &from.metadata_location, to).await {
                Ok(Swap::Won) => return Ok(Settled::Won(ours())),
                Ok(Swap::Lost) => {}
                Err(error) if error.outcome_is_unknown() => {
                    open = true;
                    reason = error.to_string();
                }
                Err(error) if !open => return Err(failed(from, error)),
                Err(error) => reason = error.to_string(),
            }
            match self.load(name).await {
                Ok(None) => return Ok(Settled::Lost(None)),
                Ok(Some(head)) if head.metadata_location == to => return Ok(Settled::Won(ours())),
                Ok(Some(head)) if head.metadata_location != from.metadata_location => {
                    let snapshot = snapshot_id.is_some_and(|id| head.metadata.snapshot_by_id(id).is_some());
                    let logged = || head.metadata.metadata_log().iter().any(|log| log.metadata_file == to);
                    let won = snapshot || logged();
                    return Ok(if won { Settled::Won(head) } else { Settled::Lost(Some(head)) });
                }
                // Still where it was: the swap did not come through, or has not yet.
                Ok(Some(_)) => {}
                Err(error) => {
                    open = true;
                    reason = error.to_string();
                }
            }
            self.settings().wait(attempt).await;
        }
        if !open {
            // Lost every time though the head never moved: nothing was written.
            let attempts = self.settings().max_attempts;
            return Err(CommitError::Contention { table: name.clone(), attempts });
        }
        Err(CommitError::Unknown { table: name.clone(), metadata_location: to.to_owned(), snapshot_id, reason })
    }
}

fn failed(from: &Table, error: CatalogError) -> CommitError {
    crate::error::TableError::catalog(&from.name)(error).into()
}

impl Tables {
    /// Writes the metadata that comes after `head`, and returns its location.
    pub(crate) async fn write_next(&self, head: &Table, next: &TableMetadataRef) -> Result<String, CommitError> {
        let location = metadata::next_location(head, next)?;
        metadata::write(self.warehouse(), next, &location).await?;
        Ok(location.to_string())
    }
}
