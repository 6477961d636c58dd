//! A lake in memory: bronze files, a catalog, and tables read back by the `iceberg` crate's own scan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow_schema::DataType;
use async_trait::async_trait;
use futures::TryStreamExt;
use iceberg::TableIdent;
use iceberg_commit::{Catalog, CatalogError, Swap, TableName, Tables, Warehouse};
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use parquet::arrow::ArrowWriter;
use weir_model::Contract;
use weir_ports::{Bucket, Identity};
use weir_silver::{MergeError, MergeReport, Settings, Silver, Source, merge};

use super::changes::Change;
use super::model::Row;

/// Heads of tables in memory.
#[derive(Debug, Default)]
pub struct MemoryCatalog {
    heads: Mutex<BTreeMap<TableName, String>>,
}

#[async_trait]
impl Catalog for MemoryCatalog {
    async fn head(&self, table: &TableName) -> Result<Option<String>, CatalogError> {
        Ok(self.heads.lock().unwrap().get(table).cloned())
    }

    async fn tables(&self, namespace: &str) -> Result<Vec<TableName>, CatalogError> {
        let heads = self.heads.lock().unwrap();
        Ok(heads.keys().filter(|table| table.namespace == namespace).cloned().collect())
    }

    async fn create(&self, table: &TableName, location: &str) -> Result<Swap, CatalogError> {
        let mut heads = self.heads.lock().unwrap();
        if heads.contains_key(table) {
            return Ok(Swap::Lost);
        }
        heads.insert(table.clone(), location.to_owned());
        Ok(Swap::Won)
    }

    async fn swap(&self, table: &TableName, from: &str, to: &str) -> Result<Swap, CatalogError> {
        let mut heads = self.heads.lock().unwrap();
        match heads.get_mut(table) {
            Some(head) if head == from => {
                *head = to.to_owned();
                Ok(Swap::Won)
            }
            _ => Ok(Swap::Lost),
        }
    }
}

/// A lake with the silver table of one contract.
#[derive(Clone)]
pub struct Lake {
    pub store: Arc<dyn ObjectStore>,
    pub silver: Silver,
    pub contract: Contract,
    files: Arc<Mutex<usize>>,
}

/// The contract of the test table: key `k`, columns `a` and `b`; `settings` are custom properties of the table.
pub fn contract(settings: &[(&str, &str)]) -> Contract {
    let custom: String =
        settings.iter().map(|(name, value)| format!("      - {{property: {name}, value: {value}}}\n")).collect();
    let custom = if custom.is_empty() { custom } else { format!("    customProperties:\n{custom}") };
    let text = format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: t\nname: t\nversion: 1.0.0\nstatus: active\nschema:\n  - name: t\n\
         {custom}    properties:\n\
         \x20     - {{name: k, logicalType: integer, physicalType: bigint, primaryKey: true, primaryKeyPosition: 1, required: true}}\n\
         \x20     - {{name: a, logicalType: string}}\n\
         \x20     - {{name: b, logicalType: integer, physicalType: bigint}}\n"
    );
    parse(&text)
}

/// A contract from its text.
pub fn parse(text: &str) -> Contract {
    Contract::parse("t.odcs.yaml", text).unwrap_or_else(|error| panic!("{error:?}\n{text}"))
}

impl Lake {
    pub fn new(contract: Contract, settings: Settings) -> Self {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let warehouse = Warehouse::new(Arc::clone(&store), "s3://lake").unwrap();
        let tables = Tables::new(warehouse, Arc::new(MemoryCatalog::default()));
        let bronze = Bucket::new("lake", Arc::clone(&store), Identity::Version);
        Lake { store, silver: Silver { tables, bronze, settings }, contract, files: Arc::default() }
    }

    /// Writes change records as a bronze file.
    pub async fn bronze(&self, changes: &[Change]) -> Source {
        let keys: ArrayRef = Arc::new(Int64Array::from_iter_values(changes.iter().map(|change| change.key)));
        let a: ArrayRef = Arc::new(StringArray::from_iter(changes.iter().map(|change| change.a.clone().flatten())));
        let b: ArrayRef = Arc::new(Int64Array::from_iter(changes.iter().map(|change| change.b.flatten())));
        self.bronze_of(vec![("k", keys), ("a", a), ("b", b)], changes).await
    }

    /// Writes a bronze file of these columns, and the change columns of `changes`.
    pub async fn bronze_of(&self, columns: Vec<(&str, ArrayRef)>, changes: &[Change]) -> Source {
        let number = {
            let mut files = self.files.lock().unwrap();
            *files += 1;
            *files
        };
        let control_id = format!("{number:032x}");
        let unset = |change: &Change| {
            let names: Vec<&str> = [("a", change.a.is_none()), ("b", change.b.is_none())]
                .iter()
                .filter(|(_, is)| *is)
                .map(|(name, _)| *name)
                .collect();
            (!names.is_empty()).then(|| serde_json::to_string(&names).unwrap())
        };
        let times = TimestampMicrosecondArray::from_iter_values(changes.iter().map(|change| change.time));
        let text = |of: &dyn Fn(&Change) -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(changes.iter().map(of)))
        };
        let added: Vec<(&str, ArrayRef)> = vec![
            ("_op", text(&|change| change.op.to_string())),
            ("_seq", text(&Change::sequence_text)),
            ("_event_time", Arc::new(times.with_timezone("UTC"))),
            ("_control_id", text(&|_| control_id.clone())),
            ("_row", Arc::new(Int64Array::from_iter_values(0..changes.len() as i64))),
            ("_unchanged", Arc::new(StringArray::from_iter(changes.iter().map(unset)))),
        ];
        let batch = RecordBatch::try_from_iter(columns.into_iter().chain(added)).unwrap();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let bronze_key = format!("bronze/t/v1/{control_id}.parquet");
        let path = self.silver.bronze.path(&bronze_key).unwrap();
        self.store.put(&path, PutPayload::from(bytes)).await.unwrap();
        Source { control_id, bronze_key }
    }

    pub async fn merge(&self, sources: &[Source]) -> Result<MergeReport, MergeError> {
        merge(&self.silver, &self.contract, sources, false).await
    }

    /// Compacts the table; that another writer was faster every time is no failure.
    pub async fn compact(&self) -> weir_silver::CompactReport {
        weir_silver::compact(&self.silver, &self.contract, false).await.unwrap()
    }

    /// Expires all snapshots but the newest.
    pub async fn expire(&self) {
        let expire = iceberg_commit::Expire { older_than_ms: i64::MAX, keep_last: 1, dry_run: false };
        match self.silver.tables.expire(&self.table().await, &expire).await {
            Ok(_) => {}
            Err(error) if error.is_conflict() => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// Removes what no snapshot reaches and is old enough: nothing that is being written.
    pub async fn remove_orphans(&self) {
        let settings = iceberg_commit::OrphanSettings::default();
        let orphans = self.silver.tables.orphans(&self.table().await, &settings).await.unwrap();
        self.silver.tables.remove(&orphans).await.unwrap();
    }

    /// Every row of the silver table as text, read by the `iceberg` crate's scan. Panics on a double.
    pub async fn read(&self) -> BTreeSet<Row> {
        let (rows, doubles) = self.read_all().await;
        assert_eq!(doubles, 0, "rows stand twice");
        rows
    }

    async fn read_all(&self) -> (BTreeSet<Row>, usize) {
        let Some(table) = self.silver.tables.load(&TableName::new("silver", "t")).await.unwrap() else {
            return Default::default();
        };
        let table = iceberg::table::Table::builder()
            .metadata(Arc::clone(&table.metadata))
            .metadata_location(table.metadata_location.clone())
            .identifier(TableIdent::from_strs(["silver", "t"]).unwrap())
            .file_io(self.silver.tables.warehouse().file_io().clone())
            .runtime(iceberg::Runtime::try_current().unwrap())
            .build()
            .unwrap();
        let stream = table.scan().build().unwrap().to_arrow().await.unwrap();
        let batches: Vec<RecordBatch> = stream.try_collect().await.unwrap();
        let mut rows = BTreeSet::new();
        let mut doubles = 0;
        for batch in &batches {
            for row in 0..batch.num_rows() {
                let shown = batch.columns().iter().map(|column| show(column, row)).collect();
                doubles += usize::from(!rows.insert(shown));
            }
        }
        (rows, doubles)
    }

    /// Every object's path.
    pub async fn objects(&self) -> BTreeSet<String> {
        let listed: Vec<_> = self.store.list(None).try_collect().await.unwrap();
        listed.into_iter().map(|meta| meta.location.to_string()).collect()
    }

    pub async fn table(&self) -> iceberg_commit::Table {
        self.silver.tables.load(&TableName::new("silver", "t")).await.unwrap().unwrap()
    }
}

pub fn show(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return "-".to_owned();
    }
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Timestamp(_, _) => {
            column.as_primitive::<arrow_array::types::TimestampMicrosecondType>().value(row).to_string()
        }
        _ => arrow_cast::display::array_value_to_string(column, row).unwrap(),
    }
}
