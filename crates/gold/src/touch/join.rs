//! Joins, whose sides change rows of one another.

use std::collections::HashSet;

use datafusion::common::{Column, NullEquality, Result};
use datafusion::logical_expr::{Expr, Join, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, binary_expr, lit};
use datafusion::scalar::ScalarValue;

use super::known::{Known, own};
use super::rewrite::{Rewrite, columns, nothing};

/// The two sides of a join.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

impl Rewrite<'_> {
    /// See [`Rewrite::touched`].
    pub(super) fn touched_join(&mut self, join: &Join, need: &HashSet<Column>) -> Result<Known> {
        // The filter of a join may hold a subquery, which is not followed.
        let in_left = self.leads_to_target(&join.left)?;
        let in_right = self.leads_to_target(&join.right)?;
        let changed = match (in_left, in_right) {
            (true, false) => Side::Left,
            (false, true) => Side::Right,
            _ => return nothing(),
        };
        let (here, there) = match changed {
            Side::Left => (&join.left, &join.right),
            Side::Right => (&join.right, &join.left),
        };
        let keys = condition_columns(join);
        let needed_there = need_of(there, need);
        let need_here: HashSet<Column> = need_of(here, need).union(&keys).cloned().collect();
        let need_there: HashSet<Column> = needed_there.union(&keys).cloned().collect();
        use JoinType::{Full, Inner, Left, LeftAnti, LeftMark, LeftSemi, Right, RightAnti, RightMark, RightSemi};
        match (join.join_type, changed) {
            (Full, _) => nothing(),
            (Inner, _) => {
                let changes = self.touched(here, &need_here)?;
                let others = self.superset(there, &need_there)?;
                let joined = matched(join, changed, &changes, &others)?;
                Ok(match joined {
                    Some(joined) => joined,
                    // With nothing to join by, what is known of the changed side alone still holds.
                    None => changes,
                })
            }
            // Rows of the side that keeps all its rows.
            (Left, Side::Left) | (Right, Side::Right) => {
                let changes = self.touched(here, &need_here)?;
                if needed_there.is_empty() {
                    return Ok(changes);
                }
                let others = self.superset(there, &need_there)?;
                let Some(joined) = matched(join, changed, &changes, &others)? else { return Ok(changes) };
                let alone = self.alone(changes, there)?;
                joined.union(alone, self.names)
            }
            // Rows of the side that may have none: the rows that they match change, and so do those rows alone.
            (Left, Side::Right) | (Right, Side::Left) => {
                let changes = self.touched(here, &need_here)?;
                let others = self.superset(there, &need_there)?;
                let Some(joined) = matched(join, changed, &changes, &others)? else { return nothing() };
                let keeps = columns(there);
                let kept = joined.clone().only(|column| keeps.contains(column));
                if need_of(here, need).is_empty() {
                    return Ok(kept);
                }
                let alone = self.alone(kept, here)?;
                joined.union(alone, self.names)
            }
            (LeftSemi | LeftAnti | LeftMark, Side::Left) | (RightSemi | RightAnti | RightMark, Side::Right) => {
                self.touched(here, &need_here)
            }
            (LeftSemi | LeftAnti | LeftMark, Side::Right) | (RightSemi | RightAnti | RightMark, Side::Left) => {
                // One null in the list of a NOT IN changes every row.
                if join.null_aware {
                    return nothing();
                }
                let changes = self.touched(here, &need_here)?;
                let others = self.superset(there, &need_there)?;
                let Some(joined) = matched(join, changed, &changes, &others)? else { return nothing() };
                let keeps = columns(there);
                Ok(joined.only(|column| keeps.contains(column)))
            }
        }
    }

    /// See [`Rewrite::superset`].
    pub(super) fn superset_join(&mut self, join: &Join, need: &HashSet<Column>) -> Result<Known> {
        let keys = condition_columns(join);
        let of = |side: &LogicalPlan| -> HashSet<Column> { need_of(side, need) };
        let with_keys = |side: &LogicalPlan| -> HashSet<Column> { need_of(side, need).union(&keys).cloned().collect() };
        let (left, right) = (&join.left, &join.right);
        match join.join_type {
            JoinType::Inner if of(right).is_empty() => self.superset(left, &of(left)),
            JoinType::Inner if of(left).is_empty() => self.superset(right, &of(right)),
            JoinType::Inner => {
                let lefts = self.superset(left, &with_keys(left))?;
                let rights = self.superset(right, &with_keys(right))?;
                matched(join, Side::Left, &lefts, &rights)?.map_or_else(nothing, Ok)
            }
            JoinType::Left | JoinType::Right => {
                let (all, nullable, side) = match join.join_type {
                    JoinType::Left => (left, right, Side::Left),
                    _ => (right, left, Side::Right),
                };
                if of(nullable).is_empty() {
                    return self.superset(all, &of(all));
                }
                let rows = self.superset(all, &with_keys(all))?;
                let others = self.superset(nullable, &with_keys(nullable))?;
                let Some(joined) = matched(join, side, &rows, &others)? else {
                    return Ok(rows);
                };
                let alone = self.alone(rows, nullable)?;
                joined.union(alone, self.names)
            }
            JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => self.superset(left, &of(left)),
            JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => self.superset(right, &of(right)),
            JoinType::Full => nothing(),
        }
    }

    /// The rows with nulls in the columns of the side that they found nothing on.
    fn alone(&mut self, rows: Known, absent: &LogicalPlan) -> Result<Known> {
        let mut expressions: Vec<Expr> = rows.columns.values().map(|name| own(name)).collect();
        let mut known = rows.columns;
        for (column, field) in columns(absent).into_iter().zip(absent.schema().fields()) {
            let name = self.names.next();
            expressions.push(lit(ScalarValue::try_from(field.data_type())?).alias(&name));
            known.insert(column, name);
        }
        let plan = LogicalPlanBuilder::from(rows.plan).project(expressions)?.build()?;
        Ok(Known { plan, columns: known })
    }
}

/// The columns that the join compares.
fn condition_columns(join: &Join) -> HashSet<Column> {
    let on = join.on.iter().flat_map(|(left, right)| [left, right]);
    on.chain(&join.filter).flat_map(|part| part.column_refs().into_iter().cloned().collect::<Vec<_>>()).collect()
}

fn need_of(side: &LogicalPlan, need: &HashSet<Column>) -> HashSet<Column> {
    columns(side).into_iter().filter(|column| need.contains(column)).collect()
}

/// The rows of both sides that meet what is known of the join's condition. `None` where no equality is.
fn matched(join: &Join, first_is: Side, first: &Known, second: &Known) -> Result<Option<Known>> {
    let mut on = Vec::new();
    let mut others = Vec::new();
    for (left, right) in &join.on {
        let (one, other) = match first_is {
            Side::Left => (left, right),
            Side::Right => (right, left),
        };
        if let (Some(one), Some(other)) = (first.inside(one)?, second.inside(other)?) {
            on.push((one, other));
        }
    }
    if on.is_empty() {
        return Ok(None);
    }
    let mut known = first.columns.clone();
    known.extend(second.columns.clone());
    // Names are unique over both sides, so that conditions of either may be put over the whole.
    let both = Known { plan: first.plan.clone(), columns: known };
    if let Some(filter) = &join.filter {
        for part in datafusion::logical_expr::utils::split_conjunction(filter) {
            if let Some(inside) = both.inside(part)? {
                others.push(inside);
            }
        }
    }
    let equal = match join.null_equality {
        NullEquality::NullEqualsNothing => Operator::Eq,
        NullEquality::NullEqualsNull => Operator::IsNotDistinctFrom,
    };
    let condition = on.into_iter().map(|(one, other)| binary_expr(one, equal, other)).chain(others);
    let plan = LogicalPlanBuilder::from(first.plan.clone())
        .join_on(second.plan.clone(), JoinType::Inner, condition)?
        .build()?;
    Ok(Some(Known { plan, columns: both.columns }))
}
