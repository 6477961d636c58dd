//! The values of a column, one after the other, as JSON or as plain text.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use datafusion::arrow::array::cast::AsArray;
use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::error::QueryError;

/// Writes the value of a row.
pub(super) type Cells<'a> = Box<dyn Fn(usize, &mut Vec<u8>) + 'a>;

fn failed(error: ArrowError) -> QueryError {
    QueryError::Execution(format!("a value of the answer cannot be shown: {error}"))
}

/// Values as JSON; null is `null`.
pub(super) fn json(array: &dyn Array) -> Result<Cells<'_>, QueryError> {
    if array.data_type() == &DataType::Null {
        return Ok(Box::new(|_, out| out.extend_from_slice(b"null")));
    }
    let values: Cells<'_> = match array.data_type() {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64 => text(array)?,
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            let numbers = text(array)?;
            Box::new(move |row, out| {
                let from = out.len();
                numbers(row, out);
                if is_word(&out[from..]) {
                    out.insert(from, b'"');
                    out.push(b'"');
                }
            })
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let items = json(list.values().as_ref())?;
            Box::new(move |row, out| {
                let offsets = list.value_offsets();
                json_list(out, &items, offsets[row] as usize..offsets[row + 1] as usize);
            })
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            let items = json(list.values().as_ref())?;
            Box::new(move |row, out| {
                let offsets = list.value_offsets();
                json_list(out, &items, offsets[row] as usize..offsets[row + 1] as usize);
            })
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let columns: Vec<(String, Cells<'_>)> = fields
                .iter()
                .zip(columns)
                .map(|(field, column)| {
                    Ok((serde_json::Value::from(field.name().as_str()).to_string(), json(column.as_ref())?))
                })
                .collect::<Result<_, QueryError>>()?;
            Box::new(move |row, out| {
                out.push(b'{');
                for (index, (name, column)) in columns.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(name.as_bytes());
                    out.push(b':');
                    column(row, out);
                }
                out.push(b'}');
            })
        }
        DataType::Map(..) => {
            let map = array.as_map();
            let (keys, values) = (json(map.keys().as_ref())?, json(map.values().as_ref())?);
            // Keys of a map may be of any type, which names in JSON may not.
            Box::new(move |row, out| {
                let offsets = map.value_offsets();
                out.push(b'[');
                for (index, entry) in (offsets[row] as usize..offsets[row + 1] as usize).enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(b"{\"key\":");
                    keys(entry, out);
                    out.extend_from_slice(b",\"value\":");
                    values(entry, out);
                    out.push(b'}');
                }
                out.push(b']');
            })
        }
        DataType::Dictionary(_, value) => owned(cast(array, value).map_err(failed)?, |array| json(array))?,
        _ => {
            let text = text(array)?;
            Box::new(move |row, out| {
                let mut plain = Vec::new();
                text(row, &mut plain);
                let plain = serde_json::Value::from(String::from_utf8_lossy(&plain));
                // A vector takes whatever is written to it.
                let _ = write!(out, "{plain}");
            })
        }
    };
    if array.null_count() == 0 {
        return Ok(values);
    }
    Ok(Box::new(move |row, out| if array.is_null(row) { out.extend_from_slice(b"null") } else { values(row, out) }))
}

/// `NaN`, `Infinity` and `-Infinity` have no number in JSON.
fn is_word(number: &[u8]) -> bool {
    matches!(number, b"NaN" | b"Infinity" | b"-Infinity")
}

fn json_list(out: &mut Vec<u8>, items: &Cells<'_>, range: std::ops::Range<usize>) {
    out.push(b'[');
    for (index, item) in range.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        items(item, out);
    }
    out.push(b']');
}

/// Values as plain text. Not to be asked for nulls.
pub(super) fn text(array: &dyn Array) -> Result<Cells<'_>, QueryError> {
    Ok(match array.data_type() {
        DataType::Null => Box::new(|_, _| {}),
        DataType::Boolean => {
            let values = array.as_boolean();
            Box::new(move |row, out| out.extend_from_slice(if values.value(row) { b"true" } else { b"false" }))
        }
        DataType::Int8 => whole::<Int8Type>(array),
        DataType::Int16 => whole::<Int16Type>(array),
        DataType::Int32 => whole::<Int32Type>(array),
        DataType::Int64 => whole::<Int64Type>(array),
        DataType::UInt8 => whole::<UInt8Type>(array),
        DataType::UInt16 => whole::<UInt16Type>(array),
        DataType::UInt32 => whole::<UInt32Type>(array),
        DataType::UInt64 => whole::<UInt64Type>(array),
        DataType::Float16 => {
            let values = array.as_primitive::<Float16Type>();
            Box::new(move |row, out| float(out, f64::from(values.value(row)), &f32::from(values.value(row))))
        }
        DataType::Float32 => {
            let values = array.as_primitive::<Float32Type>();
            // As 32 bits, so that 0.1 is not shown as 0.10000000149011612.
            Box::new(move |row, out| float(out, f64::from(values.value(row)), &values.value(row)))
        }
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>();
            Box::new(move |row, out| float(out, values.value(row), &values.value(row)))
        }
        DataType::Utf8 => {
            let values = array.as_string::<i32>();
            Box::new(move |row, out| out.extend_from_slice(values.value(row).as_bytes()))
        }
        DataType::LargeUtf8 => {
            let values = array.as_string::<i64>();
            Box::new(move |row, out| out.extend_from_slice(values.value(row).as_bytes()))
        }
        DataType::Utf8View => {
            let values = array.as_string_view();
            Box::new(move |row, out| out.extend_from_slice(values.value(row).as_bytes()))
        }
        DataType::Binary => {
            let values = array.as_binary::<i32>();
            Box::new(move |row, out| out.extend_from_slice(STANDARD.encode(values.value(row)).as_bytes()))
        }
        DataType::LargeBinary => {
            let values = array.as_binary::<i64>();
            Box::new(move |row, out| out.extend_from_slice(STANDARD.encode(values.value(row)).as_bytes()))
        }
        DataType::BinaryView => {
            let values = array.as_binary_view();
            Box::new(move |row, out| out.extend_from_slice(STANDARD.encode(values.value(row)).as_bytes()))
        }
        DataType::FixedSizeBinary(_) => {
            let values = array.as_fixed_size_binary();
            Box::new(move |row, out| out.extend_from_slice(STANDARD.encode(values.value(row)).as_bytes()))
        }
        DataType::List(_) | DataType::LargeList(_) | DataType::Struct(_) | DataType::Map(..) => json(array)?,
        DataType::Dictionary(_, value) => owned(cast(array, value).map_err(failed)?, |array| text(array))?,
        // Times, decimals and intervals: Arrow writes them as ISO 8601 and with all digits.
        _ => {
            let formatter = ArrayFormatter::try_new(array, &FORMAT).map_err(failed)?;
            Box::new(move |row, out| {
                let _ = write!(out, "{}", formatter.value(row));
            })
        }
    })
}

const FORMAT: FormatOptions<'static> = FormatOptions::new();

fn whole<T: ArrowPrimitiveType>(array: &dyn Array) -> Cells<'_>
where
    T::Native: std::fmt::Display,
{
    let values = array.as_primitive::<T>();
    Box::new(move |row, out| {
        let _ = write!(out, "{}", values.value(row));
    })
}

fn float(out: &mut Vec<u8>, value: f64, shortest: &impl serde::Serialize) {
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"Infinity" } else { b"-Infinity" });
    } else {
        let _ = serde_json::to_writer(out, shortest);
    }
}

/// The values of an array that was made on the way, each written at once.
fn owned<'a>(
    array: ArrayRef,
    of: impl for<'b> Fn(&'b dyn Array) -> Result<Cells<'b>, QueryError>,
) -> Result<Cells<'a>, QueryError> {
    let cells = of(array.as_ref())?;
    let mut written = Vec::with_capacity(array.len());
    for row in 0..array.len() {
        let mut cell = Vec::new();
        if !array.is_null(row) {
            cells(row, &mut cell);
        }
        written.push(cell);
    }
    Ok(Box::new(move |row, out| out.extend_from_slice(&written[row])))
}
