//! What has to change in a table that is there.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use iceberg::TableUpdate;
use iceberg::spec::{
    NestedField, NestedFieldRef, PrimitiveType, Schema, TableMetadata, TableMetadataBuilder, Transform, Type,
};
use weir_model::Contract;
use weir_model::contract::SilverKind;

use super::error::ShapeError;
use super::partition::{self, Level};
use super::schema::{self, Role, Wanted};
use super::{contract_properties, kind, properties};

/// What has to change in a table that is there.
#[derive(Debug, Clone, Default)]
pub struct Evolution {
    /// The changes, in the order in which they are to be applied; empty: the table is as the contract
    /// says.
    pub updates: Vec<TableUpdate>,
    /// What a person should know about the changes; empty where there are none.
    pub notes: Vec<String>,
}

/// What has to change in the table with `existing` metadata to be as `contract` says.
///
/// Columns are matched by name, then by what `weir.renamedFrom` says. A column that the contract does not
/// have stays in the table, optional, so that nothing that was stored is lost.
///
/// # Errors
/// Where stored rows cannot follow the contract; the message says what to do.
pub fn evolve(existing: &TableMetadata, contract: &Contract) -> Result<Evolution, ShapeError> {
    let wanted_kind = kind(contract)?;
    check_kind(existing, contract, wanted_kind)?;
    let wanted = schema::wanted(contract);
    let current = existing.current_schema();
    let matches = matches(current, contract, &wanted)?;
    check_key(current, contract, wanted_kind, &wanted, &matches)?;

    let mut notes = Vec::new();
    let fields = fields(existing, contract, &wanted, &matches, &mut notes)?;
    let refused = |source| ShapeError::iceberg(contract, source);
    let next = schema::with_identifier(fields, &wanted).map_err(refused)?;

    let mut updates = Vec::new();
    if !is_same(current, &next) {
        updates.push(TableUpdate::AddSchema { schema: next.clone() });
        updates.push(TableUpdate::SetCurrentSchema { schema_id: TableMetadataBuilder::LAST_ADDED });
    }
    partitions(existing, contract, &next, &mut updates, &mut notes)?;
    let sort = partition::sort(contract, &next)?;
    if existing.default_sort_order().fields != sort.fields {
        notes.push("rows are sorted otherwise from now on; stored files keep their order".to_owned());
        let sort_order_id = i64::from(TableMetadataBuilder::LAST_ADDED);
        updates.push(TableUpdate::AddSortOrder { sort_order: sort });
        updates.push(TableUpdate::SetDefaultSortOrder { sort_order_id });
    }
    let changed: HashMap<String, String> = contract_properties(contract)
        .into_iter()
        .filter(|(name, value)| existing.properties().get(*name) != Some(value))
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    if !changed.is_empty() {
        updates.push(TableUpdate::SetProperties { updates: changed });
    }
    if updates.is_empty() {
        return Ok(Evolution::default());
    }
    try_out(existing, &updates).map_err(refused)?;
    Ok(Evolution { updates, notes })
}

fn check_kind(existing: &TableMetadata, contract: &Contract, wanted: SilverKind) -> Result<(), ShapeError> {
    match existing.properties().get(properties::KIND) {
        Some(stored) if stored != wanted.as_str() => {
            Err(ShapeError::Kind { table: contract.table.clone(), stored: stored.clone(), wanted })
        }
        _ => Ok(()),
    }
}

/// For each wanted column the stored one that it is.
fn matches<'a>(
    current: &'a Schema,
    contract: &Contract,
    wanted: &[Wanted],
) -> Result<Vec<Option<&'a NestedFieldRef>>, ShapeError> {
    let stored = current.as_struct().fields();
    let by_name: HashMap<&str, &NestedFieldRef> = stored.iter().map(|field| (field.name.as_str(), field)).collect();
    let lower: HashMap<String, &NestedFieldRef> =
        stored.iter().map(|field| (field.name.to_lowercase(), field)).collect();
    let exact: HashSet<i32> =
        wanted.iter().filter_map(|column| by_name.get(column.name.as_str())).map(|f| f.id).collect();
    // A stored column that a wanted one is by its own name is not to be had by another.
    let free = |field: &&NestedFieldRef| !exact.contains(&field.id);
    wanted
        .iter()
        .map(|column| {
            let own = by_name.get(column.name.as_str()).copied();
            // Readers compare names without regard to case, so such a column cannot stand beside it.
            let own = own.or_else(|| lower.get(&column.name.to_lowercase()).copied().filter(free));
            let mut earlier = column.earlier.iter().filter_map(|name| by_name.get(name.as_str()).copied().filter(free));
            match (own, earlier.next()) {
                (Some(own), Some(earlier)) if own.id != earlier.id => Err(ShapeError::BothNames {
                    table: contract.table.clone(),
                    column: own.name.clone(),
                    earlier: earlier.name.clone(),
                }),
                (own, earlier) => Ok(own.or(earlier)),
            }
        })
        .collect()
}

/// The key is what tells rows apart, so its columns stay what they are. The stored ones are known by being
/// required: of the contract's columns no other is.
fn check_key(
    current: &Schema,
    contract: &Contract,
    kind: SilverKind,
    wanted: &[Wanted],
    matches: &[Option<&NestedFieldRef>],
) -> Result<(), ShapeError> {
    let stored = current.as_struct().fields().iter();
    let stored: Vec<&NestedFieldRef> =
        stored.filter(|field| field.required && !kind.added().contains(&field.name.as_str())).collect();
    let keys = || wanted.iter().zip(matches).filter(|(column, _)| column.role == Role::Key);
    let same = keys().count() == stored.len()
        && keys().all(|(_, field)| field.is_some_and(|field| stored.iter().any(|other| other.id == field.id)));
    if same {
        return Ok(());
    }
    Err(ShapeError::Key {
        table: contract.table.clone(),
        stored: stored.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", "),
        wanted: keys().map(|(column, _)| column.name.as_str()).collect::<Vec<_>>().join(", "),
    })
}

/// The fields of the next schema: the contract's, those it no longer has, silver's own.
fn fields(
    existing: &TableMetadata,
    contract: &Contract,
    wanted: &[Wanted],
    matches: &[Option<&NestedFieldRef>],
    notes: &mut Vec<String>,
) -> Result<Vec<NestedFieldRef>, ShapeError> {
    let table = || contract.table.clone();
    let mut next_id = existing.last_column_id();
    let (mut fields, mut own) = (Vec::new(), Vec::new());
    for (column, stored) in wanted.iter().zip(matches) {
        let field = match stored {
            Some(stored) => kept(existing, contract, column, stored, notes)?,
            None if column.role == Role::State => {
                return Err(ShapeError::StateColumn { table: table(), wanted: column.name.clone() });
            }
            None if column.required => {
                return Err(ShapeError::Missing { table: table(), column: column.name.clone() });
            }
            None => {
                next_id += 1;
                notes.push(format!("column '{}' is new; rows that are stored have null there", column.name));
                column.field(next_id)
            }
        };
        let to = if column.role == Role::Own { &mut own } else { &mut fields };
        to.push(Arc::new(field));
    }
    let known: HashSet<i32> = matches.iter().flatten().map(|field| field.id).collect();
    for field in existing.current_schema().as_struct().fields().iter().filter(|field| !known.contains(&field.id)) {
        notes.push(format!(
            "column '{}' is not in the contract; it stays in the table, and new rows have null there",
            field.name
        ));
        fields.push(Arc::new(NestedField { required: false, ..field.as_ref().clone() }));
    }
    fields.extend(own);
    Ok(fields)
}

/// `stored` as `column` asks for it.
fn kept(
    existing: &TableMetadata,
    contract: &Contract,
    column: &Wanted,
    stored: &NestedFieldRef,
    notes: &mut Vec<String>,
) -> Result<NestedField, ShapeError> {
    if column.required && !stored.required {
        return Err(ShapeError::Missing { table: contract.table.clone(), column: column.name.clone() });
    }
    if *stored.field_type != column.field_type {
        if let Err(advice) = widens(existing, column, stored) {
            return Err(ShapeError::ColumnType {
                table: contract.table.clone(),
                column: column.name.clone(),
                stored: stored.field_type.to_string(),
                wanted: column.field_type.to_string(),
                advice,
            });
        }
        let (from, to) = (&stored.field_type, &column.field_type);
        notes.push(format!("column '{}' widens from {from} to {to}", column.name));
    }
    if stored.name != column.name {
        notes.push(format!("column '{}' is called '{}' now", stored.name, column.name));
    }
    Ok(NestedField {
        name: column.name.clone(),
        required: column.required,
        field_type: Box::new(column.field_type.clone()),
        doc: column.doc.clone().or_else(|| stored.doc.clone()),
        ..stored.as_ref().clone()
    })
}

/// Whether every stored value of `stored` is one of `column` too, wherever Iceberg keeps it.
fn widens(existing: &TableMetadata, column: &Wanted, stored: &NestedFieldRef) -> Result<(), &'static str> {
    use PrimitiveType as P;
    let wider = match (stored.field_type.as_ref(), &column.field_type) {
        (Type::Primitive(from), Type::Primitive(to)) => match (from, to) {
            (P::Int, P::Long) | (P::Float, P::Double) => true,
            (P::Decimal { precision: from, scale }, P::Decimal { precision: to, scale: same }) => {
                scale == same && from < to
            }
            _ => false,
        },
        _ => false,
    };
    if !wider {
        return Err("stored values cannot become that; give the column another name in the contract, \
                    or drop the silver table and merge its bronze again");
    }
    // The statistics and bloom filters by which rows are found hold the key in its narrower form.
    if column.role == Role::Key {
        return Err("the type of a key column does not change, because stored rows are found by it; \
                    drop the silver table and merge its bronze again");
    }
    let by_value = |transform: &Transform| matches!(transform, Transform::Identity | Transform::Truncate(_));
    let specs = existing.partition_specs_iter();
    if specs.flat_map(|spec| spec.fields()).any(|f| f.source_id == stored.id && by_value(&f.transform)) {
        return Err("the table is partitioned by its values, which are stored in the narrower type; \
                    drop the silver table and merge its bronze again");
    }
    Ok(())
}

/// Partitions change while the table has no rows. Afterwards they do not: a delete file belongs to the
/// partition of the data file that it is about, and is written under the table's default partitions.
fn partitions(
    existing: &TableMetadata,
    contract: &Contract,
    next: &Schema,
    updates: &mut Vec<TableUpdate>,
    notes: &mut Vec<String>,
) -> Result<(), ShapeError> {
    let wanted: Vec<Level> = partition::fields(contract, next)?;
    let stored = partition::stored(existing.default_partition_spec());
    if wanted == stored {
        return Ok(());
    }
    if existing.current_snapshot().is_some() {
        return Err(ShapeError::Partition {
            table: contract.table.clone(),
            stored: partition::text(&stored, next),
            wanted: partition::text(&wanted, next),
        });
    }
    let spec = partition::spec(&wanted, next).map_err(|source| ShapeError::iceberg(contract, source))?;
    notes.push(format!("the table is partitioned by ({}) now", partition::text(&wanted, next)));
    updates.push(TableUpdate::AddSpec { spec });
    updates.push(TableUpdate::SetDefaultSpec { spec_id: TableMetadataBuilder::LAST_ADDED });
    Ok(())
}

fn is_same(one: &Schema, other: &Schema) -> bool {
    let identifier = |schema: &Schema| schema.identifier_field_ids().collect::<HashSet<_>>();
    one.as_struct() == other.as_struct() && identifier(one) == identifier(other)
}

/// Has Iceberg's rules judge the changes before anybody commits them.
fn try_out(existing: &TableMetadata, updates: &[TableUpdate]) -> iceberg::Result<()> {
    let builder = existing.clone().into_builder(None);
    updates.iter().cloned().try_fold(builder, |builder, update| update.apply(builder))?.build().map(|_| ())
}
