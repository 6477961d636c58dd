//! Streams of rows, each in the table's order, as one stream in that order.

use std::cmp::Ordering;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_row::{RowConverter, Rows, SortField};
use arrow_schema::SortOptions;
use arrow_select::interleave::interleave_record_batch;
use futures::TryStreamExt;
use iceberg::spec::{NullOrder, SortDirection};
use iceberg::transform::create_transform_function;

use crate::error::MergeError;
use crate::find::Whole;
use crate::table::Layout;

/// Merges streams. Where one is not in order itself, neither is the result; nothing is lost by that.
pub(crate) struct Ordered<'l> {
    layout: &'l Layout,
    converter: RowConverter,
    streams: Vec<Whole>,
    heads: Vec<Option<Head>>,
    /// Streams with rows, the one with the least row last.
    order: Vec<usize>,
    begun: bool,
}

/// What was read of one stream and not yet given on.
struct Head {
    batch: RecordBatch,
    keys: Rows,
    row: usize,
}

impl<'l> Ordered<'l> {
    pub(crate) fn new(layout: &'l Layout, streams: Vec<Whole>) -> Result<Self, MergeError> {
        let mut fields = Vec::new();
        for field in &layout.files.sort.fields {
            let place = place(layout, field.source_id)?;
            let options = SortOptions {
                descending: field.direction == SortDirection::Descending,
                nulls_first: field.null_order == NullOrder::First,
            };
            let empty = arrow_array::new_empty_array(layout.files.arrow.field(place).data_type());
            let column = create_transform_function(&field.transform)?.transform(empty)?;
            fields.push(SortField::new_with_options(column.data_type().clone(), options));
        }
        Ok(Ordered {
            layout,
            converter: RowConverter::new(fields)?,
            heads: streams.iter().map(|_| None).collect(),
            order: Vec::new(),
            streams,
            begun: false,
        })
    }

    /// The next rows, at most so many; `None` at the end.
    pub(crate) async fn next(&mut self, rows: usize) -> Result<Option<RecordBatch>, MergeError> {
        if !self.begun {
            self.begun = true;
            for stream in 0..self.streams.len() {
                self.fill(stream).await?;
                self.place(stream);
            }
        }
        let mut taken: Vec<(usize, usize)> = Vec::with_capacity(rows);
        while let Some(stream) = self.order.pop() {
            let Some(head) = &mut self.heads[stream] else { continue };
            taken.push((stream, head.row));
            head.row += 1;
            let is_used_up = head.row == head.batch.num_rows();
            if is_used_up || taken.len() == rows {
                // The batch that is used up goes with this answer.
                let batch = self.batch(&taken)?;
                if is_used_up {
                    self.fill(stream).await?;
                }
                self.place(stream);
                return Ok(Some(batch));
            }
            self.place(stream);
        }
        Ok(None)
    }

    fn batch(&self, taken: &[(usize, usize)]) -> Result<RecordBatch, MergeError> {
        let mut places = vec![usize::MAX; self.heads.len()];
        let mut batches = Vec::new();
        for (stream, head) in self.heads.iter().enumerate() {
            if let Some(head) = head {
                places[stream] = batches.len();
                batches.push(&head.batch);
            }
        }
        let indices: Vec<(usize, usize)> = taken.iter().map(|(stream, row)| (places[*stream], *row)).collect();
        Ok(interleave_record_batch(&batches, &indices)?)
    }

    async fn fill(&mut self, stream: usize) -> Result<(), MergeError> {
        self.heads[stream] = None;
        while let Some(batch) = self.streams[stream].try_next().await? {
            if batch.num_rows() > 0 {
                let keys = self.keys(&batch)?;
                self.heads[stream] = Some(Head { batch, keys, row: 0 });
                break;
            }
        }
        Ok(())
    }

    fn keys(&self, batch: &RecordBatch) -> Result<Rows, MergeError> {
        let mut columns: Vec<ArrayRef> = Vec::new();
        for field in &self.layout.files.sort.fields {
            let source = batch.column(place(self.layout, field.source_id)?);
            columns.push(create_transform_function(&field.transform)?.transform(std::sync::Arc::clone(source))?);
        }
        if columns.is_empty() {
            let nothing = self.converter.empty_rows(0, 0);
            return Ok(nothing);
        }
        Ok(self.converter.convert_columns(&columns)?)
    }

    fn place(&mut self, stream: usize) {
        if self.heads[stream].is_none() {
            return;
        }
        let at = self.order.partition_point(|other| self.compare(*other, stream) == Ordering::Greater);
        self.order.insert(at, stream);
    }

    fn compare(&self, left: usize, right: usize) -> Ordering {
        match (&self.heads[left], &self.heads[right]) {
            (Some(first), Some(second)) if !self.layout.files.sort.fields.is_empty() => {
                first.keys.row(first.row).cmp(&second.keys.row(second.row)).then(left.cmp(&right))
            }
            _ => left.cmp(&right),
        }
    }
}

fn place(layout: &Layout, field_id: i32) -> Result<usize, MergeError> {
    let fields = layout.files.schema.as_struct().fields();
    let place = fields.iter().position(|field| field.id == field_id);
    place.ok_or_else(|| MergeError::Defect(format!("the table is sorted by field {field_id}, which it does not have")))
}
