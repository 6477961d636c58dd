//! Partitions and whole tables that are replaced.

use std::collections::BTreeSet;

use iceberg::TableUpdate;
use iceberg::spec::{
    DataContentType, DataFile, DataFileBuilder, DataFileFormat, Literal, NestedField, NullOrder, Operation,
    PrimitiveType, Schema, SortDirection, SortField, SortOrder, Struct, Transform, Type, UnboundPartitionSpec,
};
use iceberg_commit::{CommitError, Kind, NewTable, Staged, Table, TableError};

use crate::conflicts::orphans;
use crate::support::*;

fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

fn in_partition(name: &str, partition: Struct, content: DataContentType) -> DataFile {
    let mut file = DataFileBuilder::default();
    file.content(content).file_path(path(name)).file_format(DataFileFormat::Parquet);
    file.partition(partition).partition_spec_id(0).record_count(10).file_size_in_bytes(100).build().unwrap()
}

fn two(part: Option<i32>, text: Option<&str>) -> Struct {
    Struct::from_iter([part.map(Literal::int), text.map(Literal::string)])
}

fn replace(partitions: impl IntoIterator<Item = Struct>, add: Vec<DataFile>) -> Staged {
    Staged { kind: Kind::ReplacePartitions(partitions.into_iter().collect()), ..append(add) }
}

fn whole(add: Vec<DataFile>) -> Staged {
    Staged { kind: Kind::ReplaceTable, ..append(add) }
}

fn operation(table: &Table) -> Operation {
    table.current_snapshot().unwrap().summary().operation.clone()
}

#[tokio::test]
async fn partitions_of_several_columns_and_of_nulls_are_replaced_each_for_itself() {
    let world = world();
    let spec = UnboundPartitionSpec::builder()
        .add_partition_field(2, "part", Transform::Identity)
        .and_then(|spec| spec.add_partition_field(3, "text", Transform::Identity))
        .unwrap();
    world.tables.create(&name(), NewTable { partition_spec: spec.build(), ..new_table() }).await.unwrap();
    let all = [
        ("a", two(Some(1), Some("x"))),
        ("b", two(Some(1), None)),
        ("c", two(None, Some("x"))),
        ("d", two(None, None)),
        ("e", two(Some(1), Some(""))),
    ];
    let table =
        world.commit(append(all.iter().map(|(name, at)| in_partition(name, at.clone(), DataContentType::Data)))).await;
    assert_eq!(world.names(&table).await.len(), 5);
    let mut left = names(["a", "b", "c", "d", "e"]);
    for (name, at) in all {
        let new = format!("{name}2");
        let table = world.commit(replace([at.clone()], vec![in_partition(&new, at, DataContentType::Data)])).await;
        left.remove(name);
        left.insert(new);
        assert_eq!(world.names(&table).await, left, "{name}");
        check_totals(&world, &table).await;
    }
}

#[tokio::test]
async fn a_partition_that_becomes_empty_loses_its_files_and_their_deletes() {
    let world = world();
    world.create().await;
    let table = world.commit(append([data("a", 1), data("b", 1), data("c", 2)])).await;
    let deletes = vec![deletes("da", 1, "a"), wide_deletes("w", 1, None), equal_deletes("q", 1), deletes("dc", 2, "c")];
    let targets = vec![world.file(&table, "a").await, world.file(&table, "c").await];
    let table = world.commit(Staged { kind: Kind::RowDelta, add_deletes: deletes, targets, ..Staged::default() }).await;
    check_totals(&world, &table).await;
    let table = world.commit(replace([part(1)], vec![])).await;
    assert_eq!(world.names(&table).await, names(["c", "dc"]));
    assert_eq!(operation(&table), Operation::Overwrite);
    assert_eq!(summary(&table, "removed-delete-files"), Some("3"));
    check_totals(&world, &table).await;
    let table = world.commit(replace([part(2)], vec![data("n", 2)])).await;
    assert_eq!(world.names(&table).await, names(["n"]));
    check_totals(&world, &table).await;
}

#[tokio::test]
async fn a_partition_without_a_value_is_one_like_others() {
    let world = world();
    world.create().await;
    let null = || Struct::from_iter([None]);
    let file = |name| in_partition(name, null(), DataContentType::Data);
    let table = world.commit(append([file("a"), data("b", 0)])).await;
    let a = world.file(&table, "a").await;
    let gone = in_partition("da", null(), DataContentType::PositionDeletes);
    world.commit(delta(&a, gone, None)).await;
    let table = world.commit(replace([null()], vec![file("n")])).await;
    assert_eq!(world.names(&table).await, names(["b", "n"]));
    let table = world.commit(replace([part(0)], vec![])).await;
    assert_eq!(world.names(&table).await, names(["n"]));
    // (d)
    world.slip_in(move |_, _| append([in_partition("o", Struct::from_iter([None]), DataContentType::Data)]));
    let error = world.tables.commit(&table, replace([null()], vec![])).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
}

/// Another first column, no partition column, no spec and another order.
fn rebuilt(table: &Table) -> Vec<TableUpdate> {
    let fields = [
        NestedField::required(10, "day", Type::Primitive(PrimitiveType::Date)).into(),
        NestedField::optional(11, "n", Type::Primitive(PrimitiveType::Long)).into(),
    ];
    let schema = Schema::builder().with_fields(fields).build().unwrap();
    let order = SortField::builder()
        .source_id(11)
        .transform(Transform::Identity)
        .direction(SortDirection::Ascending)
        .null_order(NullOrder::First)
        .build();
    let sort_order = SortOrder::builder().with_fields(vec![order]).build(&schema).unwrap();
    assert_eq!(table.metadata.last_column_id(), 3);
    vec![
        TableUpdate::AddSchema { schema },
        TableUpdate::SetCurrentSchema { schema_id: -1 },
        TableUpdate::AddSpec {
            spec: UnboundPartitionSpec::builder().add_partition_field(10, "day", Transform::Identity).unwrap().build(),
        },
        TableUpdate::SetDefaultSpec { spec_id: -1 },
        TableUpdate::AddSortOrder { sort_order },
        TableUpdate::SetDefaultSortOrder { sort_order_id: -1 },
    ]
}

#[tokio::test]
async fn a_replaced_table_holds_what_was_added_alone() {
    let world = world();
    world.create().await;
    let table = world.commit(append([data("a", 1), data("b", 2)])).await;
    let a = world.file(&table, "a").await;
    world.commit(delta(&a, deletes("da", 1, "a"), Some(data("c", 1)))).await;
    world.commit(Staged { kind: Kind::RowDelta, add_deletes: vec![equal_deletes("q", 2)], ..Staged::default() }).await;
    let table = world.commit(whole(vec![data("n", 3)])).await;
    assert_eq!(world.names(&table).await, names(["n"]));
    assert_eq!((operation(&table), summary(&table, "deleted-data-files")), (Operation::Overwrite, Some("3")));
    check_totals(&world, &table).await;
    assert_eq!(orphans(&world, &table).await, []);
    let table = world.commit(whole(vec![])).await;
    assert!(world.names(&table).await.is_empty());
    assert_eq!(operation(&table), Operation::Overwrite);
    check_totals(&world, &table).await;
    let same = world.tables.commit(&table, whole(vec![])).await.unwrap();
    assert_eq!(same.metadata_location, table.metadata_location, "an empty table that stays empty is no commit");
    let table = world.commit(whole(vec![data("o", 1)])).await;
    assert_eq!(world.names(&table).await, names(["o"]));
}

#[tokio::test]
async fn a_table_without_a_snapshot_is_replaced_like_others() {
    let world = world();
    let table = world.create().await;
    let same = world.tables.commit(&table, whole(vec![])).await.unwrap();
    assert_eq!(same.metadata_location, table.metadata_location);
    let only = Staged { updates: wider(), properties: [("k".to_owned(), "v".to_owned())].into(), ..whole(vec![]) };
    let table = world.commit(only).await;
    assert!(table.current_snapshot().is_none());
    assert_eq!((table.property("k"), table.schema().as_struct().fields().len()), (Some("v"), 4));
    let table = world.commit(whole(vec![data("a", 1)])).await;
    assert_eq!((world.names(&table).await, operation(&table)), (names(["a"]), Operation::Overwrite));
}

#[tokio::test]
async fn a_replaced_table_may_have_other_columns_and_partitions() {
    for add in [true, false] {
        let world = world();
        world.create().await;
        let before = world.commit(append([data("a", 1), data("b", 2)])).await;
        let a = world.file(&before, "a").await;
        let before = world.commit(delta(&a, deletes("da", 1, "a"), None)).await;
        let updates = rebuilt(&before);
        let after = before.after(&updates).unwrap();
        assert_eq!(before.schema().as_struct().fields().len(), 3, "a look ahead changes nothing");
        let day = Struct::from_iter([Some(Literal::date(7))]);
        let files = if add { vec![in_partition("n", day, DataContentType::Data)] } else { vec![] };
        let table = world.tables.commit(&before, Staged { updates, ..whole(files) }).await.unwrap();
        assert_eq!(world.names(&table).await, if add { names(["n"]) } else { names([]) });
        for metadata in [&after, &table.metadata] {
            assert_eq!((metadata.current_schema_id(), metadata.default_partition_spec_id()), (1, 1));
            assert_eq!(metadata.default_sort_order_id(), 1);
        }
        assert_eq!(table.metadata.current_schema(), after.current_schema());
        let snapshot = table.current_snapshot().unwrap();
        assert_eq!((snapshot.schema_id(), operation(&table)), (Some(1), Operation::Overwrite));
        assert_eq!(table.metadata.snapshots().len(), 3, "one snapshot for all of it");
        check_totals(&world, &table).await;
        assert_eq!(world.load().await.metadata, table.metadata);
        // The past is as it was, and the next commit goes on from here.
        let past = table.live_at(world.tables.warehouse(), before.current_snapshot_id().unwrap()).await.unwrap();
        assert_eq!(past.unwrap().data.len(), 2);
        let next = Struct::from_iter([None]);
        let table = world.commit(append([in_partition("o", next, DataContentType::Data)])).await;
        assert_eq!(world.names(&table).await.len(), usize::from(add) + 1);
        assert_eq!(orphans(&world, &table).await, []);
    }
}

#[tokio::test]
async fn files_of_any_spec_go_with_the_table() {
    let world = world();
    world.create().await;
    world.commit(append([data("a", 1)])).await;
    let spec = UnboundPartitionSpec::builder().add_partition_field(1, "bucket", Transform::Bucket(4)).unwrap().build();
    let updates = vec![TableUpdate::AddSpec { spec }, TableUpdate::SetDefaultSpec { spec_id: -1 }];
    let table = world.commit(Staged { updates, ..append([data("b", 3)]) }).await;
    assert_ne!(world.file(&table, "a").await.spec_id, world.file(&table, "b").await.spec_id);
    let error = world.tables.commit(&table, replace([part(1)], vec![])).await.unwrap_err();
    assert!(matches!(&error, CommitError::Refused { .. }) && error.to_string().contains("older partition spec"));
    let table = world.tables.commit(&table, whole(vec![data("n", 1)])).await.unwrap();
    assert_eq!(world.names(&table).await, names(["n"]));
    check_totals(&world, &table).await;
}

#[tokio::test]
async fn what_was_added_to_a_table_that_is_replaced_is_a_conflict() {
    // (d)
    let setup = async || {
        let world = world();
        world.create().await;
        let table = world.commit(append([data("a", 1), data("b", 2)])).await;
        (world, table)
    };
    for empty in [false, true] {
        let new = move || if empty { vec![] } else { vec![data("n", 1)] };
        let (world, table) = setup().await;
        world.slip_in(|_, _| append([data("x", 3)]));
        let error = world.tables.commit(&table, whole(new())).await.unwrap_err();
        assert!(matches!(error, CommitError::Conflict { .. }) && error.to_string().contains("the table"), "{error}");
        assert_eq!(world.names(&world.load().await).await, names(["a", "b", "x"]));

        let (world, table) = setup().await;
        world.slip_in(|_, live| {
            let target = live.data.iter().find(|file| file.file.file_path() == path("a")).unwrap();
            delta(target, deletes("x", 1, "a"), None)
        });
        assert!(world.tables.commit(&table, whole(new())).await.unwrap_err().is_conflict());

        // What another took away would have gone anyway.
        let (world, table) = setup().await;
        world.slip_in(|_, live| remove(live.data.iter().find(|file| file.file.file_path() == path("a")).unwrap()));
        let table = world.tables.commit(&table, whole(new())).await.unwrap();
        assert_eq!(world.names(&table).await, if empty { names([]) } else { names(["n"]) });
        check_totals(&world, &table).await;
        assert_eq!(orphans(&world, &table).await, []);

        let (world, table) = setup().await;
        world.slip_in(|_, _| Staged { updates: wider(), ..Staged::default() });
        assert!(world.tables.commit(&table, whole(new())).await.unwrap_err().to_string().contains("schema"));
    }
}

#[tokio::test]
async fn a_property_that_a_plan_stands_on_must_be_that_of_the_base() {
    // (f)
    let set = |key: &str, value: &str| Staged {
        properties: [(key.to_owned(), value.to_owned())].into(),
        ..Staged::default()
    };
    let plan = |staged: Staged| Staged { unchanged_properties: vec!["high-water".to_owned()], ..staged };
    for before in [None, Some("1")] {
        for staged in [append([data("y", 2)]), replace([part(2)], vec![]), set("high-water", "2"), whole(vec![])] {
            let world = world();
            world.create().await;
            if let Some(before) = before {
                world.commit(set("high-water", before)).await;
            }
            let table = world.commit(append([data("a", 2)])).await;
            world.slip_in(move |_, _| set("high-water", "3"));
            let error = world.tables.commit(&table, plan(staged.clone())).await.unwrap_err();
            assert!(matches!(error, CommitError::Conflict { .. }), "{error}");
            assert!(error.to_string().contains("high-water"), "{error}");
            assert_eq!(orphans(&world, &world.load().await).await, []);

            // Other properties do not matter, nor does this one where it is set to what it was.
            let table = world.load().await;
            world.slip_in(move |_, _| set("other", "3"));
            let next = world.tables.commit(&table, plan(staged.clone())).await.unwrap();
            world.slip_in(move |_, _| set("other", "4"));
            world.tables.commit(&next, set("high-water", "5")).await.unwrap();
        }
    }
}

#[tokio::test]
async fn two_builds_from_one_base_do_not_overwrite_each_other() {
    // (f), as builds of models use it: other partitions, one mark of how far they read.
    let build = |n: i32| Staged {
        properties: [("high-water".to_owned(), n.to_string())].into(),
        unchanged_properties: vec!["high-water".to_owned()],
        ..replace([part(n)], vec![data(&format!("n{n}"), n)])
    };
    let world = world();
    world.create().await;
    let table = world.commit(append([data("a", 1), data("b", 2)])).await;
    world.slip_in(move |_, _| build(1));
    let error = world.tables.commit(&table, build(2)).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    let head = world.load().await;
    assert_eq!((world.names(&head).await, head.property("high-water")), (names(["b", "n1"]), Some("1")));
}

#[tokio::test]
async fn a_snapshot_of_the_past_has_the_files_that_it_had() {
    let world = world();
    let warehouse = world.tables.warehouse();
    let empty = world.create().await;
    assert!(empty.live_at(warehouse, 7).await.unwrap().is_none());
    let first = world.commit(append([data("a", 1)])).await;
    let second = world.commit(append([data("b", 2), data("c", 1)])).await;
    let a = world.file(&second, "a").await;
    let third = world.commit(remove(&a)).await;
    let at = async |table: &Table| {
        let live = third.live_at(warehouse, table.current_snapshot_id().unwrap()).await.unwrap().unwrap();
        live.data.iter().map(|file| file.file.file_path().to_owned()).collect::<BTreeSet<_>>()
    };
    assert_eq!(at(&first).await, [path("a")].into());
    assert_eq!(at(&second).await, [path("a"), path("b"), path("c")].into());
    assert_eq!(at(&third).await, [path("b"), path("c")].into());
    let id = second.current_snapshot_id().unwrap();
    let some = third.live_at_where(warehouse, id, |_| true, |file| file.file.partition() == &part(2)).await.unwrap();
    assert_eq!(some.unwrap().data.len(), 1);
    let some = third.live_at_where(warehouse, id, |manifest| manifest.added_snapshot_id == id, |_| true).await.unwrap();
    assert_eq!(some.unwrap().data.len(), 2);
}

#[tokio::test]
async fn a_snapshot_whose_files_are_gone_is_told_from_one_that_never_was() {
    use object_store::ObjectStoreExt;

    for gone in ["-m", "snap-"] {
        let world = world();
        world.create().await;
        let first = world.commit(append([data("a", 1)])).await;
        let table = world.commit(replace([part(1)], vec![data("b", 1)])).await;
        let live = first.live(world.tables.warehouse()).await.unwrap();
        let list = first.current_snapshot().unwrap().manifest_list().to_owned();
        let uri = if gone == "snap-" { list } else { live.data[0].manifest_path.to_string() };
        world.store.delete(&world.tables.warehouse().path(&uri).unwrap()).await.unwrap();
        // Without the memory of what was read.
        let warehouse = iceberg_commit::Warehouse::new(world.store.clone(), "s3://lake").unwrap();
        let id = first.current_snapshot_id().unwrap();
        let error = table.live_at(&warehouse, id).await.unwrap_err();
        assert!(error.is_missing_file() && error.to_string().contains(&uri), "{error}");
        assert!(table.live_at(&warehouse, id.wrapping_add(1)).await.unwrap().is_none());
        assert_eq!(table.live(&warehouse).await.unwrap().data.len(), 1);
    }
    let other = TableError::State { table: name(), what: "x".to_owned() };
    assert!(!other.is_missing_file());
}

#[tokio::test]
async fn the_snapshots_between_two_are_those_that_lead_from_one_to_the_other() {
    let world = world();
    world.create().await;
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(world.commit(append([data(&format!("f{n}"), 1)])).await.current_snapshot_id().unwrap());
    }
    let table = world.load().await;
    let between = |table: &Table, from, to| {
        let snapshots = table.snapshots_between(from, to)?;
        Some(snapshots.iter().map(|snapshot| snapshot.snapshot_id()).collect::<Vec<_>>())
    };
    assert_eq!(between(&table, ids[0], ids[3]), Some(ids[1..].to_vec()));
    assert_eq!(between(&table, ids[2], ids[3]), Some(vec![ids[3]]));
    assert_eq!(between(&table, ids[1], ids[1]), Some(vec![]));
    assert_eq!(between(&table, ids[3], ids[0]), None, "a later one is no ancestor");
    assert_eq!(between(&table, 7, ids[3]), None);
    assert_eq!(between(&table, ids[0], 7), None);
    // The table is set back, and goes on from there.
    let reference = iceberg::spec::SnapshotReference {
        snapshot_id: ids[1],
        retention: iceberg::spec::SnapshotRetention::Branch {
            min_snapshots_to_keep: None,
            max_snapshot_age_ms: None,
            max_ref_age_ms: None,
        },
    };
    let updates = vec![TableUpdate::SetSnapshotRef { ref_name: "main".to_owned(), reference }];
    world.commit(Staged { updates, ..Staged::default() }).await;
    let table = world.commit(append([data("g", 1)])).await;
    let head = table.current_snapshot_id().unwrap();
    assert_eq!(between(&table, ids[1], head), Some(vec![head]));
    assert_eq!(between(&table, ids[3], head), None, "what was set back is no ancestor");
    // One that was expired is known as a parent, and no further.
    let settings = iceberg_commit::Expire { older_than_ms: i64::MAX, keep_last: 1, dry_run: false };
    let table = world.tables.expire(&table, &settings).await.unwrap().table;
    assert_eq!(between(&table, ids[1], head), Some(vec![head]));
    assert_eq!(between(&table, ids[0], head), None);
}
