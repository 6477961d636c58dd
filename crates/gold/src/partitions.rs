//! The values of partition columns: as rows of an answer, as a filter, as Iceberg's partitions.

use std::collections::BTreeMap;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, Result};
use datafusion::logical_expr::{Expr, in_list, lit};
use datafusion::scalar::ScalarValue;
use iceberg::arrow::arrow_primitive_to_literal;
use iceberg::spec::{Literal, Struct, StructType};

use crate::error::GoldError;

/// One partition: the values of the partition columns, in their order.
pub(crate) type Values = Vec<ScalarValue>;

/// The partitions in the rows of an answer, each once and in order, as values of `types`.
pub(crate) fn of_rows(batches: &[RecordBatch], types: &[DataType]) -> Result<Vec<Values>> {
    let mut found: Vec<Values> = Vec::new();
    for batch in batches {
        let columns: Vec<ArrayRef> =
            batch.columns().iter().zip(types).map(|(column, to)| Ok(cast(column, to)?)).collect::<Result<_>>()?;
        for row in 0..batch.num_rows() {
            found.push(columns.iter().map(|column| ScalarValue::try_from_array(column, row)).collect::<Result<_>>()?);
        }
    }
    let ordered = |left: &Values, right: &Values| {
        left.partial_cmp(right).unwrap_or_else(|| format!("{left:?}").cmp(&format!("{right:?}")))
    };
    found.sort_by(ordered);
    found.dedup();
    Ok(found)
}

/// Holds for the rows of these partitions and no others.
pub(crate) fn filter(columns: &[Column], partitions: &[Values]) -> Expr {
    let Some((last, first)) = columns.split_last() else { return lit(true) };
    // Partitions that differ in the last column alone become one list.
    let mut groups: BTreeMap<String, (&[ScalarValue], Vec<&ScalarValue>)> = BTreeMap::new();
    for values in partitions {
        if let Some((value, others)) = values.split_last() {
            groups.entry(format!("{others:?}")).or_insert((others, Vec::new())).1.push(value);
        }
    }
    let any = groups.into_values().map(|(others, values)| {
        let mut all = one_of(last, &values);
        for (column, value) in first.iter().zip(others).rev() {
            all = one_of(column, &[value]).and(all);
        }
        all
    });
    any.reduce(Expr::or).unwrap_or_else(|| lit(false))
}

fn one_of(column: &Column, values: &[&ScalarValue]) -> Expr {
    let (nulls, some): (Vec<&ScalarValue>, Vec<&ScalarValue>) = values.iter().partition(|value| value.is_null());
    let of = || Expr::Column(column.clone());
    let listed = match some.as_slice() {
        [] => None,
        [only] => Some(of().eq(lit((*only).clone()))),
        many => Some(in_list(of(), many.iter().map(|value| lit((*value).clone())).collect(), false)),
    };
    let null = (!nulls.is_empty()).then(|| of().is_null());
    match (listed, null) {
        (Some(listed), Some(null)) => listed.or(null),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => lit(false),
    }
}

/// The same partition as Iceberg keeps it.
pub(crate) fn to_struct(values: &Values, described: &StructType) -> std::result::Result<Struct, GoldError> {
    let defect = |error: String| GoldError::Defect(format!("a partition value cannot be kept: {error}"));
    let mut literals: Vec<Option<Literal>> = Vec::new();
    for (value, field) in values.iter().zip(described.fields()) {
        let array = value.to_array().map_err(|error| defect(error.to_string()))?;
        let literal =
            arrow_primitive_to_literal(&array, &field.field_type).map_err(|error| defect(error.to_string()))?;
        literals.push(literal.into_iter().next().flatten());
    }
    Ok(Struct::from_iter(literals))
}

/// A partition as JSON, by column.
pub(crate) fn to_json(names: &[String], values: &Values) -> serde_json::Map<String, serde_json::Value> {
    let value = |value: &ScalarValue| match value {
        value if value.is_null() => serde_json::Value::Null,
        ScalarValue::Boolean(Some(value)) => (*value).into(),
        ScalarValue::Int32(Some(value)) => (*value).into(),
        ScalarValue::Int64(Some(value)) => (*value).into(),
        other => other.to_string().into(),
    };
    names.iter().zip(values).map(|(name, one)| (name.clone(), value(one))).collect()
}
