//! DataFusion's source of Parquet, made to keep deleted rows out and to name the file that fails.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::config::ConfigOptions;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileOpenFuture, FileOpener, FileScanConfig, FileSource};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::DataFusionError;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_plan::DisplayFormatType;
use datafusion::physical_plan::filter_pushdown::FilterPushdownPropagation;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::{FutureExt, StreamExt};
use object_store::{ObjectMeta, ObjectStore};

use super::reader::Origin;

/// A source of rows of Parquet files.
#[derive(Clone)]
pub(crate) struct Source {
    /// DataFusion's own.
    pub(crate) inner: Arc<dyn FileSource>,
    pub(crate) origin: Arc<Origin>,
}

impl Source {
    fn around(&self, inner: Arc<dyn FileSource>) -> Arc<dyn FileSource> {
        Arc::new(Source { inner, origin: Arc::clone(&self.origin) })
    }
}

impl FileSource for Source {
    fn create_file_opener(
        &self,
        store: Arc<dyn ObjectStore>,
        config: &FileScanConfig,
        partition: usize,
    ) -> Result<Arc<dyn FileOpener>> {
        // Under a limit DataFusion 53 takes whole row groups that match, and forgets which of their rows count. It
        // leaves that out where order matters.
        let mut config = config.clone();
        config.preserve_order = true;
        let inner = self.inner.create_file_opener(store, &config, partition)?;
        Ok(Arc::new(Opener { inner, origin: Arc::clone(&self.origin) }))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn table_schema(&self) -> &TableSchema {
        self.inner.table_schema()
    }

    fn with_batch_size(&self, batch_size: usize) -> Arc<dyn FileSource> {
        self.around(self.inner.with_batch_size(batch_size))
    }

    fn filter(&self) -> Option<Arc<dyn PhysicalExpr>> {
        self.inner.filter()
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        self.inner.projection()
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        self.inner.metrics()
    }

    fn file_type(&self) -> &str {
        self.inner.file_type()
    }

    fn fmt_extra(&self, form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_extra(form, f)
    }

    fn try_pushdown_filters(
        &self,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn FileSource>>> {
        let pushed = self.inner.try_pushdown_filters(filters, config)?;
        let updated_node = pushed.updated_node.map(|inner| self.around(inner));
        Ok(FilterPushdownPropagation { filters: pushed.filters, updated_node })
    }

    fn try_pushdown_projection(&self, projection: &ProjectionExprs) -> Result<Option<Arc<dyn FileSource>>> {
        Ok(self.inner.try_pushdown_projection(projection)?.map(|inner| self.around(inner)))
    }
}

struct Opener {
    inner: Arc<dyn FileOpener>,
    origin: Arc<Origin>,
}

impl FileOpener for Opener {
    fn open(&self, file: PartitionedFile) -> Result<FileOpenFuture> {
        let meta = Arc::new(file.object_meta.clone());
        let (opening, origin) = (self.inner.open(file)?, Arc::clone(&self.origin));
        Ok(async move {
            let stream = opening.await.map_err(|error| named(&origin, &meta, error))?;
            Ok(stream.map(move |batch| batch.map_err(|error| named(&origin, &meta, error))).boxed())
        }
        .boxed())
    }
}

/// What Parquet says of a file's bytes, with the file. Other failures, of an expression say, are none of the file's.
fn named(origin: &Origin, file: &ObjectMeta, error: DataFusionError) -> DataFusionError {
    match error {
        DataFusionError::ParquetError(inner) => DataFusionError::ParquetError(Box::new(origin.failure(file, *inner))),
        DataFusionError::ArrowError(inner, trace) => match *inner {
            datafusion::arrow::error::ArrowError::ParquetError(text) => DataFusionError::External(Box::new(
                origin.error(file, &datafusion::parquet::errors::ParquetError::General(text)),
            )),
            // The reader of record batches hands on Parquet's errors so.
            datafusion::arrow::error::ArrowError::ExternalError(inner)
                if inner.is::<datafusion::parquet::errors::ParquetError>() =>
            {
                DataFusionError::External(Box::new(origin.error(file, inner.as_ref())))
            }
            other => DataFusionError::ArrowError(Box::new(other), trace),
        },
        other => other,
    }
}
