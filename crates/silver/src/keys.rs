//! Primary keys: encoded so that they can be hashed, compared and looked for in statistics.

use std::hash::BuildHasher;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Float32Array, Float64Array, Int32Array, Int64Array,
    StringArray,
};
use arrow_cast::cast;
use arrow_row::{RowConverter, Rows, SortField};
use arrow_schema::{ArrowError, DataType};
use hashbrown::{DefaultHashBuilder, HashTable};
use iceberg::spec::{Datum, PrimitiveLiteral};

/// Above so many keys only the least and the greatest are kept for looking into statistics: a merge
/// of that size meets most files anyway.
const MAX_SORTED: usize = 300_000;

/// Turns key columns into keys.
#[derive(Debug)]
pub(crate) struct KeyCodec {
    types: Vec<DataType>,
    converter: RowConverter,
    leading: RowConverter,
}

/// One key. Keys of one codec compare in the order of their columns' values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Int(i64),
    Bytes(Box<[u8]>),
}

/// The keys of a batch.
#[derive(Debug)]
pub(crate) enum Keys {
    /// Of one column that is a whole number underneath.
    Ints(Vec<i64>),
    /// Of anything else.
    Bytes(Rows),
}

impl KeyCodec {
    pub(crate) fn new(types: Vec<DataType>) -> Result<Self, ArrowError> {
        let field = |data_type: &DataType| SortField::new(data_type.clone());
        Ok(KeyCodec {
            converter: RowConverter::new(types.iter().map(field).collect())?,
            leading: RowConverter::new(types.iter().take(1).map(field).collect())?,
            types,
        })
    }

    fn is_int(&self) -> bool {
        matches!(
            self.types.as_slice(),
            [DataType::Int32 | DataType::Int64 | DataType::Date32 | DataType::Timestamp(_, _)]
        )
    }

    /// The keys of rows, from the key columns in their order.
    pub(crate) fn encode(&self, columns: &[ArrayRef]) -> Result<Keys, ArrowError> {
        if self.is_int() {
            return Ok(Keys::Ints(int_values(&columns[0])?));
        }
        Ok(Keys::Bytes(self.converter.convert_columns(columns)?))
    }

    /// The values of the first key column, for statistics.
    fn encode_leading(&self, column: &ArrayRef) -> Result<Keys, ArrowError> {
        let column = cast(column, &self.types[0])?;
        if self.is_int() {
            return Ok(Keys::Ints(int_values(&column)?));
        }
        Ok(Keys::Bytes(self.leading.convert_columns(&[column])?))
    }
}

impl KeyCodec {
    /// Whether statistics of a column of this type bound the first key column: not if values rank
    /// otherwise there (as texts, 10 is below 9), nor if there may be some that are no number, which
    /// statistics leave out.
    fn keeps_order(&self, stored: &DataType) -> bool {
        match (stored, &self.types[0]) {
            (_, DataType::Float32 | DataType::Float64) => false,
            (DataType::Int32, DataType::Int64) | (DataType::Binary, DataType::LargeBinary) => true,
            (DataType::Timestamp(unit, _), DataType::Timestamp(other, _)) => unit == other,
            (stored, target) => stored == target,
        }
    }

    /// For each pair of a least and a greatest value of the first key column: whether a key in
    /// `from..to` may lie between them. Where one is not known it may.
    pub(crate) fn may_meet(
        &self,
        mins: &ArrayRef,
        maxes: &ArrayRef,
        (from, to): (Option<&Key>, Option<&Key>),
    ) -> Result<Vec<bool>, ArrowError> {
        if !self.keeps_order(mins.data_type()) {
            return Ok(vec![true; mins.len()]);
        }
        let (least, most) = (self.encode_leading(mins)?, self.encode_leading(maxes)?);
        let may = |index: usize| {
            if mins.is_null(index) || maxes.is_null(index) {
                return true;
            }
            let is_below = match (&most.key(index), from) {
                (Key::Int(most), Some(Key::Int(from))) => most < from,
                // A key begins with the bytes of its first column.
                (Key::Bytes(most), Some(Key::Bytes(from))) => most < from && !from.starts_with(most),
                _ => false,
            };
            let is_above = match (&least.key(index), to) {
                (Key::Int(least), Some(Key::Int(to))) => least >= to,
                (Key::Bytes(least), Some(Key::Bytes(to))) => least > to,
                _ => false,
            };
            !is_below && !is_above
        };
        Ok((0..mins.len()).map(may).collect())
    }
}

fn int_values(column: &ArrayRef) -> Result<Vec<i64>, ArrowError> {
    // Days and microseconds are numbers underneath.
    let number = match column.data_type() {
        DataType::Int64 => Arc::clone(column),
        DataType::Date32 => cast(&cast(column, &DataType::Int32)?, &DataType::Int64)?,
        _ => cast(column, &DataType::Int64)?,
    };
    Ok(number.as_primitive::<Int64Type>().values().to_vec())
}

impl Keys {
    pub(crate) fn len(&self) -> usize {
        match self {
            Keys::Ints(values) => values.len(),
            Keys::Bytes(rows) => rows.num_rows(),
        }
    }

    pub(crate) fn key(&self, index: usize) -> Key {
        match self {
            Keys::Ints(values) => Key::Int(values[index]),
            Keys::Bytes(rows) => Key::Bytes(rows.row(index).as_ref().into()),
        }
    }

    /// Whether `from <= key < to`, where there are such bounds.
    pub(crate) fn is_within(&self, index: usize, from: Option<&Key>, to: Option<&Key>) -> bool {
        match self {
            Keys::Ints(values) => {
                let value = values[index];
                !matches!(from, Some(Key::Int(from)) if value < *from)
                    && !matches!(to, Some(Key::Int(to)) if value >= *to)
            }
            Keys::Bytes(rows) => {
                let row = rows.row(index);
                let bytes: &[u8] = row.as_ref();
                !matches!(from, Some(Key::Bytes(from)) if bytes < &**from)
                    && !matches!(to, Some(Key::Bytes(to)) if bytes >= &**to)
            }
        }
    }
}

/// Numbers keys from 0 in the order in which they come.
#[derive(Debug, Default)]
pub(crate) struct KeyTable {
    slots: HashTable<u32>,
    ints: Vec<i64>,
    /// The bytes of all keys, and where each ends.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    hasher: DefaultHashBuilder,
}

fn hash_int(value: i64) -> u64 {
    let mixed = value.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ (mixed >> 32)
}

fn slice<'b>(bytes: &'b [u8], ends: &[usize], index: u32) -> &'b [u8] {
    let index = index as usize;
    let start = if index == 0 { 0 } else { ends[index - 1] };
    &bytes[start..ends[index]]
}

impl KeyTable {
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The number of a key, which is given one if it is new.
    pub(crate) fn insert(&mut self, keys: &Keys, index: usize) -> u32 {
        // A pass holds far fewer than 2^32 keys: each takes memory that is bounded.
        let next = self.slots.len() as u32;
        let KeyTable { slots, ints, bytes, ends, hasher } = self;
        match keys {
            Keys::Ints(values) => {
                let value = values[index];
                let entry = slots.entry(
                    hash_int(value),
                    |slot| ints[*slot as usize] == value,
                    |slot| hash_int(ints[*slot as usize]),
                );
                *entry
                    .or_insert_with(|| {
                        ints.push(value);
                        next
                    })
                    .get()
            }
            Keys::Bytes(rows) => {
                let row = rows.row(index);
                let key: &[u8] = row.as_ref();
                let hash = hasher.hash_one(key);
                if let Some(found) = slots.find(hash, |slot| slice(bytes, ends, *slot) == key) {
                    return *found;
                }
                bytes.extend_from_slice(key);
                ends.push(bytes.len());
                slots.insert_unique(hash, next, |slot| hasher.hash_one(slice(bytes, ends, *slot)));
                next
            }
        }
    }

    /// The number of a key, if it has one.
    pub(crate) fn find(&self, keys: &Keys, index: usize) -> Option<u32> {
        match keys {
            Keys::Ints(values) => {
                let value = values[index];
                self.slots.find(hash_int(value), |slot| self.ints[*slot as usize] == value).copied()
            }
            Keys::Bytes(rows) => {
                let row = rows.row(index);
                let key: &[u8] = row.as_ref();
                let hash = self.hasher.hash_one(key);
                self.slots.find(hash, |slot| slice(&self.bytes, &self.ends, *slot) == key).copied()
            }
        }
    }
}

/// One value of the first key column, as Bloom filters hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Probe {
    Int(i64),
    Text(String),
}

/// The first column of a set of keys, sorted: tells whether a range of values can hold any of them.
#[derive(Debug)]
pub(crate) struct KeySpan {
    codec: Arc<KeyCodec>,
    sorted: Sorted,
    is_exact: bool,
    /// Whether a value is not a number: statistics leave those out, so that it may be anywhere.
    has_nan: bool,
}

#[derive(Debug)]
enum Sorted {
    Ints(Vec<i64>),
    Bytes(Vec<Box<[u8]>>),
}

impl KeySpan {
    /// From the first key column of all batches.
    pub(crate) fn new<'a>(
        codec: &Arc<KeyCodec>,
        columns: impl Iterator<Item = &'a ArrayRef>,
    ) -> Result<Self, ArrowError> {
        let mut ints = Vec::new();
        let mut bytes: Vec<Box<[u8]>> = Vec::new();
        let mut has_nan = false;
        for column in columns {
            has_nan |= holds_nan(column);
            match codec.encode_leading(column)? {
                Keys::Ints(values) => ints.extend(values),
                Keys::Bytes(rows) => bytes.extend(rows.iter().map(|row| row.as_ref().into())),
            }
        }
        let is_exact = ints.len().max(bytes.len()) <= MAX_SORTED;
        let sorted = if codec.is_int() { Sorted::Ints(bounded(ints)) } else { Sorted::Bytes(bounded(bytes)) };
        Ok(KeySpan { codec: Arc::clone(codec), is_exact, sorted, has_nan })
    }

    /// What the values take in memory.
    pub(crate) fn bytes(&self) -> usize {
        match &self.sorted {
            Sorted::Ints(values) => size_of_val(values.as_slice()),
            Sorted::Bytes(values) => values.iter().map(|value| size_of_val(value) + value.len()).sum(),
        }
    }

    /// The span with nothing kept but its ends: it may hold more then, and takes no memory.
    pub(crate) fn ends(self) -> Self {
        fn ends<T>(mut values: Vec<T>) -> Vec<T> {
            let last = if values.len() > 1 { values.pop() } else { None };
            values.truncate(1);
            let first = values.into_iter().next();
            first.into_iter().chain(last).collect()
        }
        let sorted = match self.sorted {
            Sorted::Ints(values) => Sorted::Ints(ends(values)),
            Sorted::Bytes(values) => Sorted::Bytes(ends(values)),
        };
        KeySpan { sorted, is_exact: false, ..self }
    }

    /// The values that lie between a least and a greatest one; `None` where they are more than
    /// `most`, cannot be told, or are of a type that no Bloom filter is asked for.
    pub(crate) fn probes(
        &self,
        mins: &ArrayRef,
        maxes: &ArrayRef,
        index: usize,
        most: usize,
    ) -> Result<Option<Vec<Probe>>, ArrowError> {
        if !self.is_exact || mins.is_null(index) || maxes.is_null(index) {
            return Ok(None);
        }
        let (min, max) = (mins.slice(index, 1), maxes.slice(index, 1));
        match (self.codec.encode_leading(&min)?, self.codec.encode_leading(&max)?, &self.sorted) {
            (Keys::Ints(min), Keys::Ints(max), Sorted::Ints(sorted)) => {
                let from = sorted.partition_point(|value| *value < min[0]);
                let to = sorted.partition_point(|value| *value <= max[0]).max(from);
                Ok((to - from <= most).then(|| sorted[from..to].iter().copied().map(Probe::Int).collect()))
            }
            (Keys::Bytes(min), Keys::Bytes(max), Sorted::Bytes(sorted)) if self.codec.types[0] == DataType::Utf8 => {
                let (min, max) = (min.row(0), max.row(0));
                let from = sorted.partition_point(|value| **value < *min.as_ref());
                let to = sorted.partition_point(|value| **value <= *max.as_ref()).max(from);
                if to - from > most {
                    return Ok(None);
                }
                let parser = self.codec.leading.parser();
                let texts =
                    self.codec.leading.convert_rows(sorted[from..to].iter().map(|bytes| parser.parse(bytes)))?;
                let texts = texts[0].as_string::<i32>().iter();
                Ok(Some(texts.flatten().map(|text| Probe::Text(text.to_owned())).collect()))
            }
            _ => Ok(None),
        }
    }

    /// A span of these values alone, which are of this one.
    pub(crate) fn only(&self, probes: Vec<Probe>) -> Result<Self, ArrowError> {
        let column: ArrayRef = match &self.sorted {
            Sorted::Ints(_) => {
                let ints = probes.iter().filter_map(|probe| match probe {
                    Probe::Int(value) => Some(*value),
                    Probe::Text(_) => None,
                });
                let sorted = Sorted::Ints(bounded(ints.collect()));
                return Ok(KeySpan { codec: Arc::clone(&self.codec), sorted, is_exact: true, has_nan: false });
            }
            Sorted::Bytes(_) => {
                Arc::new(StringArray::from_iter_values(probes.iter().filter_map(|probe| match probe {
                    Probe::Text(value) => Some(value.as_str()),
                    Probe::Int(_) => None,
                })))
            }
        };
        KeySpan::new(&self.codec, std::iter::once(&column))
    }

    /// For each pair of a least and a greatest value: whether a key may lie between them. Where one
    /// is not known it may.
    pub(crate) fn may_hold(&self, mins: &ArrayRef, maxes: &ArrayRef) -> Result<Vec<bool>, ArrowError> {
        let known = |index: usize| !self.has_nan && mins.is_valid(index) && maxes.is_valid(index);
        let answers = match (self.codec.encode_leading(mins)?, self.codec.encode_leading(maxes)?, &self.sorted) {
            (Keys::Ints(min), Keys::Ints(max), Sorted::Ints(sorted)) => (0..min.len())
                .map(|index| {
                    let from = sorted.partition_point(|value| *value < min[index]);
                    !known(index) || self.touches(sorted, from, |value| *value <= max[index], max[index] >= min[index])
                })
                .collect(),
            (Keys::Bytes(min), Keys::Bytes(max), Sorted::Bytes(sorted)) => (0..min.num_rows())
                .map(|index| {
                    let (min, max) = (min.row(index), max.row(index));
                    let (min, max): (&[u8], &[u8]) = (min.as_ref(), max.as_ref());
                    let from = sorted.partition_point(|value| **value < *min);
                    !known(index) || self.touches(sorted, from, |value| **value <= *max, max >= min)
                })
                .collect(),
            _ => vec![true; mins.len()],
        };
        Ok(answers)
    }

    /// `from` is the first value that is not below the range.
    fn touches<T>(&self, sorted: &[T], from: usize, is_below_end: impl Fn(&T) -> bool, is_range: bool) -> bool {
        let first_inside = sorted.get(from).is_some_and(&is_below_end);
        // Of many keys only the ends are known: a range between them may hold any.
        first_inside || (!self.is_exact && is_range && from > 0 && from < sorted.len())
    }

    /// Whether a data file with these bounds of the first key column may hold a key.
    pub(crate) fn may_hold_datum(&self, lower: Option<&Datum>, upper: Option<&Datum>) -> Result<bool, ArrowError> {
        let (Some(lower), Some(upper)) = (lower, upper) else { return Ok(true) };
        let target = &self.codec.types[0];
        match (datum_array(lower, target)?, datum_array(upper, target)?) {
            (Some(lower), Some(upper)) => Ok(self.may_hold(&lower, &upper)?.iter().any(|may| *may)),
            _ => Ok(true),
        }
    }
}

fn holds_nan(column: &ArrayRef) -> bool {
    match column.data_type() {
        DataType::Float32 => column.as_primitive::<Float32Type>().values().iter().any(|value| value.is_nan()),
        DataType::Float64 => column.as_primitive::<Float64Type>().values().iter().any(|value| value.is_nan()),
        _ => false,
    }
}

/// Sorted and without doubles; of too many only the ends.
fn bounded<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    if values.len() <= MAX_SORTED {
        values.sort_unstable();
        values.dedup();
        return values;
    }
    let min = values.iter().enumerate().min_by(|left, right| left.1.cmp(right.1)).map_or(0, |(at, _)| at);
    let least = values.swap_remove(min);
    let max = values.into_iter().max();
    std::iter::once(least).chain(max).collect()
}

/// A bound as a column of one row in the key's type, `None` where it cannot be.
pub(crate) fn datum_array(datum: &Datum, target: &DataType) -> Result<Option<ArrayRef>, ArrowError> {
    let array: ArrayRef = match (datum.literal(), target) {
        (PrimitiveLiteral::Boolean(value), _) => Arc::new(BooleanArray::from(vec![*value])),
        (PrimitiveLiteral::Int(value), _) => Arc::new(Int32Array::from(vec![*value])),
        (PrimitiveLiteral::Long(value), _) => Arc::new(Int64Array::from(vec![*value])),
        (PrimitiveLiteral::Float(value), _) => Arc::new(Float32Array::from(vec![value.0])),
        (PrimitiveLiteral::Double(value), _) => Arc::new(Float64Array::from(vec![value.0])),
        (PrimitiveLiteral::String(value), _) => Arc::new(StringArray::from(vec![value.as_str()])),
        (PrimitiveLiteral::Binary(value), _) => Arc::new(BinaryArray::from(vec![value.as_slice()])),
        (PrimitiveLiteral::Int128(value), DataType::Decimal128(precision, scale)) => {
            Arc::new(Decimal128Array::from(vec![*value]).with_precision_and_scale(*precision, *scale)?)
        }
        _ => return Ok(None),
    };
    if matches!((array.data_type(), target), (DataType::Int32, DataType::Timestamp(_, _))) {
        return Ok(None);
    }
    cast(&array, target).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ints(values: &[i64]) -> ArrayRef {
        Arc::new(Int64Array::from(values.to_vec()))
    }

    fn texts(values: &[&str]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    #[test]
    fn equal_keys_have_one_number() {
        for columns in [
            vec![ints(&[3, -1, 3, 0])],
            vec![texts(&["c", "a", "c", ""])],
            vec![ints(&[1, 1, 1, 2]), texts(&["x", "y", "x", ""])],
        ] {
            let codec = KeyCodec::new(columns.iter().map(|column| column.data_type().clone()).collect()).unwrap();
            let keys = codec.encode(&columns).unwrap();
            let mut table = KeyTable::default();
            let numbers: Vec<u32> = (0..4).map(|index| table.insert(&keys, index)).collect();
            assert_eq!(numbers, [0, 1, 0, 2]);
            assert_eq!(table.len(), 3);
            assert_eq!(
                (0..4).map(|index| table.find(&keys, index)).collect::<Vec<_>>(),
                [Some(0), Some(1), Some(0), Some(2)]
            );
        }
    }

    #[test]
    fn a_range_holds_a_key_or_not() {
        let codec = Arc::new(KeyCodec::new(vec![DataType::Int64]).unwrap());
        let span = KeySpan::new(&codec, [ints(&[10, 30, 20])].iter()).unwrap();
        let answers = span.may_hold(&ints(&[0, 0, 11, 20, 31]), &ints(&[9, 10, 19, 20, 99])).unwrap();
        assert_eq!(answers, [false, true, false, true, false]);
        let one = |value| Datum::long(value);
        assert!(!span.may_hold_datum(Some(&one(11)), Some(&one(19))).unwrap());
        assert!(span.may_hold_datum(None, Some(&one(1))).unwrap());
        let probes = span.probes(&ints(&[10]), &ints(&[25]), 0, 2).unwrap().unwrap();
        assert_eq!(probes, [Probe::Int(10), Probe::Int(20)]);
        assert_eq!(span.probes(&ints(&[10]), &ints(&[25]), 0, 1).unwrap(), None);
        assert!(!span.only(probes).unwrap().may_hold(&ints(&[21]), &ints(&[40])).unwrap()[0]);
        let ends = span.ends();
        assert_eq!(ends.bytes(), 16);
        let answers = ends.may_hold(&ints(&[0, 0, 11, 20, 31]), &ints(&[9, 10, 19, 20, 99])).unwrap();
        assert_eq!(answers, [false, true, true, true, false]);
    }

    #[test]
    fn texts_are_looked_for_as_they_are() {
        let codec = Arc::new(KeyCodec::new(vec![DataType::Utf8, DataType::Int64]).unwrap());
        let span = KeySpan::new(&codec, [texts(&["b", "", "long enough for two blocks of the encoding", "b"])].iter())
            .unwrap();
        let probes = span.probes(&texts(&["a"]), &texts(&["z"]), 0, 9).unwrap().unwrap();
        assert_eq!(probes, [Probe::Text("b".into()), Probe::Text("long enough for two blocks of the encoding".into())]);
        assert!(span.only(probes).unwrap().may_hold(&texts(&["l"]), &texts(&["m"])).unwrap()[0]);
        assert_eq!(span.may_hold(&texts(&["c", "a"]), &texts(&["k", "b"])).unwrap(), [false, true]);
    }

    #[test]
    fn a_range_of_keys_meets_what_may_hold_one() {
        let codec = KeyCodec::new(vec![DataType::Utf8, DataType::Int64]).unwrap();
        let key = |text: &str, number: i64| codec.encode(&[texts(&[text]), ints(&[number])]).unwrap().key(0);
        let (from, to) = (key("c", 5), key("f", 0));
        let meets = |bounds| {
            codec.may_meet(&texts(&["a", "a", "d", "f", "g"]), &texts(&["b", "c", "e", "g", "h"]), bounds).unwrap()
        };
        assert_eq!(meets((Some(&from), Some(&to))), [false, true, true, true, false]);
        assert_eq!(meets((None, Some(&to))), [true, true, true, true, false]);
        assert_eq!(meets((Some(&from), None)), [false, true, true, true, true]);
    }

    #[test]
    fn of_too_many_keys_the_ends_count() {
        let codec = Arc::new(KeyCodec::new(vec![DataType::Int64]).unwrap());
        let many: Vec<i64> = (0..=MAX_SORTED as i64).map(|value| value * 10).collect();
        let span = KeySpan::new(&codec, [ints(&many)].iter()).unwrap();
        let end = MAX_SORTED as i64 * 10;
        let answers = span.may_hold(&ints(&[-5, 1, -5, end + 1]), &ints(&[-1, 9, end + 9, end + 9])).unwrap();
        assert_eq!(answers, [false, true, true, false]);
    }
}
