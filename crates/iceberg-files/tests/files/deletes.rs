//! Position deletes, ours and those of others.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use iceberg::spec::{DataContentType, DataFile, DataFileBuilder, DataFileFormat, Datum, Struct};
use iceberg_commit::{Live, LiveFile};
use iceberg_files::{Deletes, FilesError, read_positions, write_deletes};
use object_store::{ObjectStoreExt, PutPayload};
use parquet::arrow::ArrowWriter;

use crate::support::*;

fn live(file: DataFile, sequence_number: i64) -> Arc<LiveFile> {
    Arc::new(LiveFile {
        file,
        spec_id: 0,
        sequence_number,
        file_sequence_number: sequence_number,
        snapshot_id: 1,
        manifest_path: "s3://lake/m.avro".into(),
    })
}

fn uri(name: &str) -> String {
    format!("{LOCATION}/data/{name}.parquet")
}

fn described(name: &str, content: DataContentType) -> DataFileBuilder {
    let mut file = DataFileBuilder::default();
    file.content(content).file_path(uri(name)).file_format(DataFileFormat::Parquet);
    file.partition(Struct::empty()).partition_spec_id(0).record_count(100).file_size_in_bytes(1);
    file
}

fn data(name: &str) -> Arc<LiveFile> {
    live(described(name, DataContentType::Data).build().unwrap(), 1)
}

/// A file of deletes in several data files, as Spark writes it.
async fn shared(world: &World, name: &str, rows: &[(&str, i64)]) -> DataFileBuilder {
    let paths: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|(of, _)| uri(of))));
    let places: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|(_, place)| *place)));
    let batch = RecordBatch::try_from_iter([("file_path", paths), ("pos", places)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let mut file = described(name, DataContentType::PositionDeletes);
    file.file_size_in_bytes(bytes.len() as u64);
    let path = world.warehouse.path(&uri(name)).unwrap();
    world.warehouse.store().put(&path, PutPayload::from(bytes)).await.unwrap();
    file
}

fn bounded(mut file: DataFileBuilder, least: &str, most: &str) -> DataFile {
    const PATH: i32 = 2_147_483_546;
    file.lower_bounds(HashMap::from([(PATH, Datum::string(uri(least)))]));
    file.upper_bounds(HashMap::from([(PATH, Datum::string(uri(most)))]));
    file.build().unwrap()
}

#[tokio::test]
async fn positions_of_a_data_file_come_from_all_files_that_name_it() {
    let world = World::new();
    let (a, b) = (data("a"), data("b"));
    let ours = write_deletes(&world.warehouse, LOCATION, &a, &[3, 5], &world.written).await.unwrap();
    assert_eq!(world.written.uris(), [ours.file_path()]);
    let both = shared(&world, "both", &[("a", 9), ("b", 0), ("a", 5), ("a", 1)]).await;
    let other = shared(&world, "other", &[("b", 2)]).await;
    let deletes = vec![live(ours, 2), live(bounded(both, "a", "b"), 2), live(bounded(other, "b", "b"), 2)];
    let all = Live { data: vec![a.clone(), b.clone()], deletes: deletes.clone() };
    let of_a = Deletes::load(&world.warehouse, &all, &a).await.unwrap();
    assert_eq!(of_a.positions, [1, 3, 5, 9]);
    assert_eq!(of_a.scoped, deletes[..1], "a file that is about others too stays when this one goes");
    assert!(of_a.contains(9) && !of_a.contains(2));
    let of_b = Deletes::load(&world.warehouse, &all, &b).await.unwrap();
    assert_eq!((of_b.positions, of_b.scoped), (vec![0, 2], deletes[2..].to_vec()));
    let read = read_positions(&world.warehouse, &deletes, &uri("a")).await.unwrap();
    assert_eq!(read, [1, 3, 5, 9]);
    assert!(read_positions(&world.warehouse, &deletes, &uri("c")).await.unwrap().is_empty());
    assert!(read_positions(&world.warehouse, &[], &uri("a")).await.unwrap().is_empty());
}

#[tokio::test]
async fn deletes_older_than_a_data_file_are_not_about_it() {
    let world = World::new();
    let a = data("a");
    let of_a = write_deletes(&world.warehouse, LOCATION, &a, &[1], &world.written).await.unwrap();
    let younger = Arc::new(LiveFile { sequence_number: 3, ..(*a).clone() });
    let all = Live { data: vec![younger.clone()], deletes: vec![live(of_a, 2)] };
    assert!(Deletes::load(&world.warehouse, &all, &younger).await.unwrap().positions.is_empty());
    assert_eq!(Deletes::load(&world.warehouse, &all, &a).await.unwrap().positions, [1]);
}

#[tokio::test]
async fn what_is_not_read_here_is_refused_with_the_way_out() {
    let world = World::new();
    let a = data("a");
    let equal = described("e", DataContentType::EqualityDeletes).equality_ids(Some(vec![1])).build().unwrap();
    let avro = described("v", DataContentType::PositionDeletes).file_format(DataFileFormat::Avro).build().unwrap();
    let puffin = described("p", DataContentType::PositionDeletes)
        .file_format(DataFileFormat::Puffin)
        .referenced_data_file(Some(uri("a")))
        .build()
        .unwrap();
    for (file, says) in [(equal, "rewrite_data_files"), (avro, "no Parquet file"), (puffin, "no Parquet file")] {
        let deletes = vec![live(file, 2)];
        let error = read_positions(&world.warehouse, &deletes, &uri("a")).await.unwrap_err();
        assert!(matches!(error, FilesError::Foreign { .. }) && error.to_string().contains(says), "{error}");
        let all = Live { data: vec![a.clone()], deletes };
        let error = Deletes::load(&world.warehouse, &all, &a).await.unwrap_err();
        assert!(error.to_string().contains(says) && !error.is_missing_file(), "{error}");
    }
}

#[tokio::test]
async fn a_delete_file_that_is_gone_is_told_from_one_that_is_damaged() {
    let world = World::new();
    let a = data("a");
    let file = write_deletes(&world.warehouse, LOCATION, &a, &[1], &world.written).await.unwrap();
    let path = world.warehouse.path(file.file_path()).unwrap();
    let deletes = [live(file, 2)];
    world.warehouse.store().put(&path, PutPayload::from_static(b"no Parquet")).await.unwrap();
    let error = read_positions(&world.warehouse, &deletes, &uri("a")).await.unwrap_err();
    assert!(matches!(error, FilesError::Parquet { .. }) && !error.is_missing_file(), "{error}");
    world.warehouse.store().delete(&path).await.unwrap();
    let error = read_positions(&world.warehouse, &deletes, &uri("a")).await.unwrap_err();
    assert!(error.is_missing_file(), "{error}");
}
