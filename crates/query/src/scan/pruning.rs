//! What is known of files before they are opened, and which of them a filter leaves.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, UInt64Array};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{Column, ColumnStatistics, DFSchema, Result, ScalarValue, Statistics};
use datafusion::logical_expr::Expr;
use datafusion::physical_optimizer::pruning::PruningPredicate;

/// Which files may have a row that passes all filters.
pub(crate) fn keep(
    state: &dyn Session,
    schema: &SchemaRef,
    files: &[Arc<Statistics>],
    filters: &[Expr],
) -> Result<Vec<bool>> {
    let columns = DFSchema::try_from(Arc::clone(schema))?;
    let known = Known { schema, files };
    let mut kept = vec![true; files.len()];
    for filter in filters {
        let filter = state.create_physical_expr(filter.clone(), &columns)?;
        // What tells nothing of bounds spares no file.
        let passes = PruningPredicate::try_new(filter, Arc::clone(schema)).and_then(|filter| filter.prune(&known));
        for (kept, passes) in kept.iter_mut().zip(passes.unwrap_or_default()) {
            *kept &= passes;
        }
    }
    Ok(kept)
}

/// Bounds and counts of files. They are those of all rows that were written, deleted ones among them.
struct Known<'a> {
    schema: &'a SchemaRef,
    files: &'a [Arc<Statistics>],
}

impl Known<'_> {
    fn columns<'s>(&'s self, column: &Column) -> Option<impl Iterator<Item = (&'s Statistics, &'s ColumnStatistics)>> {
        let index = self.schema.index_of(&column.name).ok()?;
        // Every file's statistics have every column.
        Some(self.files.iter().filter_map(move |file| Some((file.as_ref(), file.column_statistics.get(index)?))))
    }

    fn values(
        &self,
        column: &Column,
        value: impl Fn(&ColumnStatistics) -> &Precision<ScalarValue>,
    ) -> Option<ArrayRef> {
        let null = ScalarValue::try_from(self.schema.field_with_name(&column.name).ok()?.data_type()).ok()?;
        let values = self.columns(column)?.map(|(_, known)| match value(known) {
            Precision::Exact(value) => value.clone(),
            _ => null.clone(),
        });
        ScalarValue::iter_to_array(values).ok()
    }
}

fn count(count: &Precision<usize>) -> Option<u64> {
    count.get_value().filter(|_| count.is_exact() == Some(true)).and_then(|count| u64::try_from(*count).ok())
}

impl PruningStatistics for Known<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.values(column, |known| &known.min_value)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.values(column, |known| &known.max_value)
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        Some(Arc::new(self.columns(column)?.map(|(_, known)| count(&known.null_count)).collect::<UInt64Array>()))
    }

    fn row_counts(&self, column: &Column) -> Option<ArrayRef> {
        Some(Arc::new(self.columns(column)?.map(|(file, _)| count(&file.num_rows)).collect::<UInt64Array>()))
    }

    /// `false` where none of the values lies within a file's bounds; this is what a long `IN` is pruned by.
    fn contained(&self, column: &Column, values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        let data_type = self.schema.field_with_name(&column.name).ok()?.data_type();
        let values: Option<Vec<ScalarValue>> = values.iter().map(|value| value.cast_to(data_type).ok()).collect();
        let mut values = values?;
        values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        let outside = |known: &ColumnStatistics| match (&known.min_value, &known.max_value) {
            // A null is no bound.
            (Precision::Exact(min), Precision::Exact(max)) if !min.is_null() && !max.is_null() => {
                let from = values.partition_point(|value| value < min);
                values.get(from).is_none_or(|value| value > max)
            }
            _ => false,
        };
        // Where a value lies within the bounds the file may have it or not.
        Some(self.columns(column)?.map(|(_, known)| outside(known).then_some(false)).collect())
    }
}

/// What is known of all files together. Bounds of files are bounds, not least and greatest values: another engine may
/// have cut them, and rows that held them may be deleted.
pub(crate) fn total<'f>(
    schema: &SchemaRef,
    files: impl Iterator<Item = (&'f Statistics, Precision<usize>)>,
) -> Statistics {
    let mut total: Option<Statistics> = None;
    for (file, rows) in files {
        let whole = rows == file.num_rows;
        let column_statistics = file
            .column_statistics
            .iter()
            .map(|known| ColumnStatistics {
                null_count: if whole { known.null_count } else { known.null_count.to_inexact() },
                min_value: known.min_value.clone().to_inexact(),
                max_value: known.max_value.clone().to_inexact(),
                ..ColumnStatistics::new_unknown()
            })
            .collect();
        let file = Statistics { num_rows: rows, total_byte_size: file.total_byte_size, column_statistics };
        total = Some(match total {
            None => file,
            Some(total) => sum(total, &file),
        });
    }
    total.unwrap_or_else(|| {
        let mut none = Statistics::new_unknown(schema);
        none.num_rows = Precision::Exact(0);
        none.total_byte_size = Precision::Exact(0);
        none
    })
}

fn sum(total: Statistics, file: &Statistics) -> Statistics {
    let columns = total.column_statistics.iter().zip(&file.column_statistics);
    Statistics {
        num_rows: total.num_rows.add(&file.num_rows),
        total_byte_size: total.total_byte_size.add(&file.total_byte_size),
        column_statistics: columns
            .map(|(total, file)| ColumnStatistics {
                null_count: total.null_count.add(&file.null_count),
                min_value: total.min_value.min(&file.min_value),
                max_value: total.max_value.max(&file.max_value),
                ..ColumnStatistics::new_unknown()
            })
            .collect(),
    }
}
