//! Batches that wait to be written.

use std::collections::HashSet;

use arrow_array::{Array, RecordBatch};

/// Batches that wait to be written, and the memory that they hold.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// Each with the number of its stream.
    batches: Vec<(usize, RecordBatch)>,
    rows: usize,
    bytes: usize,
    /// Where the buffers begin that were counted: batches are often slices of larger ones.
    buffers: HashSet<usize>,
}

impl Waiting {
    pub(crate) fn push(&mut self, stream: usize, batch: RecordBatch) {
        for column in batch.columns() {
            let mut arrays = vec![column.to_data()];
            while let Some(array) = arrays.pop() {
                for buffer in array.buffers().iter().chain(array.nulls().map(|nulls| nulls.buffer())) {
                    if self.buffers.insert(buffer.data_ptr().as_ptr().addr()) {
                        self.bytes += buffer.capacity();
                    }
                }
                arrays.extend(array.child_data().iter().cloned());
            }
        }
        self.rows += batch.num_rows();
        self.batches.push((stream, batch));
    }

    /// Rows so far.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Memory that is held, where a buffer counts once.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// All batches, in the order of their streams and in a stream's own. Nothing waits any more.
    pub(crate) fn take(&mut self) -> Vec<RecordBatch> {
        let mut batches = std::mem::take(self).batches;
        batches.sort_by_key(|(stream, _)| *stream);
        batches.into_iter().map(|(_, batch)| batch).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array};

    use super::*;

    fn batch(from: i64) -> RecordBatch {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(from..from + 1000));
        RecordBatch::try_from_iter([("n", column)]).unwrap()
    }

    #[test]
    fn slices_of_one_batch_count_once() {
        let whole = batch(0);
        let mut waiting = Waiting::default();
        for start in 0..10 {
            waiting.push(0, whole.slice(start * 100, 100));
        }
        assert_eq!(waiting.rows(), 1000);
        let once = waiting.bytes();
        assert!((8000..10_000).contains(&once), "{once}");
        waiting.push(0, batch(1));
        assert_eq!(waiting.bytes(), 2 * once);
        waiting.take();
        assert_eq!((waiting.bytes(), waiting.rows()), (0, 0));
    }

    #[test]
    fn batches_come_in_the_order_of_their_streams() {
        let mut waiting = Waiting::default();
        let batches = [batch(0), batch(1), batch(2), batch(3)];
        for (stream, of) in [(1, 2), (0, 0), (1, 3), (0, 1)] {
            waiting.push(stream, batches[of].clone());
        }
        assert_eq!(waiting.take(), batches);
    }
}
