//! The Iceberg table that a model becomes: columns, partitions, order.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use iceberg::TableCreation;
use iceberg::TableUpdate;
use iceberg::spec::{
    FormatVersion, NestedField, NullOrder, PrimitiveType, Schema, SortDirection, SortField, SortOrder, TableMetadata,
    TableMetadataBuilder, Transform, Type, UnboundPartitionField, UnboundPartitionSpec,
};
use iceberg_commit::{NewTable, Table, Warehouse};
use weir_ports::catalog::TableName;

use crate::error::GoldError;
use crate::models::Model;

/// Field ids of partition columns begin here (Iceberg's specification, "Partition evolution").
const FIRST_PARTITION_FIELD: i32 = 1000;

fn defect(error: impl std::fmt::Display) -> GoldError {
    GoldError::Defect(format!("a model's table cannot be described: {error}"))
}

/// The type under which Iceberg keeps a column; those of a model's output have one.
fn primitive(data_type: &DataType) -> Result<PrimitiveType, GoldError> {
    Ok(match data_type {
        DataType::Boolean => PrimitiveType::Boolean,
        DataType::Int32 => PrimitiveType::Int,
        DataType::Int64 => PrimitiveType::Long,
        DataType::Float32 => PrimitiveType::Float,
        DataType::Float64 => PrimitiveType::Double,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => PrimitiveType::String,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => PrimitiveType::Binary,
        DataType::Date32 => PrimitiveType::Date,
        DataType::Time64(TimeUnit::Microsecond) => PrimitiveType::Time,
        DataType::Timestamp(TimeUnit::Microsecond, None) => PrimitiveType::Timestamp,
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => PrimitiveType::Timestamptz,
        DataType::Decimal128(precision, scale) => {
            PrimitiveType::Decimal { precision: u32::from(*precision), scale: u32::try_from(*scale).map_err(defect)? }
        }
        other => return Err(defect(format!("type {other}"))),
    })
}

/// The columns with the field ids of `existing` where a column is what it was, and new ones for all others.
fn schema(columns: &SchemaRef, existing: Option<&TableMetadata>) -> Result<Schema, GoldError> {
    let mut next = existing.map_or(0, TableMetadata::last_column_id);
    let mut fields = Vec::with_capacity(columns.fields().len());
    for column in columns.fields() {
        let kind = Type::Primitive(primitive(column.data_type())?);
        let stored = existing.and_then(|metadata| metadata.current_schema().field_by_name(column.name()));
        let id = match stored {
            Some(stored) if *stored.field_type == kind => stored.id,
            _ => {
                next += 1;
                next
            }
        };
        fields.push(Arc::new(NestedField::optional(id, column.name(), kind)));
    }
    Schema::builder().with_fields(fields).build().map_err(defect)
}

fn field_id(schema: &Schema, column: &str) -> Result<i32, GoldError> {
    schema.field_id_by_name(column).ok_or_else(|| defect(format!("there is no column '{column}'")))
}

fn partition_spec(model: &Model, schema: &Schema) -> Result<UnboundPartitionSpec, GoldError> {
    let mut builder = UnboundPartitionSpec::builder();
    for column in model.header.partition_columns() {
        let source = field_id(schema, column)?;
        builder = builder.add_partition_field(source, column, Transform::Identity).map_err(defect)?;
    }
    Ok(builder.build())
}

fn sort_order(model: &Model, schema: &Schema) -> Result<SortOrder, GoldError> {
    if model.header.sort_by.is_empty() {
        return Ok(SortOrder::unsorted_order());
    }
    let fields = model.header.sort_by.iter().map(|by| {
        Ok(SortField {
            source_id: field_id(schema, &by.column)?,
            transform: Transform::Identity,
            direction: if by.descending { SortDirection::Descending } else { SortDirection::Ascending },
            null_order: if by.descending { NullOrder::Last } else { NullOrder::First },
        })
    });
    let fields: Vec<SortField> = fields.collect::<Result<_, GoldError>>()?;
    SortOrder::builder().with_order_id(1).with_fields(fields).build(schema).map_err(defect)
}

/// What the table of a model that was never built is created with.
pub(crate) fn new_table(
    model: &Model,
    columns: &SchemaRef,
    properties: BTreeMap<String, String>,
) -> Result<NewTable, GoldError> {
    let schema = schema(columns, None)?;
    let partition_spec = partition_spec(model, &schema)?;
    let sort_order = sort_order(model, &schema)?;
    Ok(NewTable { schema, partition_spec, sort_order, properties: properties.into_iter().collect() })
}

/// The table as it will be once it is created. Readers do not see it: rows are written and tested first.
pub(crate) fn provisional(warehouse: &Warehouse, name: &TableName, new: NewTable) -> Result<Table, GoldError> {
    let creation = TableCreation::builder()
        .name(name.name.clone())
        .location(format!("{}/{}/{}", warehouse.uri(), name.namespace, name.name))
        .schema(new.schema)
        .partition_spec(new.partition_spec)
        .sort_order(new.sort_order)
        .properties(new.properties)
        .format_version(FormatVersion::V2)
        .build();
    let built = TableMetadataBuilder::from_table_creation(creation).and_then(TableMetadataBuilder::build);
    let metadata = built.map_err(defect)?.metadata;
    Ok(Table { name: name.clone(), metadata: Arc::new(metadata), metadata_location: String::new() })
}

/// What has to change in the table for all of it to be written anew; empty where its shape is right.
pub(crate) fn updates(model: &Model, columns: &SchemaRef, table: &Table) -> Result<Vec<TableUpdate>, GoldError> {
    let metadata = &table.metadata;
    let next = schema(columns, Some(metadata))?;
    let mut updates = Vec::new();
    if metadata.current_schema().as_struct() != next.as_struct() {
        updates.push(TableUpdate::AddSchema { schema: next.clone() });
        updates.push(TableUpdate::SetCurrentSchema { schema_id: TableMetadataBuilder::LAST_ADDED });
    }
    let wanted = partition_spec(model, &next)?;
    let is_same = |wanted: &UnboundPartitionSpec| {
        let stored = metadata.default_partition_spec().fields().iter();
        let fields = |field: &UnboundPartitionField| (field.source_id, field.name.clone(), field.transform);
        stored
            .map(|field| (field.source_id, field.name.clone(), field.transform))
            .eq(wanted.fields().iter().map(fields))
    };
    if !is_same(&wanted) {
        updates.push(TableUpdate::AddSpec { spec: with_ids(&wanted, metadata)? });
        updates.push(TableUpdate::SetDefaultSpec { spec_id: TableMetadataBuilder::LAST_ADDED });
    }
    let sort = sort_order(model, &next)?;
    if metadata.default_sort_order().fields != sort.fields {
        updates.push(TableUpdate::AddSortOrder { sort_order: sort });
        let sort_order_id = i64::from(TableMetadataBuilder::LAST_ADDED);
        updates.push(TableUpdate::SetDefaultSortOrder { sort_order_id });
    }
    Ok(updates)
}

/// A partition column of an earlier spec keeps its id, others get new ones.
fn with_ids(wanted: &UnboundPartitionSpec, metadata: &TableMetadata) -> Result<UnboundPartitionSpec, GoldError> {
    let mut known: HashMap<(i32, Transform), i32> = HashMap::new();
    for spec in metadata.partition_specs_iter() {
        known.extend(spec.fields().iter().map(|field| ((field.source_id, field.transform), field.field_id)));
    }
    let mut next = metadata.last_partition_id().max(FIRST_PARTITION_FIELD - 1);
    let fields: Vec<UnboundPartitionField> = wanted
        .fields()
        .iter()
        .map(|field| {
            let id = known.get(&(field.source_id, field.transform)).copied().unwrap_or_else(|| {
                next += 1;
                next
            });
            UnboundPartitionField { field_id: Some(id), ..field.clone() }
        })
        .collect();
    Ok(UnboundPartitionSpec::builder().add_partition_fields(fields).map_err(defect)?.build())
}
