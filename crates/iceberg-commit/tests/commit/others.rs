//! Tables that other writers made.

use std::collections::HashMap;

use iceberg::MetadataLocation;
use iceberg::TableUpdate;
use iceberg::spec::{
    DataFileBuilder, FormatVersion, MAIN_BRANCH, ManifestListWriter, ManifestWriterBuilder, Operation, Snapshot,
    SortOrder, Summary, TableMetadata, TableMetadataBuilder, UnboundPartitionSpec,
};
use iceberg_commit::{CommitError, CommitSettings, Kind, Staged};

use crate::support::*;

/// A table of format version 1 with one snapshot of one file, at a location in Hadoop's spelling.
async fn version_1(world: &World, location: &str) {
    let io = world.tables.warehouse().file_io().clone();
    let (manifest, list) = (format!("{location}/metadata/m0.avro"), format!("{location}/metadata/snap-1.avro"));
    let spec =
        UnboundPartitionSpec::builder().add_partition_field(2, "part", iceberg::spec::Transform::Identity).unwrap();
    let empty = TableMetadataBuilder::new(
        schema(),
        spec.build(),
        SortOrder::unsorted_order(),
        location.to_owned(),
        FormatVersion::V1,
        HashMap::new(),
    );
    let empty: TableMetadata = empty.unwrap().build().unwrap().metadata;

    let (its_schema, its_spec) = (empty.current_schema().clone(), (**empty.default_partition_spec()).clone());
    let output = io.new_output(&manifest).unwrap();
    let mut writer = ManifestWriterBuilder::new(output, Some(1), its_schema, its_spec).build_v1();
    let mut file = DataFileBuilder::default();
    file.content(iceberg::spec::DataContentType::Data).file_format(iceberg::spec::DataFileFormat::Parquet);
    file.file_path(format!("{location}/data/old.parquet")).partition(part(1)).record_count(5).file_size_in_bytes(50);
    writer.add_file(file.build().unwrap(), 0).unwrap();
    let manifest = writer.write_manifest_file().await.unwrap();
    let mut writer = ManifestListWriter::v1(io.new_output(&list).unwrap().writer().await.unwrap(), 1, None);
    writer.add_manifests([manifest].into_iter()).unwrap();
    writer.close().await.unwrap();

    let snapshot = Snapshot::builder()
        .with_snapshot_id(1)
        .with_sequence_number(0)
        .with_timestamp_ms(empty.last_updated_ms())
        .with_manifest_list(list)
        .with_summary(Summary { operation: Operation::Append, additional_properties: HashMap::new() })
        .build();
    let builder = empty.into_builder(None).set_branch_snapshot(snapshot, MAIN_BRANCH).unwrap();
    let metadata = builder.build().unwrap().metadata;
    put_metadata(world, metadata).await;
}

async fn put_metadata(world: &World, metadata: TableMetadata) {
    let location = MetadataLocation::new_with_metadata(metadata.location(), &metadata);
    metadata.write_to(world.tables.warehouse().file_io(), &location).await.unwrap();
    world.catalog.point(&name(), &location.to_string());
}

#[tokio::test]
async fn a_table_of_version_1_is_read_and_once_upgraded_written_to() {
    let world = world();
    version_1(&world, "s3a://lake/silver/review").await;
    let table = world.load().await;
    let old = world.live(&table).await.data.remove(0);
    assert_eq!((old.sequence_number, old.file_sequence_number, old.snapshot_id), (0, 0, 1));
    let error = world.tables.commit(&table, append([data("a", 1)])).await.unwrap_err();
    assert!(matches!(error, CommitError::Refused { .. }), "{error}");

    // Whoever upgrades writes metadata alone; the snapshot's list stays of version 1.
    let update = TableUpdate::UpgradeFormatVersion { format_version: FormatVersion::V2 };
    let builder = TableMetadata::clone(&table.metadata).into_builder(Some(table.metadata_location.clone()));
    put_metadata(&world, update.apply(builder).unwrap().build().unwrap().metadata).await;
    let table = world.load().await;
    // Without the memory of what was read as version 1.
    let warehouse = iceberg_commit::Warehouse::new(world.store.clone(), "s3://lake").unwrap();
    assert_eq!(table.live(&warehouse).await.unwrap().data[0].sequence_number, 0);

    let old = world.live(&table).await.data.remove(0);
    let staged = Staged { add_data: vec![data("new", 1)], ..delta(&old, deletes("d", 1, "x"), None) };
    let table = world.tables.commit(&table, staged).await.unwrap();
    check_totals(&world, &table).await;
    assert_eq!(world.live(&table).await.data.len(), 2);
    assert!(
        table.metadata_location.starts_with("s3a://lake/silver/review/metadata/00001-"),
        "{}",
        table.metadata_location
    );
    let old = world.live(&table).await.data.into_iter().find(|file| file.sequence_number == 0).unwrap();
    let table = world.tables.commit(&table, remove(&old)).await.unwrap();
    assert_eq!(world.names(&table).await, ["d", "new"].map(str::to_owned).into());
    check_totals(&world, &table).await;
    assert!(
        crate::conflicts::orphans(&world, &table).await.is_empty(),
        "another spelling of a location is the same place"
    );
}

#[tokio::test]
async fn files_of_an_older_spec_are_kept_and_stop_a_replacement_of_partitions() {
    let world = world();
    world.create().await;
    world.commit(append([data("a", 1), data("b", 1)])).await;
    let spec = UnboundPartitionSpec::builder()
        .add_partition_field(1, "bucket", iceberg::spec::Transform::Bucket(4))
        .unwrap()
        .build();
    let updates = vec![TableUpdate::AddSpec { spec }, TableUpdate::SetDefaultSpec { spec_id: -1 }];
    // A file that comes in the same commit is of the new spec.
    let table = world.commit(Staged { updates, ..append([data("c", 3)]) }).await;
    let (a, c) = (world.file(&table, "a").await, world.file(&table, "c").await);
    assert_eq!((a.spec_id, c.spec_id), (0, 1));
    let replace = Staged { kind: Kind::ReplacePartitions(vec![part(1)]), ..append([data("d", 1)]) };
    let error = world.tables.commit(&table, replace.clone()).await.unwrap_err();
    assert!(error.to_string().contains("older partition spec"), "{error}");
    let table = world.tables.commit(&table, remove(&a)).await.unwrap();
    assert_eq!(world.file(&table, "b").await.spec_id, 0, "its manifest was rewritten under its own spec");
    let table = world.tables.commit(&table, remove(&world.file(&table, "b").await)).await.unwrap();
    let table = world.tables.commit(&table, replace).await.unwrap();
    assert_eq!(world.names(&table).await, ["c", "d"].map(str::to_owned).into());
}

#[tokio::test]
async fn only_manifests_of_one_spec_and_schema_are_merged() {
    let settings = CommitSettings { max_manifests: 1, ..CommitSettings::default() };
    let world = world().with_settings(settings);
    world.create().await;
    for name in ["a", "b", "c"] {
        world.commit(append([data(name, 1)])).await;
    }
    let spec = UnboundPartitionSpec::builder().build();
    let updates = vec![TableUpdate::AddSpec { spec }, TableUpdate::SetDefaultSpec { spec_id: -1 }];
    world.commit(Staged { updates: [wider(), updates].concat(), ..Staged::default() }).await;
    let unpartitioned = |name: &str| {
        let mut file = DataFileBuilder::default();
        file.content(iceberg::spec::DataContentType::Data).file_format(iceberg::spec::DataFileFormat::Parquet);
        file.file_path(path(name)).record_count(5).file_size_in_bytes(50).build().unwrap()
    };
    let mut table = world.load().await;
    for name in ["d", "e", "f"] {
        table = world.commit(append([unpartitioned(name)])).await;
    }
    let live = world.live(&table).await;
    assert_eq!(live.data.len(), 6);
    let of = |spec_id: i32| live.data.iter().filter(|file| file.spec_id == spec_id).collect::<Vec<_>>();
    assert_eq!((of(0).len(), of(1).len()), (3, 3));
    assert!(of(0).iter().all(|file| file.manifest_path == of(0)[0].manifest_path), "those of the old spec became one");
    check_totals(&world, &table).await;
}

#[tokio::test]
async fn metadata_may_be_compressed() {
    let world = world();
    let properties = HashMap::from([("write.metadata.compression-codec".to_owned(), "gzip".to_owned())]);
    world.tables.create(&name(), iceberg_commit::NewTable { properties, ..new_table() }).await.unwrap();
    let table = world.commit(append([data("a", 1)])).await;
    assert!(table.metadata_location.ends_with(".gz.metadata.json"), "{}", table.metadata_location);
    assert_eq!(world.load().await.metadata, table.metadata);
}
