//! The rows of an input that came or went since the model was built.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::{Column, Result};
use datafusion::datasource::provider_as_source;
use datafusion::error::DataFusionError;
use datafusion::functions_aggregate::expr_fn::sum;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit};
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use iceberg::spec::Operation;
use iceberg_commit::{Live, LiveFile, Table, TableError, Warehouse};
use iceberg_files::{FilesError, read_positions};
use weir_query::{FileRows, IcebergRows, Positions};

use crate::opened::Input;

/// What became of an input since a model was built from it.
pub(crate) enum Difference {
    /// Nothing that a reader could see.
    None,
    /// These rows went, and these came. A row that was only moved to another file is among both.
    Rows {
        /// Rows that were there.
        removed: Vec<FileRows>,
        /// Rows that are there now.
        added: Vec<FileRows>,
    },
    /// It cannot be told any more; the reason as a person would say it.
    Unknown(String),
}

/// Compares an input with the state of snapshot `before`; `None`: it had no rows yet.
pub(crate) async fn difference(
    warehouse: &Warehouse,
    input: &Input,
    before: Option<i64>,
) -> std::result::Result<Difference, FilesError> {
    let (table, now) = (&input.table, input.snapshot);
    if before == now {
        return Ok(Difference::None);
    }
    if let (Some(before), Some(now)) = (before, now) {
        if table.snapshot(before).is_none() {
            return Ok(Difference::Unknown(format!("its snapshot {before}, of which this was built, has expired")));
        }
        // Compaction moves rows and changes none.
        let between = table.snapshots_between(before, now);
        if between.is_some_and(|all| all.iter().all(|one| one.summary().operation == Operation::Replace)) {
            return Ok(Difference::None);
        }
    }
    let old = match live(warehouse, table, before).await {
        Ok(Some(old)) => old,
        Ok(None) => return Ok(Difference::Unknown("the snapshot of which this was built has expired".to_owned())),
        Err(error) if error.is_missing_file() => {
            return Ok(Difference::Unknown(format!("the state of which this was built cannot be read: {error}")));
        }
        Err(error) => return Err(error.into()),
    };
    let new = live(warehouse, table, now).await?.unwrap_or_default();
    compare(warehouse, &old, &new).await
}

async fn live(
    warehouse: &Warehouse,
    table: &Table,
    snapshot: Option<i64>,
) -> std::result::Result<Option<Live>, TableError> {
    match snapshot {
        Some(snapshot) => table.live_at(warehouse, snapshot).await,
        None => Ok(Some(Live::default())),
    }
}

/// Files are the same where their paths are, since no file is ever written to again.
async fn compare(warehouse: &Warehouse, old: &Live, new: &Live) -> std::result::Result<Difference, FilesError> {
    let by_path = |live: &Live| -> HashMap<String, Arc<LiveFile>> {
        live.data.iter().map(|file| (file.file.file_path().to_owned(), Arc::clone(file))).collect()
    };
    let (old_files, new_files) = (by_path(old), by_path(new));
    let (old_deletes, new_deletes) = (old.deletes_by_data_file(), new.deletes_by_data_file());
    let none: Vec<Arc<LiveFile>> = Vec::new();
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    for (path, file) in &old_files {
        let before = old_deletes.get(path.as_str()).unwrap_or(&none);
        if !new_files.contains_key(path) {
            removed.push(FileRows { file: Arc::clone(file), rows: rest(before) });
            continue;
        }
        let now = new_deletes.get(path.as_str()).unwrap_or(&none);
        let names = |files: &[Arc<LiveFile>]| -> BTreeSet<String> {
            files.iter().map(|file| file.file.file_path().to_owned()).collect()
        };
        if names(before) == names(now) {
            continue;
        }
        let before: BTreeSet<u64> = read_positions(warehouse, before, path).await?.into_iter().collect();
        let now: BTreeSet<u64> = read_positions(warehouse, now, path).await?.into_iter().collect();
        let keep = |positions: Vec<u64>, to: &mut Vec<FileRows>| {
            if !positions.is_empty() {
                to.push(FileRows { file: Arc::clone(file), rows: Positions::Only(positions.into()) });
            }
        };
        keep(now.difference(&before).copied().collect(), &mut removed);
        keep(before.difference(&now).copied().collect(), &mut added);
    }
    for (path, file) in &new_files {
        if !old_files.contains_key(path) {
            let deletes = new_deletes.get(path.as_str()).unwrap_or(&none);
            added.push(FileRows { file: Arc::clone(file), rows: rest(deletes) });
        }
    }
    if removed.is_empty() && added.is_empty() {
        return Ok(Difference::None);
    }
    Ok(Difference::Rows { removed, added })
}

fn rest(deletes: &[Arc<LiveFile>]) -> Positions {
    if deletes.is_empty() { Positions::All } else { Positions::Live(deletes.to_vec()) }
}

/// What of an input changed in the columns that a model reads.
pub(crate) struct Delta {
    /// Each row that came or went, once; of a row that changed the old and the new one.
    pub(crate) rows: Vec<RecordBatch>,
    /// How many those are.
    pub(crate) count: u64,
    /// The rows that are there no more, and those that were only moved.
    pub(crate) removed: Arc<IcebergRows>,
}

/// Why there is no [`Delta`].
pub(crate) enum NoDelta {
    /// It takes more than the limit.
    TooLarge,
    /// It cannot be read.
    Failed(DataFusionError),
}

impl From<DataFusionError> for NoDelta {
    fn from(error: DataFusionError) -> Self {
        NoDelta::Failed(error)
    }
}

/// Reads the rows that came and went and leaves out what is the same in `columns`. `limit` is in bytes.
pub(crate) async fn net(
    session: &SessionContext,
    removed: Arc<IcebergRows>,
    added: Arc<IcebergRows>,
    columns: &[String],
    limit: usize,
) -> std::result::Result<Delta, NoDelta> {
    let went = weighted(Arc::clone(&removed), columns, -1)?;
    let came = weighted(added, columns, 1)?;
    let plan = LogicalPlanBuilder::from(came)
        .union(went)?
        .aggregate(columns.iter().map(column), [sum(column(WEIGHT)).alias(WEIGHT)])?
        .filter(column(WEIGHT).not_eq(lit(0i64)))?
        .project(columns.iter().map(column))?
        .build()?;
    let mut stream = session.execute_logical_plan(plan).await?.execute_stream().await?;
    let (mut rows, mut count, mut bytes) = (Vec::new(), 0, 0);
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        if batch.num_rows() == 0 {
            continue;
        }
        bytes += batch.get_array_memory_size();
        if bytes > limit {
            return Err(NoDelta::TooLarge);
        }
        count += batch.num_rows() as u64;
        rows.push(batch);
    }
    Ok(Delta { rows, count, removed })
}

/// The name of a column that no table has.
const WEIGHT: &str = "weir weight";

fn column(name: impl AsRef<str>) -> Expr {
    Expr::Column(Column::new_unqualified(name.as_ref()))
}

fn weighted(rows: Arc<IcebergRows>, columns: &[String], weight: i64) -> Result<LogicalPlan> {
    let scan = LogicalPlanBuilder::scan("rows", provider_as_source(rows), None)?;
    let picked = columns.iter().map(|name| Expr::Column(Column::new(Some("rows"), name.as_str())).alias(name.as_str()));
    let weight = cast(lit(weight), datafusion::arrow::datatypes::DataType::Int64).alias(WEIGHT);
    scan.project(picked.chain([weight]).collect::<Vec<_>>())?.build()
}

/// The changes of all inputs, by name.
pub(crate) type Deltas = BTreeMap<String, Delta>;
