//! One data file that is being written.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use iceberg::spec::{DataFile, Struct};
use iceberg_commit::Warehouse;
use object_store::buffered::BufWriter;
use parquet::arrow::AsyncArrowWriter;
use parquet::arrow::async_writer::ParquetObjectWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};

use crate::error::FilesError;
use crate::folder::folder;
use crate::shape::FileShape;
use crate::statistics::data_file;
use crate::written::Written;

/// Below so many rows a file is compressed with Snappy: it is soon merged into a larger one, and
/// starting Zstandard costs more than it saves.
const SMALL_ROWS: usize = 4096;
/// Rows of a page: what is read for one row.
const PAGE_ROWS: usize = 2048;
/// Bytes of a page, before compression: that of numbers has [`PAGE_ROWS`] rows, that of texts fewer.
const PAGE_BYTES: usize = 128 << 10;
/// Rows of a row group, at most.
pub const ROW_GROUP_ROWS: usize = 256 << 10;
/// What a row group may hold in memory before it is written.
const ROW_GROUP_BYTES: usize = 24 << 20;

/// How a data file of so many rows is written, at most.
///
/// No delta encodings: they would be smaller, but Iceberg's vectorised reader in Spark refuses them in all
/// but its newest releases (docs/decisions/0009-silver-files.md).
#[must_use]
pub fn properties(rows: usize) -> WriterPropertiesBuilder {
    compressed(rows)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_write_batch_size(1024)
}

/// What files of rows and of deletes have in common.
pub(crate) fn compressed(rows: usize) -> WriterPropertiesBuilder {
    let compression = if rows < SMALL_ROWS {
        Compression::SNAPPY
    } else {
        // Level 1 of zstd is always valid.
        Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default())
    };
    WriterProperties::builder()
        .set_created_by(concat!("weir ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(compression)
        .set_statistics_enabled(EnabledStatistics::Chunk)
}

/// One data file that is being written.
pub struct FileWriter {
    writer: AsyncArrowWriter<ParquetObjectWriter>,
    shape: Arc<FileShape>,
    uri: String,
    partition: Struct,
    /// By place and field id, how many values of a column were no number.
    nans: Vec<(usize, i32, u64)>,
}

impl FileWriter {
    /// Begins a file of a partition under `location`, the table's. The file is told to `written`.
    ///
    /// # Errors
    /// [`FilesError`].
    pub fn new(
        warehouse: &Warehouse,
        location: &str,
        shape: &Arc<FileShape>,
        partition: &Struct,
        properties: WriterProperties,
        written: &Written,
    ) -> Result<Self, FilesError> {
        let folder =
            if shape.spec.is_unpartitioned() { String::new() } else { format!("{}/", folder(shape, partition)) };
        let uri = format!("{location}/data/{folder}{}.parquet", uuid::Uuid::now_v7());
        let path = warehouse.path(&uri)?;
        written.begin(&uri);
        let sink = ParquetObjectWriter::from_buf_writer(BufWriter::new(Arc::clone(warehouse.store()), path));
        let writer = AsyncArrowWriter::try_new(sink, Arc::clone(&shape.arrow), Some(properties))
            .map_err(|error| FilesError::Defect(format!("Parquet: {error}")))?;
        let fields = shape.schema.as_struct().fields().iter().zip(shape.arrow.fields()).enumerate();
        let floats = fields.filter(|(_, (_, arrow))| arrow.data_type().is_floating());
        let nans = floats.map(|(place, (field, _))| (place, field.id, 0)).collect();
        Ok(FileWriter { writer, shape: Arc::clone(shape), uri, partition: partition.clone(), nans })
    }

    /// Writes rows, which have the columns of the table.
    ///
    /// # Errors
    /// [`FilesError::Store`].
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<(), FilesError> {
        for (place, _, count) in &mut self.nans {
            *count += nans(batch.column(*place));
        }
        let mut result = self.writer.write(batch).await;
        if result.is_ok() && self.writer.memory_size() >= ROW_GROUP_BYTES {
            result = self.writer.flush().await;
        }
        result.map_err(|error| self.failed(error))
    }

    /// About how large the file would be if it ended here.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (self.writer.bytes_written() + self.writer.in_progress_size()) as u64
    }

    /// Ends the file, and says what a manifest has to say of it.
    ///
    /// # Errors
    /// [`FilesError::Store`].
    pub async fn close(mut self) -> Result<DataFile, FilesError> {
        let metadata = self.writer.finish().await.map_err(|error| self.failed(error))?;
        let bytes = self.writer.bytes_written() as u64;
        let nans = self.nans.iter().map(|(_, field, count)| (*field, *count)).collect::<HashMap<_, _>>();
        data_file(&self.shape, &metadata, self.uri, bytes, self.partition, nans)
    }

    fn failed(&self, error: ParquetError) -> FilesError {
        let what = format!("'{}' could not be written", self.uri);
        let source = match error {
            ParquetError::External(error) => match error.downcast() {
                Ok(error) => *error,
                Err(source) => object_store::Error::Generic { store: "Parquet", source },
            },
            error => object_store::Error::Generic { store: "Parquet", source: error.into() },
        };
        FilesError::Store { what, source }
    }
}

/// How many values are no number. Bounds do not cover them, so that readers have to be told.
fn nans(column: &dyn Array) -> u64 {
    let count = match column.data_type() {
        DataType::Float32 => {
            column.as_primitive::<Float32Type>().iter().filter(|value| value.is_some_and(f32::is_nan)).count()
        }
        DataType::Float64 => {
            column.as_primitive::<Float64Type>().iter().filter(|value| value.is_some_and(f64::is_nan)).count()
        }
        _ => 0,
    };
    count as u64
}
