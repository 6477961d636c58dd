//! Files that nothing refers to: leftovers of commits that were lost or killed, and of snapshots that expired.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use weir_ports::catalog::TableName;

use super::reach::reachable;
use crate::commit::now_ms;
use crate::error::TableError;
use crate::table::Table;
use crate::tables::Tables;

/// How many objects are looked at and deleted at once.
const AT_ONCE: usize = 16;
/// A file of a commit under way is not older than this.
const LEAST_AGE: Duration = Duration::from_secs(60 * 60);

/// Which files count as orphans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrphanSettings {
    /// Those last written longer ago than this. A commit under way has written files that nothing refers to yet.
    pub older_than: Duration,
    /// Allows less than an hour. Only for tables that nobody writes to.
    pub any_age: bool,
}

impl Default for OrphanSettings {
    /// Three days.
    fn default() -> Self {
        OrphanSettings { older_than: Duration::from_secs(3 * 24 * 60 * 60), any_age: false }
    }
}

/// A file that nothing refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// Its URI.
    pub uri: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was written, in milliseconds since 1970-01-01T00:00:00Z.
    pub written_ms: i64,
}

/// The orphans of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphans {
    /// The table.
    pub table: TableName,
    /// Its orphans, in the order of their URIs.
    pub files: Vec<Orphan>,
}

/// What became of orphans.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    /// The URIs of those that were deleted.
    pub deleted: Vec<String>,
    /// The URIs of those that were not: something refers to them now, or they were written anew.
    pub spared: Vec<String>,
}

impl Tables {
    /// Lists the files under the table's location that its metadata does not lead to and that are old enough. Deletes nothing.
    ///
    /// # Errors
    /// [`TableError::State`] where the age is below an hour and `any_age` is not set; [`TableError`] where a manifest
    /// cannot be read or refers to a file outside of the warehouse: then it cannot be told what is an orphan.
    pub async fn orphans(&self, table: &Table, settings: &OrphanSettings) -> Result<Orphans, TableError> {
        if settings.older_than < LEAST_AGE && !settings.any_age {
            return Err(TableError::State {
                table: table.name.clone(),
                what: "files younger than an hour may belong to a commit under way; choose an age of an hour or more"
                    .to_owned(),
            });
        }
        let before = now_ms().saturating_sub(i64::try_from(settings.older_than.as_millis()).unwrap_or(i64::MAX));
        let folder = self.warehouse().path(table.location())?;
        let failed = |source| TableError::Objects { what: format!("listing the files of {}", table.name), source };
        // Listed first: what is committed after that is not in the listing, or is known to the metadata or young.
        let mut files = Vec::new();
        let mut objects = self.warehouse().store().list(Some(&folder));
        while let Some(object) = objects.try_next().await.map_err(failed)? {
            let written_ms = object.last_modified.timestamp_millis();
            // Some catalogs keep this file beside the metadata; nothing refers to it.
            let hint = object.location.filename() == Some("version-hint.text");
            if written_ms < before && !hint {
                files.push((object.location, object.size, written_ms));
            }
        }
        let head = self.load(&table.name).await?.unwrap_or_else(|| table.clone());
        let mut reached = reachable(self.warehouse(), &head).await?;
        if head.metadata_location != table.metadata_location {
            reached.extend(reachable(self.warehouse(), table).await?);
        }
        files.retain(|(path, _, _)| !reached.contains(path));
        files.sort();
        let orphan = |(path, bytes, written_ms): (Path, u64, i64)| Orphan {
            uri: self.warehouse().uri_of(&path),
            bytes,
            written_ms,
        };
        Ok(Orphans { table: table.name.clone(), files: files.into_iter().map(orphan).collect() })
    }

    /// Deletes orphans. What the table's head leads to by now, or was written anew since it was listed, is spared.
    ///
    /// # Errors
    /// [`TableError::State`] where the table is gone; [`TableError`] where it cannot be told what is an orphan, or
    /// deleting fails. Some may have been deleted by then; list and remove again.
    pub async fn remove(&self, orphans: &Orphans) -> Result<Removed, TableError> {
        let Some(head) = self.load(&orphans.table).await? else {
            let what = "it is gone from the catalog, so nothing tells which of its files are needed; delete its folder yourself";
            return Err(TableError::State { table: orphans.table.clone(), what: what.to_owned() });
        };
        let reached = reachable(self.warehouse(), &head).await?;
        let deletes = orphans.files.iter().map(|orphan| {
            let reached = &reached;
            async move {
                let path = self.warehouse().path(&orphan.uri)?;
                let failed = |source| TableError::Objects { what: format!("deleting {}", orphan.uri), source };
                let gone = match self.warehouse().store().head(&path).await {
                    Ok(object)
                        if reached.contains(&path) || object.last_modified.timestamp_millis() != orphan.written_ms =>
                    {
                        false
                    }
                    Ok(_) => match self.warehouse().store().delete(&path).await {
                        Ok(()) | Err(object_store::Error::NotFound { .. }) => true,
                        Err(error) => return Err(failed(error)),
                    },
                    Err(object_store::Error::NotFound { .. }) => true,
                    Err(error) => return Err(failed(error)),
                };
                Ok((gone, orphan.uri.clone()))
            }
        });
        let deletes: Vec<_> = deletes.collect();
        let done: Vec<(bool, String)> = futures::stream::iter(deletes).buffered(AT_ONCE).try_collect().await?;
        let mut removed = Removed::default();
        for (gone, uri) in done {
            if gone { removed.deleted.push(uri) } else { removed.spared.push(uri) }
        }
        Ok(removed)
    }
}
