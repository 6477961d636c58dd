//! A query that is planned, and its answer.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::TableReference;
use datafusion::error::DataFusionError;
use datafusion::execution::context::{SQLOptions, SessionContext};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream, displayable, execute_stream};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};

use super::names::{Named, named};
use super::{At, QueryLake, at_place};
use crate::error::QueryError;
use crate::session::{LAYERS, session_on};
use crate::sql::{Place, excerpt, parse};

/// A query that is planned.
pub struct Query {
    context: SessionContext,
    plan: Arc<dyn ExecutionPlan>,
    is_explanation: bool,
}

impl QueryLake {
    /// Plans a query.
    ///
    /// # Errors
    /// [`QueryError`]; for what is wrong with the text, with the place.
    pub async fn query(&self, sql: &str, at: Option<At>) -> Result<Query, QueryError> {
        let mut parsed = parse(sql)?;
        let context = session_on(&self.settings, self.base.runtime_env())?;

        let mut tables: Vec<(Named, Option<i64>, Option<Place>)> = Vec::new();
        for reference in &parsed.references {
            let Some(named) = named(self, sql, reference).await? else { continue };
            let snapshot = self.snapshot(&named.layer, &named.table, reference.version, at).await?;
            tables.push((named, snapshot, reference.place));
        }
        if let Some(At::Snapshot(id)) = at
            && !tables.iter().any(|(_, snapshot, _)| *snapshot == Some(id))
        {
            return Err(QueryError::Snapshot(format!(
                "no table of the query has a snapshot {id}; `weir snapshots TABLE` lists those of a table"
            )));
        }

        // A table of which one state is read keeps its name. Of several each has a name of its own.
        let mut states: BTreeMap<&Named, BTreeSet<Option<i64>>> = BTreeMap::new();
        for (named, snapshot, _) in &tables {
            states.entry(named).or_default().insert(*snapshot);
        }
        let mut renamed: HashMap<Place, String> = HashMap::new();
        let mut registered: BTreeSet<(Named, String)> = BTreeSet::new();
        for (named, snapshot, place) in &tables {
            let name = match (snapshot, states[named].len()) {
                (Some(id), 2..) => format!("{}@{id}", named.table),
                _ => named.table.clone(),
            };
            if name != named.table
                && let Some(place) = place
            {
                renamed.insert(*place, name.clone());
            }
            if !registered.insert((named.clone(), name.clone())) {
                continue;
            }
            let provider = self.provider(&named.layer, &named.table, *snapshot, &context).await?;
            let Some(provider) = provider else {
                let message = self.unknown(&named.layer, &named.table).await?;
                let message = format!("{message}{}", at_place(*place));
                return Err(QueryError::Table { message, excerpt: excerpt(sql, *place) });
            };
            context.register_table(TableReference::partial(named.layer.as_str(), name), provider)?;
        }
        drop(states);
        parsed.rename(renamed);
        if parsed.asks_for_tables {
            self.register_all(&context).await?;
        }

        let plan = context.state().statement_to_plan(parsed.statement).await.map_err(|error| shown(error, sql))?;
        let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        options.verify_plan(&plan).map_err(|error| QueryError::Refused(error.strip_backtrace()))?;
        let is_explanation = matches!(plan, LogicalPlan::Explain(_) | LogicalPlan::Analyze(_));
        // Only now are the types of expressions settled.
        let plan = context.state().create_physical_plan(&plan).await.map_err(|error| shown(error, sql))?;
        Ok(Query { context, plan, is_explanation })
    }

    /// Every table of the lake, so that one may ask which there are.
    async fn register_all(&self, context: &SessionContext) -> Result<(), QueryError> {
        for layer in LAYERS {
            for table in self.tables(layer).await? {
                let name = TableReference::partial(layer, table.as_str());
                if context.table_exist(name.clone())? {
                    continue;
                }
                if let Some(provider) = self.provider(layer, &table, None, context).await? {
                    context.register_table(name, provider)?;
                }
            }
        }
        Ok(())
    }
}

/// An error of planning, with the place that it is about.
fn shown(error: DataFusionError, sql: &str) -> QueryError {
    let span = error.diagnostic().and_then(|diagnostic| diagnostic.span);
    let place = span.and_then(|span| Place::new(span.start.line, span.start.column));
    match QueryError::from(error) {
        QueryError::Unknown { message, .. } => {
            QueryError::Unknown { message: format!("{message}{}", at_place(place)), excerpt: excerpt(sql, place) }
        }
        other => other,
    }
}

impl Query {
    /// The answer's columns.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.plan.schema()
    }

    /// Whether the answer is a plan and no rows of tables.
    #[must_use]
    pub fn is_explanation(&self) -> bool {
        self.is_explanation
    }

    /// The rows, as they come.
    ///
    /// # Errors
    /// [`QueryError`] at once where the query cannot begin, later where it fails on its way.
    pub fn stream(self) -> Result<BoxStream<'static, Result<RecordBatch, QueryError>>, QueryError> {
        let stream: SendableRecordBatchStream = execute_stream(self.plan, self.context.task_ctx())?;
        Ok(stream.map_err(QueryError::from).boxed())
    }

    /// All rows.
    ///
    /// # Errors
    /// As [`Query::stream`].
    pub async fn collect(self) -> Result<Vec<RecordBatch>, QueryError> {
        self.stream()?.try_collect().await
    }

    /// How the query will be run, for people.
    #[must_use]
    pub fn explain(&self) -> String {
        displayable(self.plan.as_ref()).indent(false).to_string()
    }
}
