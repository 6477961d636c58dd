//! Which partitions of a model the changes of an input can touch.
//!
//! The model's plan is turned into another one, over the rows of the input that came or went instead of
//! all its rows. Its answer holds the partition of every row of the model that may differ, and of as few
//! others as can be told without building the model:
//!
//! - A row that comes out of a join differs only if a row that went into it does: the changed rows are
//!   joined with all rows that the other side has or had ([`rewrite::Rewrite::superset`]).
//! - A row of the nullable side of an outer join changes the rows that it matches, and those that stand
//!   alone without it.
//! - A group differs only if a row of the group does, so that of an aggregate its grouping columns are
//!   known, of a window function the columns by which it partitions, of a limit nothing.
//!
//! What of the plan cannot be followed that way makes columns unknown. Where a partition column is not
//! known at the end there is no answer, and the model has to be built anew as a whole.

mod join;
mod known;
mod rewrite;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, Result};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, TableScan};

use known::Names;
use rewrite::{Place, Rewrite};

/// What the inputs of a model hold. The scans are those of the model's plan.
pub(crate) trait Inputs {
    /// The rows that came or went, with all columns that the scan reads, by the same names.
    fn changes(&self, scan: &TableScan) -> Result<LogicalPlan>;
    /// The rows that are or were there, with all columns that the scan reads, by the same names.
    fn all(&self, scan: &TableScan) -> Result<LogicalPlan>;
}

/// A plan of the values of `partition` that changes of the table `is_changed` can touch, each once, in the order
/// of `partition`; `None` where they cannot be told.
pub(crate) fn touched(
    model: &LogicalPlan,
    partition: &[String],
    is_changed: &dyn Fn(&TableScan) -> bool,
    inputs: &dyn Inputs,
) -> Result<Option<LogicalPlan>> {
    let schema = model.schema();
    let wanted = partition.iter().map(|name| {
        schema
            .iter()
            .find(|(_, field)| field.name() == name)
            .map(|(table, field)| Column::new(table.cloned(), field.name()))
    });
    let Some(wanted) = wanted.collect::<Option<Vec<Column>>>() else { return Ok(None) };
    if wanted.is_empty() {
        return Ok(None);
    }
    let need: HashSet<Column> = wanted.iter().cloned().collect();
    let mut all: Option<LogicalPlanBuilder> = None;
    // A table expression that is used twice may stand in the plan as one node in two places.
    let model = &model.clone().transform_up_with_subqueries(|node| Ok(Transformed::yes(node)))?.data;
    let scans = rewrite::scans(model)?;
    let places: HashSet<Place> = scans.iter().map(|(place, _)| *place).collect();
    if places.len() < scans.len() {
        return Ok(None);
    }
    for (place, scan) in scans {
        if !is_changed(&scan) {
            continue;
        }
        let mut names = Names::default();
        let known = Rewrite { target: place, inputs, names: &mut names }.touched(model, &need)?;
        let Some(columns) = wanted.iter().map(|column| known.columns.get(column)).collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        let values = columns.iter().zip(partition).map(|(own, name)| known::own(own).alias(name));
        let one = LogicalPlanBuilder::from(known.plan).project(values.collect::<Vec<_>>())?;
        all = Some(match all {
            None => one,
            Some(others) => others.union(one.build()?)?,
        });
    }
    all.map(|all| all.distinct()?.build()).transpose()
}
