//! Planning models against columns alone: what is wrong with a model is found before there is any data.

mod problems;
mod types;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{MemorySchemaProvider, TableProvider};
use datafusion::common::tree_node::TreeNode;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result as DataFusionResult};
use datafusion::datasource::empty::EmptyTable;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::TableReference;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast;
use weir_model::problem::nearest;
use weir_model::sql_model::{Literal, Named, Place, Rule, SqlText};
use weir_model::{Problem, Problems};
use weir_ports::catalog::TableName;

use super::{GOLD, Model, Models, SILVER, THIS, parse};
use crate::audit;

pub use types::output_schema;

/// The columns of tables.
pub type Schemas = BTreeMap<TableName, SchemaRef>;

/// The columns of all tables that models read or make.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Those that were known, and those of the models. Every column may be null.
    pub schemas: Schemas,
}

/// Plans every model against the columns of the tables that contracts make, and checks what headers say of columns.
///
/// # Errors
/// Every mistake in every model. What a wrong model would have made is not known, so those that read it are left out.
pub async fn plan_all(models: &Models, known: &Schemas) -> Result<Planned, Problems> {
    let mut schemas: Schemas = known.iter().map(|(name, schema)| (name.clone(), bare(schema))).collect();
    let mut problems = Vec::new();
    for model in models.iter() {
        if model.reads.iter().any(|read| !schemas.contains_key(&read.table)) {
            continue;
        }
        match plan(model, &schemas).await {
            Ok((_, schema)) => {
                schemas.insert(model.name.clone(), schema);
            }
            Err(Problems(more)) => problems.extend(more),
        }
    }
    // Tests may look at tables that are built later.
    for model in models.iter() {
        if let Some(schema) = schemas.get(&model.name) {
            header(model, schema, &schemas, &mut problems).await;
        }
    }
    if problems.is_empty() { Ok(Planned { schemas }) } else { Err(Problems(problems)) }
}

/// The plan of one model over empty tables, and the columns of its table.
///
/// # Errors
/// Every mistake that planning finds, with its place in the file.
pub async fn plan(model: &Model, schemas: &Schemas) -> Result<(LogicalPlan, SchemaRef), Problems> {
    let failed = |error: &DataFusionError| {
        Problems(problems::of(error, &model.file, model.body, Some(&model.query), &|place| place))
    };
    let tables = model.reads.iter().filter_map(|read| {
        let schema = schemas.get(&read.table)?;
        Some((read.table.clone(), Arc::new(EmptyTable::new(Arc::clone(schema))) as Arc<dyn TableProvider>))
    });
    let session = session(tables).map_err(|error| failed(&error))?;
    let state = session.state();
    let plan = state.statement_to_plan(model.statement()).await.map_err(|error| failed(&error))?;
    changing(model, &plan)?;
    // Types are settled by the optimiser's first steps, and some mistakes are found by its later ones.
    let optimized = state.optimize(&plan).map_err(|error| failed(&error))?;
    let schema = output_schema(model, &optimized)?;
    Ok((plan, schema))
}

/// A session that knows the tables, and takes note of where names stand.
pub(crate) fn session(
    tables: impl IntoIterator<Item = (TableName, Arc<dyn TableProvider>)>,
) -> DataFusionResult<SessionContext> {
    let mut config = SessionConfig::new().with_target_partitions(1).with_information_schema(false);
    config.options_mut().sql_parser.collect_spans = true;
    let session = SessionContext::new_with_config(config);
    for layer in [SILVER, GOLD] {
        for catalog in session.catalog_names().iter().filter_map(|name| session.catalog(name)) {
            catalog.register_schema(layer, Arc::new(MemorySchemaProvider::new()))?;
        }
    }
    for (name, table) in tables {
        session.register_table(TableReference::partial(name.namespace, name.name), table)?;
    }
    Ok(session)
}

/// The columns without what files say of them, each of which may be null: a fixture may leave out any.
fn bare(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| Field::new(field.name(), field.data_type().clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Refuses functions that differ from one run to the next, whatever they are called.
fn changing(model: &Model, plan: &LogicalPlan) -> Result<(), Problems> {
    let mut found = BTreeSet::new();
    let visited = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                let function = match expr {
                    Expr::ScalarFunction(call) => Some((call.func.name(), call.func.signature().volatility)),
                    Expr::AggregateFunction(call) => Some((call.func.name(), call.func.signature().volatility)),
                    _ => None,
                };
                if let Some((name, volatility)) = function
                    && volatility != Volatility::Immutable
                {
                    found.insert(name.to_owned());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    if let Err(error) = visited {
        return Err(Problems(problems::of(&error, &model.file, model.body, None, &|place| place)));
    }
    let problems: Vec<Problem> = found
        .iter()
        .map(|name| {
            let message = format!("{name} differs from one build to the next, and a model may not");
            let help = "take it from a column of what the model reads, or from a variable".to_owned();
            problems::place_of_function(&model.query, name).unwrap_or(model.body).problem(
                &model.file,
                "",
                message,
                Some(help),
            )
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(Problems(problems)) }
}

/// Checks what the header says of the model's columns and of other tables.
async fn header(model: &Model, schema: &SchemaRef, schemas: &Schemas, problems: &mut Vec<Problem>) {
    let mut check = Check { model, schema, problems };
    for column in &model.header.partition_by {
        if let Some(data_type) = check.column(column, "partitionBy")
            && !can_partition(&data_type)
        {
            let message = format!("'{}' is {data_type}, by which no table is partitioned", column.name);
            let help = "cast it to a whole number, a text, a date or a decimal".to_owned();
            check.problem(column.place, "partitionBy", message, help);
        }
    }
    for sort in &model.header.sort_by {
        check.column(&Named { name: sort.column.clone(), place: sort.place }, "sortBy");
    }
    let mut planned = Vec::new();
    for (index, test) in model.header.tests.iter().enumerate() {
        let path = format!("tests[{index}]");
        let sound = match &test.rule {
            Rule::NotNull { columns } | Rule::Unique { columns } => {
                columns.iter().filter(|column| check.column(column, &path).is_none()).count() == 0
            }
            Rule::AcceptedValues { column, values } => match check.column(column, &path) {
                Some(data_type) => check.values(column, &data_type, values, &path),
                None => false,
            },
            Rule::Relationship { column, to } => {
                let here = check.column(column, &path).is_some();
                let table = TableName::new(&to.schema, &to.table);
                let there = match schemas.get(&table) {
                    Some(other) => check.known(
                        &Named { name: to.column.clone(), place: to.place },
                        other,
                        &table.to_string(),
                        &path,
                    ),
                    None => check.table(&table, to.place, schemas, &path),
                };
                here && there
            }
            Rule::RowCount { .. } | Rule::Sql(_) => true,
        };
        if sound {
            let text = if let Rule::Sql(sql) = &test.rule { Some(sql) } else { None };
            planned.push((audit::query(model, test, THIS), text, test.place, path, false));
        }
    }
    for (index, chart) in model.header.charts.iter().enumerate() {
        planned.push((chart.sql.sql.clone(), Some(&chart.sql), chart.place, format!("charts[{index}]"), true));
    }
    for (sql, text, place, path, is_chart) in planned {
        inner(model, schema, schemas, (&sql, text, place, &path), is_chart, problems).await;
    }
}

/// Plans the query of a test or a chart.
async fn inner(
    model: &Model,
    schema: &SchemaRef,
    schemas: &Schemas,
    (sql, text, place, path): (&str, Option<&SqlText>, Place, &str),
    is_chart: bool,
    problems: &mut Vec<Problem>,
) {
    let place_of = |inner: Place| text.map_or(place, |text| text.place_of(inner));
    let Ok(query) = parse::query(sql, &place_of, "this") else { return };
    let empty = |schema: &SchemaRef| Arc::new(EmptyTable::new(Arc::clone(schema))) as Arc<dyn TableProvider>;
    let tables = schemas.iter().map(|(name, schema)| (name.clone(), empty(schema)));
    let plan = async {
        let session = session(tables)?;
        session.register_table(THIS, empty(schema))?;
        let statement = Statement::Statement(Box::new(ast::Statement::Query(query.clone())));
        let plan = session.state().statement_to_plan(statement).await?;
        session.state().optimize(&plan)
    };
    let start = text.map_or(place, |text| text.place);
    match plan.await {
        Err(error) => {
            let found = problems::of(&error, &model.file, start, Some(&query), &place_of);
            problems.extend(found.into_iter().map(|problem| Problem { path: path.to_owned(), ..problem }));
        }
        Ok(plan) if is_chart => {
            let fields = plan.schema().fields();
            let series = fields.iter().skip(1);
            let odd = series.clone().find(|field| !field.data_type().is_numeric());
            if fields.len() < 2 {
                let help = Some("select the labels first, then a column of numbers for each series".to_owned());
                problems.push(start.problem(&model.file, path, "a chart needs labels and a series of numbers", help));
            } else if let Some(field) = odd {
                let message = format!("'{}' is {}, and a series is of numbers", field.name(), field.data_type());
                let help = Some("the first column holds the labels, each other is a series".to_owned());
                problems.push(start.problem(&model.file, path, message, help));
            }
        }
        Ok(_) => {}
    }
}

struct Check<'a> {
    model: &'a Model,
    schema: &'a SchemaRef,
    problems: &'a mut Vec<Problem>,
}

impl Check<'_> {
    fn problem(&mut self, place: Place, path: &str, message: String, help: String) {
        self.problems.push(place.problem(&self.model.file, path, message, Some(help)));
    }

    /// The type of a column of the model's table; reported where there is none.
    fn column(&mut self, column: &Named, path: &str) -> Option<DataType> {
        let schema = Arc::clone(self.schema);
        self.known(column, &schema, "this model", path)
            .then(|| schema.field_with_name(&column.name).ok())?
            .map(|field| field.data_type().clone())
    }

    fn known(&mut self, column: &Named, schema: &Schema, of: &str, path: &str) -> bool {
        if schema.field_with_name(&column.name).is_ok() {
            return true;
        }
        let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let help = match nearest(&column.name, &known) {
            Some(near) => format!("did you mean '{near}'?"),
            None => format!("there are: {}", known.join(", ")),
        };
        self.problem(column.place, path, format!("{of} has no column '{}'", column.name), help);
        false
    }

    /// Reports that a test names a table that is none; one that could not be planned has been reported itself.
    fn table(&mut self, table: &TableName, place: Place, schemas: &Schemas, path: &str) -> bool {
        let known: Vec<String> = schemas.keys().map(ToString::to_string).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let help = match nearest(&table.to_string(), &known) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("there are: {}", known.join(", ")),
        };
        self.problem(place, path, format!("the columns of {table} are not known"), help);
        false
    }

    /// Whether the values are such as the column holds.
    fn values(&mut self, column: &Named, data_type: &DataType, values: &[Literal], path: &str) -> bool {
        let fits = |value: &Literal| match value {
            Literal::Text(_) => matches!(data_type, DataType::Utf8) || data_type.is_temporal(),
            Literal::Number(_) => data_type.is_numeric(),
            Literal::Boolean(_) => matches!(data_type, DataType::Boolean),
            Literal::Null => false,
        };
        let Some(odd) = values.iter().find(|value| !fits(value)) else { return true };
        let message = format!("'{}' is {data_type}, and {odd} is no such value", column.name);
        let help = "texts stand in quotes, numbers and true or false without".to_owned();
        self.problem(column.place, path, message, help);
        false
    }
}

/// Whether equal values are sure to be told as equal by every engine.
fn can_partition(data_type: &DataType) -> bool {
    !data_type.is_floating()
        && !matches!(data_type, DataType::LargeBinary | DataType::Binary | DataType::FixedSizeBinary(_))
}
