//! Key columns as keys that compare as their values do.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef};
use arrow_cast::cast;
use arrow_row::{RowConverter, Rows, SortField};
use arrow_schema::{ArrowError, DataType};

/// Turns key columns into keys.
#[derive(Debug)]
pub(crate) struct KeyCodec {
    pub(super) types: Vec<DataType>,
    converter: RowConverter,
    pub(super) leading: RowConverter,
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

    pub(super) fn is_int(&self) -> bool {
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
    pub(super) fn encode_leading(&self, column: &ArrayRef) -> Result<Keys, ArrowError> {
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
    pub(super) fn keeps_order(&self, stored: &DataType) -> bool {
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
