//! What happens to the rows, in order: transactions of inserts, updates and deletes.

use std::collections::HashMap;

use weir_model::Timestamp;
use weir_model::change::Operation;

use super::shape::{Row, Shape};
use crate::random::Stream;
use crate::skew::Skew;

/// The first transaction commits after this time: 2025-01-01T00:00:00Z.
pub(super) const BEGIN: i64 = 1_735_689_600_000_000;
/// The first transaction's number is above this one, and this one above 2^32.
const FIRST_TRANSACTION: u64 = 12_884_911_128;
/// The first position in the source's log.
const FIRST_POSITION: u64 = 0x2_7c00_7178;
/// From 1 (each row changes as often) to [`Skew::MOST`].
const HOT: f64 = 3.0;
/// A live row is looked for so many numbers on, before a deleted one is inserted instead.
const PROBES: u64 = 64;

/// One change, as it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<'p> {
    /// The table.
    pub table: &'p str,
    /// Insert, update or delete.
    pub operation: Operation,
    /// The primary key after the change (before it, of a delete): a JSON object.
    pub key: Vec<u8>,
    /// The whole row after the change, without its null columns; of a delete the primary key. A JSON object.
    pub data: Vec<u8>,
    /// Of an update the primary key before it: a JSON object. It differs from `key` where the key changed.
    pub before: Option<Vec<u8>>,
    /// When its transaction was committed.
    pub commit: Timestamp,
    /// Its transaction. Of two transactions the one with the lower number may be committed later.
    pub transaction: u64,
    /// Its number within the transaction, from 1.
    pub record: u64,
    /// Whether it inserts a key that was deleted before.
    pub reuses_key: bool,
    /// Transaction and record of the change before it.
    pub(super) previous: (u64, u64),
    pub(super) log_position: u64,
    /// The values of `key` as text.
    pub(super) key_text: Vec<u8>,
    /// The table's place in the stream.
    pub(super) at: usize,
}

impl Change<'_> {
    /// Whether it is an update that changes the primary key.
    #[must_use]
    pub fn moves_key(&self) -> bool {
        self.before.as_ref().is_some_and(|before| *before != self.key)
    }
}

/// The changes of a stream in the order in which they happened: `(commit, transaction, record)` grows.
#[derive(Debug)]
pub struct Changes<'p> {
    tables: Vec<State<'p>>,
    left: u64,
    random: Stream,
    transaction: Transaction,
    scratch: Vec<u8>,
}

#[derive(Debug, Default)]
struct Transaction {
    left: u64,
    id: u64,
    record: u64,
    commit: i64,
    /// The greatest number given so far.
    greatest: u64,
    /// A transaction that began before others and commits after them.
    long: Option<u64>,
    /// One table, or two.
    tables: (usize, usize),
    previous: (u64, u64),
    log_position: u64,
    /// Table and number of the row that its last change touched.
    touched: Option<(usize, u64)>,
}

impl<'p> Changes<'p> {
    pub(super) fn new(shapes: &'p [Shape<'p>], changes: u64, seed: u64) -> Self {
        let hot = Skew::new(HOT);
        let tables = shapes.iter().map(|shape| State {
            shape,
            next: shape.plan.rows,
            changed: HashMap::new(),
            free: Vec::new(),
            hot: hot.clone(),
        });
        Changes {
            tables: tables.collect(),
            left: changes,
            random: Stream::new(seed, 0),
            transaction: Transaction {
                commit: BEGIN,
                greatest: FIRST_TRANSACTION,
                log_position: FIRST_POSITION,
                ..Transaction::default()
            },
            scratch: Vec::new(),
        }
    }

    /// A table, chosen by its rows.
    fn choose_table(&mut self) -> usize {
        let rows = |state: &State<'_>| state.shape.plan.rows;
        let mut point = self.random.below(self.tables.iter().map(rows).sum());
        self.tables
            .iter()
            .position(|state| {
                let rows = rows(state);
                let here = point < rows;
                point = point.wrapping_sub(rows);
                here
            })
            .unwrap_or(0)
    }

    fn begin(&mut self) {
        let first = self.choose_table();
        let two = self.random.below(4) == 0;
        let mut second = if two { self.choose_table() } else { first };
        if two && second == first && self.tables.len() > 1 {
            second = (first + 1 + self.random.below(self.tables.len() as u64 - 1) as usize) % self.tables.len();
        }
        let random = &mut self.random;
        let changes = match random.below(20) {
            0..10 => 1,
            10..17 => random.between(2, 3),
            _ => random.between(4, 9),
        };
        let it = &mut self.transaction;
        // Two transactions that commit in the same microsecond are ordered by their numbers.
        let pause = if random.below(20) == 0 { 0 } else { random.between(1, 400_000) };
        it.commit += pause as i64;
        it.id = match it.long {
            Some(long) if pause > 0 && random.below(8) == 0 => {
                it.long = None;
                long
            }
            _ => {
                it.greatest += random.between(1, 3);
                if it.long.is_none() && random.below(16) == 0 {
                    it.long = Some(it.greatest);
                    it.greatest += 1;
                }
                it.greatest
            }
        };
        it.left = if first == second { changes } else { changes.max(2) };
        it.record = 0;
        it.tables = (first, second);
        it.touched = None;
    }

    /// Which table changes next, what happens to it, and to which row.
    fn choose(&mut self) -> (usize, Done) {
        let random = &mut self.random;
        if let Some((at, number)) = self.transaction.touched
            && random.below(5) == 0
        {
            return (at, self.tables[at].again(number, random));
        }
        let (first, second) = self.transaction.tables;
        // The first two changes of a transaction over two tables are one for each.
        let at = match self.transaction.record {
            0 => first,
            1 => second,
            _ if random.below(2) == 0 => first,
            _ => second,
        };
        (at, self.tables[at].change(random))
    }
}

impl<'p> Iterator for Changes<'p> {
    type Item = Change<'p>;

    fn next(&mut self) -> Option<Change<'p>> {
        self.left = self.left.checked_sub(1)?;
        if self.transaction.left == 0 {
            self.begin();
        }
        let (at, done) = self.choose();
        let it = &mut self.transaction;
        it.left -= 1;
        it.record += 1;
        it.touched = Some((at, done.row.key));
        it.log_position += 64 + self.random.below(1_024);
        let shape = self.tables[at].shape;
        let mut change = Change {
            table: &shape.plan.contract.table,
            operation: done.operation,
            key: Vec::new(),
            data: Vec::with_capacity(256),
            before: None,
            commit: Timestamp::from_micros(it.commit),
            transaction: it.id,
            record: it.record,
            reuses_key: done.reuses_key,
            previous: it.previous,
            log_position: it.log_position,
            key_text: Vec::new(),
            at,
        };
        it.previous = (it.id, it.record);
        shape.key(done.row.key, &mut change.key, &mut self.scratch);
        shape.key_text(done.row.key, &mut change.key_text);
        if done.operation == Operation::Delete {
            change.data.extend_from_slice(&change.key);
        } else {
            shape.row(&done.row, &mut change.data, &mut self.scratch);
        }
        if done.operation == Operation::Update {
            let mut before = Vec::new();
            shape.key(done.old_key, &mut before, &mut self.scratch);
            change.before = Some(before);
        }
        Some(change)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        (left, Some(left))
    }
}

/// The rows of one table as they are now.
struct State<'p> {
    shape: &'p Shape<'p>,
    /// The first number that no row had yet.
    next: u64,
    /// The rows that are not as `generate` made them, and whether they are there.
    changed: HashMap<u64, (Row, bool)>,
    /// The numbers whose keys are free again, the latest last.
    free: Vec<u64>,
    hot: Skew,
}

impl std::fmt::Debug for State<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("shape", self.shape).field("changed", &self.changed.len()).finish_non_exhaustive()
    }
}

/// A change that was made to a [`State`].
struct Done {
    operation: Operation,
    row: Row,
    old_key: u64,
    reuses_key: bool,
}

impl Done {
    fn new(operation: Operation, row: Row) -> Self {
        Done { operation, row, old_key: row.key, reuses_key: false }
    }
}

impl State<'_> {
    /// Any change of any row.
    fn change(&mut self, random: &mut Stream) -> Done {
        let done = match random.below(100) {
            0..15 => self.insert(),
            15..30 => {
                let hot = random.below(4) == 0;
                self.pick(self.shape.removable, hot, random).map(|row| self.delete(row))
            }
            30..38 => self.reuse(random),
            38..40 => self.pick(self.shape.removable, false, random).and_then(|row| self.move_key(row)),
            _ => None,
        };
        // What cannot be done becomes an update. Where no live row is in reach, some key is free.
        done.or_else(|| self.pick(0, true, random).map(|row| self.update(row)))
            .or_else(|| self.reuse(random))
            .unwrap_or_else(|| self.update(Row::generated(0)))
    }

    /// A change of the row that was changed just now.
    fn again(&mut self, number: u64, random: &mut Stream) -> Done {
        match self.live(number) {
            Some(row) if number >= self.shape.removable && random.below(4) == 0 => self.delete(row),
            Some(row) => self.update(row),
            // It was deleted by the last change, so that its number is the last of those that are free.
            None => match self.free.pop() {
                Some(number) => self.reborn(number),
                None => self.change(random),
            },
        }
    }

    fn live(&self, number: u64) -> Option<Row> {
        match self.changed.get(&number) {
            Some((row, is_there)) => is_there.then_some(*row),
            None => (number < self.next).then(|| Row::generated(number)),
        }
    }

    /// A live row from the number `from` on.
    fn pick(&self, from: u64, hot: bool, random: &mut Stream) -> Option<Row> {
        let count = self.next.checked_sub(from).filter(|count| *count > 0)?;
        let start = if hot { self.hot.choose(count, random.next()) } else { random.below(count) };
        (0..PROBES.min(count)).find_map(|step| self.live(from + (start + step) % count))
    }

    fn take_number(&mut self) -> Option<u64> {
        let number = self.next;
        (number < self.shape.capacity).then(|| self.next += 1)?;
        Some(number)
    }

    fn insert(&mut self) -> Option<Done> {
        let row = Row::generated(self.take_number()?);
        self.changed.insert(row.key, (row, true));
        Some(Done::new(Operation::Insert, row))
    }

    /// Inserts a key that is free again, most likely one of the latest.
    fn reuse(&mut self, random: &mut Stream) -> Option<Done> {
        let back = self.hot.choose(self.free.len() as u64, random.next()) as usize;
        let last = self.free.len().checked_sub(1)?;
        let number = self.free.swap_remove(last - back.min(last));
        Some(self.reborn(number))
    }

    fn reborn(&mut self, number: u64) -> Done {
        let version = self.changed.get(&number).map_or(0, |(row, _)| row.version) + 1;
        let row = Row { key: number, data: number, born: version, version };
        self.changed.insert(number, (row, true));
        Done { reuses_key: true, ..Done::new(Operation::Insert, row) }
    }

    fn update(&mut self, row: Row) -> Done {
        let row = Row { version: row.version + 1, ..row };
        self.changed.insert(row.key, (row, true));
        Done::new(Operation::Update, row)
    }

    fn delete(&mut self, row: Row) -> Done {
        self.changed.insert(row.key, (row, false));
        self.free.push(row.key);
        Done::new(Operation::Delete, row)
    }

    /// Gives the row a new key, and leaves the rest of it as it is.
    fn move_key(&mut self, row: Row) -> Option<Done> {
        let moved = Row { key: self.take_number()?, ..row };
        self.delete(row);
        self.changed.insert(moved.key, (moved, true));
        Some(Done { old_key: row.key, ..Done::new(Operation::Update, moved) })
    }
}
