//! What becomes of a table's change records in silver.

use std::fmt;

/// What silver keeps of a table, and how its files are laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SilverSettings {
    /// What a row of silver stands for.
    pub kind: SilverKind,
    /// How rows are grouped into partitions, outermost first; empty: not at all.
    pub partition_by: Vec<PartitionField>,
    /// How rows are ordered within a file; the primary key where the contract does not say.
    pub sort_by: Vec<SortField>,
    /// How many bytes a data file should have.
    pub target_file_bytes: u64,
    /// For [`SilverKind::StateChanges`]: index into the contract's columns of the one that is followed.
    pub state_column: Option<usize>,
    /// The columns that had other names before, in the contract's order.
    pub renames: Vec<Rename>,
}

impl SilverSettings {
    /// How many bytes a data file should have where the contract does not say: 128 MiB.
    pub const DEFAULT_FILE_BYTES: u64 = 128 << 20;
    /// The least that a contract may ask for, in bytes: 1 MiB.
    pub const LEAST_FILE_BYTES: u64 = 1 << 20;
    /// The most that a contract may ask for, in bytes: 2 GiB.
    pub const MOST_FILE_BYTES: u64 = 2 << 30;

    /// The names that the column at `index` of the contract had before, as the contract lists them.
    #[must_use]
    pub fn earlier_names(&self, index: usize) -> &[String] {
        self.renames.iter().find(|rename| rename.column == index).map_or(&[], |rename| &rename.from)
    }
}

/// A table without a key: bronze only.
impl Default for SilverSettings {
    fn default() -> Self {
        SilverSettings {
            kind: SilverKind::None,
            partition_by: Vec::new(),
            sort_by: Vec::new(),
            target_file_bytes: SilverSettings::DEFAULT_FILE_BYTES,
            state_column: None,
            renames: Vec::new(),
        }
    }
}

/// What a row of silver stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SilverKind {
    /// The current state of one key.
    Snapshot,
    /// One version of one key, with the time for which it held.
    History,
    /// One change of one column of a key.
    StateChanges,
    /// There is no silver table.
    None,
}

impl SilverKind {
    /// Every word of a contract with what it means.
    pub const WORDS: &'static [(&'static str, SilverKind)] = &[
        ("snapshot", SilverKind::Snapshot),
        ("history", SilverKind::History),
        ("state_changes", SilverKind::StateChanges),
        ("none", SilverKind::None),
    ];

    /// The word that contracts use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            SilverKind::Snapshot => "snapshot",
            SilverKind::History => "history",
            SilverKind::StateChanges => "state_changes",
            SilverKind::None => "none",
        }
    }

    /// The columns that silver adds after those of the contract, in their order. A table of state
    /// changes has the column of [`columns::previous`] besides.
    #[must_use]
    pub fn added(self) -> &'static [&'static str] {
        use columns::*;
        match self {
            SilverKind::Snapshot => &[CREATED_AT, UPDATED_AT, DELETED_AT, OP, SEQ, CARRIED],
            SilverKind::History => &[VALID_FROM, VALID_TO, DELETED_AT, OP, SEQ, CARRIED],
            SilverKind::StateChanges => &[CHANGED_AT, OP, SEQ, REPEATS],
            SilverKind::None => &[],
        }
    }
}

impl fmt::Display for SilverKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The columns that silver adds to a table; which of them, [`SilverKind::added`] says.
pub mod columns {
    /// The least event time of all records of the key.
    pub const CREATED_AT: &str = "created_at";
    /// The event time of the record that ranks last.
    pub const UPDATED_AT: &str = "updated_at";
    /// When the row was deleted; null while it is there.
    pub const DELETED_AT: &str = "deleted_at";
    /// The operation of the record that ranks last.
    pub const OP: &str = crate::change::columns::OP;
    /// The sequence of the record that ranks last.
    pub const SEQ: &str = crate::change::columns::SEQ;
    /// The columns whose values come from an earlier record, with that record's sequence.
    pub const CARRIED: &str = "_carried";
    /// From when on a version held.
    pub const VALID_FROM: &str = "valid_from";
    /// Until when a version held, exclusive; null for the last.
    pub const VALID_TO: &str = "valid_to";
    /// When the state changed.
    pub const CHANGED_AT: &str = "changed_at";
    /// The later records of the same state.
    pub const REPEATS: &str = "_repeats";

    /// The column with what the state column `name` held before.
    #[must_use]
    pub fn previous(name: &str) -> String {
        format!("previous_{name}")
    }
}

/// One level of a table's partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionField {
    /// The column of silver, as it is spelled there.
    pub column: String,
    /// What is made of its values.
    pub transform: Transform,
}

impl fmt::Display for PartitionField {
    /// As contracts write it: `bucket(16, user_id)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = &self.column;
        match self.transform {
            Transform::Identity => f.write_str(column),
            Transform::Bucket(number) | Transform::Truncate(number) => {
                write!(f, "{}({number}, {column})", self.transform.word())
            }
            _ => write!(f, "{}({column})", self.transform.word()),
        }
    }
}

/// What is made of a column's value to tell its row's partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transform {
    /// The value itself.
    Identity,
    /// The year of a date or a time.
    Year,
    /// The month of a date or a time, with its year.
    Month,
    /// The day of a date or a time.
    Day,
    /// The hour of a time, with its day.
    Hour,
    /// A hash of the value, modulo so many.
    Bucket(u32),
    /// The first so many characters or bytes; of a number, the multiple of so many below it.
    Truncate(u32),
}

impl Transform {
    /// The word of Iceberg for it, without its number.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Transform::Identity => "identity",
            Transform::Year => "year",
            Transform::Month => "month",
            Transform::Day => "day",
            Transform::Hour => "hour",
            Transform::Bucket(_) => "bucket",
            Transform::Truncate(_) => "truncate",
        }
    }

    /// Whether it is one of year, month, day and hour, of which a column can have one.
    #[must_use]
    pub fn is_time(self) -> bool {
        matches!(self, Transform::Year | Transform::Month | Transform::Day | Transform::Hour)
    }
}

/// One column of a table's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortField {
    /// The column of silver, as it is spelled there.
    pub column: String,
    /// Whether the greatest value comes first.
    pub descending: bool,
}

/// A column that had other names before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// Index into the contract's columns.
    pub column: usize,
    /// The names it had, as the contract lists them; none of them is a column of the contract now.
    pub from: Vec<String>,
}

#[cfg(test)]
mod tests;
