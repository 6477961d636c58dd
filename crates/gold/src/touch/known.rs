//! Rows of which some columns are known.

use std::collections::HashMap;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

/// A plan in the place of a node of the model's plan, and where it holds which of the node's columns.
///
/// The plan's own columns have names of their own, without a table, so that plans can be joined at will.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) plan: LogicalPlan,
    /// The node's columns that are known, and their names in `plan`.
    pub(super) columns: HashMap<Column, String>,
}

/// Makes names that no other column has.
#[derive(Debug, Default)]
pub(super) struct Names(usize);

impl Names {
    pub(super) fn next(&mut self) -> String {
        self.0 += 1;
        format!("c{}", self.0)
    }
}

/// A column of a plan that is our own.
pub(super) fn own(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

impl Known {
    /// The rows of `plan`, whose columns stand for those of `node` at the same places.
    pub(super) fn of(
        plan: LogicalPlan,
        node_columns: impl IntoIterator<Item = Column>,
        names: &mut Names,
    ) -> Result<Self> {
        let mut columns = HashMap::new();
        let mut expressions = Vec::new();
        for (from, to) in plan.schema().columns().into_iter().zip(node_columns) {
            let name = names.next();
            expressions.push(Expr::Column(from).alias(&name));
            columns.insert(to, name);
        }
        let plan = LogicalPlanBuilder::from(plan).project(expressions)?.build()?;
        Ok(Known { plan, columns })
    }

    /// The expression over the known columns; `None` where it needs another one, or a subquery.
    pub(super) fn inside(&self, expression: &Expr) -> Result<Option<Expr>> {
        let mut possible = true;
        expression.apply(|part| {
            let known = match part {
                Expr::Column(column) => self.columns.contains_key(column),
                Expr::OuterReferenceColumn(..)
                | Expr::Exists(_)
                | Expr::InSubquery(_)
                | Expr::ScalarSubquery(_)
                | Expr::SetComparison(_)
                | Expr::AggregateFunction(_)
                | Expr::WindowFunction(_) => false,
                _ => true,
            };
            possible &= known;
            Ok(if known { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
        })?;
        if !possible {
            return Ok(None);
        }
        let inside = expression.clone().transform(|part| {
            Ok(match &part {
                Expr::Column(column) => match self.columns.get(column) {
                    Some(name) => Transformed::yes(own(name)),
                    None => Transformed::no(part),
                },
                _ => Transformed::no(part),
            })
        })?;
        Ok(Some(inside.data))
    }

    /// The same rows under the columns that `rename` gives; others are forgotten.
    pub(super) fn renamed(mut self, rename: impl Fn(&Column) -> Option<Column>) -> Self {
        self.columns = self.columns.into_iter().filter_map(|(column, name)| Some((rename(&column)?, name))).collect();
        self
    }

    /// The same rows with only those columns known for which `keep` holds.
    pub(super) fn only(mut self, keep: impl Fn(&Column) -> bool) -> Self {
        self.columns.retain(|column, _| keep(column));
        self
    }

    /// Only the known columns, each row once.
    pub(super) fn distinct(self) -> Result<Self> {
        if self.columns.is_empty() {
            return Ok(self);
        }
        let plan = LogicalPlanBuilder::from(self.plan).project(self.columns.values().map(|name| own(name)))?;
        Ok(Known { plan: plan.distinct()?.build()?, columns: self.columns })
    }

    /// These rows and those of `other`, with the columns that are known of both.
    pub(super) fn union(self, other: Known, names: &mut Names) -> Result<Self> {
        let (mut left, mut right, mut columns) = (Vec::new(), Vec::new(), HashMap::new());
        for (column, name) in &self.columns {
            if let Some(theirs) = other.columns.get(column) {
                let both = names.next();
                left.push(own(name).alias(&both));
                right.push(own(theirs).alias(&both));
                columns.insert(column.clone(), both);
            }
        }
        if columns.is_empty() {
            return Ok(Known { plan: self.plan, columns });
        }
        let left = LogicalPlanBuilder::from(self.plan).project(left)?;
        let right = LogicalPlanBuilder::from(other.plan).project(right)?.build()?;
        Ok(Known { plan: left.union(right)?.build()?, columns })
    }
}
