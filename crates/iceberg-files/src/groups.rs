//! Rows of many batches by partition, and rows of many batches as one batch.

use std::collections::HashMap;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_row::{RowConverter, SortField};
use arrow_select::interleave::interleave;
use iceberg::spec::{Struct, Transform};

use crate::error::FilesError;
use crate::shape::{FileShape, plain};
use crate::transform::transform;

/// A row by its batch and its place there.
pub(crate) type At = (u32, u32);

/// Runs of rows at least so long, on average, are written as they lie.
const LONG_RUN: usize = 256;

/// The rows of one partition.
pub(crate) struct Group {
    pub(crate) partition: Struct,
    pub(crate) rows: Vec<At>,
}

/// The rows of each partition, in the order in which they came; so are the partitions.
pub(crate) fn groups(shape: &FileShape, batches: &[RecordBatch]) -> Result<Vec<Group>, FilesError> {
    let mut fields = Vec::new();
    for (field, by) in shape.partition_fields() {
        fields.push((shape.place(field)?, by));
    }
    if fields.is_empty() {
        let rows = numbered(batches).flat_map(|(index, batch)| (0..rows_of(batch)).map(move |row| (index, row)));
        return Ok(vec![Group { partition: shape.partition(&[], 0)?, rows: rows.collect() }]);
    }
    let mut converter: Option<RowConverter> = None;
    let mut places: HashMap<Box<[u8]>, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for (index, batch) in numbered(batches) {
        let values = values(batch, &fields)?;
        let converter = match &mut converter {
            Some(converter) => converter,
            None => converter.insert(RowConverter::new(values.iter().map(plain).collect())?),
        };
        let keys = converter.convert_columns(&values)?;
        // Rows of one partition often follow each other.
        let mut before = usize::MAX;
        for row in 0..batch.num_rows() {
            let key = keys.row(row);
            let place = if row > 0 && keys.row(row - 1) == key {
                before
            } else if let Some(place) = places.get(key.as_ref()) {
                *place
            } else {
                groups.push(Group { partition: shape.partition(&values, row)?, rows: Vec::new() });
                places.insert(key.as_ref().into(), groups.len() - 1);
                groups.len() - 1
            };
            before = place;
            // A batch holds far fewer than 2^32 rows.
            groups[place].rows.push((index, row as u32));
        }
    }
    Ok(groups)
}

fn numbered(batches: &[RecordBatch]) -> impl Iterator<Item = (u32, &RecordBatch)> {
    (0..).zip(batches)
}

fn rows_of(batch: &RecordBatch) -> u32 {
    // Far fewer than 2^32.
    batch.num_rows() as u32
}

fn values(batch: &RecordBatch, fields: &[(usize, Transform)]) -> Result<Vec<ArrayRef>, FilesError> {
    fields.iter().map(|(place, by)| transform(by, ArrayRef::clone(batch.column(*place)))).collect()
}

/// Brings rows into the table's order. Equal rows stay as they came.
pub(crate) fn sort(shape: &FileShape, batches: &[RecordBatch], rows: &mut Vec<At>) -> Result<(), FilesError> {
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    let chosen = Chosen::new(batches, rows);
    for (field, by, options) in shape.sort_fields() {
        let column = transform(&by, chosen.column(batches, shape.place(field)?)?)?;
        fields.push(SortField::new_with_options(column.data_type().clone(), options));
        columns.push(column);
    }
    if columns.is_empty() {
        return Ok(());
    }
    let keys = RowConverter::new(fields)?.convert_columns(&columns)?;
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|left, right| keys.row(*left).cmp(&keys.row(*right)));
    *rows = order.into_iter().map(|place| rows[place]).collect();
    Ok(())
}

/// Some rows as batches, in their order.
pub(crate) fn gather(shape: &FileShape, batches: &[RecordBatch], rows: &[At]) -> Result<Vec<RecordBatch>, FilesError> {
    let is_next = |left: &At, right: &At| left.0 == right.0 && left.1 + 1 == right.1;
    let runs = rows.chunk_by(is_next);
    if runs.clone().count() * LONG_RUN <= rows.len() {
        return Ok(runs.map(|run| batches[run[0].0 as usize].slice(run[0].1 as usize, run.len())).collect());
    }
    let chosen = Chosen::new(batches, rows);
    let columns: Result<Vec<ArrayRef>, FilesError> =
        (0..shape.arrow.fields().len()).map(|place| chosen.column(batches, place)).collect();
    Ok(vec![RecordBatch::try_new(shape.arrow.clone(), columns?)?])
}

/// Rows to be copied, and the batches that have some of them.
struct Chosen {
    batches: Vec<usize>,
    indices: Vec<(usize, usize)>,
}

impl Chosen {
    fn new(batches: &[RecordBatch], rows: &[At]) -> Self {
        let mut places = vec![usize::MAX; batches.len()];
        let mut chosen = Chosen { batches: Vec::new(), indices: Vec::with_capacity(rows.len()) };
        for (batch, row) in rows {
            let place = &mut places[*batch as usize];
            if *place == usize::MAX {
                *place = chosen.batches.len();
                chosen.batches.push(*batch as usize);
            }
            chosen.indices.push((*place, *row as usize));
        }
        chosen
    }

    fn column(&self, batches: &[RecordBatch], place: usize) -> Result<ArrayRef, FilesError> {
        let arrays: Vec<&dyn Array> = self.batches.iter().map(|batch| batches[*batch].column(place).as_ref()).collect();
        Ok(interleave(&arrays, &self.indices)?)
    }
}
