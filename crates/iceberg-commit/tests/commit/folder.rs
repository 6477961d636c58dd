//! Tables in a folder with an awkward name.

use std::sync::Arc;

use iceberg_commit::{NewTable, Staged, TableName, Tables, Warehouse};
use weir_ports_local::{SqliteCatalog, folder};

use crate::support::*;

#[tokio::test]
async fn a_folder_may_have_any_name_and_locations_are_its_letters() {
    let root = tempfile::tempdir().unwrap();
    let lake = root.path().join("my lake/größe 100%/a%20b");
    let bucket = folder::bucket("lake", &lake).unwrap();
    let lake = std::fs::canonicalize(&lake).unwrap();
    let uri = format!("file://{}", lake.display());
    let catalog = Arc::new(SqliteCatalog::open(lake.join("catalog.sqlite"), "weir").unwrap());
    let tables = Tables::new(Warehouse::new(bucket.store().clone(), &uri).unwrap(), catalog);
    let name = TableName::new("silver", "größe");
    let table = tables.create(&name, NewTable::new(schema())).await.unwrap();
    let file = iceberg::spec::DataFileBuilder::default()
        .content(iceberg::spec::DataContentType::Data)
        .file_path(format!("{}/data/a b.parquet", table.location()))
        .file_format(iceberg::spec::DataFileFormat::Parquet)
        .record_count(1)
        .file_size_in_bytes(1)
        .build()
        .unwrap();
    let table = tables.commit(&table, Staged { add_data: vec![file.clone()], ..Staged::default() }).await.unwrap();
    assert!(table.metadata_location.starts_with(&format!("{uri}/silver/größe/metadata/00001-")));
    let on_disk = table.metadata_location.strip_prefix("file://").unwrap();
    assert!(std::path::Path::new(on_disk).is_file(), "the location is the file's own name");
    let live = table.live(tables.warehouse()).await.unwrap();
    assert_eq!(live.data[0].file, file);
    let again = tables.load(&name).await.unwrap().unwrap();
    assert_eq!(again.metadata, table.metadata);
}
