//! Which snapshot of a table is meant.

use iceberg_commit::Table;
use weir_model::Timestamp;

use crate::error::QueryError;

/// So many ids are listed where one is not known.
const LISTED: usize = 5;

pub(crate) fn no_such_snapshot(table: &Table, id: i64) -> QueryError {
    let mut snapshots: Vec<_> = table.metadata.snapshots().collect();
    snapshots.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.timestamp_ms()));
    let ids: Vec<String> = snapshots
        .iter()
        .take(LISTED)
        .map(|snapshot| format!("{} of {}", snapshot.snapshot_id(), shown(snapshot.timestamp_ms())))
        .collect();
    let there = match (ids.is_empty(), snapshots.len() > LISTED) {
        (true, _) => "it has none yet".to_owned(),
        (false, more) => format!("it has {}{}", ids.join(", "), if more { " and older ones" } else { "" }),
    };
    QueryError::Snapshot(format!(
        "table {} has no snapshot {id}; {there}; what `weir maintain` expired cannot be read any more (`weir snapshots {}` lists all)",
        table.name, table.name.name
    ))
}

fn shown(millis: i64) -> Timestamp {
    Timestamp::from_micros(millis.saturating_mul(1000))
}

/// The snapshot that was current at a time, by the table's own log.
///
/// # Errors
/// [`QueryError::Snapshot`] where the table had none yet, or it is expired.
pub(crate) fn snapshot_at(table: &Table, at: Timestamp) -> Result<i64, QueryError> {
    let millis = at.micros().div_euclid(1000);
    let log = table.metadata.history();
    let entry = log.iter().filter(|entry| entry.timestamp_ms() <= millis).max_by_key(|entry| entry.timestamp_ms());
    if let Some(entry) = entry {
        return match table.snapshot(entry.snapshot_id) {
            Some(_) => Ok(entry.snapshot_id),
            None => Err(QueryError::Snapshot(format!(
                "the snapshot of {} that was current at {at} is expired; {}",
                table.name,
                oldest(table)
            ))),
        };
    }
    Err(QueryError::Snapshot(format!("table {} had no snapshot at {at}; {}", table.name, oldest(table))))
}

fn oldest(table: &Table) -> String {
    let log = table.metadata.history().iter().filter(|entry| table.snapshot(entry.snapshot_id).is_some());
    match log.map(|entry| entry.timestamp_ms()).min() {
        Some(millis) => format!("the oldest that can be read is of {}", shown(millis)),
        None => "it has none that can be read".to_owned(),
    }
}
