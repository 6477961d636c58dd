use iceberg::spec::{PrimitiveType, Transform, Type};
use weir_model::ColumnType;
use weir_model::contract::TimeText;

use super::*;

/// Columns as `name type`, a `*` before those of the key.
fn contract(settings: &[(&str, &str)], columns: &[&str]) -> Contract {
    let mut text = String::from(
        "apiVersion: v3.1.0\nkind: DataContract\nid: t\nversion: 1.2.3\nstatus: active\nschema:\n  - name: t\n    \
         logicalType: object\n",
    );
    if !settings.is_empty() {
        text.push_str("    customProperties:\n");
    }
    for (name, value) in settings {
        text.push_str(&format!("      - property: weir.silver.{name}\n        value: {value}\n"));
    }
    text.push_str("    properties:\n");
    for column in columns {
        let (name, types) = column.split_once(' ').unwrap();
        let (name, key) = name.strip_prefix('*').map_or((name, false), |name| (name, true));
        let (logical, physical) = types.split_once('/').unwrap_or((types, ""));
        text.push_str(&format!("      - name: {name}\n        logicalType: {logical}\n        primaryKey: {key}\n"));
        if !physical.is_empty() {
            text.push_str(&format!("        physicalType: {physical}\n"));
        }
        text.push_str(&format!("        description: The {name}.\n"));
    }
    Contract::parse("c.yaml", &text).unwrap()
}

fn names(shape: &Shape) -> Vec<String> {
    shape
        .schema
        .as_struct()
        .fields()
        .iter()
        .map(|f| format!("{}{}", f.name, if f.required { "!" } else { "" }))
        .collect()
}

#[test]
fn every_type_of_a_contract_comes_back_from_iceberg_and_arrow() {
    let iso = || TimeText::Iso;
    for (column_type, expected) in [
        (ColumnType::String, PrimitiveType::String),
        (ColumnType::Json, PrimitiveType::String),
        (ColumnType::Int32, PrimitiveType::Int),
        (ColumnType::Int64, PrimitiveType::Long),
        (ColumnType::Float32, PrimitiveType::Float),
        (ColumnType::Float64, PrimitiveType::Double),
        (ColumnType::Decimal { precision: 1, scale: 0 }, PrimitiveType::Decimal { precision: 1, scale: 0 }),
        (ColumnType::Decimal { precision: 38, scale: 38 }, PrimitiveType::Decimal { precision: 38, scale: 38 }),
        (ColumnType::Boolean, PrimitiveType::Boolean),
        (ColumnType::Date(iso()), PrimitiveType::Date),
        (ColumnType::Timestamp { zoned: true, text: iso() }, PrimitiveType::Timestamptz),
        (ColumnType::Timestamp { zoned: false, text: iso() }, PrimitiveType::Timestamp),
        (ColumnType::Binary, PrimitiveType::Binary),
    ] {
        let iceberg_type = iceberg_type(&column_type);
        assert_eq!(iceberg_type, Type::Primitive(expected), "{column_type}");
        let arrow = iceberg::arrow::type_to_arrow_type(&iceberg_type).unwrap();
        assert_eq!(iceberg::arrow::arrow_type_to_type(&arrow).unwrap(), iceberg_type, "{column_type}");
    }
}

#[test]
fn a_snapshot_has_the_contracts_columns_and_where_they_come_from() {
    let shape = Shape::of(&contract(&[], &["a string", "*id integer", "*part string", "b number"])).unwrap();
    let expected = ["a", "id!", "part!", "b", "created_at!", "updated_at!", "deleted_at", "_op!", "_seq!", "_carried"];
    assert_eq!(names(&shape), expected);
    let mut key: Vec<i32> = shape.schema.identifier_field_ids().collect();
    key.sort_unstable();
    assert_eq!(key, [2, 3]);
    assert_eq!(shape.schema.field_by_name("a").unwrap().doc.as_deref(), Some("The a."));
    assert!(shape.schema.as_struct().fields().iter().all(|field| field.doc.is_some()));
    let order: Vec<i32> = shape.sort.fields.iter().map(|field| field.source_id).collect();
    assert_eq!(order, [2, 3]);
    assert!(shape.partition.fields().is_empty());
}

#[test]
fn a_history_has_the_time_for_which_a_version_held() {
    let shape = Shape::of(&contract(&[("kind", "history")], &["*id integer", "a string"])).unwrap();
    assert_eq!(names(&shape), ["id!", "a", "valid_from!", "valid_to", "deleted_at", "_op!", "_seq!", "_carried"]);
}

#[test]
fn state_changes_have_the_key_and_the_state_before_and_after() {
    let settings = [("kind", "state_changes"), ("stateColumn", "s"), ("partitionBy", "[day(changed_at)]")];
    let shape = Shape::of(&contract(&settings, &["s number/decimal(9,2)", "x string", "*id integer"])).unwrap();
    assert_eq!(names(&shape), ["id!", "previous_s", "s", "changed_at!", "_op!", "_seq!", "_repeats"]);
    let type_of = |name: &str| shape.schema.field_by_name(name).unwrap().field_type.clone();
    assert_eq!(type_of("previous_s"), type_of("s"));
    assert_eq!(shape.partition.fields()[0].source_id, 4);
    assert_eq!(shape.partition.fields()[0].name, "changed_at_day");
}

#[test]
fn a_contract_without_silver_has_no_shape() {
    let error = Shape::of(&contract(&[], &["a string"])).unwrap_err();
    assert!(matches!(error, ShapeError::NoSilver { .. }), "{error}");
}

#[test]
fn a_float_key_is_required_and_no_identifier() {
    let shape = Shape::of(&contract(&[], &["*a number", "*b string"])).unwrap();
    assert_eq!(shape.schema.identifier_field_ids().len(), 0);
    assert!(shape.schema.field_by_name("a").unwrap().required);
}

#[test]
fn partition_names_stay_clear_of_columns_and_of_each_other() {
    let partition = "['month(at)', 'truncate(2, id)', 'truncate(4, id)', 'bucket(4, id)', c]";
    let columns = ["*id string", "at timestamp", "AT_month string", "c boolean"];
    let shape = Shape::of(&contract(&[("partitionBy", partition)], &columns)).unwrap();
    let fields: Vec<(&str, Transform)> =
        shape.partition.fields().iter().map(|field| (field.name.as_str(), field.transform)).collect();
    let expected = [
        ("at_month_2", Transform::Month),
        ("id_trunc", Transform::Truncate(2)),
        ("id_trunc_2", Transform::Truncate(4)),
        ("id_bucket", Transform::Bucket(4)),
        ("c", Transform::Identity),
    ];
    assert_eq!(fields, expected);
}

#[test]
fn the_arrow_schema_tells_each_field_its_id() {
    let columns = ["*id integer/int", "at timestamp/timestamptz", "raw string/binary", "doc object/json", "day date"];
    let shape = Shape::of(&contract(&[], &columns)).unwrap();
    let back = iceberg::arrow::arrow_schema_to_schema(&shape.arrow).unwrap();
    for (field, other) in shape.schema.as_struct().fields().iter().zip(back.as_struct().fields()) {
        let told = |field: &iceberg::spec::NestedField| {
            (field.id, field.name.clone(), field.required, field.field_type.clone())
        };
        assert_eq!(told(field), told(other));
    }
    assert!(shape.arrow.fields().iter().all(|field| field.metadata().len() == 1));
}

#[test]
fn a_new_table_tells_what_it_was_made_from() {
    let contract = contract(&[("targetFileSize", "2MiB")], &["*id integer"]);
    let shape = Shape::of(&contract).unwrap();
    let property = |name: &str| shape.properties().get(name).map(String::as_str);
    assert_eq!(property(properties::KIND), Some("snapshot"));
    assert_eq!(property(properties::CONTRACT_VERSION), Some("1.2.3"));
    assert_eq!(property(properties::CONTRACT_DIGEST), Some(contract.digest.as_str()));
    assert_eq!(property("write.target-file-size-bytes"), Some("2097152"));
    assert_eq!(property("write.delete.mode"), Some("merge-on-read"));
    assert_eq!(property("write.parquet.compression-codec"), Some("zstd"));
    assert_eq!(property("format-version"), None);
}
