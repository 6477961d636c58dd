//! Which column of a file is which column of the table, and what turns the one into the other.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, SchemaRef, TimeUnit};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::parquet::arrow::PARQUET_FIELD_ID_META_KEY;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column, lit};
use datafusion::physical_expr_adapter::{PhysicalExprAdapter, PhysicalExprAdapterFactory};

/// The Iceberg field id of a column.
pub(crate) fn field_id(field: &Field) -> Option<i32> {
    field.metadata().get(PARQUET_FIELD_ID_META_KEY)?.parse().ok()
}

/// Finds columns by field id, as Iceberg asks. A file none of whose columns has an id was not written for an Iceberg
/// table but added to one later; the table's name mapping says what its columns are.
#[derive(Debug)]
pub(crate) struct ByFieldId {
    /// The table, for what is wrong.
    pub(crate) table: String,
    /// Field ids by the names of columns: the table's property `schema.name-mapping.default`.
    pub(crate) names: Option<HashMap<String, i32>>,
}

/// Finds columns by name.
#[derive(Debug)]
pub(crate) struct ByName;

impl PhysicalExprAdapterFactory for ByFieldId {
    fn create(&self, logical: SchemaRef, physical: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let mut places: HashMap<i32, usize> = HashMap::new();
        let has_ids = physical.fields().iter().any(|field| field_id(field).is_some());
        for (index, field) in physical.fields().iter().enumerate() {
            let id = match (&self.names, has_ids) {
                (_, true) => field_id(field),
                (Some(names), false) => names.get(field.name()).copied(),
                (None, false) => {
                    return exec_err!(
                        "a data file of {} has no field ids, and the table no property 'schema.name-mapping.default' that tells which \
                         of its columns is which; set that property with the engine that added the file",
                        self.table
                    );
                }
            };
            if let Some(id) = id {
                places.insert(id, index);
            }
        }
        let place = |field: &Field| field_id(field).and_then(|id| places.get(&id).copied());
        Ok(Arc::new(Columns::new(&logical, &physical, place)))
    }
}

impl PhysicalExprAdapterFactory for ByName {
    fn create(&self, logical: SchemaRef, physical: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        Ok(Arc::new(Columns::new(&logical, &physical, |field| physical.index_of(field.name()).ok())))
    }
}

/// The columns of one file, as expressions over it.
struct Columns {
    by_name: HashMap<String, Result<Arc<dyn PhysicalExpr>, String>>,
}

impl fmt::Debug for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Columns").field("columns", &self.by_name.len()).finish()
    }
}

impl Columns {
    fn new(logical: &SchemaRef, physical: &SchemaRef, place: impl Fn(&Field) -> Option<usize>) -> Self {
        let column = |field: &Field| match place(field) {
            Some(index) => stored(field, physical.field(index), index),
            None => missing(field),
        };
        Columns { by_name: logical.fields().iter().map(|field| (field.name().clone(), column(field))).collect() }
    }
}

impl PhysicalExprAdapter for Columns {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        // From above, so that what a column becomes is not looked at again.
        expr.transform_down(|expr| {
            let Some(column) = expr.as_any().downcast_ref::<Column>() else { return Ok(Transformed::no(expr)) };
            match self.by_name.get(column.name()) {
                Some(Ok(stored)) => Ok(Transformed::new(
                    Arc::clone(stored),
                    true,
                    datafusion::common::tree_node::TreeNodeRecursion::Jump,
                )),
                Some(Err(reason)) => exec_err!("{reason}"),
                None => exec_err!("there is no column '{}' in the table", column.name()),
            }
        })
        .data()
    }
}

fn missing(field: &Field) -> Result<Arc<dyn PhysicalExpr>, String> {
    if !field.is_nullable() {
        return Err(format!("the required column '{}' is not in a data file of the table", field.name()));
    }
    ScalarValue::try_from(field.data_type()).map(lit).map_err(|error| error.to_string())
}

fn stored(field: &Field, physical: &Field, index: usize) -> Result<Arc<dyn PhysicalExpr>, String> {
    let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(physical.name(), index));
    let (from, to) = (physical.data_type(), field.data_type());
    if from == to {
        return Ok(column);
    }
    if !is_widening(from, to) {
        return Err(format!(
            "column '{}' is {from} in a data file, which cannot be read as the table's {to} without loss",
            field.name()
        ));
    }
    Ok(Arc::new(CastExpr::new(column, to.clone(), None)))
}

/// Whether every value of one type is a value of the other, in another representation at most.
pub(crate) fn is_widening(from: &DataType, to: &DataType) -> bool {
    use DataType::{
        Binary, BinaryView, Date32, Decimal128, Decimal256, FixedSizeBinary, Float32, Float64, Int8, Int16, Int32,
        Int64, LargeBinary, LargeList, LargeUtf8, List, Map, Struct, Timestamp, UInt8, UInt16, UInt32, Utf8, Utf8View,
    };
    let text = |data_type: &DataType| matches!(data_type, Utf8 | LargeUtf8 | Utf8View);
    let bytes = |data_type: &DataType| matches!(data_type, Binary | LargeBinary | BinaryView | FixedSizeBinary(_));
    match (from, to) {
        (from, to) if from == to => true,
        (Int8 | UInt8, Int16 | Int32 | Int64)
        | (Int16 | UInt16, Int32 | Int64)
        | (Int32 | UInt32, Int64)
        | (Int8 | Int16 | UInt8 | UInt16, Float32)
        | (Float32 | Int8 | Int16 | Int32 | UInt8 | UInt16 | UInt32, Float64) => true,
        (Decimal128(precision, scale) | Decimal256(precision, scale), Decimal128(wider, target)) => {
            scale == target && precision <= wider
        }
        // Iceberg says of a string only that it is UTF-8; a file may call the bytes binary.
        (from, to) if text(to) => text(from) || matches!(from, Binary | LargeBinary | BinaryView),
        (FixedSizeBinary(_), FixedSizeBinary(_)) => false,
        (from, to) if bytes(from) && bytes(to) => true,
        (Timestamp(unit, zone), Timestamp(to_unit, to_zone)) => {
            finer(*unit, *to_unit)
                && zone.is_some() == to_zone.is_some()
                && same_zone(zone.as_deref(), to_zone.as_deref())
        }
        (Date32, Timestamp(..)) => false,
        // Within nested columns only the representation may differ, and field ids tell that it does no more.
        (List(from) | LargeList(from), List(to) | LargeList(to)) => same_field(from, to),
        (Map(from, _), Map(to, _)) => same_field(from, to),
        (Struct(from), Struct(to)) => {
            from.len() == to.len()
                && from.iter().zip(to).all(|(from, to)| from.name() == to.name() && same_field(from, to))
        }
        _ => false,
    }
}

fn same_field(from: &Field, to: &Field) -> bool {
    let ids = (field_id(from), field_id(to));
    let same_id = match ids {
        (Some(from), Some(to)) => from == to,
        _ => true,
    };
    same_id && is_widening(from.data_type(), to.data_type())
}

fn finer(from: TimeUnit, to: TimeUnit) -> bool {
    let digits = |unit| match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    };
    digits(from) <= digits(to)
}

/// Zones say how an instant is shown; the instant is the same. Only the ways to write UTC are taken as one.
fn same_zone(from: Option<&str>, to: Option<&str>) -> bool {
    let utc = |zone: &str| matches!(zone, "UTC" | "+00:00" | "Z" | "Etc/UTC");
    match (from, to) {
        (Some(from), Some(to)) => from == to || (utc(from) && utc(to)),
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_loses_nothing_is_a_widening() {
        let zoned = |zone: &str| DataType::Timestamp(TimeUnit::Microsecond, Some(zone.into()));
        for (from, to) in [
            (DataType::Int32, DataType::Int64),
            (DataType::Float32, DataType::Float64),
            (DataType::Decimal128(9, 2), DataType::Decimal128(18, 2)),
            (DataType::Utf8, DataType::Utf8View),
            (DataType::Binary, DataType::LargeBinary),
            (zoned("UTC"), zoned("+00:00")),
            (DataType::Timestamp(TimeUnit::Millisecond, None), DataType::Timestamp(TimeUnit::Microsecond, None)),
        ] {
            assert!(is_widening(&from, &to), "{from} {to}");
            assert!(is_widening(&from, &from), "{from}");
        }
        for (from, to) in [
            (DataType::Int64, DataType::Int32),
            (DataType::Int64, DataType::Float64),
            (DataType::Float64, DataType::Float32),
            (DataType::Decimal128(18, 2), DataType::Decimal128(9, 2)),
            (DataType::Decimal128(9, 2), DataType::Decimal128(18, 3)),
            (DataType::Utf8, DataType::Int64),
            (DataType::Utf8View, DataType::Binary),
            (DataType::Timestamp(TimeUnit::Nanosecond, None), DataType::Timestamp(TimeUnit::Microsecond, None)),
            (DataType::Timestamp(TimeUnit::Microsecond, None), zoned("UTC")),
            (zoned("Europe/Berlin"), zoned("UTC")),
        ] {
            assert!(!is_widening(&from, &to), "{from} {to}");
        }
    }
}
