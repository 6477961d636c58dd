//! Whether statistics rule a set of keys out.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Float32Array, Float64Array, Int32Array, Int64Array,
    StringArray,
};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};
use iceberg::spec::{Datum, PrimitiveLiteral};

use super::codec::{KeyCodec, Keys};

/// Above so many keys only the least and the greatest are kept for looking into statistics: a merge
/// of that size meets most files anyway.
pub(super) const MAX_SORTED: usize = 300_000;

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
fn datum_array(datum: &Datum, target: &DataType) -> Result<Option<ArrayRef>, ArrowError> {
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
