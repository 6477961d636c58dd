//! What may go, and what must stay.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use iceberg::TableUpdate;
use iceberg::spec::{SnapshotReference, SnapshotRetention, StatisticsFile};
use iceberg_commit::{CommitError, Expire, OrphanSettings, Staged, Table, TableError};
use object_store::{ObjectStoreExt, PutPayload};

use crate::conflicts::orphans;
use crate::support::*;

const NOW: OrphanSettings = OrphanSettings { older_than: Duration::ZERO, any_age: true };

impl World {
    async fn put(&self, key: &str) {
        self.store.put(&key.into(), PutPayload::from_static(b"x")).await.unwrap();
    }

    /// Appends a file that is really there.
    async fn append_real(&self, name: &str) -> Table {
        self.put(&format!("silver/review/data/{name}.parquet")).await;
        self.commit(append([data(name, 1)])).await
    }

    async fn expire_all(&self, keep_last: usize) -> Vec<i64> {
        let settings = Expire { older_than_ms: i64::MAX, keep_last, dry_run: false };
        self.tables.expire(&self.load().await, &settings).await.unwrap().snapshots
    }

    async fn clean(&self) -> Vec<String> {
        tokio::time::sleep(Duration::from_millis(3)).await;
        let orphans = self.tables.orphans(&self.load().await, &NOW).await.unwrap();
        self.tables.remove(&orphans).await.unwrap().deleted
    }

    /// Every live file of every snapshot can be read from what is left.
    async fn check_readable(&self) {
        // Without the memory of what was read before.
        let warehouse = iceberg_commit::Warehouse::new(self.store.clone(), "s3://lake").unwrap();
        let tables = iceberg_commit::Tables::new(warehouse, self.catalog.clone());
        let table = tables.load(&name()).await.unwrap().unwrap();
        let live = table.live(tables.warehouse()).await.unwrap();
        let objects = self.objects().await;
        for file in live.data.iter().chain(&live.deletes) {
            let key = file.file.file_path().strip_prefix("s3://lake/").unwrap();
            assert!(objects.contains(key), "{key} is needed");
        }
        tables.orphans(&table, &NOW).await.unwrap();
    }
}

fn reference(snapshot_id: i64, retention: SnapshotRetention) -> SnapshotReference {
    SnapshotReference { snapshot_id, retention }
}

#[tokio::test]
async fn the_last_snapshots_and_young_ones_stay() {
    let world = world();
    world.create().await;
    let mut ids = Vec::new();
    for n in 0..6 {
        ids.push(world.commit(append([data(&format!("{n}"), 1)])).await.current_snapshot_id().unwrap());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let table = world.load().await;
    let expire = async |older_than_ms, keep_last| {
        let settings = Expire { older_than_ms, keep_last, dry_run: true };
        world.tables.expire(&table, &settings).await.unwrap().snapshots
    };
    assert_eq!(expire(i64::MAX, 1).await, ids[..5]);
    assert_eq!(expire(i64::MAX, 0).await, ids[..5], "never the current one");
    assert_eq!(expire(i64::MAX, 4).await, ids[..2]);
    assert_eq!(expire(0, 1).await, [0; 0]);
    let third = table.metadata.snapshot_by_id(ids[2]).unwrap().timestamp_ms();
    assert_eq!(expire(third, 1).await, ids[..2]);
    assert_eq!(world.load().await.metadata_location, table.metadata_location, "a dry run changes nothing");

    let settings = Expire { older_than_ms: i64::MAX, keep_last: 2, dry_run: false };
    let expired = world.tables.expire(&table, &settings).await.unwrap();
    assert_eq!(expired.snapshots, ids[..4]);
    assert_eq!(expired.table.metadata.snapshots().len(), 2);
    assert_eq!(world.names(&expired.table).await.len(), 6, "the table holds what it held");
    check_totals(&world, &expired.table).await;
    assert!(world.expire_all(2).await.is_empty());
}

#[tokio::test]
async fn branches_and_tags_keep_their_snapshots() {
    let world = world();
    world.create().await;
    let mut ids = Vec::new();
    for n in 0..6 {
        ids.push(world.commit(append([data(&format!("{n}"), 1)])).await.current_snapshot_id().unwrap());
    }
    let branch = |least| SnapshotRetention::Branch {
        min_snapshots_to_keep: least,
        max_snapshot_age_ms: None,
        max_ref_age_ms: None,
    };
    let updates = vec![
        TableUpdate::SetSnapshotRef {
            ref_name: "audit".to_owned(),
            reference: reference(ids[0], SnapshotRetention::Tag { max_ref_age_ms: None }),
        },
        TableUpdate::SetSnapshotRef { ref_name: "test".to_owned(), reference: reference(ids[3], branch(Some(2))) },
    ];
    world.commit(Staged { updates, ..Staged::default() }).await;
    assert_eq!(world.expire_all(1).await, [ids[1], ids[4]]);
    assert_eq!(world.load().await.metadata.snapshots().len(), 4);
}

#[tokio::test]
async fn a_table_whose_snapshots_must_stay_says_so() {
    let world = world();
    world.create().await;
    let properties = [("gc.enabled".to_owned(), "false".to_owned())].into();
    let table = world.commit(Staged { properties, ..append([data("a", 1)]) }).await;
    let error = world
        .tables
        .expire(&table, &Expire { older_than_ms: i64::MAX, keep_last: 1, dry_run: false })
        .await
        .unwrap_err();
    assert!(matches!(&error, CommitError::Refused { .. }) && error.to_string().contains("gc.enabled"), "{error}");
}

#[tokio::test]
async fn an_expiry_that_lost_a_race_decides_anew() {
    let world = world();
    world.create().await;
    for n in 0..3 {
        world.commit(append([data(&format!("{n}"), 1)])).await;
    }
    let table = world.load().await;
    world.slip_in(|_, _| append([data("x", 1)]));
    let settings = Expire { older_than_ms: i64::MAX, keep_last: 1, dry_run: false };
    let expired = world.tables.expire(&table, &settings).await.unwrap();
    assert_eq!(expired.snapshots.len(), 3, "the snapshot that was current before went too");
    assert!(world.names(&expired.table).await.contains("x"));
    assert_eq!(world.clean().await.iter().filter(|uri| uri.ends_with(".json")).count(), 0, "and left no metadata file");
}

#[tokio::test]
async fn a_commit_on_a_base_that_expired_is_still_validated() {
    let world = world();
    world.create().await;
    world.append_real("a").await;
    let table = world.append_real("b").await;
    let a = world.file(&table, "a").await;
    let (other, deletes_of_a) = (world.clone(), deletes("da", 1, "a"));
    let slip = deletes_of_a.clone();
    world.catalog.before_swap(move || async move {
        let head = other.load().await;
        let a = other.file(&head, "a").await;
        other.put("silver/review/data/da.parquet").await;
        other.tables.commit(&head, delta(&a, slip, None)).await.unwrap();
        other.expire_all(1).await;
        other.clean().await;
    });
    // A fresh reader, which does not remember the base's manifests.
    let error = world.tables.commit(&table, remove(&a)).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    world.check_readable().await;
    drop(deletes_of_a);
}

#[tokio::test]
async fn no_file_that_a_snapshot_needs_ever_goes() {
    let world = world();
    world.create().await;
    world.append_real("a").await;
    let table = world.append_real("b").await;
    world.put("silver/review/data/da.parquet").await;
    let table =
        world.tables.commit(&table, delta(&world.file(&table, "a").await, deletes("da", 1, "a"), None)).await.unwrap();
    world.put("silver/review/data/a2.parquet").await;
    let staged = Staged { add_data: vec![data("a2", 1)], ..remove(&world.file(&table, "a").await) };
    world.tables.commit(&table, staged).await.unwrap();
    assert!(world.clean().await.is_empty(), "older snapshots need all of them");
    world.check_readable().await;
    assert_eq!(world.expire_all(1).await.len(), 3);
    world.check_readable().await;
    let deleted: BTreeSet<String> = world.clean().await.into_iter().collect();
    assert!(deleted.contains(&path("a")) && deleted.contains(&path("da")));
    assert!(!deleted.contains(&path("b")) && !deleted.contains(&path("a2")));
    assert_eq!(deleted.iter().filter(|uri| uri.contains("/snap-")).count(), 3);
    world.check_readable().await;
    assert!(world.clean().await.is_empty());
    // And the table goes on.
    let table = world.append_real("c").await;
    assert_eq!(world.names(&table).await, ["a2", "b", "c"].map(str::to_owned).into());
    check_totals(&world, &table).await;
}

#[tokio::test]
async fn leftovers_are_found_and_statistics_and_hints_are_none() {
    let world = world();
    world.create().await;
    let table = world.append_real("a").await;
    for key in [
        "data/left.parquet",
        "metadata/left.avro",
        "metadata/00009-left.metadata.json",
        "metadata/version-hint.text",
        "metadata/s.puffin",
    ] {
        world.put(&format!("silver/review/{key}")).await;
    }
    world.put("silver/review2/data/x.parquet").await;
    let statistics = StatisticsFile {
        snapshot_id: table.current_snapshot_id().unwrap(),
        statistics_path: "s3://lake/silver/review/metadata/s.puffin".to_owned(),
        file_size_in_bytes: 1,
        file_footer_size_in_bytes: 1,
        key_metadata: None,
        blob_metadata: vec![],
    };
    let table =
        world.commit(Staged { updates: vec![TableUpdate::SetStatistics { statistics }], ..Staged::default() }).await;
    let before = world.objects().await;
    let found = orphans(&world, &table).await;
    let uris: Vec<_> =
        found.iter().map(|orphan| orphan.uri.strip_prefix("s3://lake/silver/review/").unwrap()).collect();
    assert_eq!(uris, ["data/left.parquet", "metadata/00009-left.metadata.json", "metadata/left.avro"]);
    assert!(found.iter().all(|orphan| orphan.bytes == 1 && orphan.written_ms > 0));
    assert_eq!(world.objects().await, before, "a listing deletes nothing");
    assert_eq!(world.clean().await.len(), 3);
    assert_eq!(world.objects().await.len(), before.len() - 3);
}

#[tokio::test]
async fn young_files_are_spared() {
    let world = world();
    world.create().await;
    let table = world.append_real("a").await;
    world.put("silver/review/data/staged.parquet").await;
    for hours in [1, 24, 72] {
        let settings = OrphanSettings { older_than: Duration::from_secs(hours * 3600), any_age: false };
        assert!(world.tables.orphans(&table, &settings).await.unwrap().files.is_empty());
    }
    assert!(world.tables.orphans(&table, &OrphanSettings::default()).await.unwrap().files.is_empty());
    let hasty = OrphanSettings { older_than: Duration::from_secs(3599), any_age: false };
    let error = world.tables.orphans(&table, &hasty).await.unwrap_err();
    assert!(error.to_string().contains("an hour"), "{error}");
}

#[tokio::test]
async fn what_was_committed_or_written_anew_since_the_listing_is_spared() {
    let world = world();
    world.create().await;
    let table = world.append_real("a").await;
    for name in ["late", "again", "gone", "left"] {
        world.put(&format!("silver/review/data/{name}.parquet")).await;
    }
    tokio::time::sleep(Duration::from_millis(5)).await;
    let listed = world.tables.orphans(&table, &NOW).await.unwrap();
    assert_eq!(listed.files.len(), 4);
    world.commit(append([data("late", 1)])).await;
    world.put("silver/review/data/again.parquet").await;
    world.store.delete(&"silver/review/data/gone.parquet".into()).await.unwrap();
    let removed = world.tables.remove(&listed).await.unwrap();
    assert_eq!(removed.deleted, [path("gone"), path("left")]);
    assert_eq!(removed.spared, [path("again"), path("late")]);
    world.check_readable().await;
}

#[tokio::test]
async fn where_a_manifest_cannot_be_read_nothing_is_an_orphan() {
    let world = world();
    world.create().await;
    let table = world.append_real("a").await;
    let live = world.live(&table).await;
    let manifest = live.data[0].manifest_path.strip_prefix("s3://lake/").unwrap().to_owned();
    tokio::time::sleep(Duration::from_millis(3)).await;
    let listed = iceberg_commit::Orphans { table: name(), files: vec![] };
    world.store.delete(&manifest.as_str().into()).await.unwrap();
    let fresh = iceberg_commit::Warehouse::new(world.store.clone(), "s3://lake").unwrap();
    let tables = iceberg_commit::Tables::new(fresh, world.catalog.clone());
    assert!(matches!(tables.orphans(&table, &NOW).await.unwrap_err(), TableError::Read { .. }));
    assert!(tables.remove(&listed).await.is_err());
    world.catalog.drop_table(&name());
    assert!(tables.remove(&listed).await.unwrap_err().to_string().contains("gone from the catalog"));
}

#[tokio::test]
async fn a_reference_that_leads_out_of_the_warehouse_stops_the_search() {
    let world = world();
    world.create().await;
    let mut file = iceberg::spec::DataFileBuilder::default();
    file.content(iceberg::spec::DataContentType::Data).file_path("s3://elsewhere/a.parquet".to_owned());
    file.file_format(iceberg::spec::DataFileFormat::Parquet).partition(part(1)).record_count(1).file_size_in_bytes(1);
    let table = world.commit(append([file.build().unwrap()])).await;
    assert!(matches!(world.tables.orphans(&table, &NOW).await.unwrap_err(), TableError::Outside { .. }));
    let _ = Arc::new(());
}
