//! What manifests say of a file, as DataFusion's statistics.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Schema, TimeUnit};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, ScalarValue, Statistics};
use iceberg::spec::{Literal, PartitionSpec, PrimitiveLiteral, Transform};
use iceberg_commit::LiveFile;

use crate::scan::field_id;

/// What is known of the rows of a data file before it is opened.
///
/// "Exact" says of a bound here that it holds for every row, not that a row has it. DataFusion needs no more: of equal
/// bounds it makes a constant.
pub(crate) fn known(file: &LiveFile, spec: Option<&PartitionSpec>, schema: &Schema) -> Statistics {
    let data = &file.file;
    let count = |count: u64| usize::try_from(count).map_or(Precision::Absent, Precision::Exact);
    let rows = count(data.record_count());
    let column_statistics = schema
        .fields()
        .iter()
        .map(|field| {
            let mut known = ColumnStatistics::new_unknown();
            let Some(id) = field_id(field) else { return known };
            let data_type = field.data_type();
            match spec.and_then(|spec| partition_value(file, spec, id)) {
                // All rows of the file have the partition's value, which a file that was added later may not even hold.
                Some(None) => known.null_count = rows,
                Some(Some(value)) if !is_float(data_type) => {
                    if let Some(value) = scalar(&value, data_type) {
                        known.null_count = Precision::Exact(0);
                        known.min_value = Precision::Exact(value.clone());
                        known.max_value = Precision::Exact(value);
                    }
                }
                _ => {
                    if let Some(nulls) = data.null_value_counts().get(&id) {
                        known.null_count = count(*nulls);
                    }
                    // Bounds say nothing of NaN, which is greater than all other numbers here.
                    if !is_float(data_type) || data.nan_value_counts().get(&id) == Some(&0) {
                        let bound = |literal: Option<&PrimitiveLiteral>| {
                            literal
                                .and_then(|value| scalar(value, data_type))
                                .map_or(Precision::Absent, Precision::Exact)
                        };
                        known.min_value = bound(data.lower_bounds().get(&id).map(|datum| datum.literal()));
                        known.max_value = bound(data.upper_bounds().get(&id).map(|datum| datum.literal()));
                    }
                }
            }
            known
        })
        .collect();
    let bytes = usize::try_from(data.file_size_in_bytes()).map_or(Precision::Absent, Precision::Inexact);
    Statistics { num_rows: rows, total_byte_size: bytes, column_statistics }
}

fn is_float(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float32 | DataType::Float64)
}

/// The value that a column has in every row of the file, where the table is partitioned by the column itself.
fn partition_value(file: &LiveFile, spec: &PartitionSpec, column: i32) -> Option<Option<PrimitiveLiteral>> {
    let is_identity = |transform: Transform| transform == Transform::Identity;
    let place = spec.fields().iter().position(|field| field.source_id == column && is_identity(field.transform))?;
    match file.file.partition().fields().get(place)? {
        None => Some(None),
        Some(Literal::Primitive(value)) => Some(Some(value.clone())),
        Some(_) => None,
    }
}

/// The value as one of the column's type, which may be wider by now. `None` where its order is not the column's.
fn scalar(value: &PrimitiveLiteral, data_type: &DataType) -> Option<ScalarValue> {
    use PrimitiveLiteral as P;
    Some(match (value, data_type) {
        (P::Boolean(value), DataType::Boolean) => ScalarValue::Boolean(Some(*value)),
        (P::Int(value), DataType::Int32) => ScalarValue::Int32(Some(*value)),
        (P::Int(value), DataType::Int64) => ScalarValue::Int64(Some(i64::from(*value))),
        (P::Int(value), DataType::Date32) => ScalarValue::Date32(Some(*value)),
        (P::Long(value), DataType::Int64) => ScalarValue::Int64(Some(*value)),
        (P::Long(value), DataType::Time64(TimeUnit::Microsecond)) => ScalarValue::Time64Microsecond(Some(*value)),
        (P::Long(value), DataType::Timestamp(TimeUnit::Microsecond, zone)) => {
            ScalarValue::TimestampMicrosecond(Some(*value), zone.clone())
        }
        (P::Long(value), DataType::Timestamp(TimeUnit::Nanosecond, zone)) => {
            ScalarValue::TimestampNanosecond(Some(*value), zone.clone())
        }
        (P::Float(value), DataType::Float32) => ScalarValue::Float32(Some(value.0)),
        (P::Float(value), DataType::Float64) => ScalarValue::Float64(Some(f64::from(value.0))),
        (P::Double(value), DataType::Float64) => ScalarValue::Float64(Some(value.0)),
        (P::Int128(value), DataType::Decimal128(precision, scale)) => {
            ScalarValue::Decimal128(Some(*value), *precision, *scale)
        }
        (P::String(value), DataType::Utf8) => ScalarValue::Utf8(Some(value.clone())),
        (P::Binary(value), DataType::LargeBinary) => ScalarValue::LargeBinary(Some(value.clone())),
        // UUIDs are ordered in two ways by writers of Iceberg.
        _ => return None,
    })
}

/// The rows of a file that count, given how many of its positions do.
pub(crate) fn counted(statistics: &Arc<Statistics>, positions: usize, keep: bool) -> Precision<usize> {
    match statistics.num_rows {
        Precision::Exact(rows) => Precision::Exact(if keep { positions } else { rows.saturating_sub(positions) }),
        other => other,
    }
}
