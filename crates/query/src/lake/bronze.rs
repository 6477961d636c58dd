//! Bronze: the Parquet files of one major version of a contract, side by side by the names of their columns.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{Result, ScalarValue, Statistics};
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::parquet::arrow::parquet_to_arrow_schema;
use datafusion::parquet::file::metadata::ParquetMetaData;
use datafusion::physical_plan::ExecutionPlan;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use weir_model::Contract;
use weir_model::change::columns;
use weir_model::contract::ColumnType;
use weir_model::keys::BRONZE;

use super::Sources;
use crate::error::{FileError, QueryError};
use crate::scan::{ByName, Footers, Origin, ScanFile, Scanned, is_widening, keep, scan_files, total};

const MISSING: &str = "bring the file back, or let its raw file be ingested anew";
const DAMAGED: &str = "bring the file back as it was ingested, or let its raw file be ingested anew";
/// How many footers are read at one time.
const AT_ONCE: usize = 16;

/// The table of a contract by its name, of its major version; `<table>_v<major>` is another version's.
pub(super) async fn table(
    sources: &Sources,
    name: &str,
    context: &SessionContext,
) -> Result<Option<Arc<dyn TableProvider>>, QueryError> {
    let contract = |table: &str| sources.contracts.iter().find(|contract| contract.table == table);
    let (contract, major) = match (contract(name), name.rsplit_once("_v")) {
        (Some(contract), _) => (contract, contract.version.major),
        (None, Some((table, major))) => match (contract(table), major.parse::<u64>()) {
            (Some(contract), Ok(major)) => (contract, major),
            _ => return Ok(None),
        },
        (None, None) => return Ok(None),
    };
    let folder = format!("{BRONZE}/{}/v{major}", contract.table);
    let store = Arc::clone(sources.objects.store());
    let files = list(&store, &folder).await?;
    if files.is_empty() && major != contract.version.major {
        return Ok(None);
    }
    let footers = Footers {
        store,
        cache: context.runtime_env().cache_manager.get_file_metadata_cache(),
        origin: Arc::new(Origin {
            table: format!("bronze.{name}"),
            root: String::new(),
            missing: MISSING,
            damaged: DAMAGED,
        }),
        hint: context.copied_config().options().execution.parquet.metadata_size_hint,
    };
    Bronze::open(contract, footers, files).await.map(|bronze| Some(Arc::new(bronze) as Arc<dyn TableProvider>))
}

async fn list(store: &Arc<dyn ObjectStore>, folder: &str) -> Result<Vec<ObjectMeta>, QueryError> {
    let failed = |source| QueryError::Store { what: format!("the files under {folder} cannot be listed"), source };
    let mut files: Vec<ObjectMeta> = store.list(Some(&Path::from(folder))).try_collect().await.map_err(failed)?;
    files.retain(|file| file.location.as_ref().ends_with(".parquet"));
    files.sort_by(|a, b| a.location.cmp(&b.location));
    Ok(files)
}

struct Bronze {
    schema: SchemaRef,
    files: Vec<(ObjectMeta, Arc<Statistics>)>,
    footers: Footers,
}

impl std::fmt::Debug for Bronze {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bronze").field("files", &self.files.len()).finish_non_exhaustive()
    }
}

impl Bronze {
    async fn open(contract: &Contract, footers: Footers, files: Vec<ObjectMeta>) -> Result<Self, QueryError> {
        let read = |file: ObjectMeta| {
            let footers = footers.clone();
            async move {
                let footer = footers.of(&file).await.map_err(|error| file_error(&footers, &file, &error))?;
                Ok::<_, QueryError>((file, footer))
            }
        };
        let files: Vec<(ObjectMeta, Arc<ParquetMetaData>)> =
            futures::stream::iter(files.into_iter().map(read)).buffered(AT_ONCE).try_collect().await?;
        let schema = Arc::new(if files.is_empty() { expected(contract) } else { united(&footers, &files)? });
        let known = |(file, footer): (ObjectMeta, Arc<ParquetMetaData>)| {
            let mut known = DFParquetMetadata::statistics_from_parquet_metadata(&footer, &schema)
                .unwrap_or_else(|_| Statistics::new_unknown(&schema));
            known.total_byte_size = usize::try_from(file.size).map_or(Precision::Absent, Precision::Inexact);
            only_true_bounds(&schema, &mut known);
            (file, Arc::new(known))
        };
        let files = files.into_iter().map(known).collect();
        Ok(Bronze { schema, files, footers })
    }
}

/// Parquet's bounds say nothing of NaN, and of a column of a narrower type DataFusion makes a null of them.
fn only_true_bounds(schema: &Schema, known: &mut Statistics) {
    for (field, column) in schema.fields().iter().zip(&mut known.column_statistics) {
        let is_float = matches!(field.data_type(), DataType::Float32 | DataType::Float64);
        for bound in [&mut column.min_value, &mut column.max_value] {
            if is_float || bound.get_value().is_none_or(ScalarValue::is_null) {
                *bound = Precision::Absent;
            }
        }
    }
}

fn file_error(footers: &Footers, file: &ObjectMeta, error: &(dyn std::error::Error + 'static)) -> QueryError {
    let known = error.source().and_then(|source| source.downcast_ref::<FileError>()).cloned();
    QueryError::File(known.unwrap_or_else(|| footers.origin.error(file, error)))
}

/// The columns of all files, by name, in the order in which they are met from the newest file on. Where types differ the
/// wider one is taken.
fn united(footers: &Footers, files: &[(ObjectMeta, Arc<ParquetMetaData>)]) -> Result<Schema, QueryError> {
    let mut fields: Vec<(Field, usize, String)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (file, footer) in files.iter().rev() {
        let schema = parquet_to_arrow_schema(footer.file_metadata().schema_descr(), None)
            .map_err(|error| QueryError::File(footers.origin.error(file, &error)))?;
        for field in schema.fields() {
            let data_type = presented(field.data_type());
            let Some(place) = places.get(field.name()) else {
                places.insert(field.name().clone(), fields.len());
                let field = Field::new(field.name(), data_type, field.is_nullable());
                fields.push((field, 1, file.location.to_string()));
                continue;
            };
            let (known, files, first) = &mut fields[*place];
            *files += 1;
            if field.is_nullable() {
                *known = known.clone().with_nullable(true);
            }
            if is_widening(known.data_type(), &data_type) {
                *known = known.clone().with_data_type(data_type);
            } else if !is_widening(&data_type, known.data_type()) {
                return Err(QueryError::Foreign {
                    table: footers.origin.table.clone(),
                    detail: format!(
                        "column '{}' is {} in {first} and {data_type} in {}; files of one major version of a contract have one \
                         type: raise the contract's major version for the new type, and let the files of the other be ingested anew",
                        field.name(),
                        known.data_type(),
                        file.location
                    ),
                });
            }
        }
    }
    let all = files.len();
    let nullable = |(field, files, _): (Field, usize, String)| {
        let nullable = field.is_nullable() || files < all;
        field.with_nullable(nullable)
    };
    Ok(Schema::new(fields.into_iter().map(nullable).collect::<Vec<_>>()))
}

/// As silver presents the same columns.
fn presented(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary => DataType::LargeBinary,
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("+00:00".into())),
        other => other.clone(),
    }
}

/// The columns that files of the contract will have.
fn expected(contract: &Contract) -> Schema {
    let zoned = || DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
    let data_type = |column_type: &ColumnType| match column_type {
        ColumnType::String | ColumnType::Json => DataType::Utf8View,
        ColumnType::Int32 => DataType::Int32,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Float32 => DataType::Float32,
        ColumnType::Float64 => DataType::Float64,
        ColumnType::Decimal { precision, scale } => {
            DataType::Decimal128(*precision, i8::try_from(*scale).unwrap_or(i8::MAX))
        }
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Date(_) => DataType::Date32,
        ColumnType::Timestamp { zoned: true, .. } => zoned(),
        ColumnType::Timestamp { zoned: false, .. } => DataType::Timestamp(TimeUnit::Microsecond, None),
        ColumnType::Binary => DataType::LargeBinary,
    };
    let own = contract.columns.iter().enumerate().map(|(index, column)| {
        let is_key = contract.primary_key.contains(&index);
        Field::new(&column.name, data_type(&column.column_type), !is_key)
    });
    let added = columns::ALL.into_iter().map(|name| {
        let data_type = match name {
            columns::EVENT_TIME => zoned(),
            columns::ROW => DataType::Int64,
            _ => DataType::Utf8View,
        };
        Field::new(name, data_type, name == columns::UNCHANGED)
    });
    Schema::new(own.chain(added).collect::<Vec<_>>())
}

#[async_trait]
impl TableProvider for Bronze {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let statistics: Vec<Arc<Statistics>> = self.files.iter().map(|(_, known)| Arc::clone(known)).collect();
        let kept = keep(state, &self.schema, &statistics, filters)?;
        let left = self.files.iter().enumerate().filter(|(index, _)| kept[*index]);
        let files = left.map(|(_, (meta, known))| ScanFile {
            meta: meta.clone(),
            statistics: Arc::clone(known),
            rows: known.num_rows,
            access: None,
        });
        let scanned =
            Scanned { schema: Arc::clone(&self.schema), footers: self.footers.clone(), columns: Arc::new(ByName) };
        scan_files(state, scanned, files.collect(), projection, limit)
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(total(&self.schema, self.files.iter().map(|(_, known)| (known.as_ref(), known.num_rows))))
    }
}
