//! From a row's number to its values.

use std::fmt;

use weir_model::contract::TimeText;

use crate::calendar::{MICROS_A_DAY, write_date, write_time};
use crate::decimal::{write_decimal, write_padded, write_u64};
use crate::random::{Chance, Stream};
use crate::share::Pool;
use crate::skew::Skew;
use crate::{names, prose};

/// A column of the plan: table and column, by their places.
pub(crate) type ColumnAt = (usize, usize);

/// Every table of a plan, so that one can look up the values of another.
#[derive(Debug)]
pub(crate) struct Tables(pub(crate) Vec<Table>);

/// How the rows of one table are made.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) seed: u64,
    pub(crate) repeats: Chance,
    pub(crate) columns: Vec<Maker>,
}

/// How the values of one column are made.
#[derive(Debug)]
pub(crate) struct Maker {
    pub(crate) seed: u64,
    pub(crate) nulls: Chance,
    pub(crate) generator: Generator,
}

/// What the values of one column are made of; the whole of a hint, ready to run.
#[derive(Debug)]
pub(crate) enum Generator {
    Sequence {
        from: u64,
        prefix: Box<[u8]>,
        digits: u32,
    },
    Uuid,
    Reference {
        pool: Pool,
        skew: Skew,
        to: ColumnAt,
    },
    /// `via` is a reference column of the same table; `to` is in the table that it refers to.
    Lookup {
        via: usize,
        to: ColumnAt,
    },
    /// `ends` are the sums of the weights up to each text.
    Choice {
        texts: Vec<Box<[u8]>>,
        ends: Vec<u64>,
    },
    Number(Number),
    Date {
        text: TimeText,
        first: i64,
        days: u64,
    },
    Time {
        text: TimeText,
        zoned: bool,
        from: i64,
        step: i64,
        count: u64,
    },
    Words {
        least: u64,
        most: u64,
        ends: Vec<Box<str>>,
    },
    Text {
        least: u64,
        most: u64,
        empty: Chance,
    },
    Name(NameMaker),
    Bytes {
        least: u64,
        most: u64,
    },
    Json,
}

/// A function of `names`.
#[derive(Clone, Copy)]
pub(crate) struct NameMaker(pub(crate) fn(&mut Stream, &mut Vec<u8>));

impl fmt::Debug for NameMaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameMaker")
    }
}

/// The numbers `from`, `from + by`, … of which there are `count`, in units of `10^-scale`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Number {
    pub(crate) from: i128,
    pub(crate) by: i128,
    pub(crate) count: u64,
    pub(crate) scale: u32,
    /// Whether zeros at the end of the fraction are left out.
    pub(crate) trim: bool,
    /// Where the most likely number lies between the first (0) and the last (1).
    pub(crate) peak: Option<f64>,
}

impl Table {
    /// The row whose data row `row` has: itself, or an earlier one that it repeats.
    fn data_row(&self, mut row: u64) -> u64 {
        if self.repeats.is_never() {
            return row;
        }
        while row > 0 {
            let mut stream = Stream::new(self.seed, row);
            if !stream.happens(self.repeats) {
                break;
            }
            row = stream.below(row);
        }
        row
    }
}

impl Tables {
    /// Writes one value as plain text, nothing for a null; whether it has a value.
    pub(crate) fn write(&self, at: ColumnAt, row: u64, out: &mut Vec<u8>) -> bool {
        self.write_version(at, row, 0, out)
    }

    /// As [`Tables::write`], for the value that a change gave to the row; version 0 is the row as it was made.
    pub(crate) fn write_version(&self, at: ColumnAt, row: u64, version: u32, out: &mut Vec<u8>) -> bool {
        let table = &self.0[at.0];
        let maker = &table.columns[at.1];
        // A sequence numbers the rows themselves; all else belongs to what they tell of.
        let own = version > 0 || matches!(maker.generator, Generator::Sequence { .. });
        let row = if own { row } else { table.data_row(row) };
        let mut stream = Stream::of_version(maker.seed, row, version);
        if !maker.nulls.is_never() && stream.happens(maker.nulls) {
            return false;
        }
        match &maker.generator {
            Generator::Sequence { from, prefix, digits } => {
                out.extend_from_slice(prefix);
                write_padded(out, from + row, *digits);
            }
            Generator::Reference { pool, skew, to } => {
                return self.write(*to, skew.choose(pool.size(row), stream.next()), out);
            }
            Generator::Lookup { via, to } => match table.columns[*via].referenced_row(row, version) {
                Some(row) => return self.write(*to, row, out),
                None => return false,
            },
            generator => generator.write_own(&mut stream, out),
        }
        true
    }
}

impl Maker {
    /// The row that a reference column refers to in version `version` of `row`, which is a data row.
    fn referenced_row(&self, row: u64, version: u32) -> Option<u64> {
        let Generator::Reference { pool, skew, .. } = &self.generator else { return None };
        let mut stream = Stream::of_version(self.seed, row, version);
        if !self.nulls.is_never() && stream.happens(self.nulls) {
            return None;
        }
        Some(skew.choose(pool.size(row), stream.next()))
    }
}

impl Generator {
    /// Writes a value that needs no other table.
    fn write_own(&self, stream: &mut Stream, out: &mut Vec<u8>) {
        match self {
            Generator::Uuid => uuid(stream, out),
            Generator::Choice { texts, ends } => {
                let total = ends.last().copied().unwrap_or_default();
                let point = stream.below(total);
                let index = ends.partition_point(|end| *end <= point);
                out.extend_from_slice(texts.get(index).map_or(&[], |text| text));
            }
            Generator::Number(number) => number.write(stream, out),
            Generator::Date { text, first, days } => {
                let day = first + stream.below(*days) as i64;
                write_date(out, text, day * MICROS_A_DAY);
            }
            Generator::Time { text, zoned, from, step, count } => {
                write_time(out, text, *zoned, from + step * stream.below(*count) as i64);
            }
            Generator::Words { least, most, ends } => {
                for index in 0..stream.between(*least, *most) {
                    if index > 0 {
                        out.push(b' ');
                    }
                    names::word(stream, out, false);
                }
                if !ends.is_empty() {
                    out.push(b' ');
                    out.extend_from_slice(ends[stream.below(ends.len() as u64) as usize].as_bytes());
                }
            }
            Generator::Text { least, most, empty } => {
                if !stream.happens(*empty) {
                    prose::write(stream, out, *least, *most);
                }
            }
            Generator::Name(name) => name.0(stream, out),
            Generator::Bytes { least, most } => base64(stream, *least, *most, out),
            Generator::Json => json(stream, out),
            Generator::Sequence { .. } | Generator::Reference { .. } | Generator::Lookup { .. } => {}
        }
    }
}

impl Number {
    fn write(&self, stream: &mut Stream, out: &mut Vec<u8>) {
        let index = match self.peak {
            None => stream.below(self.count),
            Some(peak) => self.near_peak(peak, stream.unit()),
        };
        write_decimal(out, self.from + self.by * i128::from(index), self.scale, self.trim);
    }

    /// The inverse of the triangular distribution; square roots are the same to the bit everywhere.
    fn near_peak(&self, peak: f64, unit: f64) -> u64 {
        let count = self.count as f64;
        let mode = (peak * (count - 1.0) + 0.5) / count;
        let fraction = if unit < mode { (unit * mode).sqrt() } else { 1.0 - ((1.0 - unit) * (1.0 - mode)).sqrt() };
        ((fraction * count) as u64).min(self.count - 1)
    }
}

/// A version 4 UUID (RFC 9562): 122 random bits, so that no two rows share one.
fn uuid(stream: &mut Stream, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let high = stream.next() & 0xffff_ffff_ffff_0fff | 0x4000;
    let low = stream.next() & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000;
    let bits = u128::from(high) << 64 | u128::from(low);
    for nibble in (0..32).rev() {
        out.push(HEX[(bits >> (nibble * 4)) as usize & 15]);
        if matches!(nibble, 24 | 20 | 16 | 12) {
            out.push(b'-');
        }
    }
}

/// Random bytes as base64 with padding (RFC 4648, section 4).
fn base64(stream: &mut Stream, least: u64, most: u64, out: &mut Vec<u8>) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut left = stream.between(least, most);
    while left > 0 {
        let bytes = left.min(3);
        // Bits beyond the last byte are zero, as the encoding wants them.
        let bits = stream.below(1 << (bytes * 8)) << (24 - bytes * 8);
        for letter in 0..4 {
            let six = (bits >> (18 - letter * 6)) as usize & 63;
            out.push(if letter <= bytes { LETTERS[six] } else { b'=' });
        }
        left -= bytes;
    }
}

fn json(stream: &mut Stream, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"code\":");
    write_u64(out, stream.below(1_000));
    out.extend_from_slice(b",\"name\":\"");
    names::word(stream, out, false);
    out.extend_from_slice(b"\",\"tags\":[");
    for tag in 0..stream.below(3) {
        out.extend_from_slice(if tag > 0 { b",\"" } else { b"\"" });
        names::word(stream, out, true);
        out.push(b'"');
    }
    out.extend_from_slice(b"]}");
}
