//! Sequences: text whose byte order is the order of changes.
//!
//! A sequence is `<rank>` + `<position>`. The rank puts snapshot loads (`0`) below captured changes
//! (`1`); the position is the rule's own, written in digits of fixed width so that comparing the
//! text compares the position.

use crate::time::Timestamp;

/// The rank of rows that belong to a snapshot or a plain file.
pub const RANK_LOAD: char = '0';
/// The rank of captured changes.
pub const RANK_CHANGE: char = '1';

/// The sequence of rows of a plain file: the file's time, then the file, then the row.
///
/// Of two files the later one wins; of two rows in one file the later row wins. Files of the same
/// microsecond are told apart by their control id, so the order never depends on who ran first.
#[derive(Debug, Clone)]
pub struct FileOrder {
    prefix: String,
}

impl FileOrder {
    /// Digits of the row number: enough for 10^12 rows in a file.
    pub const ROW_DIGITS: usize = 12;

    /// The order of the rows of one file.
    #[must_use]
    pub fn new(object_time: Timestamp, control_id: &str) -> Self {
        // 64 bits of the id tell apart the files of one microsecond; all 128 would only cost space.
        let control_id = control_id.get(..16).unwrap_or(control_id);
        // Shifted so that times before 1970 sort before later ones as unsigned hexadecimal.
        let shifted = (object_time.micros() as u64) ^ (1 << 63);
        FileOrder { prefix: format!("{RANK_LOAD}{shifted:016x}.{control_id}.") }
    }

    /// What every row of the file begins with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The sequence of row `row`, counted from 0.
    #[must_use]
    pub fn at(&self, row: u64) -> String {
        format!("{}{row:0width$}", self.prefix, width = Self::ROW_DIGITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn comparing_text_equals_comparing_positions(
            a in (any::<i64>(), "[0-9a-f]{8}", 0u64..1_000_000_000_000),
            b in (any::<i64>(), "[0-9a-f]{8}", 0u64..1_000_000_000_000),
        ) {
            let key = |(micros, id, row): &(i64, String, u64)| (Timestamp::from_micros(*micros), id.clone(), *row);
            let text = |v: &(i64, String, u64)| {
                let (time, id, row) = key(v);
                FileOrder::new(time, &id).at(row)
            };
            prop_assert_eq!(key(&a).cmp(&key(&b)), text(&a).cmp(&text(&b)));
        }
    }

    #[test]
    fn loads_rank_below_changes() {
        let load = FileOrder::new(Timestamp::from_micros(i64::MAX), "ffff").at(u32::MAX.into());
        assert!(load < format!("{RANK_CHANGE}0"));
    }
}
