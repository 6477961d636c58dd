//! The rows of whole streams as data files, by the table's partitions.

use std::sync::Arc;

use arrow_array::RecordBatch;
use futures::StreamExt;
use futures::stream::BoxStream;
use iceberg::spec::DataFile;
use iceberg_commit::Warehouse;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::batches::Waiting;
use crate::conform::conform;
use crate::error::{FilesError, WriteError};
use crate::groups::{Group, gather, groups, sort};
use crate::shape::FileShape;
use crate::writer::{FileWriter, properties};
use crate::written::{Written, run};

/// Rows that are copied and handed to the Parquet writer at one time, at most.
const CHUNK_ROWS: usize = 16 << 10;
/// About how many bytes they may have.
const CHUNK_BYTES: usize = 8 << 20;
/// Small files take longer to reach the store than to be made, and each worker may wait for so many.
const SMALL_AT_ONCE: usize = 8;
/// The share of the memory that open files may take beyond one for each worker.
const OPEN_SHARE: usize = 4;

/// How much writing may use.
#[derive(Debug, Clone, Copy)]
pub struct PartitionedOptions {
    /// About how many bytes of rows are held before they are written. The less it is, the more files there are.
    pub memory_bytes: usize,
    /// Partitions that are written at one time, where they are large.
    pub workers: usize,
}

/// What was written.
#[derive(Debug, Default)]
pub struct PartitionedFiles {
    /// The files, which no snapshot names yet.
    pub files: Vec<DataFile>,
    /// The rows in them.
    pub rows: u64,
}

/// Writes the rows of several streams into data files under `location`, by the table's partitions, and within a file
/// in its sort order. Each stream is read by a task of its own. The files are told to `written` as they begin, and when
/// this returns none is being written any more.
///
/// Rows are gathered until `memory_bytes` are held, and then written out: a partition has one file for each time
/// that this happens, and more where one reaches the target size. Which rows come together then depends on which stream
/// was faster; within the memory it does not.
///
/// # Errors
/// [`WriteError::Source`] where a stream fails; [`FilesError::Column`] where the table cannot take a column, which has to
/// be of its name, place and type but for the layout in memory, and no null where the table requires a value.
pub async fn write_partitioned<E: std::error::Error + Send + 'static>(
    warehouse: &Warehouse,
    location: &str,
    shape: &Arc<FileShape>,
    streams: Vec<BoxStream<'static, Result<RecordBatch, E>>>,
    options: PartitionedOptions,
    written: &Written,
) -> Result<PartitionedFiles, WriteError<E>> {
    let output = Output {
        warehouse: warehouse.clone(),
        location: location.into(),
        shape: Arc::clone(shape),
        written: written.clone(),
    };
    let mut readers = JoinSet::new();
    let (send, mut received) = mpsc::channel(streams.len().max(1));
    for (number, stream) in streams.into_iter().enumerate() {
        readers.spawn(read(number, stream, Arc::clone(shape), send.clone()));
    }
    drop(send);
    let (mut result, mut waiting) = (PartitionedFiles::default(), Waiting::default());
    while let Some(read) = received.recv().await {
        let (stream, batch) = read?;
        result.rows += batch.num_rows() as u64;
        waiting.push(stream, batch);
        if waiting.bytes() >= options.memory_bytes {
            result.files.extend(output.flush(&mut waiting, options).await?);
        }
    }
    // A stream that panicked ends like one that is read to its end.
    while let Some(ended) = readers.join_next().await {
        ended.map_err(|error| FilesError::Defect(format!("a stream of rows broke off: {error}")))?;
    }
    result.files.extend(output.flush(&mut waiting, options).await?);
    Ok(result)
}

type Read<E> = Result<(usize, RecordBatch), WriteError<E>>;

/// Reads a stream to its end, or until nobody listens any more.
async fn read<E: std::error::Error + 'static>(
    number: usize,
    mut stream: BoxStream<'static, Result<RecordBatch, E>>,
    shape: Arc<FileShape>,
    to: mpsc::Sender<Read<E>>,
) {
    while let Some(batch) = stream.next().await {
        let batch = match batch {
            Ok(batch) if batch.num_rows() == 0 => continue,
            Ok(batch) => conform(&shape, &batch).map(|batch| (number, batch)).map_err(WriteError::Files),
            Err(error) => Err(WriteError::Source(error)),
        };
        let is_over = batch.is_err();
        if to.send(batch).await.is_err() || is_over {
            return;
        }
    }
}

/// Where files go.
#[derive(Clone)]
struct Output {
    warehouse: Warehouse,
    location: Arc<str>,
    shape: Arc<FileShape>,
    written: Written,
}

impl Output {
    /// Writes what waits.
    async fn flush(&self, waiting: &mut Waiting, options: PartitionedOptions) -> Result<Vec<DataFile>, FilesError> {
        if waiting.rows() == 0 {
            return Ok(Vec::new());
        }
        let row_bytes = (waiting.bytes() / waiting.rows()).max(1);
        let chunk_rows = (CHUNK_BYTES / row_bytes).clamp(1, CHUNK_ROWS);
        let batches = Arc::new(waiting.take());
        let groups = groups(&self.shape, &batches)?;
        let largest = groups.iter().map(|group| group.rows.len()).max().unwrap_or(0).saturating_mul(row_bytes);
        let workers = options.workers.max(1);
        let at_once = (options.memory_bytes / OPEN_SHARE / largest.max(1)).clamp(workers, workers * SMALL_AT_ONCE);
        let tasks = groups.into_iter().enumerate().map(|(number, group)| {
            let (output, batches) = (self.clone(), Arc::clone(&batches));
            async move {
                let task = tokio::spawn(async move { output.write(&batches, group, chunk_rows).await });
                let files = task.await.map_err(|error| FilesError::Defect(format!("a writer broke off: {error}")))?;
                files.map(|files| (number, files))
            }
        });
        let mut files = run(tasks.collect(), at_once).await?;
        files.sort_unstable_by_key(|(number, _)| *number);
        Ok(files.into_iter().flat_map(|(_, files)| files).collect())
    }

    /// Writes the rows of one partition.
    async fn write(
        &self,
        batches: &[RecordBatch],
        mut group: Group,
        chunk_rows: usize,
    ) -> Result<Vec<DataFile>, FilesError> {
        let shape = &self.shape;
        sort(shape, batches, &mut group.rows)?;
        let (mut files, mut writer) = (Vec::new(), None);
        for chunk in group.rows.chunks(chunk_rows) {
            for batch in gather(shape, batches, chunk)? {
                let open = match &mut writer {
                    Some(open) => open,
                    None => {
                        let properties = properties(group.rows.len()).build();
                        let (warehouse, partition) = (&self.warehouse, &group.partition);
                        let new =
                            FileWriter::new(warehouse, &self.location, shape, partition, properties, &self.written);
                        writer.insert(new?)
                    }
                };
                open.write(&batch).await?;
            }
            if let Some(full) = writer.take_if(|open| open.bytes() >= shape.target_file_bytes) {
                files.push(full.close().await?);
            }
        }
        if let Some(last) = writer {
            files.push(last.close().await?);
        }
        Ok(files)
    }
}
