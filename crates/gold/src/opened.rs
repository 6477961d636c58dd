//! A model with the states of its inputs that a build is about.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::MemorySchemaProvider;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{LogicalPlan, TableScan};
use datafusion::prelude::SessionContext;
use datafusion::sql::TableReference;
use iceberg_commit::{Table, Tables};
use sha2::{Digest, Sha256};
use weir_ports::catalog::TableName;
use weir_query::IcebergRows;

use crate::error::GoldError;
use crate::marks::{self, Marks};
use crate::models::Model;
use crate::models::schema::output_schema;

/// Counts up whenever the same model over the same inputs comes to other rows or other files.
const BUILD_FORMAT: &str = "1";

/// A table that the model reads, in one state.
pub(crate) struct Input {
    pub(crate) name: TableName,
    pub(crate) table: Table,
    pub(crate) snapshot: Option<i64>,
    pub(crate) rows: Arc<IcebergRows>,
}

/// A model with the states of its inputs.
pub(crate) struct Opened {
    pub(crate) session: SessionContext,
    pub(crate) inputs: Vec<Input>,
    /// What the model's SQL means, over these inputs.
    pub(crate) plan: LogicalPlan,
    /// The columns that are stored.
    pub(crate) schema: SchemaRef,
    /// Tells this model and its columns from any other.
    pub(crate) fingerprint: String,
}

impl Opened {
    /// Opens a model whose inputs are all there; else returns those that are missing.
    pub(crate) async fn new(
        tables: &Tables,
        model: &Model,
        engine: &SessionContext,
    ) -> Result<Result<Self, Vec<TableName>>, GoldError> {
        let (mut inputs, mut missing) = (Vec::new(), Vec::new());
        for read in &model.reads {
            let Some(table) = tables.load(&read.table).await? else {
                missing.push(read.table.clone());
                continue;
            };
            let snapshot = table.current_snapshot_id();
            let rows = Arc::new(IcebergRows::snapshot(tables.warehouse(), &table, None).await?);
            inputs.push(Input { name: read.table.clone(), table, snapshot, rows });
        }
        if !missing.is_empty() {
            return Ok(Err(missing));
        }
        let session = beside(engine);
        for input in &inputs {
            register(&session, &input.name, Arc::clone(&input.rows)).map_err(failed(model))?;
        }
        let state = session.state();
        let planned = state.statement_to_plan(model.statement()).await.map_err(failed(model))?;
        let plan =
            state.analyzer().execute_and_check(planned, state.config_options(), |_, _| {}).map_err(failed(model))?;
        let schema = output_schema(model, &plan)?;
        let fingerprint = fingerprint(model, &schema);
        Ok(Ok(Opened { session, inputs, plan, schema, fingerprint }))
    }

    /// The input that a scan of the plan reads.
    pub(crate) fn input(&self, scan: &TableScan) -> Option<&Input> {
        self.inputs.iter().find(|input| is_of(&scan.table_name, &input.name))
    }

    pub(crate) fn marks(&self) -> Marks {
        let mark = |input: &Input| (input.name.to_string(), marks::mark(&input.table, input.snapshot));
        self.inputs.iter().map(mark).collect()
    }
}

fn is_of(reference: &TableReference, name: &TableName) -> bool {
    reference.schema() == Some(name.namespace.as_str()) && reference.table() == name.name
}

/// A session without tables that shares the memory and the settings of `engine`.
pub(crate) fn beside(engine: &SessionContext) -> SessionContext {
    SessionContext::new_with_config_rt(engine.copied_config(), engine.runtime_env())
}

/// Makes a table known to a session under its full name.
pub(crate) fn register(
    session: &SessionContext,
    name: &TableName,
    rows: Arc<IcebergRows>,
) -> datafusion::error::Result<()> {
    let default = session.copied_config().options().catalog.default_catalog.clone();
    if let Some(catalog) = session.catalog(&default)
        && catalog.schema(&name.namespace).is_none()
    {
        catalog.register_schema(&name.namespace, Arc::new(MemorySchemaProvider::new()))?;
    }
    session.register_table(TableReference::partial(name.namespace.as_str(), name.name.as_str()), rows)?;
    Ok(())
}

pub(crate) fn failed(model: &Model) -> impl Fn(DataFusionError) -> GoldError {
    let (name, file) = (model.name.clone(), model.file.clone());
    move |source| {
        let (model, file) = (name.clone(), file.clone());
        match source.find_root() {
            DataFusionError::ResourcesExhausted(detail) => {
                let detail = detail.lines().next().unwrap_or_default().to_owned();
                GoldError::Memory { model, file, detail }
            }
            _ => GoldError::Engine { model, file, source: Box::new(source) },
        }
    }
}

fn fingerprint(model: &Model, schema: &SchemaRef) -> String {
    let mut hash = Sha256::new();
    hash.update(BUILD_FORMAT);
    hash.update([0]);
    hash.update(&model.fingerprint);
    for field in schema.fields() {
        hash.update([0]);
        hash.update(field.name());
        hash.update([0]);
        hash.update(field.data_type().to_string());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
