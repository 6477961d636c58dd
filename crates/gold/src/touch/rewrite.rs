//! The model's plan over changed rows, node by node.

use std::collections::{HashMap, HashSet};

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::{
    Aggregate, Distinct, Expr, LogicalPlan, LogicalPlanBuilder, Projection, TableScan, Union, Window,
};

use super::Inputs;
use super::known::{Known, Names};

/// A scan of a plan, told from others by where it stands in memory, for as long as the plan does not move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place(*const TableScan);

impl Place {
    fn of(scan: &TableScan) -> Self {
        Place(std::ptr::from_ref(scan))
    }
}

/// All scans of a plan, those within its subqueries included.
pub(super) fn scans(plan: &LogicalPlan) -> Result<Vec<(Place, TableScan)>> {
    let mut found = Vec::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            found.push((Place::of(scan), scan.clone()));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// The columns of a node, in order.
pub(super) fn columns(plan: &LogicalPlan) -> Vec<Column> {
    plan.schema().columns()
}

/// A plan that knows nothing.
pub(super) fn nothing() -> Result<Known> {
    Ok(Known { plan: LogicalPlanBuilder::empty(true).build()?, columns: HashMap::new() })
}

pub(super) struct Rewrite<'a> {
    /// The scan whose changes are followed: this very one, should the model read the table twice.
    pub(super) target: Place,
    pub(super) inputs: &'a dyn Inputs,
    pub(super) names: &'a mut Names,
}

impl Rewrite<'_> {
    /// Whether the changes come through this node.
    pub(super) fn leads_to_target(&self, plan: &LogicalPlan) -> Result<bool> {
        Ok(scans(plan)?.into_iter().any(|(place, _)| place == self.target))
    }

    /// At least the rows of the node that may differ, told by the columns that are known of all of them.
    /// `need` are the columns that will be asked for: others may be left unknown to save work.
    ///
    /// The rule that each arm keeps: let a row come out of the node before the change and not after it, or the
    /// other way round. Then a row with the same values in the known columns comes out of this.
    pub(super) fn touched(&mut self, plan: &LogicalPlan, need: &HashSet<Column>) -> Result<Known> {
        match plan {
            LogicalPlan::TableScan(scan) if Place::of(scan) == self.target && scan.fetch.is_none() => {
                let changes = self.inputs.changes(scan)?;
                self.scanned(scan, changes)
            }
            LogicalPlan::Projection(projection) => {
                let need = below_projection(projection, need);
                let input = self.touched(&projection.input, &need)?;
                self.projected(projection, &input)
            }
            LogicalPlan::Filter(filter) => {
                // A subquery in the filter that reads the target may let any row through.
                if !self.leads_to_target(&filter.input)? {
                    return nothing();
                }
                let input = self.touched(&filter.input, need)?;
                if reads_target(self, &filter.predicate)? {
                    return nothing();
                }
                filtered(input, &filter.predicate)
            }
            LogicalPlan::Aggregate(aggregate) => {
                let need = below_groups(aggregate, need);
                let input = self.touched(&aggregate.input, &need)?;
                self.grouped(aggregate, &input)
            }
            LogicalPlan::Window(window) => {
                let within = partitioned_by(window);
                let input = self.touched(&window.input, need)?;
                Ok(input.only(|column| within.contains(column)))
            }
            LogicalPlan::Sort(sort) if sort.fetch.is_none() => self.touched(&sort.input, need),
            LogicalPlan::Repartition(repartition) => self.touched(&repartition.input, need),
            LogicalPlan::Distinct(Distinct::All(input)) => self.touched(input, need),
            LogicalPlan::SubqueryAlias(alias) => {
                let (to, from) = through(columns(&alias.input), columns(plan));
                let need = need.iter().filter_map(|column| from.get(column).cloned()).collect();
                Ok(self.touched(&alias.input, &need)?.renamed(|column| to.get(column).cloned()))
            }
            LogicalPlan::Union(union) => {
                for input in &union.inputs {
                    if self.leads_to_target(input)? {
                        let (to, from) = through(columns(input), columns(plan));
                        let need = need.iter().filter_map(|column| from.get(column).cloned()).collect();
                        return Ok(self.touched(input, &need)?.renamed(|column| to.get(column).cloned()));
                    }
                }
                nothing()
            }
            LogicalPlan::Join(join) => self.touched_join(join, need),
            // Limits, recursion, unnesting and whatever is added to the language: any row may differ.
            _ => nothing(),
        }
    }

    /// At least the rows that come out of the node, before the changes or after them, told by the columns that are known.
    pub(super) fn superset(&mut self, plan: &LogicalPlan, need: &HashSet<Column>) -> Result<Known> {
        match plan {
            LogicalPlan::TableScan(scan) => {
                let all = self.inputs.all(scan)?;
                self.scanned(scan, all)
            }
            LogicalPlan::Projection(projection) => {
                let need = below_projection(projection, need);
                let input = self.superset(&projection.input, &need)?;
                self.projected(projection, &input)
            }
            LogicalPlan::Filter(filter) => filtered(self.superset(&filter.input, need)?, &filter.predicate),
            LogicalPlan::Aggregate(aggregate) => {
                let need = below_groups(aggregate, need);
                let input = self.superset(&aggregate.input, &need)?;
                self.grouped(aggregate, &input)
            }
            // Their own columns are not among those of the input, and so not known.
            LogicalPlan::Window(window) => self.superset(&window.input, need),
            LogicalPlan::Sort(sort) => self.superset(&sort.input, need),
            LogicalPlan::Limit(limit) => self.superset(&limit.input, need),
            LogicalPlan::Repartition(repartition) => self.superset(&repartition.input, need),
            LogicalPlan::Distinct(Distinct::All(input)) => self.superset(input, need),
            LogicalPlan::SubqueryAlias(alias) => {
                let (to, from) = through(columns(&alias.input), columns(plan));
                let need = need.iter().filter_map(|column| from.get(column).cloned()).collect();
                Ok(self.superset(&alias.input, &need)?.renamed(|column| to.get(column).cloned()))
            }
            LogicalPlan::Union(union) => self.superset_union(union, plan, need),
            LogicalPlan::Join(join) => self.superset_join(join, need),
            LogicalPlan::Values(_) => Known::of(plan.clone(), columns(plan), self.names),
            _ => nothing(),
        }
    }

    fn scanned(&mut self, scan: &TableScan, rows: LogicalPlan) -> Result<Known> {
        let names: Vec<Column> = scan.projected_schema.columns();
        let same = rows.schema();
        let picked: Result<Vec<Expr>> = names
            .iter()
            .map(|column| {
                let (table, field) = same.qualified_field_with_unqualified_name(&column.name)?;
                Ok(Expr::Column(Column::new(table.cloned(), field.name())))
            })
            .collect();
        let plan = LogicalPlanBuilder::from(rows).project(picked?)?.build()?;
        let mut known = Known::of(plan, names, self.names)?;
        for predicate in &scan.filters {
            known = filtered(known, predicate)?;
        }
        Ok(known)
    }

    fn projected(&mut self, projection: &Projection, input: &Known) -> Result<Known> {
        let mut known = HashMap::new();
        let mut expressions = Vec::new();
        for (expression, column) in projection.expr.iter().zip(projection.schema.columns()) {
            if let Some(inside) = input.inside(expression)? {
                let name = self.names.next();
                expressions.push(inside.unalias().alias(&name));
                known.insert(column, name);
            }
        }
        self.with(input, expressions, known)
    }

    fn grouped(&mut self, aggregate: &Aggregate, input: &Known) -> Result<Known> {
        let mut known = HashMap::new();
        let mut expressions = Vec::new();
        let is_set = |expression: &Expr| matches!(expression, Expr::GroupingSet(_));
        // ROLLUP and the like put nulls for columns of which a row has values.
        if !aggregate.group_expr.iter().any(is_set) {
            for (expression, column) in aggregate.group_expr.iter().zip(aggregate.schema.columns()) {
                if let Some(inside) = input.inside(expression)? {
                    let name = self.names.next();
                    expressions.push(inside.unalias().alias(&name));
                    known.insert(column, name);
                }
            }
        }
        self.with(input, expressions, known)?.distinct()
    }

    fn with(&self, input: &Known, expressions: Vec<Expr>, columns: HashMap<Column, String>) -> Result<Known> {
        if columns.is_empty() {
            return nothing();
        }
        let plan = LogicalPlanBuilder::from(input.plan.clone()).project(expressions)?.build()?;
        Ok(Known { plan, columns })
    }

    fn superset_union(&mut self, union: &Union, plan: &LogicalPlan, need: &HashSet<Column>) -> Result<Known> {
        let mut all: Option<Known> = None;
        for input in &union.inputs {
            let (to, from) = through(columns(input), columns(plan));
            let need = need.iter().filter_map(|column| from.get(column).cloned()).collect();
            let rows = self.superset(input, &need)?.renamed(|column| to.get(column).cloned());
            all = Some(match all {
                None => rows,
                Some(others) => others.union(rows, self.names)?,
            });
        }
        all.map_or_else(nothing, Ok)
    }
}

/// Rows that do not meet the predicate are left out, as far as that can be told.
pub(super) fn filtered(input: Known, predicate: &Expr) -> Result<Known> {
    let mut builder = LogicalPlanBuilder::from(input.plan.clone());
    let mut any = false;
    for part in datafusion::logical_expr::utils::split_conjunction(predicate) {
        if let Some(inside) = input.inside(part)? {
            builder = builder.filter(inside)?;
            any = true;
        }
    }
    Ok(if any { Known { plan: builder.build()?, columns: input.columns } } else { input })
}

/// Whether a subquery of the expression reads the target.
fn reads_target(rewrite: &Rewrite<'_>, expression: &Expr) -> Result<bool> {
    let mut reads = false;
    expression.apply(|part| {
        let subquery = match part {
            Expr::Exists(exists) => Some(&exists.subquery),
            Expr::InSubquery(within) => Some(&within.subquery),
            Expr::ScalarSubquery(subquery) => Some(subquery),
            Expr::SetComparison(comparison) => Some(&comparison.subquery),
            _ => None,
        };
        if let Some(subquery) = subquery {
            reads |= rewrite.leads_to_target(&subquery.subquery)?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(reads)
}

/// The columns below and above a node that only gives them other names, both ways.
fn through(below: Vec<Column>, above: Vec<Column>) -> (HashMap<Column, Column>, HashMap<Column, Column>) {
    let up: HashMap<Column, Column> = below.into_iter().zip(above).collect();
    let down = up.iter().map(|(below, above)| (above.clone(), below.clone())).collect();
    (up, down)
}

fn below_projection(projection: &Projection, need: &HashSet<Column>) -> HashSet<Column> {
    let outputs = projection.schema.columns();
    let needed = projection.expr.iter().zip(outputs).filter(|(_, column)| need.contains(column));
    needed.flat_map(|(expression, _)| expression.column_refs().into_iter().cloned().collect::<Vec<_>>()).collect()
}

fn below_groups(aggregate: &Aggregate, need: &HashSet<Column>) -> HashSet<Column> {
    let outputs = aggregate.schema.columns();
    let needed = aggregate.group_expr.iter().zip(outputs).filter(|(_, column)| need.contains(column));
    needed.flat_map(|(expression, _)| expression.column_refs().into_iter().cloned().collect::<Vec<_>>()).collect()
}

/// The columns by which every function of the window partitions.
fn partitioned_by(window: &Window) -> HashSet<Column> {
    let mut within: Option<HashSet<Column>> = None;
    for expression in &window.window_expr {
        let mut by = HashSet::new();
        if let Expr::WindowFunction(function) = expression.clone().unalias() {
            let columns = function.params.partition_by.iter();
            by.extend(columns.filter_map(|expression| match expression {
                Expr::Column(column) => Some(column.clone()),
                _ => None,
            }));
        }
        within = Some(match within {
            None => by,
            Some(others) => others.intersection(&by).cloned().collect(),
        });
    }
    within.unwrap_or_default()
}
