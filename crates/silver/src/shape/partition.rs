//! Partitions and order of a silver table.

use iceberg::spec::{
    NullOrder, PartitionSpec, Schema, SortDirection, SortField, SortOrder, Transform, UnboundPartitionSpec,
};
use weir_model::Contract;
use weir_model::contract::silver;

use super::error::ShapeError;

/// One level of the partitions: the field it is made from, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) source: i32,
    pub(super) transform: Transform,
}

/// The partitions that `contract` asks for, in terms of `schema`.
pub(super) fn fields(contract: &Contract, schema: &Schema) -> Result<Vec<Level>, ShapeError> {
    let wanted = contract.silver.partition_by.iter();
    wanted
        .map(|field| {
            let transform = match field.transform {
                silver::Transform::Identity => Transform::Identity,
                silver::Transform::Year => Transform::Year,
                silver::Transform::Month => Transform::Month,
                silver::Transform::Day => Transform::Day,
                silver::Transform::Hour => Transform::Hour,
                silver::Transform::Bucket(number) => Transform::Bucket(number),
                silver::Transform::Truncate(number) => Transform::Truncate(number),
            };
            Ok(Level { source: source(contract, schema, &field.column)?, transform })
        })
        .collect()
}

/// The partitions that a table has; what was taken out of a table of format 1 is no level.
pub(super) fn stored(spec: &PartitionSpec) -> Vec<Level> {
    let fields = spec.fields().iter().filter(|field| field.transform != Transform::Void);
    fields.map(|field| Level { source: field.source_id, transform: field.transform }).collect()
}

/// `levels` as a spec, with names as Spark and PyIceberg give them where manifests allow them.
pub(super) fn spec(levels: &[Level], schema: &Schema) -> iceberg::Result<UnboundPartitionSpec> {
    let mut taken: Vec<String> = Vec::new();
    let mut builder = UnboundPartitionSpec::builder();
    for level in levels {
        let column = schema.name_by_field_id(level.source).unwrap_or_default();
        let word = match level.transform {
            Transform::Bucket(_) => "bucket".to_owned(),
            Transform::Truncate(_) => "trunc".to_owned(),
            other => other.to_string(),
        };
        let wanted = match level.transform {
            Transform::Identity => plain(column),
            _ => plain(&format!("{column}_{word}")),
        };
        let name = match level.transform {
            Transform::Identity if wanted == column => wanted,
            // The name may be that of a column, or of another width of the same column.
            _ => free(&wanted, |name| {
                taken.iter().any(|other| other == name) || schema.field_by_name_case_insensitive(name).is_some()
            }),
        };
        builder = builder.add_partition_field(level.source, &name, level.transform)?;
        taken.push(name);
    }
    Ok(builder.build())
}

/// The name with what manifests cannot hold replaced: they are Avro, whose names are ASCII letters,
/// digits and underscores, with no digit in front
/// (<https://avro.apache.org/docs/1.12.0/specification/#names>).
fn plain(name: &str) -> String {
    let mut plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if plain.starts_with(|c: char| c.is_ascii_digit()) {
        plain.insert(0, '_');
    }
    plain
}

fn free(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(name) {
        return name.to_owned();
    }
    let mut number = 2_u32;
    loop {
        let numbered = format!("{name}_{number}");
        if !is_taken(&numbered) {
            return numbered;
        }
        number = number.wrapping_add(1);
    }
}

/// `levels` as a person would write them.
pub(super) fn text(levels: &[Level], schema: &Schema) -> String {
    let levels: Vec<String> = levels
        .iter()
        .map(|level| {
            let column = schema.name_by_field_id(level.source).unwrap_or("a column that is gone");
            match level.transform {
                Transform::Identity => column.to_owned(),
                Transform::Bucket(number) => format!("bucket({number}, {column})"),
                Transform::Truncate(number) => format!("truncate({number}, {column})"),
                other => format!("{other}({column})"),
            }
        })
        .collect();
    levels.join(", ")
}

/// The order that `contract` asks for, in terms of `schema`; nulls stand where Spark puts them.
pub(super) fn sort(contract: &Contract, schema: &Schema) -> Result<SortOrder, ShapeError> {
    let mut builder = SortOrder::builder();
    for field in &contract.silver.sort_by {
        let (direction, null_order) = match field.descending {
            true => (SortDirection::Descending, NullOrder::Last),
            false => (SortDirection::Ascending, NullOrder::First),
        };
        let source_id = source(contract, schema, &field.column)?;
        builder.with_sort_field(SortField { source_id, transform: Transform::Identity, direction, null_order });
    }
    builder.build(schema).map_err(|error| ShapeError::iceberg(contract, error))
}

fn source(contract: &Contract, schema: &Schema, column: &str) -> Result<i32, ShapeError> {
    schema
        .field_id_by_name(column)
        .ok_or_else(|| ShapeError::Missing { table: contract.table.clone(), column: column.to_owned() })
}
