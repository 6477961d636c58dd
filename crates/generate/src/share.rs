//! How many rows each table has, and how many another table had when a row was made.

use weir_model::contract::TableGenerator;

/// The unit of a table's share: thousand millionths of the rows asked for.
const WHOLE: u64 = 1_000_000_000;

/// How many rows a table has for so many rows asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// So many parts of [`WHOLE`].
    Parts(u64),
    /// Always so many.
    Fixed(u64),
}

impl Share {
    pub(crate) fn new(generator: Option<TableGenerator>) -> Self {
        match generator {
            None => Share::Parts(WHOLE),
            Some(TableGenerator::PerThousand(rows)) => Share::Parts((rows * (WHOLE / 1_000) as f64).round() as u64),
            Some(TableGenerator::Rows(rows)) => Share::Fixed(rows),
        }
    }

    /// The rows of the table where `asked` rows are asked for; never fewer for more.
    pub(crate) fn rows(self, asked: u64) -> u64 {
        match self {
            Share::Parts(parts) => scale(asked, parts),
            Share::Fixed(rows) => rows,
        }
    }
}

/// `asked * parts / WHOLE`, rounded up.
fn scale(asked: u64, parts: u64) -> u64 {
    match asked.checked_mul(parts) {
        Some(product) => product.div_ceil(WHOLE),
        None => (u128::from(asked) * u128::from(parts)).div_ceil(u128::from(WHOLE)) as u64,
    }
}

/// The rows of another table that a row may refer to.
///
/// Tables grow together: row `i` refers to what exists in the smallest lake that has a row `i`. So the row stays
/// the same in every larger lake, and what it refers to exists in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pool {
    /// The same for each row.
    Fixed(u64),
    /// Both tables grow with the rows asked for.
    Growing { own: u64, other: u64, rows: u64 },
}

impl Pool {
    /// For rows of a table with the share `own` that refer to a table with the share `other` and `rows` rows.
    pub(crate) fn new(own: Share, other: Share, rows: u64) -> Self {
        match (own, other) {
            (Share::Parts(own), Share::Parts(other)) if own > 0 => Pool::Growing { own, other, rows },
            _ => Pool::Fixed(rows),
        }
    }

    /// How many rows row `row` may choose from: never more than there are, whichever row asks.
    pub(crate) fn size(self, row: u64) -> u64 {
        match self {
            Pool::Fixed(rows) => rows,
            Pool::Growing { own: WHOLE, other, rows } => scale(row + 1, other).min(rows),
            Pool::Growing { own, other, rows } => {
                // The least number of rows asked for that gives this table a row of that number.
                let asked = match row.checked_mul(WHOLE) {
                    Some(product) => product / own + 1,
                    None => (u128::from(row) * u128::from(WHOLE) / u128::from(own)) as u64 + 1,
                };
                scale(asked, other).min(rows)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn per_thousand(rows: f64) -> Share {
        Share::new(Some(TableGenerator::PerThousand(rows)))
    }

    #[test]
    fn shares_are_rounded_up_so_that_no_table_is_empty() {
        assert_eq!(per_thousand(1000.0).rows(1_586_614), 1_586_614);
        assert_eq!(per_thousand(3.68).rows(1_586_614), 5_839);
        assert_eq!(per_thousand(3.68).rows(1), 1);
        assert_eq!(per_thousand(3.68).rows(0), 0);
        assert_eq!(Share::new(None).rows(7), 7);
        assert_eq!(Share::new(Some(TableGenerator::Rows(3))).rows(0), 3);
        assert_eq!(per_thousand(1_000_000.0).rows(100_000_000), 100_000_000_000);
    }

    #[test]
    fn a_row_only_refers_to_what_exists_in_every_lake_that_has_the_row() {
        let shares = [0.5, 3.68, 41.6, 999.0, 1000.0, 2500.0];
        for own in shares {
            for other in shares {
                let (own, other) = (per_thousand(own), per_thousand(other));
                for asked in [1, 2, 3, 10, 999, 1_000, 12_345] {
                    let last = own.rows(asked) - 1;
                    let rows = other.rows(asked);
                    let size = Pool::new(own, other, u64::MAX).size(last);
                    assert!(size >= 1 && size <= rows, "{own:?} {other:?} {asked}: {size}");
                    assert!(Pool::new(own, other, rows).size(last + 1_000) <= rows, "a row that came later");
                }
            }
        }
    }
}
