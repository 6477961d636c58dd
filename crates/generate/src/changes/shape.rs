//! What the changes of one table need to know of it, and how a changed row is written.

use std::fmt;

use crate::generator::{Generator, Tables};
use crate::plan::TablePlan;
use crate::random::{Stream, seed_of};
use crate::resolve::may_be_null;
use crate::row::JsonField;
use crate::values;

/// A row as changes left it. Rows are told apart by the number that `generate` gives them, or would give them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    /// The number whose key it has.
    pub(crate) key: u64,
    /// The number that its other values are made from: that of its first key.
    pub(crate) data: u64,
    /// The version in which all of its values were made.
    pub(crate) born: u32,
    /// The latest version.
    pub(crate) version: u32,
}

impl Row {
    /// The row `number` as `generate` makes it.
    pub(crate) fn generated(number: u64) -> Self {
        Row { key: number, data: number, born: 0, version: 0 }
    }
}

/// Where the value of a column comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// From the key's number: the primary key, and what counts rows.
    Key,
    /// From the version in which the row was born: what must not change because others rely on it.
    Born,
    /// From the last version that changed the column; its place among those that change.
    Latest(u32),
}

/// One table of a stream.
pub(crate) struct Shape<'p> {
    pub(crate) plan: &'p TablePlan,
    /// Rows from this number on may be deleted or get another key. Nothing refers to them.
    pub(crate) removable: u64,
    /// How many numbers its sequences can count to.
    pub(crate) capacity: u64,
    tables: &'p Tables,
    fields: Vec<JsonField>,
    sources: Vec<Source>,
    /// How many columns change by themselves.
    latest: u32,
    seed: u64,
}

impl fmt::Debug for Shape<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shape").field("table", &self.plan.contract.table).finish_non_exhaustive()
    }
}

impl<'p> Shape<'p> {
    /// The table of `plan`, or why its rows cannot change.
    pub(crate) fn new(plan: &'p TablePlan) -> Result<Self, String> {
        let tables: &'p Tables = &plan.tables;
        let contract = &plan.contract;
        let table = &tables.0[plan.at];
        let key = &contract.primary_key;
        if key.is_empty() {
            return Err("it has no primary key".to_owned());
        }
        if plan.rows == 0 {
            return Err("it has no rows".to_owned());
        }
        if key.iter().any(|column| may_be_null(tables, (plan.at, *column), 0) != Some(false)) {
            return Err("its primary key may be null".to_owned());
        }
        let unique = |column: &usize| match table.columns[*column].generator {
            Generator::Sequence { .. } => true,
            Generator::Uuid => table.repeats.is_never(),
            _ => false,
        };
        if !key.iter().any(unique) {
            return Err("no column of its primary key has the kind 'sequence' or an unrepeated 'uuid'".to_owned());
        }
        let outside = |column: &usize| match table.columns[*column].generator {
            Generator::Lookup { via, .. } => !key.contains(&via),
            _ => false,
        };
        if key.iter().any(outside) {
            return Err("a column of its primary key looks up by a column outside of it".to_owned());
        }
        let (sources, latest) = sources(tables, plan);
        let last = table.columns.iter().zip(&contract.columns).filter_map(|(maker, column)| match maker.generator {
            Generator::Sequence { from, .. } => Some(values::largest(&column.column_type) - u128::from(from) + 1),
            _ => None,
        });
        let is_referred_to = tables.0.iter().flat_map(|table| &table.columns).any(|maker| match maker.generator {
            Generator::Reference { to, .. } => to.0 == plan.at,
            _ => false,
        });
        Ok(Shape {
            plan,
            removable: if is_referred_to { plan.rows } else { 0 },
            capacity: last.min().map_or(u64::MAX, |last| u64::try_from(last).unwrap_or(u64::MAX)),
            tables,
            fields: contract.columns.iter().map(JsonField::new).collect(),
            sources,
            latest,
            seed: seed_of(table.seed, "changes"),
        })
    }

    /// Appends the row as a JSON object; a null column is absent (DMS: `IncludeNullAndEmpty` is false).
    pub(crate) fn row(&self, row: &Row, out: &mut Vec<u8>, scratch: &mut Vec<u8>) {
        self.object(0..self.fields.len(), row, out, scratch);
    }

    /// Appends the primary key as a JSON object.
    pub(crate) fn key(&self, number: u64, out: &mut Vec<u8>, scratch: &mut Vec<u8>) {
        self.object(self.plan.contract.primary_key.iter().copied(), &Row::generated(number), out, scratch);
    }

    /// Appends the values of the primary key with points between them, as DMS writes them to partition by.
    pub(crate) fn key_text(&self, number: u64, out: &mut Vec<u8>) {
        for (index, column) in self.plan.contract.primary_key.iter().enumerate() {
            if index > 0 {
                out.push(b'.');
            }
            self.tables.write((self.plan.at, *column), number, out);
        }
    }

    fn object(&self, columns: impl Iterator<Item = usize>, row: &Row, out: &mut Vec<u8>, scratch: &mut Vec<u8>) {
        out.push(b'{');
        let mut end = out.len();
        let first = end;
        for column in columns {
            if end > first {
                out.push(b',');
            }
            out.extend_from_slice(&self.fields[column].key);
            let start = out.len();
            let (number, version) = match self.sources[column] {
                Source::Key => (row.key, 0),
                Source::Born => (row.data, row.born),
                Source::Latest(place) => (row.data, self.latest_change(row, place)),
            };
            if self.tables.write_version((self.plan.at, column), number, version, out) {
                self.fields[column].spell(out, start, scratch);
                end = out.len();
            } else {
                out.truncate(end);
            }
        }
        out.push(b'}');
    }

    /// The last version of a row that changed the column at `place`.
    fn latest_change(&self, row: &Row, place: u32) -> u32 {
        let changes = |version: &u32| {
            let mut stream = Stream::of_version(self.seed, row.data, *version);
            let bits = stream.next();
            // One column for certain, each of the others once in four versions.
            stream.below(u64::from(self.latest)) == u64::from(place) || bits.rotate_right(place * 2) & 3 == 0
        };
        (row.born + 1..=row.version).rev().find(changes).unwrap_or(row.born)
    }
}

/// Where the value of each column comes from, and how many columns change by themselves.
fn sources(tables: &Tables, plan: &TablePlan) -> (Vec<Source>, u32) {
    let columns = &tables.0[plan.at].columns;
    let mut kept: Vec<bool> = columns.iter().map(|maker| matches!(maker.generator, Generator::Uuid)).collect();
    // What others take their values from stays, so that they keep agreeing.
    for maker in tables.0.iter().flat_map(|table| &table.columns) {
        if let Generator::Reference { to, .. } | Generator::Lookup { to, .. } = maker.generator
            && to.0 == plan.at
        {
            kept[to.1] = true;
        }
    }
    for (column, maker) in columns.iter().enumerate() {
        if let Generator::Lookup { via, .. } = maker.generator
            && kept[column]
        {
            kept[via] = true;
        }
    }
    let mut latest = 0;
    let mut sources: Vec<Source> = Vec::with_capacity(columns.len());
    for (column, maker) in columns.iter().enumerate() {
        let is_key = plan.contract.primary_key.contains(&column);
        sources.push(match maker.generator {
            Generator::Sequence { .. } => Source::Key,
            _ if is_key => Source::Key,
            _ if kept[column] => Source::Born,
            // Follows another column, as the next loop says.
            Generator::Lookup { .. } => Source::Born,
            _ => {
                latest += 1;
                Source::Latest(latest - 1)
            }
        });
    }
    for (column, maker) in columns.iter().enumerate() {
        if let Generator::Lookup { via, .. } = maker.generator {
            sources[column] = sources[via];
        }
    }
    (sources, latest)
}
