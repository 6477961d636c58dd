//! Rows of an Iceberg table's data files as a table of DataFusion.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{Result, Statistics};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use futures::{StreamExt, TryStreamExt};
use iceberg::arrow::schema_to_arrow_schema;
use iceberg::spec::{DEFAULT_SCHEMA_NAME_MAPPING, DataFileFormat, NameMapping, SchemaRef as IcebergSchemaRef};
use iceberg_commit::{Live, LiveFile, Table, Warehouse};
use iceberg_files::read_positions;
use object_store::ObjectMeta;

use super::known::{counted, known};
use crate::error::{DAMAGED, MISSING, QueryError};
use crate::scan::{ByFieldId, Footers, Origin, ScanFile, Scanned, access, keep, scan_files, total};

/// How many files' deletes and footers are read at one time while a query is planned.
const AT_ONCE: usize = 16;

/// Which rows of a data file count. Positions are the numbers of rows in the file, from 0, ascending.
#[derive(Debug, Clone)]
pub enum Positions {
    /// All.
    All,
    /// All but these.
    Except(Arc<[u64]>),
    /// These alone.
    Only(Arc<[u64]>),
    /// All but those that these delete files name. They are read once the file is to be read.
    Live(Vec<Arc<LiveFile>>),
}

/// A data file, and which of its rows count.
#[derive(Debug, Clone)]
pub struct FileRows {
    /// The file.
    pub file: Arc<LiveFile>,
    /// Its rows.
    pub rows: Positions,
}

impl FileRows {
    /// All rows of a snapshot.
    #[must_use]
    pub fn live(live: &Live) -> Vec<FileRows> {
        let mut deletes = live.deletes_by_data_file();
        let rows = |file: &Arc<LiveFile>, deletes: Option<Vec<_>>| FileRows {
            file: Arc::clone(file),
            rows: deletes.map_or(Positions::All, Positions::Live),
        };
        live.data.iter().map(|file| rows(file, deletes.remove(file.file.file_path()))).collect()
    }
}

/// Rows of an Iceberg table's data files. Cheap to clone.
#[derive(Debug, Clone)]
pub struct IcebergRows {
    warehouse: Warehouse,
    schema: SchemaRef,
    files: Arc<[Arc<Planned>]>,
    names: Option<HashMap<String, i32>>,
    origin: Arc<Origin>,
}

#[derive(Debug)]
struct Planned {
    meta: ObjectMeta,
    rows: FileRows,
    statistics: Arc<Statistics>,
}

impl IcebergRows {
    /// The rows of a snapshot: of the current one, as the table's columns are now, or of a given one, as they were then.
    /// A table without a snapshot has no rows.
    ///
    /// # Errors
    /// [`QueryError::Snapshot`] where the table has no such snapshot, [`QueryError::Catalog`] where its manifests cannot
    /// be read, and what [`IcebergRows::files`] says.
    pub async fn snapshot(warehouse: &Warehouse, table: &Table, snapshot_id: Option<i64>) -> Result<Self, QueryError> {
        let Some(id) = snapshot_id else {
            let live = table.live(warehouse).await?;
            return Self::files(warehouse, table, Arc::clone(table.schema()), FileRows::live(&live));
        };
        let snapshot = table.snapshot(id).ok_or_else(|| super::table::no_such_snapshot(table, id))?;
        let schema = snapshot.schema(&table.metadata).map_err(|error| {
            QueryError::Snapshot(format!("snapshot {id} of {} cannot be read: {error}", table.name))
        })?;
        let live = table.live_at(warehouse, id).await?.ok_or_else(|| super::table::no_such_snapshot(table, id))?;
        Self::files(warehouse, table, schema, FileRows::live(&live))
    }

    /// Given rows of given files, under a given schema of the table.
    ///
    /// # Errors
    /// [`QueryError::Foreign`] where a file is not Parquet; [`QueryError::Catalog`] where one is outside of the warehouse.
    pub fn files(
        warehouse: &Warehouse,
        table: &Table,
        schema: IcebergSchemaRef,
        files: Vec<FileRows>,
    ) -> Result<Self, QueryError> {
        let refused = |error: iceberg::Error| QueryError::Foreign {
            table: table.name.to_string(),
            detail: format!("its columns cannot be read ({error}); read the table with the engine that wrote it"),
        };
        // Texts are not views: a sort would count the buffers that views share once for each batch, and go to disk.
        let schema = Arc::new(schema_to_arrow_schema(&schema).map_err(refused)?);
        let planned = |rows: FileRows| {
            let file = &rows.file;
            if file.file.file_format() != DataFileFormat::Parquet {
                return Err(QueryError::Foreign {
                    table: table.name.to_string(),
                    detail: format!(
                        "'{}' is no Parquet file; rewrite the table's files as Parquet with the engine that wrote them",
                        file.file.file_path()
                    ),
                });
            }
            let meta = ObjectMeta {
                location: warehouse.path(file.file.file_path())?,
                // Iceberg's files never change.
                last_modified: std::time::UNIX_EPOCH.into(),
                size: file.file.file_size_in_bytes(),
                e_tag: None,
                version: None,
            };
            let spec = table.metadata.partition_spec_by_id(file.spec_id);
            let statistics = Arc::new(known(file, spec.map(AsRef::as_ref), &schema));
            Ok(Arc::new(Planned { meta, rows, statistics }))
        };
        let files = files.into_iter().map(planned).collect::<Result<_, QueryError>>()?;
        let origin = Origin {
            table: table.name.to_string(),
            root: warehouse.uri_of(&object_store::path::Path::default()),
            missing: MISSING,
            damaged: DAMAGED,
        };
        Ok(IcebergRows {
            warehouse: warehouse.clone(),
            schema,
            files,
            names: name_mapping(table)?,
            origin: Arc::new(origin),
        })
    }

    /// How many data files there are.
    #[must_use]
    pub fn file_count(&self) -> usize {
        self.files.len()
    }

    fn footers(&self, state: &dyn Session) -> Footers {
        Footers {
            store: Arc::clone(self.warehouse.store()),
            cache: state.runtime_env().cache_manager.get_file_metadata_cache(),
            origin: Arc::clone(&self.origin),
            hint: state.config_options().execution.parquet.metadata_size_hint,
        }
    }

    /// What is read of a file: deletes first, then, where rows are left out, the footer that tells where rows stand.
    async fn scan_file(&self, file: &Planned, footers: &Footers) -> Result<Option<ScanFile>> {
        let path = file.rows.file.file.file_path();
        let (positions, keep): (Arc<[u64]>, bool) = match &file.rows.rows {
            Positions::All => (Arc::from([]), false),
            Positions::Except(positions) => (Arc::clone(positions), false),
            Positions::Only(positions) => (Arc::clone(positions), true),
            Positions::Live(deletes) => {
                let read = read_positions(&self.warehouse, deletes, path).await;
                (read.map_err(|error| QueryError::files(&self.origin.table, error))?.into(), false)
            }
        };
        if positions.is_empty() && keep {
            return Ok(None);
        }
        let access = if positions.is_empty() {
            None
        } else {
            Some(access(footers.of(&file.meta).await?.as_ref(), &positions, keep))
        };
        Ok(Some(ScanFile {
            meta: file.meta.clone(),
            statistics: Arc::clone(&file.statistics),
            rows: counted(&file.statistics, positions.len(), keep),
            access,
        }))
    }
}

#[async_trait]
impl TableProvider for IcebergRows {
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
        let statistics: Vec<Arc<Statistics>> = self.files.iter().map(|file| Arc::clone(&file.statistics)).collect();
        let kept = keep(state, &self.schema, &statistics, filters)?;
        let footers = self.footers(state);
        let mut reads = Vec::new();
        for (index, file) in self.files.iter().enumerate() {
            if kept[index] {
                let (rows, file, footers) = (self.clone(), Arc::clone(file), footers.clone());
                reads.push(async move { rows.scan_file(&file, &footers).await });
            }
        }
        let files: Vec<Option<ScanFile>> = futures::stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
        let columns = Arc::new(ByFieldId { table: self.origin.table.clone(), names: self.names.clone() });
        let scanned = Scanned { schema: Arc::clone(&self.schema), footers, columns };
        scan_files(state, scanned, files.into_iter().flatten().collect(), projection, limit)
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // Bounds tell which files have no row, never that all rows of a file pass.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    fn statistics(&self) -> Option<Statistics> {
        let rows = |file: &Arc<Planned>| match &file.rows.rows {
            Positions::All => file.statistics.num_rows,
            Positions::Except(positions) => counted(&file.statistics, positions.len(), false),
            Positions::Only(positions) => Precision::Exact(positions.len()),
            Positions::Live(_) => file.statistics.num_rows.to_inexact(),
        };
        Some(total(&self.schema, self.files.iter().map(|file| (file.statistics.as_ref(), rows(file)))))
    }
}

fn name_mapping(table: &Table) -> Result<Option<HashMap<String, i32>>, QueryError> {
    let Some(text) = table.property(DEFAULT_SCHEMA_NAME_MAPPING) else { return Ok(None) };
    let mapping: NameMapping = serde_json::from_str(text).map_err(|error| QueryError::Foreign {
        table: table.name.to_string(),
        detail: format!("its property '{DEFAULT_SCHEMA_NAME_MAPPING}' cannot be read ({error}); set it anew"),
    })?;
    let pairs = mapping.fields().iter().filter_map(|field| Some((field.names().to_vec(), field.field_id()?)));
    Ok(Some(pairs.flat_map(|(names, id)| names.into_iter().map(move |name| (name, id))).collect()))
}
