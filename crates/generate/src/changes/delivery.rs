//! How changes arrive: nearly in order, some late, some twice, with other records between them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};

use weir_model::change::Operation;

use super::ChangeStream;
use super::envelope::{self, Control};
use super::history::BEGIN;
use super::shape::Row;
use crate::Progress;
use crate::random::Stream;

/// Lines are gathered to so many bytes before they are written.
const BATCH: usize = 64 << 10;
/// Half of the records arrive up to so many places after their turn.
const WINDOW: u64 = 16;
/// One record in so many is late.
const LATE_ONE_IN: u64 = 100;
/// How many places a late record is late.
const LATE: (u64, u64) = (500, 5_000);
/// One record in so many arrives twice.
const TWICE_ONE_IN: u64 = 100;
/// After one change in so many comes a row of the full load, as it was before all changes.
const LOAD_ONE_IN: u64 = 200;
/// What Amazon Data Firehose takes of one record: <https://docs.aws.amazon.com/firehose/latest/dev/limits.html>.
const MAX_RECORD: usize = 1_000 << 10;
/// Microseconds from a commit until DMS builds its record.
const LAG: (u64, u64) = (5_000, 3_000_000);
/// The full load ended so many microseconds before the first change, at least.
const BEFORE: u64 = 60_000_000;

/// What a stream holds, kind by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct ChangeCounts {
    /// Lines: the sum of inserts, updates, deletes, loads, controls and duplicates.
    pub records: u64,
    /// Bytes of the lines.
    pub bytes: u64,
    /// Changes that insert a row.
    pub inserts: u64,
    /// Changes that update a row.
    pub updates: u64,
    /// Changes that delete a row.
    pub deletes: u64,
    /// Rows of the full load.
    pub loads: u64,
    /// Records that change no row.
    pub controls: u64,
    /// Records that are there once more.
    pub duplicates: u64,
    /// Records that arrive far after their turn, duplicates among them.
    pub late: u64,
    /// Inserts of a key that was deleted before.
    pub reused_keys: u64,
    /// Updates that change the primary key.
    pub changed_keys: u64,
}

impl ChangeStream<'_> {
    /// Writes the stream as it arrives, a record a line; returns what it holds.
    ///
    /// `progress` is called with the records (as rows) and bytes since its last call, every 64 KiB. Beside what
    /// [`ChangeStream::in_order`] keeps, memory holds about a hundred records.
    ///
    /// # Errors
    /// What `out` returns, and a record that is larger than Firehose takes.
    pub fn write<W: Write>(&self, out: &mut W, progress: &mut dyn FnMut(Progress)) -> io::Result<ChangeCounts> {
        let mut delivery = Delivery {
            stream: self,
            random: Stream::new(self.seed, 1),
            waiting: BinaryHeap::new(),
            entered: 0,
            counts: ChangeCounts::default(),
            scratch: Vec::new(),
        };
        let mut batch = Batch { out, bytes: Vec::with_capacity(BATCH * 2), made: Progress::default(), progress };
        delivery.opening()?;
        let mut controls = self.controls().into_iter().peekable();
        for (turn, change) in self.in_order().enumerate() {
            let turn = turn as u64;
            while let Some((_, control)) = controls.next_if(|(at, _)| *at <= turn) {
                delivery.control(turn, &control, change.commit.micros())?;
            }
            delivery.change(turn, &change)?;
            delivery.flush(turn, &mut batch)?;
        }
        delivery.flush(u64::MAX, &mut batch)?;
        batch.flush()?;
        Ok(delivery.counts)
    }

    /// Control records with their turns. A column is added, renamed, changed and dropped before any row has a value
    /// there; whole tables go that the lake does not have.
    fn controls(&self) -> Vec<(u64, Control<'_>)> {
        let contract = |number: usize| &self.shapes[number % self.shapes.len()].plan.contract;
        let records = [
            Control::Table("add-column", contract(0), Some(("migrated_at", "DATE"))),
            Control::Unrelated("TruncateTable", "session_log"),
            Control::Table("rename-column", contract(0), Some(("migrated_on", "DATE"))),
            Control::Unrelated("rename-table", "session_log_old"),
            Control::Table("column-type-change", contract(0), Some(("migrated_on", "DATETIME"))),
            Control::Unrelated("truncate-table", "session_log_old"),
            Control::Table("drop-column", contract(0), None),
            Control::Unrelated("drop-table", "session_log_old"),
        ];
        let parts = records.len() as u64 + 1;
        let spread = |index: u64| (u128::from(self.changes) * u128::from(index) / u128::from(parts)) as u64;
        records.into_iter().zip(1..).map(|(record, index)| (spread(index), record)).collect()
    }
}

/// A line that waits for its turn: the turn, a number that keeps equal turns apart, the line.
type Waiting = Reverse<(u64, u64, Vec<u8>)>;

struct Delivery<'s, 'p> {
    stream: &'s ChangeStream<'p>,
    random: Stream,
    /// About 1 in [`LATE_ONE_IN`] of [`LATE`] records, and those of a [`WINDOW`].
    waiting: BinaryHeap<Waiting>,
    entered: u64,
    counts: ChangeCounts,
    scratch: Vec<u8>,
}

impl Delivery<'_, '_> {
    /// The tables that DMS makes before it does anything else.
    fn opening(&mut self) -> io::Result<()> {
        let stream = self.stream;
        let tables = stream.shapes.iter().map(|shape| Control::Table("create-table", &shape.plan.contract, None));
        for (index, control) in std::iter::once(Control::CreateExceptions).chain(tables).enumerate() {
            let built = BEGIN - (BEFORE as i64) * 60 + index as i64 * 1_000;
            let mut line = Vec::new();
            envelope::control(&control, built, &mut line);
            self.counts.controls += 1;
            self.enter(0, line)?;
        }
        Ok(())
    }

    fn control(&mut self, turn: u64, control: &Control<'_>, time: i64) -> io::Result<()> {
        let mut line = Vec::new();
        envelope::control(control, time + self.lag(), &mut line);
        self.counts.controls += 1;
        self.deliver(turn, line)
    }

    fn change(&mut self, turn: u64, change: &super::Change<'_>) -> io::Result<()> {
        match change.operation {
            Operation::Insert => self.counts.inserts += 1,
            Operation::Update => self.counts.updates += 1,
            Operation::Delete => self.counts.deletes += 1,
            Operation::Load => self.counts.loads += 1,
        }
        self.counts.reused_keys += u64::from(change.reuses_key);
        self.counts.changed_keys += u64::from(change.moves_key());
        let mut line = Vec::with_capacity(change.data.len() + 512);
        envelope::change(change, change.commit.micros() + self.lag(), &mut line);
        self.deliver(turn, line)?;
        if self.random.below(LOAD_ONE_IN) == 0 {
            self.load(turn, change.at)?;
        }
        Ok(())
    }

    fn load(&mut self, turn: u64, at: usize) -> io::Result<()> {
        let shape = &self.stream.shapes[at];
        let row = Row::generated(self.random.below(shape.plan.rows));
        let (mut data, mut key_text, mut line) = (Vec::new(), Vec::new(), Vec::new());
        shape.row(&row, &mut data, &mut self.scratch);
        shape.key_text(row.key, &mut key_text);
        let built = BEGIN - self.random.between(BEFORE, BEFORE * 50) as i64;
        envelope::load(&shape.plan.contract.table, &data, &key_text, built, &mut line);
        self.counts.loads += 1;
        self.deliver(turn, line)
    }

    fn lag(&mut self) -> i64 {
        self.random.between(LAG.0, LAG.1) as i64
    }

    /// Lets a record wait for the turn in which it arrives, and perhaps once more.
    fn deliver(&mut self, turn: u64, line: Vec<u8>) -> io::Result<()> {
        if self.random.below(TWICE_ONE_IN) == 0 {
            self.counts.duplicates += 1;
            let arrives = self.arrival(turn);
            self.enter(arrives, line.clone())?;
        }
        let arrives = self.arrival(turn);
        self.enter(arrives, line)
    }

    fn arrival(&mut self, turn: u64) -> u64 {
        if self.random.below(LATE_ONE_IN) == 0 {
            self.counts.late += 1;
            return turn + self.random.between(LATE.0, LATE.1);
        }
        turn + if self.random.below(2) == 0 { self.random.below(WINDOW) } else { 0 }
    }

    fn enter(&mut self, arrives: u64, line: Vec<u8>) -> io::Result<()> {
        if line.len() > MAX_RECORD {
            let begin = String::from_utf8_lossy(&line[..80]).into_owned();
            let message = format!(
                "a record of {} bytes is more than the {MAX_RECORD} that Firehose takes; give its columns shorter \
                 values ('most' in 'weir.generate'): {begin}…",
                line.len()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        self.entered += 1;
        self.waiting.push(Reverse((arrives, self.entered, line)));
        Ok(())
    }

    /// Writes what arrives up to `turn`.
    fn flush<W: Write>(&mut self, turn: u64, batch: &mut Batch<'_, W>) -> io::Result<()> {
        while let Some(Reverse((arrives, ..))) = self.waiting.peek()
            && *arrives <= turn
            && let Some(Reverse((.., line))) = self.waiting.pop()
        {
            self.counts.records += 1;
            self.counts.bytes += line.len() as u64;
            batch.line(&line)?;
        }
        Ok(())
    }
}

/// Lines on their way to a writer.
struct Batch<'w, W: Write> {
    out: &'w mut W,
    bytes: Vec<u8>,
    made: Progress,
    progress: &'w mut dyn FnMut(Progress),
}

impl<W: Write> Batch<'_, W> {
    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(line);
        self.made.rows += 1;
        if self.bytes.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.made.bytes = self.bytes.len() as u64;
        self.out.write_all(&self.bytes)?;
        self.bytes.clear();
        (self.progress)(std::mem::take(&mut self.made));
        Ok(())
    }
}
