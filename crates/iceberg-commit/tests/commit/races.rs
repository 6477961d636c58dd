//! Many that write at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use iceberg_commit::{CommitSettings, Staged, Table, TableName, Tables, Warehouse};
use weir_ports_local::{SqliteCatalog, folder};

use crate::support::*;

fn patient() -> CommitSettings {
    CommitSettings { max_attempts: 200, ..CommitSettings::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_appends_at_once_none_is_lost_and_none_is_doubled() {
    let world = world().with_settings(patient());
    let base = world.create().await;
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (world, mut base) = (world.clone(), base.clone());
            tokio::spawn(async move {
                for n in 0..6 {
                    base = world.tables.commit(&base, append([data(&format!("{writer}-{n}"), writer)])).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let head = world.load().await;
    let expected: BTreeSet<String> = (0..8).flat_map(|writer| (0..6).map(move |n| format!("{writer}-{n}"))).collect();
    assert_eq!(world.names(&head).await, expected);
    assert_eq!(world.live(&head).await.data.len(), 48);
    assert_eq!(head.metadata.snapshots().len(), 48);
    assert_eq!(head.metadata.last_sequence_number(), 48);
    check_totals(&world, &head).await;
    let of_commits = world.objects().await;
    assert_eq!(of_commits.iter().filter(|key| key.ends_with(".json")).count(), 49, "losers leave no metadata file");
    assert_eq!(of_commits.iter().filter(|key| key.contains("/snap-")).count(), 48, "nor a manifest list");
    assert_eq!(of_commits.iter().filter(|key| key.ends_with(".avro")).count(), 96, "nor a manifest");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_replace_one_file_each_replacement_sees_the_one_before() {
    // A counter: each writer replaces the one file by one with a row more, planning again on a conflict.
    let world = world().with_settings(patient());
    world.create().await;
    world.commit(append([data("0", 1)])).await;
    let writers: Vec<_> = (0..6)
        .map(|_| {
            let world = world.clone();
            tokio::spawn(async move {
                let mut left = 4;
                while left > 0 {
                    let base = world.load().await;
                    let live = world.live(&base).await;
                    let [old] = live.data.as_slice() else { panic!("one file") };
                    let path = old.file.file_path();
                    let count: u32 =
                        path.rsplit('/').next().unwrap().split(['.', '-']).next().unwrap().parse().unwrap();
                    let id: u32 = rand_id();
                    let staged = Staged { add_data: vec![data(&format!("{}-{id}", count + 1), 1)], ..remove(old) };
                    match world.tables.commit(&base, staged).await {
                        Ok(_) => left -= 1,
                        Err(error) => assert!(error.is_conflict(), "{error}"),
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let head = world.load().await;
    let names = world.names(&head).await;
    assert_eq!(names.len(), 1);
    assert!(names.first().unwrap().starts_with("24-"), "{names:?}");
    check_totals(&world, &head).await;
}

fn rand_id() -> u32 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish() as u32
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_handles_onto_one_folder_and_one_file_never_lose_a_commit() {
    let root = tempfile::tempdir().unwrap();
    let open = || {
        let bucket = folder::bucket("lake", root.path()).unwrap();
        let uri = format!("file://{}", std::fs::canonicalize(root.path()).unwrap().display());
        let catalog = SqliteCatalog::open(root.path().join("catalog.sqlite"), "weir").unwrap();
        let warehouse = Warehouse::new(bucket.store().clone(), &uri).unwrap();
        Tables::new(warehouse, Arc::new(catalog)).with_settings(patient())
    };
    let name = TableName::new("silver", "shop");
    open().create(&name, new_table()).await.unwrap();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (tables, name) = (open(), name.clone());
            tokio::spawn(async move {
                let mut base: Table = tables.load(&name).await.unwrap().unwrap();
                for n in 0..5 {
                    base = tables.commit(&base, append([data(&format!("{writer}-{n}"), writer)])).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let tables = open();
    let head = tables.load(&name).await.unwrap().unwrap();
    assert_eq!(head.live(tables.warehouse()).await.unwrap().data.len(), 20);
    let files = std::fs::read_dir(root.path().join("silver/shop/metadata")).unwrap().count();
    assert_eq!(files, 21 + 20 + 20, "metadata files, lists and manifests of winners alone");
}
