//! The columns of the table that a query's result is kept in.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::logical_expr::LogicalPlan;
use weir_model::{Problem, Problems};

use crate::models::Model;

/// How Iceberg's Arrow types write the time zone.
const UTC: &str = "+00:00";
/// The most digits of a decimal in Iceberg.
const MAX_PRECISION: u8 = 38;

/// The columns of the model's table: those of the plan's result in the types that Iceberg has for them. Each may be
/// null, since a query does not say for sure which may not.
///
/// # Errors
/// Where a column has no such type, or two have one name.
pub fn output_schema(model: &Model, plan: &LogicalPlan) -> Result<SchemaRef, Problems> {
    let mut problems: Vec<Problem> = Vec::new();
    let mut fields: Vec<Field> = Vec::new();
    let mut problem = |message: String, help: String| {
        problems.push(model.body.problem(&model.file, "", message, Some(help)));
    };
    for field in plan.schema().fields() {
        let name = field.name();
        let data_type = match stored(field.data_type()) {
            Some(data_type) => data_type,
            None if field.data_type().is_null() => {
                let help = "give it one, as in CAST(NULL AS INT)".to_owned();
                problem(format!("the column '{name}' is always null and has no type"), help);
                continue;
            }
            None => {
                let help = "select a number, a text, a boolean, a date, a time or a binary".to_owned();
                problem(format!("the column '{name}' is {}, which no table of Weir holds", field.data_type()), help);
                continue;
            }
        };
        // Engines that fold names could not tell them apart.
        if let Some(other) = fields.iter().find(|other| other.name().eq_ignore_ascii_case(name)) {
            let message = if other.name() == name {
                format!("two columns of the result are called '{name}'")
            } else {
                format!("'{}' and '{name}' differ in case only", other.name())
            };
            problem(message, "give one another name with AS, or leave it out".to_owned());
            continue;
        }
        fields.push(Field::new(name, data_type, true));
    }
    if problems.is_empty() { Ok(Arc::new(Schema::new(fields))) } else { Err(Problems(problems)) }
}

/// The type that holds every value of `data_type` and that Iceberg has. Of nanoseconds it keeps microseconds.
fn stored(data_type: &DataType) -> Option<DataType> {
    Some(match data_type {
        DataType::Boolean => DataType::Boolean,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => DataType::Int32,
        // Beyond the range of signed numbers a cast fails and says so.
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Float16 | DataType::Float32 => DataType::Float32,
        DataType::Float64 => DataType::Float64,
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale)
            if *precision <= MAX_PRECISION && *scale >= 0 =>
        {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Dictionary(_, value) => stored(value)?,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => DataType::LargeBinary,
        DataType::FixedSizeBinary(width) => DataType::FixedSizeBinary(*width),
        DataType::Date32 => DataType::Date32,
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Microsecond),
        DataType::Date64 | DataType::Timestamp(_, None) => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(_, Some(_)) => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        _ => return None,
    })
}
