//! Reading the bytes of Parquet files, with footers kept and failures that name the file.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::Result;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::{CachedParquetMetaData, ParquetFileMetrics};
use datafusion::execution::cache::cache_manager::{CachedFileMetadataEntry, FileMetadataCache};
use datafusion::parquet::arrow::ARROW_SCHEMA_META_KEY;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;
use datafusion::parquet::arrow::async_reader::{AsyncFileReader, ParquetObjectReader};
use datafusion::parquet::basic::Type;
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::metadata::{
    FileMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataBuilder, ParquetMetaDataReader,
};
use datafusion::parquet::file::page_index::column_index::ColumnIndexMetaData;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::{ObjectMeta, ObjectStore};

use crate::error::FileError;

/// Whose files are read, and what a person does about one that cannot be.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// The table as SQL names it.
    pub(crate) table: String,
    /// What stands before a path to make it one that a person finds.
    pub(crate) root: String,
    /// What to do about a file that is gone.
    pub(crate) missing: &'static str,
    /// What to do about one that is damaged.
    pub(crate) damaged: &'static str,
}

impl Origin {
    /// The failure of a file, unless it says so itself.
    pub(crate) fn failure(&self, file: &ObjectMeta, error: ParquetError) -> ParquetError {
        if let ParquetError::External(inner) = &error
            && inner.is::<FileError>()
        {
            return error;
        }
        ParquetError::External(Box::new(self.error(file, &error)))
    }

    pub(crate) fn error(&self, file: &ObjectMeta, error: &(dyn std::error::Error + 'static)) -> FileError {
        let mut missing = false;
        let mut next = Some(error);
        let mut reason = error.to_string();
        while let Some(cause) = next {
            if let Some(object_store::Error::NotFound { .. }) = cause.downcast_ref() {
                missing = true;
                "it is not there".clone_into(&mut reason);
            }
            next = cause.source();
        }
        FileError {
            table: self.table.clone(),
            path: format!("{}{}", self.root, file.location),
            reason,
            advice: if missing { self.missing } else { self.damaged },
            missing,
        }
    }
}

/// Footers of Parquet files, kept in the session.
#[derive(Clone)]
pub(crate) struct Footers {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) cache: Arc<dyn FileMetadataCache>,
    pub(crate) origin: Arc<Origin>,
    /// So many bytes of the file's end are read at first.
    pub(crate) hint: Option<usize>,
}

impl fmt::Debug for Footers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Footers").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Footers {
    /// The footer and the page index of a file.
    pub(crate) async fn of(&self, file: &ObjectMeta) -> Result<Arc<ParquetMetaData>, ParquetError> {
        if let Some(entry) = self.cache.get(&file.location)
            && entry.is_valid_for(file)
            && let Some(cached) = entry.file_metadata.as_any().downcast_ref::<CachedParquetMetaData>()
        {
            return Ok(Arc::clone(cached.parquet_metadata()));
        }
        let mut reader =
            ParquetObjectReader::new(Arc::clone(&self.store), file.location.clone()).with_file_size(file.size);
        let read = ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Optional)
            .with_prefetch_hint(self.hint)
            .load_and_finish(&mut reader, file.size)
            .await;
        let metadata = Arc::new(read.and_then(trusted).map_err(|error| self.origin.failure(file, error))?);
        let kept = Arc::new(CachedParquetMetaData::new(Arc::clone(&metadata)));
        self.cache.put(&file.location, CachedFileMetadataEntry::new(file.clone(), kept));
        Ok(metadata)
    }
}

/// A footer without what would mislead: the Arrow schema that some writers leave, which may lack the field ids that the
/// Parquet schema has; and bounds of floating point numbers, which say nothing of NaN, while DataFusion takes them for
/// bounds of all values.
fn trusted(metadata: ParquetMetaData) -> Result<ParquetMetaData, ParquetError> {
    let old = metadata.file_metadata();
    let pairs = old
        .key_value_metadata()
        .map(|pairs| pairs.iter().filter(|pair| pair.key != ARROW_SCHEMA_META_KEY).cloned().collect::<Vec<_>>());
    let schema = old.schema_descr_ptr();
    let file = FileMetaData::new(
        old.version(),
        old.num_rows(),
        old.created_by().map(str::to_owned),
        pairs,
        Arc::clone(&schema),
        old.column_orders().cloned(),
    );
    let is_float: Vec<bool> =
        schema.columns().iter().map(|column| matches!(column.physical_type(), Type::FLOAT | Type::DOUBLE)).collect();
    let mut old = metadata.into_builder();
    let (mut bounds, offsets) = (old.take_column_index(), old.take_offset_index());
    for columns in bounds.iter_mut().flatten() {
        for (column, _) in columns.iter_mut().zip(&is_float).filter(|(_, is_float)| **is_float) {
            *column = ColumnIndexMetaData::NONE;
        }
    }
    let mut groups = old.take_row_groups();
    for group in &mut groups {
        for (column, _) in group.columns_mut().iter_mut().zip(&is_float).filter(|(_, is_float)| **is_float) {
            *column = column.clone().into_builder().clear_statistics().build()?;
        }
    }
    Ok(ParquetMetaDataBuilder::new(file)
        .set_column_index(bounds)
        .set_offset_index(offsets)
        .set_row_groups(groups)
        .build())
}

impl ParquetFileReaderFactory for Footers {
    fn create_reader(
        &self,
        partition_index: usize,
        file: PartitionedFile,
        _: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let metrics = ParquetFileMetrics::new(partition_index, file.object_meta.location.as_ref(), metrics);
        let inner = ParquetObjectReader::new(Arc::clone(&self.store), file.object_meta.location.clone())
            .with_file_size(file.object_meta.size);
        Ok(Box::new(Reader { inner, file: file.object_meta, footers: self.clone(), metrics }))
    }
}

struct Reader {
    inner: ParquetObjectReader,
    file: ObjectMeta,
    footers: Footers,
    metrics: ParquetFileMetrics,
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        self.metrics.bytes_scanned.add(usize::try_from(range.end - range.start).unwrap_or(usize::MAX));
        let (file, origin) = (&self.file, &self.footers.origin);
        self.inner.get_bytes(range).map(move |read| read.map_err(|error| origin.failure(file, error))).boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        let bytes: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        self.metrics.bytes_scanned.add(usize::try_from(bytes).unwrap_or(usize::MAX));
        let (file, origin) = (&self.file, &self.footers.origin);
        self.inner.get_byte_ranges(ranges).map(move |read| read.map_err(|error| origin.failure(file, error))).boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        async { self.footers.of(&self.file).await }.boxed()
    }
}
