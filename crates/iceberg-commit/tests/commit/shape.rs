//! What a commit makes of a table.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use iceberg::TableUpdate;
use iceberg::spec::Operation;
use iceberg_commit::{CommitError, CommitSettings, Kind, NewTable, Scope, Staged, TableError, TableName, may_apply};

use crate::support::*;

#[tokio::test]
async fn a_new_table_is_empty_and_its_creation_repeats_without_harm() {
    let world = world();
    assert!(world.tables.load(&name()).await.unwrap().is_none());
    let table = world.create().await;
    assert_eq!(table.location(), "s3://lake/silver/review");
    assert!(table.current_snapshot().is_none());
    assert!(world.names(&table).await.is_empty());
    let again = world.create().await;
    assert_eq!(again.metadata_location, table.metadata_location, "the table that is there is returned");
    assert_eq!(again.metadata, table.metadata);
    assert_eq!(world.objects().await.len(), 1, "the metadata file of the second creation is gone");
    assert_eq!(world.load().await.metadata, table.metadata);
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_is_refused() {
    let world = world();
    for (namespace, table) in
        [("", "a"), ("a", ""), ("a", ".."), ("a", "b/c"), ("..", "a"), ("a", "b\nc"), ("a", "b\\c")]
    {
        let error = world.tables.create(&TableName::new(namespace, table), new_table()).await.unwrap_err();
        assert!(matches!(error, TableError::Name { .. }), "{error}");
    }
    assert!(world.objects().await.is_empty());
}

#[tokio::test]
async fn what_is_appended_is_live_and_counted() {
    let world = world();
    let base = world.create().await;
    let first = world.tables.commit(&base, append([data("a", 1), data("b", 2)])).await.unwrap();
    let second = world.tables.commit(&first, append([data("c", 1)])).await.unwrap();
    assert_eq!(world.names(&second).await, ["a", "b", "c"].map(str::to_owned).into());
    assert_eq!(world.names(&first).await, ["a", "b"].map(str::to_owned).into(), "a table never changes");
    assert_eq!(second.metadata, world.load().await.metadata);
    let snapshot = second.current_snapshot().unwrap();
    assert_eq!(snapshot.summary().operation, Operation::Append);
    assert_eq!(snapshot.parent_snapshot_id(), first.current_snapshot_id());
    assert_eq!(snapshot.sequence_number(), 2);
    assert_eq!(snapshot.schema_id(), Some(0));
    assert_eq!((summary(&second, "added-data-files"), summary(&second, "added-records")), (Some("1"), Some("100")));
    assert_eq!(summary(&second, "deleted-data-files"), None);
    check_totals(&world, &second).await;
    let c = world.file(&second, "c").await;
    assert_eq!((c.sequence_number, c.file_sequence_number, c.snapshot_id), (2, 2, snapshot.snapshot_id()));
    assert_eq!((c.spec_id, &c.file), (0, &data("c", 1)), "the file comes back as it was staged");
    let a = world.file(&second, "a").await;
    assert_eq!((a.sequence_number, a.snapshot_id), (1, first.current_snapshot_id().unwrap()));
    assert_eq!(second.metadata.metadata_log().len(), 2);
}

#[tokio::test]
async fn the_operation_is_what_the_files_say() {
    let world = world();
    let table = world.create().await;
    let operation = |table: &iceberg_commit::Table| table.current_snapshot().unwrap().summary().operation.clone();
    let delta_without_deletes = Staged { kind: Kind::RowDelta, ..append([data("a", 1), data("b", 1), data("c", 1)]) };
    let table = world.tables.commit(&table, delta_without_deletes).await.unwrap();
    assert_eq!(operation(&table), Operation::Append);
    let a = world.file(&table, "a").await;
    let table = world.tables.commit(&table, delta(&a, deletes("da", 1, "a"), None)).await.unwrap();
    assert_eq!(operation(&table), Operation::Delete);
    let b = world.file(&table, "b").await;
    let table = world.tables.commit(&table, delta(&b, deletes("db", 1, "b"), Some(data("d", 1)))).await.unwrap();
    assert_eq!(operation(&table), Operation::Overwrite);
    let c = world.file(&table, "c").await;
    let table = world.tables.commit(&table, remove(&c)).await.unwrap();
    assert_eq!(operation(&table), Operation::Delete);
    let compaction =
        Staged { kind: Kind::Replace, remove_data: vec![b], add_data: vec![data("b2", 1)], ..Staged::default() };
    // The base has moved since `b` was read, and its manifest was rewritten.
    let b = world.file(&table, "b").await;
    let table = world.tables.commit(&table, Staged { remove_data: vec![b], ..compaction }).await.unwrap();
    assert_eq!(operation(&table), Operation::Replace);
    assert_eq!(
        world.names(&table).await,
        ["a", "b2", "d", "da"].map(str::to_owned).into(),
        "deletes go with their file"
    );
    check_totals(&world, &table).await;
    let staged = Staged { kind: Kind::ReplacePartitions(vec![part(1)]), ..append([data("e", 1)]) };
    let table = world.tables.commit(&table, staged).await.unwrap();
    assert_eq!(operation(&table), Operation::Overwrite);
    assert_eq!(world.names(&table).await, ["e".to_owned()].into());
    check_totals(&world, &table).await;
}

#[tokio::test]
async fn kept_files_keep_their_sequence_numbers_when_their_manifest_is_rewritten() {
    let world = world();
    world.create().await;
    let table = world.commit(append([data("a", 1), data("b", 1), data("c", 2)])).await;
    let before = world.file(&table, "b").await;
    world.commit(append([data("x", 1)])).await;
    let table = world.load().await;
    let a = world.file(&table, "a").await;
    let table = world.commit(remove(&a)).await;
    let after = world.file(&table, "b").await;
    assert_ne!(after.manifest_path, before.manifest_path, "the manifest was rewritten");
    assert_eq!(
        (after.sequence_number, after.file_sequence_number, after.snapshot_id),
        (before.sequence_number, before.file_sequence_number, before.snapshot_id)
    );
    let x = world.file(&table, "x").await;
    assert_eq!(x.sequence_number, 2);
}

#[tokio::test]
async fn only_deletes_about_a_removed_file_alone_go_with_it() {
    let world = world();
    let table = world.create().await;
    let table = world.tables.commit(&table, append([data("a", 1), data("b", 1)])).await.unwrap();
    let staged = Staged {
        kind: Kind::RowDelta,
        add_deletes: vec![
            deletes("of-a", 1, "a"),
            deletes("of-b", 1, "b"),
            wide_deletes("bounds-of-a", 1, Some(("a", "a"))),
            wide_deletes("of-both", 1, Some(("a", "b"))),
            wide_deletes("of-any", 1, None),
            equal_deletes("equal", 1),
        ],
        ..Staged::default()
    };
    let table = world.tables.commit(&table, staged).await.unwrap();
    check_totals(&world, &table).await;
    let live = world.live(&table).await;
    let by_file = live.deletes_by_data_file();
    assert_eq!(by_file[path("a").as_str()].len(), 5, "all but those of b may be about a");
    assert_eq!(by_file[path("b").as_str()].len(), 4);
    let table = world.tables.commit(&table, remove(&world.file(&table, "a").await)).await.unwrap();
    let left = ["b", "of-b", "of-both", "of-any", "equal"].map(str::to_owned);
    assert_eq!(world.names(&table).await, left.into());
    assert_eq!(summary(&table, "removed-delete-files"), Some("2"));
    check_totals(&world, &table).await;
}

#[tokio::test]
async fn deletes_apply_to_what_is_not_younger_and_within_their_scope() {
    let world = world();
    let table = world.create().await;
    let table = world.tables.commit(&table, append([data("a", 1), data("b", 2)])).await.unwrap();
    let staged = Staged {
        kind: Kind::RowDelta,
        add_data: vec![data("same", 1)],
        add_deletes: vec![wide_deletes("wide", 1, None), equal_deletes("equal", 1), deletes("of-a", 1, "a")],
        ..Staged::default()
    };
    let table = world.tables.commit(&table, staged).await.unwrap();
    let table = world.tables.commit(&table, append([data("younger", 1)])).await.unwrap();
    let live = world.live(&table).await;
    let applies = |delete: &str, to: &str| {
        let find = |name: &str| {
            live.data.iter().chain(&live.deletes).find(|file| file.file.file_path() == path(name)).unwrap().clone()
        };
        may_apply(&find(delete), &find(to))
    };
    let is = |delete, to| assert!(applies(delete, to), "{delete} {to}");
    let is_not = |delete, to| assert!(!applies(delete, to), "{delete} {to}");
    is("wide", "a");
    is("wide", "same");
    is_not("wide", "younger");
    is_not("wide", "b");
    is("equal", "a");
    is_not("equal", "same");
    is_not("equal", "younger");
    is("of-a", "a");
    is_not("of-a", "same");
    assert_eq!(Scope::of(&deletes("x", 1, "a")), Scope::File(path("a")));
    assert_eq!(Scope::of(&wide_deletes("x", 1, None)), Scope::Paths(None, None));
}

#[tokio::test]
async fn replaced_partitions_hold_what_was_added_and_others_stay() {
    let world = world();
    let table = world.create().await;
    let table = world
        .tables
        .commit(&table, append([data("a1", 1), data("b1", 1), data("a2", 2), data("a3", 3)]))
        .await
        .unwrap();
    let a1 = world.file(&table, "a1").await;
    let table = world.tables.commit(&table, delta(&a1, wide_deletes("w1", 1, None), None)).await.unwrap();
    let replace = |parts: Vec<i32>| Kind::ReplacePartitions(parts.into_iter().map(part).collect());
    let staged = Staged { kind: replace(vec![1, 2, 9]), ..append([data("n1", 1)]) };
    let table = world.tables.commit(&table, staged).await.unwrap();
    assert_eq!(world.names(&table).await, ["a3", "n1"].map(str::to_owned).into(), "an emptied partition too");
    check_totals(&world, &table).await;
    assert_eq!(summary(&table, "replace-partitions"), Some("true"));
    let same = world.tables.commit(&table, Staged { kind: replace(vec![7]), ..Staged::default() }).await.unwrap();
    assert_eq!(same.metadata_location, table.metadata_location, "emptying an empty partition changes nothing");
}

#[tokio::test]
async fn nothing_staged_is_no_commit_and_properties_alone_make_no_snapshot() {
    let world = world();
    let table = world.create().await;
    let table = world.tables.commit(&table, append([data("a", 1)])).await.unwrap();
    let summary_alone = Staged { summary: BTreeMap::from([("k".to_owned(), "v".to_owned())]), ..Staged::default() };
    for staged in [Staged::default(), summary_alone] {
        let same = world.tables.commit(&table, staged).await.unwrap();
        assert_eq!(same.metadata_location, table.metadata_location);
    }
    let properties = BTreeMap::from([("high-water".to_owned(), "7".to_owned())]);
    let next = world.tables.commit(&table, Staged { properties, ..Staged::default() }).await.unwrap();
    assert_eq!(next.property("high-water"), Some("7"));
    assert_eq!(next.current_snapshot_id(), table.current_snapshot_id());
    assert_eq!(world.load().await.metadata, next.metadata);
}

#[tokio::test]
async fn a_summary_says_what_the_caller_says_but_for_the_counts() {
    let world = world();
    let table = world.create().await;
    let says =
        BTreeMap::from([("weir.runs", "1,2"), ("total-records", "9")].map(|(k, v)| (k.to_owned(), v.to_owned())));
    let table = world.tables.commit(&table, Staged { summary: says, ..append([data("a", 1)]) }).await.unwrap();
    assert_eq!((summary(&table, "weir.runs"), summary(&table, "total-records")), (Some("1,2"), Some("100")));
}

#[tokio::test]
async fn a_schema_and_the_files_that_need_it_come_in_one_commit() {
    let world = world();
    let table = world.create().await;
    let table = world.tables.commit(&table, append([data("a", 1)])).await.unwrap();
    let table = world.tables.commit(&table, Staged { updates: wider(), ..append([data("b", 1)]) }).await.unwrap();
    assert_eq!(table.schema().as_struct().fields().len(), 4);
    assert_eq!(table.current_snapshot().unwrap().schema_id(), Some(1));
    assert_eq!(world.names(&table).await.len(), 2);
    let only = world.tables.commit(&table, Staged { updates: wider(), ..Staged::default() }).await.unwrap();
    assert_eq!(only.current_snapshot_id(), table.current_snapshot_id());
    // Files listed under the old schema are still found, and can still go.
    let a = world.file(&only, "a").await;
    let table = world.tables.commit(&only, remove(&a)).await.unwrap();
    assert_eq!(world.names(&table).await, ["b".to_owned()].into());
}

#[tokio::test]
async fn manifests_stay_few() {
    let world = world().with_settings(CommitSettings { max_manifests: 5, ..CommitSettings::default() });
    world.create().await;
    for n in 0..23 {
        let table = world.commit(append([data(&format!("f{n}"), n % 3)])).await;
        let target = world.file(&table, &format!("f{n}")).await;
        let table = world.commit(delta(&target, deletes(&format!("d{n}"), n % 3, &format!("f{n}")), None)).await;
        let live = world.live(&table).await;
        assert_eq!((live.data.len(), live.deletes.len()), (n as usize + 1, n as usize + 1));
        let manifests: std::collections::BTreeSet<_> = live.data.iter().map(|file| &file.manifest_path).collect();
        assert!(manifests.len() <= 6, "{}", manifests.len());
        check_totals(&world, &table).await;
        for (number, file) in live.data.iter().map(|f| (f.file.file_path().to_owned(), f)) {
            let nth: i64 = number
                .trim_start_matches(&path("f").replace(".parquet", ""))
                .trim_end_matches(".parquet")
                .parse()
                .unwrap();
            assert_eq!(file.sequence_number, nth * 2 + 1, "merging keeps sequence numbers");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_committed_is_refused_and_leaves_nothing() {
    let world = world();
    let table = world.create().await;
    let table = world.tables.commit(&table, append([data("a", 1)])).await.unwrap();
    let a = world.file(&table, "a").await;
    let before = world.objects().await;
    let gone = Arc::new(iceberg_commit::LiveFile { manifest_path: "s3://lake/other".into(), ..(*a).clone() });
    let unpartitioned = iceberg::spec::DataFileBuilder::default()
        .content(iceberg::spec::DataContentType::Data)
        .file_path(path("u"))
        .file_format(iceberg::spec::DataFileFormat::Parquet)
        .record_count(1)
        .file_size_in_bytes(1)
        .build()
        .unwrap();
    for (staged, says) in [
        (append([data("x", 1), data("x", 1)]), "added twice"),
        (append([deletes("x", 1, "a")]), "stage data and deletes apart"),
        (
            Staged { add_deletes: vec![data("x", 1)], kind: Kind::RowDelta, ..Staged::default() },
            "stage data and deletes apart",
        ),
        (
            Staged { remove_deletes: vec![a.clone()], kind: Kind::RowDelta, ..Staged::default() },
            "stage data and deletes apart",
        ),
        (Staged { kind: Kind::Append, ..remove(&a) }, "takes nothing away"),
        (Staged { add_data: vec![data("a", 1)], ..remove(&a) }, "added and removed at once"),
        (remove(&gone), "is not live"),
        (delta(&gone, deletes("x", 1, "a"), None), "is not live"),
        (append([unpartitioned]), "default spec"),
    ] {
        let error = world.tables.commit(&table, staged).await.unwrap_err();
        assert!(matches!(error, CommitError::Refused { .. }), "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(world.objects().await, before);
    }
}

#[tokio::test]
async fn tables_of_another_format_version_are_read_and_not_written() {
    let world = world();
    let table = world.create().await;
    let upgrade = vec![TableUpdate::UpgradeFormatVersion { format_version: iceberg::spec::FormatVersion::V3 }];
    let table = world.tables.commit(&table, Staged { updates: upgrade, ..Staged::default() }).await.unwrap();
    assert!(world.names(&table).await.is_empty());
    let error = world.tables.commit(&table, append([data("a", 1)])).await.unwrap_err();
    assert!(error.to_string().contains("only version 2 can be written"), "{error}");
}

#[tokio::test]
async fn totals_that_another_writer_left_out_are_counted() {
    let world = world();
    world.create().await;
    let table = world.commit(append([data("a", 1), data("b", 2)])).await;
    // Another writer's snapshot, which says nothing of totals.
    let snapshot = table.current_snapshot().unwrap();
    let bare = iceberg::spec::Snapshot::builder()
        .with_snapshot_id(77)
        .with_parent_snapshot_id(Some(snapshot.snapshot_id()))
        .with_sequence_number(2)
        .with_timestamp_ms(snapshot.timestamp_ms() + 1)
        .with_manifest_list(snapshot.manifest_list())
        .with_summary(iceberg::spec::Summary { operation: Operation::Append, additional_properties: HashMap::new() })
        .with_schema_id(0)
        .build();
    let retention = iceberg::spec::SnapshotRetention::Branch {
        min_snapshots_to_keep: None,
        max_snapshot_age_ms: None,
        max_ref_age_ms: None,
    };
    let reference = iceberg::spec::SnapshotReference { snapshot_id: 77, retention };
    let updates = vec![
        TableUpdate::AddSnapshot { snapshot: bare },
        TableUpdate::SetSnapshotRef { ref_name: "main".to_owned(), reference },
    ];
    let table = world.tables.commit(&table, Staged { updates, ..Staged::default() }).await.unwrap();
    assert_eq!(table.current_snapshot_id(), Some(77));
    let table = world.tables.commit(&table, append([data("c", 1)])).await.unwrap();
    check_totals(&world, &table).await;
    assert_eq!(summary(&table, "total-records"), Some("300"));
}

#[tokio::test]
async fn a_selection_does_not_read_what_it_leaves_out() {
    let world = world();
    world.create().await;
    world.commit(append([data("a", 1), data("b", 2)])).await;
    let table = world.commit(append([data("c", 1)])).await;
    let second = table.current_snapshot_id().unwrap();
    let live = table
        .live_where(world.tables.warehouse(), |manifest| manifest.added_snapshot_id == second, |_| true)
        .await
        .unwrap();
    assert_eq!(live.data.len(), 1);
    let live =
        table.live_where(world.tables.warehouse(), |_| true, |file| file.file.partition() == &part(2)).await.unwrap();
    assert_eq!(live.data[0].file.file_path(), path("b"));
}

#[tokio::test]
async fn the_log_of_metadata_files_is_bounded_by_the_property() {
    let world = world();
    let properties = HashMap::from([("write.metadata.previous-versions-max".to_owned(), "3".to_owned())]);
    world.tables.create(&name(), NewTable { properties, ..new_table() }).await.unwrap();
    let mut table = world.load().await;
    for n in 0..6 {
        table = world.commit(append([data(&format!("{n}"), 1)])).await;
    }
    assert_eq!(table.metadata.metadata_log().len(), 3);
    let version = table.metadata_location.rsplit('/').next().unwrap();
    assert!(version.starts_with("00006-"), "{version}");
}
