//! Values of new rows, from wherever they are.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array};
use arrow_schema::DataType;
use arrow_select::interleave::interleave;

use crate::error::MergeError;
use crate::fold::{NO_TIME, NewRow};
use crate::rows::{RowRef, Rows};
use crate::table::{Cell, Layout};

/// A data column of some rows.
pub(super) fn data_column(
    rows: &Rows,
    layout: &Layout,
    column: usize,
    sources: impl Iterator<Item = Option<RowRef>>,
) -> Result<ArrayRef, MergeError> {
    // The batches in use get a place each; the first place is that of null.
    let nothing = new_null_array(&layout.data[column].data_type, 1);
    let mut arrays: Vec<&dyn Array> = vec![&*nothing];
    let mut places: Vec<u32> = vec![0; rows.batches.len()];
    let mut indices = Vec::new();
    for source in sources {
        let Some(at) = source else {
            indices.push((0, 0));
            continue;
        };
        let place = &mut places[at.batch as usize];
        if *place == 0 {
            // There are fewer batches than 2^32.
            *place = arrays.len() as u32;
            arrays.push(&*rows.batches[at.batch as usize].columns[column]);
        }
        indices.push((*place as usize, at.row as usize));
    }
    Ok(interleave(&arrays, &indices)?)
}

/// Where a data column of a new row comes from.
pub(super) fn source(row: &NewRow, column: usize) -> Option<RowRef> {
    match row.extra.as_ref().and_then(|extra| extra.columns.as_ref()) {
        Some(columns) => columns[column],
        None => Some(row.row),
    }
}

/// One column of the table, of some new rows.
fn cell_column<'n>(
    rows: &Rows,
    layout: &Layout,
    cell: Cell,
    data_type: &DataType,
    new: impl ExactSizeIterator<Item = &'n NewRow>,
) -> Result<ArrayRef, MergeError> {
    Ok(match cell {
        Cell::Data(column) => data_column(rows, layout, column, new.map(|row| source(row, column)))?,
        Cell::Previous(column) => {
            let previous = |row: &NewRow| row.extra.as_ref().and_then(|extra| extra.previous);
            data_column(rows, layout, column, new.map(previous))?
        }
        Cell::Time(place) => {
            let time = |row: &NewRow| Some(row.times[place]).filter(|time| *time != NO_TIME);
            Arc::new(TimestampMicrosecondArray::from_iter(new.map(time)).with_data_type(data_type.clone()))
        }
        Cell::Op => Arc::new(StringArray::from_iter_values(new.map(|row| row.op.letter()))),
        Cell::Sequence => {
            let mut builder = StringBuilder::with_capacity(new.len(), new.len() * 48);
            for row in new {
                match row.extra.as_ref().and_then(|extra| extra.sequence.as_deref()) {
                    Some(sequence) => builder.append_value(sequence),
                    None => builder.append_value(rows.seq(row.row)),
                }
            }
            Arc::new(builder.finish())
        }
        Cell::Text => {
            let text = |row: &'n NewRow| row.extra.as_ref().and_then(|extra| extra.text.as_deref());
            Arc::new(StringArray::from_iter(new.map(text)))
        }
    })
}

/// Some new rows as the table holds them.
pub(super) fn batch(rows: &Rows, layout: &Layout, new: &[NewRow], order: &[u32]) -> Result<RecordBatch, MergeError> {
    let columns: Result<Vec<ArrayRef>, MergeError> = layout
        .cells
        .iter()
        .zip(layout.files.arrow.fields())
        .map(|(cell, field)| {
            let new = order.iter().map(|index| &new[*index as usize]);
            cell_column(rows, layout, *cell, field.data_type(), new)
        })
        .collect();
    Ok(RecordBatch::try_new(Arc::clone(&layout.files.arrow), columns?)?)
}

/// One column of the table, by its name, of all new rows.
pub(super) fn named(rows: &Rows, layout: &Layout, field_id: i32, new: &[NewRow]) -> Result<ArrayRef, MergeError> {
    let fields = layout.files.schema.as_struct().fields();
    let place = fields.iter().position(|field| field.id == field_id);
    let place = place.ok_or_else(|| MergeError::Defect(format!("field {field_id} is none of the table's columns")))?;
    cell_column(rows, layout, layout.cells[place], layout.files.arrow.field(place).data_type(), new.iter())
}
