//! What of a model has to be built, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::{Column, Result as EngineResult};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, TableScan};
use datafusion::optimizer::decorrelate_predicate_subquery::DecorrelatePredicateSubquery;
use datafusion::optimizer::eliminate_outer_join::EliminateOuterJoin;
use datafusion::optimizer::extract_equijoin_predicate::ExtractEquijoinPredicate;
use datafusion::optimizer::optimize_projections::OptimizeProjections;
use datafusion::optimizer::scalar_subquery_to_join::ScalarSubqueryToJoin;
use datafusion::optimizer::{Optimizer, OptimizerRule};
use iceberg_commit::{Live, Table, Warehouse};
use serde::Serialize;
use weir_query::IcebergRows;

use crate::delta::{Delta, Deltas, Difference, NoDelta, difference, net};
use crate::error::GoldError;
use crate::marks;
use crate::models::Model;
use crate::opened::{Opened, failed};
use crate::partitions::{self, Values};
use crate::touch::{Inputs, touched};

/// What of a model has to be built.
#[derive(Debug, Clone)]
pub(crate) enum Decision {
    /// Nothing: no input has changed.
    Current,
    /// Nothing, though these inputs have changed.
    Unaffected(Vec<Cause>),
    /// These partitions.
    Partitions(Vec<Values>, Vec<Cause>),
    /// All of it, for these reasons.
    Whole(Vec<String>),
}

/// A change that a model has to follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// The input that has changed.
    pub table: String,
    /// Rows that came or went in the columns that the model reads; a row that changed is two.
    pub rows: u64,
    /// Partitions of the model that they can touch.
    pub partitions: u64,
}

/// What the decision is made from.
pub(crate) struct Planner<'a> {
    pub(crate) warehouse: &'a Warehouse,
    pub(crate) model: &'a Model,
    pub(crate) opened: &'a Opened,
    /// The model's table as it is.
    pub(crate) target: Option<&'a Table>,
    /// The files of that table.
    pub(crate) live: &'a Live,
    /// How many bytes of changed rows are held.
    pub(crate) limit: usize,
}

impl Planner<'_> {
    pub(crate) async fn decide(&self, full: bool) -> Result<Decision, GoldError> {
        let whole = |why: &str| Ok(Decision::Whole(vec![why.to_owned()]));
        let Some(table) = self.target else { return whole("it was never built") };
        let Some(fingerprint) = table.property(marks::FINGERPRINT) else {
            return Err(GoldError::Taken { model: self.model.name.clone(), file: self.model.file.clone() });
        };
        if full {
            return whole("asked for");
        }
        // Between its creation and its first commit.
        if fingerprint.is_empty() {
            return whole("it was never built");
        }
        if fingerprint != self.opened.fingerprint {
            return whole("the model has changed, or a column that it reads");
        }
        let Some(built_from) = marks::read(table) else {
            return whole("its table does not say what it was built from");
        };
        let marks = self.opened.marks();
        if marks == built_from {
            return Ok(Decision::Current);
        }
        let mut changed = Vec::new();
        let mut reasons = Vec::new();
        for input in &self.opened.inputs {
            let name = input.name.to_string();
            let (Some(now), before) = (marks.get(&name), built_from.get(&name)) else { continue };
            let Some(before) = before.filter(|before| before.uuid == now.uuid) else {
                reasons.push(format!("{name} is another table now"));
                continue;
            };
            match difference(self.warehouse, input, before.snapshot).await? {
                Difference::None => {}
                Difference::Unknown(why) => reasons.push(format!("{name}: {why}")),
                Difference::Rows { removed, added } => changed.push((input, removed, added)),
            }
        }
        if !reasons.is_empty() {
            return Ok(Decision::Whole(reasons));
        }
        if changed.is_empty() {
            return Ok(Decision::Unaffected(Vec::new()));
        }
        let plan = simplified(&self.opened.plan, &self.opened.session.state()).map_err(failed(self.model))?;
        let columns = columns_read(&plan).map_err(failed(self.model))?;
        let mut deltas = Deltas::new();
        for (input, removed, added) in changed {
            let name = input.name.to_string();
            let schema = input.table.schema();
            let rows =
                |files| IcebergRows::files(self.warehouse, &input.table, Arc::clone(schema), files).map(Arc::new);
            let (removed, added) = (rows(removed)?, rows(added)?);
            let Some(columns) = columns.get(&name) else { continue };
            let columns: Vec<String> = columns.iter().cloned().collect();
            match net(&self.opened.session, removed, added, &columns, self.limit).await {
                Ok(delta) => {
                    deltas.insert(name, delta);
                }
                Err(NoDelta::TooLarge) => reasons.push(format!("{name}: more has changed than is worth following")),
                Err(NoDelta::Failed(error)) => {
                    reasons.push(format!("{name}: what has changed cannot be read ({error})"))
                }
            }
        }
        if !reasons.is_empty() {
            return Ok(Decision::Whole(reasons));
        }
        self.follow(&plan, deltas).await
    }

    /// From the changed rows to partitions.
    async fn follow(&self, plan: &LogicalPlan, deltas: Deltas) -> Result<Decision, GoldError> {
        let names: Vec<String> = self.model.header.partition_columns().map(str::to_owned).collect();
        let types = self.partition_types(&names);
        let mut causes: Vec<Cause> = Vec::new();
        let mut all: Vec<Values> = Vec::new();
        let mut reasons = Vec::new();
        let sources = Sources { opened: self.opened, deltas: &deltas };
        for (name, delta) in deltas.iter().filter(|(_, delta)| delta.count > 0) {
            let mut cause = Cause { table: name.clone(), rows: delta.count, partitions: 0 };
            if names.is_empty() {
                reasons.push(format!("{}, and the model has no partitions", rows_changed(name, delta.count)));
                continue;
            }
            let is_changed =
                |scan: &TableScan| self.opened.input(scan).is_some_and(|input| input.name.to_string() == *name);
            let plan = touched(plan, &names, &is_changed, &sources).map_err(failed(self.model))?;
            let Some(plan) = plan else {
                reasons.push(format!(
                    "{}, and by the model's SQL these could change any of its partitions",
                    rows_changed(name, delta.count)
                ));
                continue;
            };
            let session = &self.opened.session;
            let rows = session.execute_logical_plan(plan).await.map_err(failed(self.model))?;
            let rows = rows.collect().await.map_err(failed(self.model))?;
            let values = partitions::of_rows(&rows, &types).map_err(failed(self.model))?;
            cause.partitions = values.len() as u64;
            causes.push(cause);
            all.extend(values);
        }
        if !reasons.is_empty() {
            return Ok(Decision::Whole(reasons));
        }
        let mut seen = BTreeMap::new();
        for values in all {
            seen.entry(format!("{values:?}")).or_insert(values);
        }
        let all: Vec<Values> = seen.into_values().collect();
        if all.is_empty() {
            return Ok(Decision::Unaffected(causes));
        }
        let spec = self.target.map(|table| table.metadata.default_partition_spec_id());
        if self.live.data.iter().any(|file| Some(file.spec_id) != spec) {
            return Ok(Decision::Whole(vec![
                "files of its table are partitioned otherwise than the model says".to_owned(),
            ]));
        }
        Ok(Decision::Partitions(all, causes))
    }

    fn partition_types(&self, names: &[String]) -> Vec<DataType> {
        let field = |name: &String| self.opened.schema.field_with_name(name).map(|field| field.data_type().clone());
        names.iter().map(|name| field(name).unwrap_or(DataType::Null)).collect()
    }
}

/// A plan with subqueries as joins and without columns that nothing asks for.
pub(crate) fn simplified(plan: &LogicalPlan, state: &SessionState) -> EngineResult<LogicalPlan> {
    let rules: Vec<Arc<dyn OptimizerRule + Send + Sync>> = vec![
        Arc::new(DecorrelatePredicateSubquery::new()),
        Arc::new(ScalarSubqueryToJoin::new()),
        Arc::new(ExtractEquijoinPredicate::new()),
        Arc::new(EliminateOuterJoin::new()),
        Arc::new(OptimizeProjections::new()),
    ];
    Optimizer::with_rules(rules).optimize(plan.clone(), state, |_, _| {})
}

fn rows_changed(name: &str, rows: u64) -> String {
    let plural = if rows == 1 { "" } else { "s" };
    format!("{name}: {rows} row{plural} came or went")
}

/// The columns that a plan reads of each table, those of all its scans together.
fn columns_read(plan: &LogicalPlan) -> EngineResult<BTreeMap<String, BTreeSet<String>>> {
    use datafusion::common::tree_node::TreeNodeRecursion;
    let mut read: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let columns = read.entry(scan.table_name.to_string()).or_default();
            columns.extend(scan.projected_schema.fields().iter().map(|field| field.name().clone()));
            for filter in &scan.filters {
                columns.extend(filter.column_refs().into_iter().map(|column| column.name.clone()));
            }
            // Rows are counted, if nothing else: they are told apart by some column.
            if columns.is_empty()
                && let Some(first) = scan.source.schema().fields().first()
            {
                columns.insert(first.name().clone());
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(read)
}

/// What the model's inputs held and hold, for [`touched`].
struct Sources<'a> {
    opened: &'a Opened,
    deltas: &'a Deltas,
}

impl Sources<'_> {
    fn delta(&self, scan: &TableScan) -> Option<&Delta> {
        self.deltas.get(&self.opened.input(scan)?.name.to_string())
    }
}

impl Inputs for Sources<'_> {
    fn changes(&self, scan: &TableScan) -> EngineResult<LogicalPlan> {
        let batches = self.delta(scan).map(|delta| delta.rows.clone()).unwrap_or_default();
        let schema = batches.first().map_or_else(|| Arc::new(Schema::empty()), |batch| batch.schema());
        let rows = MemTable::try_new(schema, vec![batches])?;
        LogicalPlanBuilder::scan("changes", provider_as_source(Arc::new(rows)), None)?.build()
    }

    fn all(&self, scan: &TableScan) -> EngineResult<LogicalPlan> {
        let names: Vec<Column> = scan.projected_schema.columns();
        let picked = |source| -> EngineResult<LogicalPlanBuilder> {
            let columns = names.iter().map(|column| {
                datafusion::logical_expr::Expr::Column(Column::new(Some("rows"), column.name.as_str()))
                    .alias(column.name.as_str())
            });
            LogicalPlanBuilder::scan("rows", source, None)?.project(columns.collect::<Vec<_>>())
        };
        let now = picked(Arc::clone(&scan.source))?;
        match self.delta(scan) {
            Some(delta) => now.union(picked(provider_as_source(Arc::clone(&delta.removed) as _))?.build()?)?.build(),
            None => now.build(),
        }
    }
}
