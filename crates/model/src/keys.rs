//! Object keys: which table a raw object belongs to, and where what becomes of it is written.

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::time::Timestamp;

/// The folder that raw objects are dropped into.
pub const RAW: &str = "raw";
/// The folder of the Parquet that ingest writes.
pub const BRONZE: &str = "bronze";
/// The folder of the rows that could not be read.
pub const QUARANTINE: &str = "quarantine";

/// The longest table name: it becomes a folder, a Glue table and a metric dimension.
pub const MAX_TABLE_NAME: usize = 63;

/// Why a key cannot be a raw object.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The key is not of the form `raw/<table>/…`.
    #[error("the key is not under raw/<table>/; put the file into the folder of its table")]
    NotRaw,
    /// The folder under `raw/` cannot be a table.
    #[error(
        "'{0}' cannot be a table name; a table name begins with a letter and has letters a-z, digits and '_', at most 63"
    )]
    TableName(String),
    /// The key has an empty part, `.` or `..`.
    #[error("the key has an empty part, '.' or '..'; no such object can be addressed safely, give it another name")]
    Part,
    /// A folder marker, or a file or table's folder that tools write for themselves.
    #[error("folder markers and names that begin with '.' or '_' are not data")]
    NotData,
}

/// Whether `name` may be a table.
#[must_use]
pub fn is_table_name(name: &str) -> bool {
    name.len() <= MAX_TABLE_NAME
        && name.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The table that the object at `key` (decoded) belongs to.
///
/// # Errors
/// What is wrong with the key; [`KeyError::NotData`] is no fault, the object is simply passed over.
pub fn table_of(key: &str) -> Result<&str, KeyError> {
    let rest = key.strip_prefix(RAW).and_then(|rest| rest.strip_prefix('/'));
    let (table, path) = rest.and_then(|rest| rest.split_once('/')).ok_or(KeyError::NotRaw)?;
    let name = path.rsplit('/').next().unwrap_or_default();
    let hidden = |part: &str| part.starts_with(['.', '_']) && part != ".." && part != ".";
    if name.is_empty() || hidden(name) || hidden(table) {
        return Err(KeyError::NotData);
    }
    if key.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(KeyError::Part);
    }
    if !is_table_name(table) {
        return Err(KeyError::TableName(table.to_owned()));
    }
    Ok(table)
}

/// The id of the control record of one object version: 32 hexadecimal digits.
///
/// `version` is the version id where the bucket has versions, else the entity tag. Each part is
/// hashed with its length before it, so no two objects share an id by the way their names join.
#[must_use]
pub fn control_id(bucket: &str, key: &str, version: &str) -> String {
    let mut hash = Sha256::new();
    for part in [bucket, key, version] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize()[..16])
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where the rows of one raw object go: `bronze/<table>/v<major>/year=/month=/day=/<id>.parquet`.
///
/// The day is that of the object, not of the run, so that a second run writes the same key.
#[must_use]
pub fn bronze_key(table: &str, contract_major: u64, object_time: Timestamp, control_id: &str) -> String {
    let (year, month, day) = object_time.date();
    format!("{BRONZE}/{table}/v{contract_major}/year={year:04}/month={month:02}/day={day:02}/{control_id}.parquet")
}

/// The folder below [`RAW`] of stream records that were not understood. It holds them as they came,
/// so it is as confidential as raw is; its name keeps it from being a table.
pub const STREAM_ERRORS: &str = "_errors";

/// Where the rows of one raw object go that could not be read.
#[must_use]
pub fn quarantine_key(table: &str, control_id: &str) -> String {
    format!("{QUARANTINE}/{table}/{control_id}.jsonl")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn deep_keys_keep_their_table_and_stay_distinct() {
        let keys = [
            "raw/review/a.csv.gz",
            "raw/review/2026/11/a.csv.gz",
            "raw/review/with space/a.csv.gz",
            "raw/review/a+b.csv.gz",
            "raw/review/ü/a.csv.gz",
        ];
        let mut ids: Vec<String> = keys.iter().map(|key| control_id("b", key, "1")).collect();
        for key in keys {
            assert_eq!(table_of(key), Ok("review"));
        }
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), keys.len());
    }

    #[test]
    fn keys_that_cannot_be_data_say_why() {
        assert_eq!(table_of("bronze/review/a.csv"), Err(KeyError::NotRaw));
        assert_eq!(table_of("raw/a.csv"), Err(KeyError::NotRaw));
        assert_eq!(table_of("raw/review/"), Err(KeyError::NotData));
        assert_eq!(table_of("raw/review/_SUCCESS"), Err(KeyError::NotData));
        assert_eq!(table_of("raw/_errors/2026/a.jsonl"), Err(KeyError::NotData));
        assert_eq!(table_of("raw/review//a.csv"), Err(KeyError::Part));
        assert_eq!(table_of("raw/review/../a.csv"), Err(KeyError::Part));
        assert_eq!(table_of("raw/review/.."), Err(KeyError::Part));
        assert_eq!(table_of("raw/Bad-Name/a.csv"), Err(KeyError::TableName("Bad-Name".to_owned())));
    }

    proptest! {
        #[test]
        fn the_parts_of_an_id_never_run_together(a in "[a-z/]{0,6}", b in "[a-z/]{0,6}", c in "[a-z/]{0,6}", d in "[a-z/]{0,6}") {
            prop_assume!((&a, &b) != (&c, &d));
            prop_assert_ne!(control_id("x", &a, &b), control_id("x", &c, &d));
        }
    }
}
