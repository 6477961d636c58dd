//! Sequences: text whose byte order is the order of changes.
//!
//! A sequence is `<rank>` + `<position>`. The rank puts snapshot loads (`0`) below captured changes
//! (`1`); the position is the rule's own, written in digits of fixed width, or with their number
//! before them, so that comparing the text compares the position. A table has one rule
//! ([`SequenceRule`]): texts of different rules say nothing about each other, but for the rank.
//!
//! `docs/envelopes.md` says which rule to choose and shows the form of each.

use std::cmp::Ordering;

use crate::time::Timestamp;

/// The rank of rows that belong to a snapshot or a plain file.
pub const RANK_LOAD: char = '0';
/// The rank of captured changes.
pub const RANK_CHANGE: char = '1';

/// What orders the changes of one key, as a contract's `weir.sequence` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SequenceRule {
    /// The order in which Kinesis took the records: [`Kinesis`].
    Kinesis,
    /// The source's commits, as DMS tells them: [`DmsTransaction`].
    DmsTransaction,
    /// The positions of PostgreSQL's log, as Debezium tells them: [`DebeziumPostgres`].
    DebeziumPostgres,
    /// The positions of MySQL's or MariaDB's log, as Debezium tells them: [`DebeziumMysql`].
    DebeziumMysql,
    /// The time of the change in the source: [`EventTime`].
    EventTime,
    /// A number that the row itself carries: [`Field`].
    Field,
    /// The file's time, then the row: [`FileOrder`]. For files alone.
    FileOrder,
}

impl SequenceRule {
    /// Every word of a contract with what it means.
    pub const WORDS: &'static [(&'static str, SequenceRule)] = &[
        ("kinesis", SequenceRule::Kinesis),
        ("dms-transaction", SequenceRule::DmsTransaction),
        ("debezium-postgres", SequenceRule::DebeziumPostgres),
        ("debezium-mysql", SequenceRule::DebeziumMysql),
        ("event-time", SequenceRule::EventTime),
        ("field", SequenceRule::Field),
        ("file-order", SequenceRule::FileOrder),
    ];

    /// The word that contracts use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(_, rule)| *rule == self).map_or("", |(word, _)| word)
    }

    /// The rule that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, rule)| *rule)
    }
}

/// A whole number of any size up to [`Digits::MAX`] digits, not below 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digits<'a>(&'a str);

impl<'a> Digits<'a> {
    /// The most digits: those of the longest sequence number of Kinesis (API reference, `Record`:
    /// `0|([1-9]\d{0,128})`).
    pub const MAX: usize = 129;

    /// Reads decimal digits; zeros at the front do not count. `None` for anything else.
    #[must_use]
    pub fn new(text: &'a str) -> Option<Self> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits = text.trim_start_matches('0');
        let digits = if digits.is_empty() { &text[text.len() - 1..] } else { digits };
        (digits.len() <= Self::MAX).then_some(Digits(digits))
    }

    /// Three digits with the length, then the number: a longer one is the greater.
    fn append_to(self, out: &mut Vec<u8>) {
        let length = self.0.len();
        // `new` keeps the length at three digits.
        out.extend([length / 100, length / 10 % 10, length % 10].map(|digit| b'0' + digit as u8));
        out.extend_from_slice(self.0.as_bytes());
    }
}

impl Ord for Digits<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0.len(), self.0).cmp(&(other.0.len(), other.0))
    }
}

impl PartialOrd for Digits<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `kinesis`: the number that Kinesis gave to a record, and the place inside an aggregated one.
///
/// It grows for each partition key, inside a shard and from a parent shard to its children, so the
/// partition key of the stream has to follow from the row's primary key. Form: rank, 3 digits with
/// the length of the number, the number, `.`, the place in 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kinesis<'a> {
    number: Digits<'a>,
    sub: u64,
}

impl<'a> Kinesis<'a> {
    /// From a record's `sequenceNumber` and `subsequenceNumber`, 0 where it has none; `None` if the
    /// former is no number of at most [`Digits::MAX`] digits.
    #[must_use]
    pub fn new(sequence_number: &'a str, subsequence_number: u64) -> Option<Self> {
        Some(Kinesis { number: Digits::new(sequence_number)?, sub: subsequence_number })
    }

    fn append_to(self, out: &mut Vec<u8>) {
        self.number.append_to(out);
        out.push(b'.');
        hexadecimal(self.sub, out);
    }
}

/// A row of a snapshot, whatever the rule: the later one wins, then the one that arrived later.
///
/// Form: rank `0`, the time in 16 hexadecimal digits or `-` where there is none, `.`, and the place
/// in Kinesis if the row came through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Load<'a> {
    /// When the row was read in the source.
    pub time: Option<Timestamp>,
    /// Where Kinesis put it.
    pub arrival: Option<Kinesis<'a>>,
}

/// `dms-transaction`: the commit, the transaction and the record inside it, as DMS tells them with
/// `IncludeTransactionDetails`. Form: rank, then each in 16 hexadecimal digits.
///
/// Of two transactions that were committed in one microsecond the one with the greater id wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DmsTransaction {
    /// `commit-timestamp`.
    pub commit: Timestamp,
    /// `transaction-id`.
    pub transaction: u64,
    /// `transaction-record-id`.
    pub record: u64,
}

/// `debezium-postgres`: `source.sequence`, the place of the last commit before the change's own
/// transaction and that of the change. Form: rank, then each in 16 hexadecimal digits, or `-` where
/// there is none, with `.` between them.
///
/// `source.lsn` alone is not in order, since transactions are delivered when they commit.
/// `transaction.total_order` counts inside one transaction and says nothing about two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DebeziumPostgres {
    /// The first of `source.sequence`.
    pub last_commit_lsn: Option<u64>,
    /// The second of `source.sequence`.
    pub lsn: Option<u64>,
}

/// `debezium-mysql`: `source.file`, `source.pos` and `source.row` of one server's binary log. Form:
/// rank, then each in 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DebeziumMysql {
    /// The number at the end of the file's name.
    pub file: u64,
    /// Where in the file.
    pub pos: u64,
    /// Which row of that event.
    pub row: u64,
}

impl DebeziumMysql {
    /// From the fields of `source`; `None` if the name of the file does not end in `.` and a number.
    #[must_use]
    pub fn new(file: &str, pos: u64, row: u64) -> Option<Self> {
        let digits = file.rsplit_once('.')?.1;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(DebeziumMysql { file: digits.parse().ok()?, pos, row })
    }
}

/// `event-time`: when the source changed the row, then the place in Kinesis if there is one. Form:
/// rank, the time in 16 hexadecimal digits, `.`, the place.
///
/// Without a place, two changes of one key in one microsecond are a tie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventTime<'a> {
    /// When the source changed the row.
    pub time: Timestamp,
    /// Where Kinesis put the change.
    pub arrival: Option<Kinesis<'a>>,
}

/// `field`: a number that the source writes into each row, such as a version. Form: rank, 3 digits
/// with the length of the number, the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field<'a> {
    /// Whether it is a change; a load is not.
    pub is_change: bool,
    /// The number.
    pub number: Digits<'a>,
}

/// The position of one change record under its table's rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position<'a> {
    /// A snapshot row, under any rule but `field`.
    Load(Load<'a>),
    /// A change under `kinesis`.
    Kinesis(Kinesis<'a>),
    /// A change under `dms-transaction`.
    DmsTransaction(DmsTransaction),
    /// A change under `debezium-postgres`.
    DebeziumPostgres(DebeziumPostgres),
    /// A change under `debezium-mysql`.
    DebeziumMysql(DebeziumMysql),
    /// A change under `event-time`.
    EventTime(EventTime<'a>),
    /// A load or a change under `field`.
    Field(Field<'a>),
}

impl Position<'_> {
    /// Appends the text, which is ASCII and needs no escape in JSON. Nothing is allocated but what
    /// `out` lacks.
    pub fn append_to(&self, out: &mut Vec<u8>) {
        let is_load = match self {
            Position::Load(_) => true,
            Position::Field(field) => !field.is_change,
            _ => false,
        };
        // Both are ASCII.
        out.push(if is_load { RANK_LOAD } else { RANK_CHANGE } as u8);
        match self {
            Position::Load(load) => {
                optional(load.time.map(shifted), out);
                out.push(b'.');
                if let Some(arrival) = load.arrival {
                    arrival.append_to(out);
                }
            }
            Position::Kinesis(place) => place.append_to(out),
            Position::DmsTransaction(place) => {
                hexadecimal(shifted(place.commit), out);
                hexadecimal(place.transaction, out);
                hexadecimal(place.record, out);
            }
            Position::DebeziumPostgres(place) => {
                optional(place.last_commit_lsn, out);
                out.push(b'.');
                optional(place.lsn, out);
            }
            Position::DebeziumMysql(place) => {
                hexadecimal(place.file, out);
                hexadecimal(place.pos, out);
                hexadecimal(place.row, out);
            }
            Position::EventTime(place) => {
                hexadecimal(shifted(place.time), out);
                out.push(b'.');
                if let Some(arrival) = place.arrival {
                    arrival.append_to(out);
                }
            }
            Position::Field(field) => field.number.append_to(out),
        }
    }

    /// The text by itself.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = Vec::new();
        self.append_to(&mut out);
        // `append_to` writes ASCII.
        String::from_utf8(out).unwrap_or_default()
    }
}

/// A time as a number whose unsigned order is that of the times, before 1970 too.
fn shifted(time: Timestamp) -> u64 {
    (time.micros() as u64) ^ (1 << 63)
}

fn hexadecimal(value: u64, out: &mut Vec<u8>) {
    let digits: [u8; 16] = std::array::from_fn(|place| b"0123456789abcdef"[(value >> (60 - 4 * place)) as usize & 15]);
    out.extend_from_slice(&digits);
}

/// No value is `-`, which stands before every digit.
fn optional(value: Option<u64>, out: &mut Vec<u8>) {
    match value {
        Some(value) => hexadecimal(value, out),
        None => out.push(b'-'),
    }
}

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
        FileOrder { prefix: format!("{RANK_LOAD}{:016x}.{control_id}.", shifted(object_time)) }
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
mod tests;
