//! Rows of an engine as a table's files hold them. Only the representation may change, never a value.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, FieldRef};

use crate::error::FilesError;
use crate::shape::FileShape;

/// The batch with the table's own types. Its columns are those of the table, in the table's order.
pub(crate) fn conform(shape: &FileShape, batch: &RecordBatch) -> Result<RecordBatch, FilesError> {
    let (ours, schema) = (shape.arrow.fields(), batch.schema());
    if let Some(extra) = schema.fields().get(ours.len()) {
        return Err(wrong(extra.name(), "is none of the table's; leave it out of the rows".to_owned()));
    }
    let mut columns = Vec::with_capacity(ours.len());
    for (place, field) in ours.iter().enumerate() {
        let Some(given) = schema.fields().get(place) else {
            return Err(wrong(field.name(), "is missing in the rows; give it a value".to_owned()));
        };
        if given.name() != field.name() {
            let detail = format!("stands where the table has '{}'; bring the columns in its order", field.name());
            return Err(wrong(given.name(), detail));
        }
        columns.push(column(field, batch.column(place))?);
    }
    Ok(RecordBatch::try_new(Arc::clone(&shape.arrow), columns)?)
}

fn column(field: &FieldRef, column: &ArrayRef) -> Result<ArrayRef, FilesError> {
    let (from, to) = (column.data_type(), field.data_type());
    let same = if from == to {
        Arc::clone(column)
    } else if is_same_kind(from, to) {
        let options = CastOptions { safe: false, ..CastOptions::default() };
        let cast = cast_with_options(column, to, &options);
        cast.map_err(|error| wrong(field.name(), format!("cannot be written as {to}: {error}; cast it in the query")))?
    } else {
        let detail = format!("has the type {from}, and the table's is {to}; cast it in the query");
        return Err(wrong(field.name(), detail));
    };
    if !field.is_nullable() && same.null_count() > 0 {
        let detail = "holds a null, and the table requires a value; give it one in the query".to_owned();
        return Err(wrong(field.name(), detail));
    }
    Ok(same)
}

/// Whether both types have the same values, however they are laid out.
fn is_same_kind(from: &DataType, to: &DataType) -> bool {
    use DataType::{
        Binary, BinaryView, Dictionary, LargeBinary, LargeList, LargeUtf8, List, Struct, Timestamp, Utf8, Utf8View,
    };
    match (from, to) {
        (Dictionary(_, values), _) => is_same_kind(values, to),
        (Utf8 | LargeUtf8 | Utf8View, Utf8 | LargeUtf8 | Utf8View)
        | (Binary | LargeBinary | BinaryView, Binary | LargeBinary | BinaryView) => true,
        // The zone says how a moment is shown; a time without one is no moment.
        (Timestamp(unit, zone), Timestamp(of, shown)) => unit == of && zone.is_some() == shown.is_some(),
        (List(from) | LargeList(from), List(to) | LargeList(to)) => is_same_kind(from.data_type(), to.data_type()),
        (Struct(from), Struct(to)) => {
            let same = |(from, to): (&FieldRef, &FieldRef)| {
                from.name() == to.name() && is_same_kind(from.data_type(), to.data_type())
            };
            from.len() == to.len() && from.iter().zip(to).all(same)
        }
        _ => from == to,
    }
}

fn wrong(column: &str, detail: String) -> FilesError {
    FilesError::Column { column: column.to_owned(), detail }
}
