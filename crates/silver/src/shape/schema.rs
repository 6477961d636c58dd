//! The columns of a silver table.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{Field, SchemaRef};
use iceberg::spec::{NestedField, NestedFieldRef, PrimitiveType, Schema, Type};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;
use weir_model::contract::SilverKind;
use weir_model::{Column, ColumnType, Contract};

use super::columns;

/// What a column is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Part of the primary key.
    Key,
    /// A value of the contract.
    Value,
    /// What is followed, or what it was before.
    State,
    /// Silver's own.
    Own,
}

/// A column as the contract asks for it.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) field_type: Type,
    pub(super) required: bool,
    pub(super) doc: Option<String>,
    pub(super) role: Role,
    /// The names it may have in a table that was made by an earlier version of the contract.
    pub(super) earlier: Vec<String>,
}

impl Wanted {
    pub(super) fn field(&self, id: i32) -> NestedField {
        let field = NestedField::new(id, &self.name, self.field_type.clone(), self.required);
        match &self.doc {
            Some(doc) => field.with_doc(doc),
            None => field,
        }
    }
}

/// The columns that `contract` asks for, in the table's order.
pub(super) fn wanted(contract: &Contract) -> Vec<Wanted> {
    let kind = contract.silver.kind;
    let mut wanted: Vec<Wanted> = Vec::new();
    if kind == SilverKind::StateChanges {
        wanted.extend(contract.primary_key.iter().filter_map(|index| of_contract(contract, *index, Role::Key)));
        if let Some(state) = contract.silver.state_column.and_then(|index| of_contract(contract, index, Role::State)) {
            wanted.push(Wanted {
                name: columns::previous(&state.name),
                doc: Some(format!("What '{}' was before; null if it had no value or there was no row.", state.name)),
                earlier: state.earlier.iter().map(|name| columns::previous(name)).collect(),
                ..state.clone()
            });
            wanted.push(state);
        }
    } else {
        wanted.extend((0..contract.columns.len()).filter_map(|index| {
            let role = if contract.primary_key.contains(&index) { Role::Key } else { Role::Value };
            of_contract(contract, index, role)
        }));
    }
    wanted.extend(kind.added().iter().map(|name| added(name)));
    wanted
}

fn of_contract(contract: &Contract, index: usize, role: Role) -> Option<Wanted> {
    let Column { name, column_type, description, .. } = contract.columns.get(index)?;
    Some(Wanted {
        name: name.clone(),
        field_type: iceberg_type(column_type),
        // A deleted row that was never seen has its key alone.
        required: role == Role::Key,
        doc: description.clone(),
        role,
        earlier: contract.silver.earlier_names(index).to_vec(),
    })
}

fn added(name: &str) -> Wanted {
    let time = || Type::Primitive(PrimitiveType::Timestamptz);
    let text = || Type::Primitive(PrimitiveType::String);
    let (field_type, required, doc) = match name {
        columns::CREATED_AT => (time(), true, "The earliest time of all changes of the row."),
        columns::UPDATED_AT => (time(), true, "The time of the row's last change."),
        columns::DELETED_AT => (time(), false, "When the row was deleted; null while it is there."),
        columns::VALID_FROM => (time(), true, "From when on this version held."),
        columns::VALID_TO => (time(), false, "Until when this version held, exclusive; null for the last."),
        columns::CHANGED_AT => (time(), true, "When the value changed."),
        columns::OP => (text(), true, "What happened last: I, U, D or L (insert, update, delete, load)."),
        columns::SEQ => (text(), true, "The position of that change; texts compare as the changes rank."),
        columns::CARRIED => (
            text(),
            false,
            "Columns whose value is from an earlier change, with its position: a JSON object, '*' for all others.",
        ),
        _ => (text(), false, "Later changes that left the value as it was: a JSON list of position and time."),
    };
    Wanted {
        name: name.to_owned(),
        field_type,
        required,
        doc: Some(doc.to_owned()),
        role: Role::Own,
        earlier: Vec::new(),
    }
}

/// The schema of a new table.
pub(super) fn new(contract: &Contract) -> iceberg::Result<Schema> {
    let wanted = wanted(contract);
    let fields: Vec<NestedFieldRef> = (1..).zip(&wanted).map(|(id, column)| Arc::new(column.field(id))).collect();
    with_identifier(fields, &wanted)
}

/// The schema of `fields`, the first of which are `wanted`.
pub(super) fn with_identifier(fields: Vec<NestedFieldRef>, wanted: &[Wanted]) -> iceberg::Result<Schema> {
    let key_names: Vec<&str> =
        wanted.iter().filter(|column| column.role == Role::Key).map(|column| column.name.as_str()).collect();
    let keys = || fields.iter().filter(|field| key_names.contains(&field.name.as_str()));
    // A part of the key would not identify anything.
    let identifier: Vec<i32> = match keys().any(|field| field.field_type.is_floating_type()) {
        true => Vec::new(),
        false => keys().map(|field| field.id).collect(),
    };
    Schema::builder().with_identifier_field_ids(identifier).with_fields(fields).build()
}

/// The Iceberg type of a contract's column. JSON is its own text.
#[must_use]
pub fn iceberg_type(column_type: &ColumnType) -> Type {
    Type::Primitive(match column_type {
        ColumnType::String | ColumnType::Json => PrimitiveType::String,
        ColumnType::Int32 => PrimitiveType::Int,
        ColumnType::Int64 => PrimitiveType::Long,
        ColumnType::Float32 => PrimitiveType::Float,
        ColumnType::Float64 => PrimitiveType::Double,
        ColumnType::Decimal { precision, scale } => {
            PrimitiveType::Decimal { precision: u32::from(*precision), scale: u32::from(*scale) }
        }
        ColumnType::Boolean => PrimitiveType::Boolean,
        ColumnType::Date(_) => PrimitiveType::Date,
        ColumnType::Timestamp { zoned: true, .. } => PrimitiveType::Timestamptz,
        ColumnType::Timestamp { zoned: false, .. } => PrimitiveType::Timestamp,
        ColumnType::Binary => PrimitiveType::Binary,
    })
}

/// The Arrow schema by which rows of `schema` are written: Iceberg's own types, each field with its id
/// under `PARQUET:field_id` and nothing else, so that two schemas are equal if their rows are.
///
/// # Errors
/// Where Iceberg knows no Arrow type for a column.
pub fn arrow_schema(schema: &Schema) -> iceberg::Result<SchemaRef> {
    let arrow = iceberg::arrow::schema_to_arrow_schema(schema)?;
    let fields: Vec<Field> = arrow
        .fields()
        .iter()
        .map(|field| {
            let id = field.metadata().get(PARQUET_FIELD_ID_META_KEY).cloned();
            let metadata: HashMap<String, String> =
                id.map(|id| (PARQUET_FIELD_ID_META_KEY.to_owned(), id)).into_iter().collect();
            field.as_ref().clone().with_metadata(metadata)
        })
        .collect();
    Ok(Arc::new(arrow_schema::Schema::new(fields)))
}
