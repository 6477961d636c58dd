//! A silver table follows its contract, or says why it cannot.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails a test")]

use std::collections::HashMap;
use std::fmt::Write;

use iceberg::spec::{
    FormatVersion, MAIN_BRANCH, Operation, Snapshot, SortDirection, Summary, TableMetadata, TableMetadataBuilder,
};
use proptest::prelude::*;
use proptest::sample::Index;
use weir_model::Contract;
use weir_silver::shape::{Shape, ShapeError, evolve};

/// What a contract may say of a column.
#[derive(Debug, Clone, Default)]
struct Column {
    name: String,
    /// Logical and physical type.
    types: (String, String),
    key: bool,
    doc: Option<String>,
    earlier: Vec<String>,
}

fn column(text: &str) -> Column {
    let (name, types) = text.split_once(' ').unwrap();
    let (logical, physical) = types.split_once('/').unwrap();
    let (name, key) = name.strip_prefix('*').map_or((name, false), |name| (name, true));
    let (name, earlier) = name.split_once('<').unwrap_or((name, ""));
    Column {
        name: name.to_owned(),
        types: (logical.to_owned(), physical.to_owned()),
        key,
        doc: None,
        earlier: earlier.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
    }
}

fn write(settings: &[(&str, &str)], columns: &[Column]) -> Contract {
    let mut text = String::from(
        "apiVersion: v3.1.0\nkind: DataContract\nid: t\nversion: 1.0.0\nstatus: active\nschema:\n  - name: t\n    \
         logicalType: object\n",
    );
    if !settings.is_empty() {
        text.push_str("    customProperties:\n");
    }
    for (name, value) in settings {
        writeln!(text, "      - {{property: weir.silver.{name}, value: {value}}}").unwrap();
    }
    text.push_str("    properties:\n");
    for Column { name, types: (logical, physical), key, doc, earlier } in columns {
        writeln!(text, "      - name: {name}\n        logicalType: {logical}\n        physicalType: {physical}")
            .unwrap();
        writeln!(text, "        primaryKey: {key}").unwrap();
        if let Some(doc) = doc {
            writeln!(text, "        description: {doc}").unwrap();
        }
        if !earlier.is_empty() {
            let names = earlier.join(", ");
            writeln!(text, "        customProperties: [{{property: weir.renamedFrom, value: [{names}]}}]").unwrap();
        }
    }
    Contract::parse("c.yaml", &text).unwrap()
}

/// Columns as `name logical/physical`, `*` before those of the key, `new<old` for a renamed one.
fn contract(settings: &[(&str, &str)], columns: &[&str]) -> Contract {
    write(settings, &columns.iter().map(|text| column(text)).collect::<Vec<_>>())
}

fn create(contract: &Contract) -> TableMetadata {
    let shape = Shape::of(contract).unwrap();
    let properties = shape.properties().clone();
    let location = "file:///lake/silver/t".to_owned();
    let version = FormatVersion::V2;
    let builder =
        TableMetadataBuilder::new(shape.schema, shape.partition, shape.sort, location, version, properties).unwrap();
    builder.build().unwrap().metadata
}

/// As a table is once it has been written to.
fn filled(metadata: TableMetadata) -> TableMetadata {
    let snapshot = Snapshot::builder()
        .with_snapshot_id(1)
        .with_sequence_number(metadata.next_sequence_number())
        .with_timestamp_ms(metadata.last_updated_ms())
        .with_manifest_list("file:///lake/silver/t/metadata/snap-1.avro")
        .with_schema_id(metadata.current_schema_id())
        .with_summary(Summary { operation: Operation::Append, additional_properties: HashMap::new() })
        .build();
    let builder = metadata.into_builder(None).set_branch_snapshot(snapshot, MAIN_BRANCH).unwrap();
    builder.build().unwrap().metadata
}

/// Evolves, reads the metadata back from its JSON, and holds that nothing is left to do.
fn evolved(metadata: &TableMetadata, contract: &Contract) -> (TableMetadata, Vec<String>) {
    let evolution = evolve(metadata, contract).unwrap();
    let builder = metadata.clone().into_builder(Some("file:///lake/silver/t/metadata/0.json".to_owned()));
    let builder = evolution.updates.into_iter().fold(builder, |builder, update| update.apply(builder).unwrap());
    let text = serde_json::to_vec(&builder.build().unwrap().metadata).unwrap();
    let metadata: TableMetadata = serde_json::from_slice(&text).unwrap();
    let again = evolve(&metadata, contract).unwrap();
    assert!(again.updates.is_empty() && again.notes.is_empty(), "{again:?}");
    (metadata, evolution.notes)
}

fn ids(metadata: &TableMetadata) -> Vec<(String, i32)> {
    metadata.current_schema().as_struct().fields().iter().map(|field| (field.name.clone(), field.id)).collect()
}

fn id(metadata: &TableMetadata, name: &str) -> i32 {
    metadata.current_schema().field_id_by_name(name).unwrap()
}

const OWN: [&str; 6] = ["created_at", "updated_at", "deleted_at", "_op", "_seq", "_carried"];

#[test]
fn a_table_that_is_as_its_contract_says_needs_no_change() {
    for settings in [
        vec![],
        vec![("kind", "history"), ("partitionBy", "[month(valid_from)]"), ("sortBy", "[b desc]")],
        vec![("kind", "state_changes"), ("stateColumn", "a")],
        vec![("partitionBy", "['bucket(4, id)', b]"), ("sortBy", "[]")],
    ] {
        let contract = contract(&settings, &["*id integer/bigint", "*k2 string/text", "a string/text", "b date/date"]);
        let evolution = evolve(&filled(create(&contract)), &contract).unwrap();
        assert!(evolution.updates.is_empty(), "{settings:?}: {evolution:?}");
    }
}

#[test]
fn a_new_column_stands_where_the_contract_has_it_and_has_an_id_of_its_own() {
    let before = filled(create(&contract(&[], &["*id integer/bigint", "a string/text"])));
    let (after, notes) = evolved(&before, &contract(&[], &["*id integer/bigint", "new date/date", "a string/text"]));
    let names: Vec<String> = ids(&after).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[..3], ["id", "new", "a"]);
    assert_eq!(names[3..], OWN);
    assert_eq!(id(&after, "new"), before.last_column_id() + 1);
    assert!(!after.current_schema().field_by_name("new").unwrap().required);
    assert_eq!(notes, ["column 'new' is new; rows that are stored have null there"]);
}

#[test]
fn a_renamed_column_keeps_its_id() {
    let before = filled(create(&contract(&[], &["*id integer/bigint", "a string/text"])));
    let (after, notes) = evolved(&before, &contract(&[], &["*key<nr,id integer/bigint", "A string/text"]));
    assert_eq!(id(&after, "key"), id(&before, "id"));
    // Nothing has to be said where the case alone changes.
    assert_eq!(id(&after, "A"), id(&before, "a"));
    assert_eq!(notes, ["column 'id' is called 'key' now", "column 'a' is called 'A' now"]);
    assert_eq!(after.current_schema().identifier_field_ids().collect::<Vec<_>>(), [id(&before, "id")]);
    // The same contract stands for tables that were never renamed.
    let fresh = create(&contract(&[], &["*key<nr,id integer/bigint", "A string/text"]));
    assert_eq!(id(&fresh, "key"), 1);
}

#[test]
fn a_renamed_state_column_takes_its_previous_value_along() {
    let settings = |state| [("kind", "state_changes"), ("stateColumn", state)];
    let before = filled(create(&contract(&settings("a"), &["*id integer/bigint", "a string/text"])));
    let (after, _) = evolved(&before, &contract(&settings("b"), &["*id integer/bigint", "b<a string/text"]));
    assert_eq!(id(&after, "b"), id(&before, "a"));
    assert_eq!(id(&after, "previous_b"), id(&before, "previous_a"));
}

#[test]
fn numbers_widen() {
    let before = ["*id integer/bigint", "i integer/int", "f number/real", "d number/decimal(5,2)", "p integer/int"];
    let after =
        ["*id integer/bigint", "i integer/bigint", "f number/double", "d number/decimal(7,2)", "p integer/bigint"];
    let partition = [("partitionBy", "['bucket(4, p)']")];
    let table = filled(create(&contract(&partition, &before)));
    let (table, notes) = evolved(&table, &contract(&partition, &after));
    let types: Vec<String> =
        table.current_schema().as_struct().fields()[1..5].iter().map(|field| field.field_type.to_string()).collect();
    assert_eq!(types, ["long", "double", "decimal(7, 2)", "long"]);
    assert_eq!(notes[2], "column 'd' widens from decimal(5, 2) to decimal(7, 2)");
}

#[test]
fn what_the_contract_drops_stays_and_can_come_back() {
    let full = ["*id integer/bigint", "a string/text", "b date/date"];
    let before = filled(create(&contract(&[], &full)));
    let (without, notes) = evolved(&before, &contract(&[], &["*id integer/bigint", "b date/date"]));
    let names: Vec<String> = ids(&without).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[..3], ["id", "b", "a"]);
    assert_eq!(notes, ["column 'a' is not in the contract; it stays in the table, and new rows have null there"]);
    let (back, _) = evolved(&without, &contract(&[], &full));
    assert_eq!(ids(&back), ids(&before));
}

#[test]
fn order_size_and_words_may_change_at_any_time() {
    let before = filled(create(&contract(&[], &["*id integer/bigint", "a string/text"])));
    let mut columns = vec![column("a string/text"), column("*id integer/bigint")];
    columns[0].doc = Some("Words.".to_owned());
    let settings = [("sortBy", "[a desc]"), ("targetFileSize", "1MiB")];
    let (after, _) = evolved(&before, &write(&settings, &columns));
    assert_eq!(after.current_schema().field_by_name("a").unwrap().doc.as_deref(), Some("Words."));
    assert_eq!(after.default_sort_order().fields[0].direction, SortDirection::Descending);
    assert_eq!(after.properties()["write.target-file-size-bytes"], "1048576");
    let (unsorted, _) = evolved(&after, &write(&[("sortBy", "[]")], &columns));
    assert!(unsorted.default_sort_order().is_unsorted());
}

#[test]
fn what_another_engine_set_stays() {
    let contract = contract(&[], &["*id integer/bigint"]);
    let theirs = HashMap::from([
        ("write.parquet.compression-codec".to_owned(), "snappy".to_owned()),
        ("theirs".to_owned(), "1".to_owned()),
    ]);
    let table = create(&contract).into_builder(None).set_properties(theirs).unwrap().build().unwrap().metadata;
    assert!(evolve(&table, &contract).unwrap().updates.is_empty());
}

#[test]
fn partitions_change_while_the_table_has_no_rows() {
    let columns = ["*id integer/bigint", "at timestamp/timestamp"];
    let plain = create(&contract(&[], &columns));
    let monthly = contract(&[("partitionBy", "['month(at)', 'bucket(8, id)']")], &columns);
    let (after, notes) = evolved(&plain, &monthly);
    let names: Vec<&str> = after.default_partition_spec().fields().iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["at_month", "id_bucket"]);
    assert_eq!(notes, ["the table is partitioned by (month(at), bucket(8, id)) now"]);
    let (back, _) = evolved(&after, &contract(&[], &columns));
    assert!(back.default_partition_spec().is_unpartitioned());

    let error = evolve(&filled(plain), &monthly).unwrap_err();
    assert!(matches!(error, ShapeError::Partition { .. }), "{error}");
    assert!(error.to_string().contains("by () and the contract says (month(at), bucket(8, id))"), "{error}");
}

/// Evolves from one contract to another; what it says.
fn refusal(before: (&[(&str, &str)], &[&str]), after: (&[(&str, &str)], &[&str])) -> String {
    let table = filled(create(&contract(before.0, before.1)));
    evolve(&table, &contract(after.0, after.1)).unwrap_err().to_string()
}

#[test]
fn a_change_that_stored_values_cannot_follow_is_refused() {
    let id = "*id integer/bigint";
    for (before, after) in [
        ("a integer/bigint", "a integer/int"),
        ("a number/double", "a number/real"),
        ("a number/decimal(7,2)", "a number/decimal(5,2)"),
        ("a number/decimal(7,2)", "a number/decimal(9,3)"),
        ("a string/text", "a integer/bigint"),
        ("a integer/int", "a string/text"),
        ("a integer/int", "a number/double"),
        ("a date/date", "a timestamp/timestamp"),
        ("a timestamp/timestamp", "a timestamp/timestamptz"),
        ("a string/text", "A boolean/boolean"),
        ("a string/text", "b<a boolean/boolean"),
    ] {
        let error = refusal((&[], &[id, before]), (&[], &[id, after]));
        assert!(error.contains("in the table") || error.contains("of silver table 't' is"), "{error}");
        assert!(error.contains("give the column another name"), "{before} -> {after}: {error}");
    }
}

#[test]
fn a_column_whose_stored_values_lead_to_its_rows_does_not_widen() {
    let error = refusal((&[], &["*id integer/int"]), (&[], &["*id integer/bigint"]));
    assert!(error.contains("stored rows are found by it"), "{error}");
    for partition in ["[p]", "['truncate(10, p)']"] {
        let settings: &[(&str, &str)] = &[("partitionBy", partition)];
        let error = refusal(
            (settings, &["*id integer/bigint", "p integer/int"]),
            (settings, &["*id integer/bigint", "p integer/bigint"]),
        );
        assert!(error.contains("partitioned by its values"), "{error}");
    }
}

#[test]
fn the_primary_key_does_not_change() {
    let before: &[&str] = &["*id integer/bigint", "*k string/text", "a string/text"];
    for after in [
        &["*id integer/bigint", "k string/text", "a string/text"][..],
        &["*id integer/bigint", "*k string/text", "*a string/text"],
        &["*id integer/bigint", "*a string/text"],
        &["*id integer/bigint", "*new string/text", "a string/text"],
    ] {
        let error = refusal((&[], before), (&[], after));
        assert!(error.starts_with("the primary key of silver table 't' is (id, k)"), "{error}");
        assert!(error.contains("drop the silver table and merge its bronze again"), "{error}");
    }
    // Its own order may.
    let table = filled(create(&contract(&[], before)));
    let (table, _) = evolved(&table, &contract(&[], &["*k string/text", "*id integer/bigint", "a string/text"]));
    assert_eq!(id(&table, "id"), 1);
}

#[test]
fn a_float_key_is_held_to_as_well() {
    let error = refusal((&[], &["*f number/double", "a string/text"]), (&[], &["f number/double", "*a string/text"]));
    assert!(error.starts_with("the primary key of silver table 't' is (f)"), "{error}");
}

#[test]
fn what_a_row_stands_for_does_not_change() {
    let columns: &[&str] = &["*id integer/bigint", "a string/text", "b string/text"];
    let error = refusal((&[], columns), (&[("kind", "history")], columns));
    assert!(error.contains("of kind 'snapshot' and the contract makes it 'history'"), "{error}");

    let state = |name| [("kind", "state_changes"), ("stateColumn", name)];
    let error = refusal((&state("a"), columns), (&state("b"), columns));
    assert!(error.contains("does not follow the state column 'previous_b'"), "{error}");

    let table = create(&contract(&[], columns));
    let error = evolve(&table, &contract(&[("kind", "none")], columns)).unwrap_err();
    assert!(matches!(error, ShapeError::NoSilver { .. }), "{error}");
}

#[test]
fn a_rename_between_two_columns_that_are_there_is_refused() {
    let error = refusal(
        (&[], &["*id integer/bigint", "a string/text", "b string/text"]),
        (&[], &["*id integer/bigint", "b<a string/text"]),
    );
    assert!(error.contains("has a column 'b' and a column 'a'"), "{error}");
}

#[test]
fn a_table_of_another_make_is_refused() {
    let plain = contract(&[], &["*id integer/bigint", "a string/text"]);
    let table = create(&plain);
    let schema = table.current_schema();
    let fields = schema.as_struct().fields().iter().filter(|field| field.name != "_seq").cloned();
    let schema = iceberg::spec::Schema::builder().with_fields(fields).with_identifier_field_ids([1]).build().unwrap();
    let table = table.into_builder(None).add_current_schema(schema).unwrap().build().unwrap().metadata;
    let error = evolve(&table, &plain).unwrap_err();
    assert!(matches!(&error, ShapeError::Missing { column, .. } if column == "_seq"), "{error}");
}

#[test]
fn what_iceberg_refuses_is_told_before_anything_is_committed() {
    let settings: &[(&str, &str)] = &[("partitionBy", "['month(at)']")];
    let error = refusal(
        (settings, &["*id integer/bigint", "at date/date"]),
        (settings, &["*id integer/bigint", "at date/date", "at_month string/text"]),
    );
    assert!(error.contains("conflicts with existing partition field name"), "{error}");
}

#[test]
fn every_example_has_a_silver_table() {
    for path in [
        "beer/contracts/beer",
        "beer/contracts/brewery",
        "beer/contracts/profile",
        "beer/contracts/review",
        "people/contracts/people",
    ] {
        let file = format!("{}/../../examples/{path}.odcs.yaml", env!("CARGO_MANIFEST_DIR"));
        let contract = Contract::parse(path, &std::fs::read_to_string(&file).unwrap()).unwrap();
        let table = create(&contract);
        assert!(evolve(&table, &contract).unwrap().updates.is_empty(), "{path}");
        let partitions: Vec<&str> =
            table.default_partition_spec().fields().iter().map(|field| field.name.as_str()).collect();
        let expected: &[&str] = if contract.table == "review" { &["review_time_year"] } else { &[] };
        assert_eq!(partitions, expected, "{path}");
    }
}

const TYPES: [(&str, &str); 12] = [
    ("string", "text"),
    ("integer", "int"),
    ("integer", "bigint"),
    ("number", "real"),
    ("number", "double"),
    ("number", "decimal(10,2)"),
    ("boolean", "boolean"),
    ("date", "date"),
    ("timestamp", "timestamp"),
    ("timestamp", "timestamptz"),
    ("string", "binary"),
    ("object", "json"),
];

/// A change that a table can always follow.
#[derive(Debug, Clone)]
enum Change {
    Add(usize, Index),
    Drop(Index),
    Rename(Index),
    Widen(Index),
    Move(Index, Index),
    Describe(Index),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0..TYPES.len(), any::<Index>()).prop_map(|(kind, at)| Change::Add(kind, at)),
        any::<Index>().prop_map(Change::Drop),
        any::<Index>().prop_map(Change::Rename),
        any::<Index>().prop_map(Change::Widen),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Change::Move(from, to)),
        any::<Index>().prop_map(Change::Describe),
    ]
}

/// Changes `columns`; `number` makes new names.
fn apply(columns: &mut Vec<Column>, change: &Change, number: usize) {
    let length = columns.len();
    let pick = |index: &Index| index.index(length);
    match change {
        Change::Add(kind, at) => {
            let (logical, physical) = TYPES[*kind];
            let types = (logical.to_owned(), physical.to_owned());
            let at = at.index(columns.len() + 1);
            columns.insert(at, Column { name: format!("new{number}"), types, ..Column::default() });
        }
        Change::Drop(index) => {
            let index = pick(index);
            if !columns[index].key {
                columns.remove(index);
            }
        }
        Change::Rename(index) => {
            let column = &mut columns[pick(index)];
            let earlier = std::mem::replace(&mut column.name, format!("renamed{number}"));
            column.earlier.push(earlier);
        }
        Change::Widen(index) => {
            let column = &mut columns[pick(index)];
            let wider = match column.types.1.as_str() {
                "int" => "bigint",
                "real" => "double",
                "decimal(10,2)" => "decimal(38,2)",
                _ => return,
            };
            if !column.key {
                column.types.1 = wider.to_owned();
            }
        }
        Change::Move(from, to) => {
            let column = columns.remove(pick(from));
            let to = to.index(columns.len() + 1);
            columns.insert(to, column);
        }
        Change::Describe(index) => columns[pick(index)].doc = Some(format!("Words {number}.")),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_table_follows_every_allowed_change_and_no_column_loses_its_id(
        kinds in prop::collection::vec(0..TYPES.len(), 1..8),
        history in any::<bool>(),
        steps in prop::collection::vec(prop::collection::vec(change(), 1..5), 1..5),
    ) {
        let settings: &[(&str, &str)] = if history { &[("kind", "history")] } else { &[] };
        let mut columns = vec![column("*id integer/bigint"), column("*part string/text")];
        for (number, kind) in kinds.iter().enumerate() {
            let (logical, physical) = TYPES[*kind];
            columns.push(column(&format!("c{number} {logical}/{physical}")));
        }
        let mut table = filled(create(&write(settings, &columns)));
        let mut number = 0;
        for step in steps {
            let before = columns.clone();
            for change in &step {
                number += 1;
                apply(&mut columns, change, number);
            }
            let (next, _) = evolved(&table, &write(settings, &columns));
            for column in &columns {
                // A column that was there is the one that has its name, or has it among its earlier ones.
                let was = before.iter().find(|old| old.name == column.name || column.earlier.contains(&old.name));
                match was {
                    Some(old) => prop_assert_eq!(id(&next, &column.name), id(&table, &old.name)),
                    None => prop_assert!(id(&next, &column.name) > table.last_column_id()),
                }
            }
            // Nothing that is stored goes away.
            for (_, id) in ids(&table) {
                prop_assert!(next.current_schema().field_by_id(id).is_some());
            }
            let names: Vec<String> = ids(&next).into_iter().map(|(name, _)| name).collect();
            for (name, column) in names.iter().zip(&columns) {
                prop_assert_eq!(name, &column.name);
            }
            table = next;
        }
    }
}
