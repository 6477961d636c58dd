//! What goes together with a commit that came first, and what does not. Each rule has the letter of docs/iceberg.md.

use std::sync::Arc;
use std::time::Duration;

use iceberg::TableUpdate;
use iceberg::spec::{DataFile, PrimitiveLiteral, Transform, UnboundPartitionSpec};
use iceberg_commit::{CommitError, Kind, Live, LiveFile, Orphan, OrphanSettings, Staged, Table};

use crate::support::*;

/// What nothing refers to, however young.
pub(crate) async fn orphans(world: &World, table: &Table) -> Vec<Orphan> {
    tokio::time::sleep(Duration::from_millis(3)).await;
    let settings = OrphanSettings { older_than: Duration::ZERO, any_age: true };
    world.tables.orphans(table, &settings).await.unwrap().files
}

async fn setup() -> (World, Table) {
    let world = world();
    world.create().await;
    let table = world.commit(append([data("a", 1), data("b", 1), data("c", 2)])).await;
    let a = world.file(&table, "a").await;
    let table = world.commit(delta(&a, deletes("da", 1, "a"), None)).await;
    (world, table)
}

fn find(live: &Live, name: &str) -> Arc<LiveFile> {
    live.data.iter().chain(&live.deletes).find(|file| file.file.file_path() == path(name)).unwrap().clone()
}

/// The commit is made on a head that moved: what came first stays, and what is staged comes on top.
async fn goes_together(
    first: impl FnOnce(Table, Live) -> Staged + Send + 'static,
    staged: impl FnOnce(&Live) -> Staged,
) {
    let (world, table) = setup().await;
    let staged = staged(&world.live(&table).await);
    let objects = 2 + staged.add_data.len().min(1) + staged.add_deletes.len().min(1);
    let before = world.objects().await.len();
    world.slip_in(first);
    let next = world.tables.commit(&table, staged.clone()).await.unwrap();
    assert_eq!(*world.catalog.swaps.lock().unwrap(), 3 + 2, "one swap was lost");
    assert_eq!(next.metadata, world.load().await.metadata);
    assert_eq!(next.metadata.snapshots().len(), 4);
    let names = world.names(&next).await;
    for added in staged.add_data.iter().chain(&staged.add_deletes) {
        assert!(names.iter().any(|name| path(name) == added.file_path()), "{names:?}");
    }
    for removed in staged.remove_data.iter().chain(&staged.remove_deletes) {
        assert!(!names.iter().any(|name| path(name) == removed.file.file_path()), "{names:?}");
    }
    check_totals(&world, &next).await;
    assert!(world.objects().await.len() >= before + objects);
    assert_eq!(orphans(&world, &next).await, [], "the lost attempt left nothing");
}

/// The commit is refused, and nothing of it stays.
async fn conflicts(
    first: impl FnOnce(Table, Live) -> Staged + Send + 'static,
    staged: impl FnOnce(&Live) -> Staged,
    says: &str,
) {
    let (world, table) = setup().await;
    let staged = staged(&world.live(&table).await);
    let (send, receive) = std::sync::mpsc::channel();
    world.slip_in(move |table, live| {
        let staged = first(table, live);
        send.send(staged.clone()).unwrap();
        staged
    });
    let error = world.tables.commit(&table, staged).await.unwrap_err();
    assert!(matches!(error, CommitError::Conflict { .. }) && error.is_conflict(), "{error}");
    assert!(error.to_string().contains(says) && error.to_string().contains("plan again"), "{error}");
    let first = receive.recv().unwrap();
    let head = world.load().await;
    check_totals(&world, &head).await;
    assert_ne!(head.metadata_location, table.metadata_location, "what came first stays");
    for added in &first.add_data {
        assert!(world.names(&head).await.iter().any(|name| path(name) == added.file_path()));
    }
    assert_eq!(orphans(&world, &head).await, [], "a loser leaves nothing");
}

fn key_may_be(key: i64) -> iceberg_commit::MayConflict {
    let bound = |bounds: &std::collections::HashMap<i32, iceberg::spec::Datum>| match bounds.get(&1)?.literal() {
        PrimitiveLiteral::Long(bound) => Some(*bound),
        _ => None,
    };
    Arc::new(move |file: &DataFile| {
        bound(file.lower_bounds()).is_none_or(|lower| lower <= key)
            && bound(file.upper_bounds()).is_none_or(|upper| key <= upper)
    })
}

#[tokio::test]
async fn appends_go_together_with_anything() {
    goes_together(|_, _| append([data("x", 1)]), |_| append([data("y", 1)])).await;
    goes_together(|_, live| remove(&find(&live, "a")), |_| append([data("y", 1)])).await;
    goes_together(|_, live| delta(&find(&live, "b"), deletes("x", 1, "b"), None), |_| append([data("y", 1)])).await;
}

#[tokio::test]
async fn changes_of_different_files_go_together() {
    let first = |_: Table, live: Live| delta(&find(&live, "b"), deletes("x", 1, "b"), Some(data("x2", 1)));
    goes_together(first, |live| delta(&find(live, "c"), deletes("y", 2, "c"), Some(data("y2", 1)))).await;
    goes_together(first, |live| remove(&find(live, "c"))).await;
    // All three data files are in one manifest, so that each rewrites what the other needs.
    goes_together(|_, live| remove(&find(&live, "b")), |live| remove(&find(live, "c"))).await;
    goes_together(|_, live| remove(&find(&live, "b")), |live| remove(&find(live, "a"))).await;
    goes_together(|_, live| remove(&find(&live, "b")), |live| delta(&find(live, "a"), deletes("y", 1, "a"), None))
        .await;
}

#[tokio::test]
async fn a_removed_file_must_still_be_live() {
    // (a)
    conflicts(|_, live| remove(&find(&live, "a")), |live| remove(&find(live, "a")), "was removed").await;
    let compact = |_: Table, live: Live| Staged {
        kind: Kind::Replace,
        ..Staged { add_data: vec![data("ab", 1)], ..remove(&find(&live, "b")) }
    };
    conflicts(compact, |live| remove(&find(live, "b")), "data file").await;
}

#[tokio::test]
async fn a_target_must_still_be_live() {
    // (a)
    conflicts(
        |_, live| remove(&find(&live, "b")),
        |live| delta(&find(live, "b"), deletes("y", 1, "b"), None),
        "was removed",
    )
    .await;
}

#[tokio::test]
async fn a_removed_delete_file_must_still_be_live() {
    // (b)
    let replace = |live: &Live, new: &str| {
        let old = find(live, "da");
        Staged { remove_deletes: vec![old], ..delta(&find(live, "a"), deletes(new, 1, "a"), None) }
    };
    conflicts(move |_, live| replace(&live, "x"), move |live| replace(live, "y"), "delete file").await;
}

#[tokio::test]
async fn a_target_must_have_no_new_deletes() {
    // (b)
    let on_b = |live: &Live| delta(&find(live, "b"), deletes("y", 1, "b"), None);
    let only = |file: DataFile| Staged { kind: Kind::RowDelta, add_deletes: vec![file], ..Staged::default() };
    conflicts(|_, live| delta(&find(&live, "b"), deletes("x", 1, "b"), None), on_b, "delete file").await;
    conflicts(move |_, _| only(wide_deletes("x", 1, None)), on_b, "which may be about").await;
    conflicts(move |_, _| only(wide_deletes("x", 1, Some(("a", "bb")))), on_b, "which may be about").await;
    conflicts(move |_, _| only(equal_deletes("x", 1)), on_b, "which may be about").await;
    goes_together(move |_, _| only(wide_deletes("x", 2, None)), on_b).await;
    goes_together(move |_, _| only(wide_deletes("x", 1, Some(("c", "d")))), on_b).await;
    goes_together(move |_, _| only(equal_deletes("x", 2)), on_b).await;
}

#[tokio::test]
async fn a_removed_data_file_must_have_no_new_deletes() {
    // (b): else the rows that another deleted would come back in what replaces the file.
    let compact =
        |live: &Live| Staged { kind: Kind::Replace, add_data: vec![data("b2", 1)], ..remove(&find(live, "b")) };
    conflicts(|_, live| delta(&find(&live, "b"), deletes("x", 1, "b"), None), compact, "delete file").await;
}

#[tokio::test]
async fn a_target_must_have_lost_no_deletes() {
    // (b)
    let undelete = |_: Table, live: Live| Staged {
        kind: Kind::RowDelta,
        remove_deletes: vec![find(&live, "da")],
        ..Staged::default()
    };
    conflicts(undelete, |live| delta(&find(live, "a"), deletes("y", 1, "a"), None), "was removed").await;
}

#[tokio::test]
async fn no_key_of_the_commit_may_have_been_added() {
    // (c)
    let insert = |key| Staged { may_conflict: Some(key_may_be(key)), ..append([keys("y", 1, key, key)]) };
    conflicts(|_, _| append([keys("x", 1, 10, 20)]), |_| insert(15), "may hold a key").await;
    conflicts(|_, _| append([data("x", 1)]), |_| insert(15), "may hold a key").await;
    goes_together(|_, _| append([keys("x", 1, 10, 20)]), |_| insert(21)).await;
    goes_together(|_, live| delta(&find(&live, "b"), deletes("x", 1, "b"), None), |_| insert(15)).await;
}

#[tokio::test]
async fn a_replaced_partition_must_have_got_nothing_new() {
    // (d)
    let replace = |parts: &[i32]| Staged {
        kind: Kind::ReplacePartitions(parts.iter().copied().map(part).collect()),
        ..append([data("y", parts[0])])
    };
    conflicts(|_, _| append([data("x", 2)]), |_| replace(&[1, 2]), "partition").await;
    conflicts(|_, live| delta(&find(&live, "b"), deletes("x", 1, "b"), None), |_| replace(&[1]), "partition").await;
    goes_together(|_, _| append([data("x", 2)]), |_| replace(&[1])).await;
    goes_together(|_, live| remove(&find(&live, "b")), |_| replace(&[1])).await;
}

#[tokio::test]
async fn schema_and_spec_must_be_those_of_the_base() {
    // (e)
    let change = |updates: Vec<TableUpdate>| Staged { updates, ..Staged::default() };
    let spec = || {
        let spec =
            UnboundPartitionSpec::builder().add_partition_field(1, "bucket", Transform::Bucket(4)).unwrap().build();
        vec![TableUpdate::AddSpec { spec }, TableUpdate::SetDefaultSpec { spec_id: -1 }]
    };
    conflicts(move |_, _| change(wider()), |_| append([data("y", 1)]), "schema").await;
    conflicts(move |_, _| change(wider()), move |_| change(wider()), "schema").await;
    conflicts(move |_, _| change(spec()), |_| append([data("y", 1)]), "partition spec").await;
    let v3 = || vec![TableUpdate::UpgradeFormatVersion { format_version: iceberg::spec::FormatVersion::V3 }];
    conflicts(move |_, _| change(v3()), |_| append([data("y", 1)]), "format version").await;
}

#[tokio::test]
async fn a_schema_change_and_a_merge_go_together_with_appends() {
    let (world, table) = setup().await;
    world.slip_in(|_, _| append([data("x", 1)]));
    let staged = Staged { updates: wider(), ..append([data("y", 1)]) };
    let next = world.tables.commit(&table, staged).await.unwrap();
    assert_eq!(next.schema().as_struct().fields().len(), 4);
    assert!(world.names(&next).await.contains("x") && world.names(&next).await.contains("y"));
}

#[tokio::test]
async fn properties_go_together_with_a_changed_schema() {
    let (world, table) = setup().await;
    world.slip_in(|_, _| Staged { updates: wider(), ..Staged::default() });
    let properties = [("k".to_owned(), "v".to_owned())].into();
    let next = world.tables.commit(&table, Staged { properties, ..Staged::default() }).await.unwrap();
    assert_eq!((next.property("k"), next.schema().as_struct().fields().len()), (Some("v"), 4));
}

#[tokio::test]
async fn another_table_of_the_same_name_is_a_conflict() {
    let (world, table) = setup().await;
    let other = world.clone();
    world.catalog.before_swap(move || async move {
        other.catalog.drop_table(&name());
        other.create().await;
    });
    let error = world.tables.commit(&table, append([data("y", 1)])).await.unwrap_err();
    assert!(error.to_string().contains("replaced by another"), "{error}");
    world.catalog.drop_table(&name());
    let error = world.tables.commit(&table, append([data("y", 1)])).await.unwrap_err();
    assert!(error.to_string().contains("dropped"), "{error}");
}

#[tokio::test]
async fn a_lost_race_is_validated_again_each_time() {
    let (world, table) = setup().await;
    let live = world.live(&table).await;
    for n in 0..4 {
        world.slip_in(move |_, _| append([data(&format!("x{n}"), 1)]));
        // The slipped-in commit's own swap.
        world.catalog.before_swap(|| async {});
    }
    world.slip_in(|_, live| remove(&find(&live, "b")));
    let error = world.tables.commit(&table, delta(&find(&live, "b"), deletes("y", 1, "b"), None)).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert_eq!(world.load().await.metadata.snapshots().len(), 2 + 5);
}

#[tokio::test]
async fn a_table_that_was_set_back_is_compared_as_it_is() {
    let (world, table) = setup().await;
    let live = world.live(&table).await;
    // The head is set back to before `da`: it was live in the base and is not any more.
    let first = table.metadata.snapshots().find(|snapshot| snapshot.sequence_number() == 1).unwrap().snapshot_id();
    world.slip_in(move |table, _| {
        let reference = iceberg::spec::SnapshotReference {
            snapshot_id: first,
            retention: iceberg::spec::SnapshotRetention::Branch {
                min_snapshots_to_keep: None,
                max_snapshot_age_ms: None,
                max_ref_age_ms: None,
            },
        };
        assert_ne!(table.current_snapshot_id(), Some(first));
        let updates = vec![TableUpdate::SetSnapshotRef { ref_name: "main".to_owned(), reference }];
        Staged { updates, ..Staged::default() }
    });
    let error = world.tables.commit(&table, delta(&find(&live, "a"), deletes("y", 1, "a"), None)).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
}
