//! A catalog that can be told to fail, tables in memory, and made-up files.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::TryStreamExt;
use iceberg::TableUpdate;
use iceberg::spec::{
    DataContentType, DataFile, DataFileBuilder, DataFileFormat, Datum, Literal, NestedField, PrimitiveType, Schema,
    Struct, Transform, Type, UnboundPartitionSpec,
};
use iceberg_commit::{
    Catalog, CatalogError, CommitSettings, Kind, Live, LiveFile, NewTable, Staged, Swap, Table, TableName, Tables,
    Warehouse,
};
use object_store::ObjectStore;
use object_store::memory::InMemory;

type Hook = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// What goes wrong with a swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No answer, and no effect.
    BeforeEffect,
    /// No answer, but the effect.
    AfterEffect,
    /// Refused for good.
    Refused,
}

/// A catalog in memory. Before its next swaps it runs hooks, and then does what it is told to do wrong.
#[derive(Default)]
pub(crate) struct HookedCatalog {
    heads: Mutex<BTreeMap<TableName, String>>,
    hooks: Mutex<VecDeque<Hook>>,
    faults: Mutex<VecDeque<Fault>>,
    deaf: Mutex<u32>,
    pub(crate) swaps: Mutex<u32>,
}

impl std::fmt::Debug for HookedCatalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HookedCatalog")
    }
}

fn unavailable() -> CatalogError {
    CatalogError::Unavailable { reason: "no answer".to_owned() }
}

impl HookedCatalog {
    /// Runs `hook` right before the next swap that has none yet.
    pub(crate) fn before_swap<F: Future<Output = ()> + Send + 'static>(
        &self,
        hook: impl FnOnce() -> F + Send + 'static,
    ) {
        self.hooks.lock().unwrap().push_back(Box::new(|| Box::pin(hook())));
    }

    pub(crate) fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.faults.lock().unwrap().extend(faults);
    }

    /// The next so many questions for a head get no answer.
    pub(crate) fn deafen(&self, times: u32) {
        *self.deaf.lock().unwrap() = times;
    }

    fn try_swap(&self, table: &TableName, from: &str, to: &str) -> Swap {
        match self.heads.lock().unwrap().get_mut(table) {
            Some(head) if head == from => {
                to.clone_into(head);
                Swap::Won
            }
            _ => Swap::Lost,
        }
    }

    pub(crate) fn drop_table(&self, table: &TableName) {
        self.heads.lock().unwrap().remove(table);
    }

    pub(crate) fn point(&self, table: &TableName, to: &str) {
        self.heads.lock().unwrap().insert(table.clone(), to.to_owned());
    }
}

#[async_trait]
impl Catalog for HookedCatalog {
    async fn head(&self, table: &TableName) -> Result<Option<String>, CatalogError> {
        let mut deaf = self.deaf.lock().unwrap();
        if *deaf > 0 {
            *deaf -= 1;
            return Err(unavailable());
        }
        Ok(self.heads.lock().unwrap().get(table).cloned())
    }

    async fn tables(&self, namespace: &str) -> Result<Vec<TableName>, CatalogError> {
        let heads = self.heads.lock().unwrap();
        Ok(heads.keys().filter(|table| table.namespace == namespace).cloned().collect())
    }

    async fn create(&self, table: &TableName, metadata_location: &str) -> Result<Swap, CatalogError> {
        let hook = self.hooks.lock().unwrap().pop_front();
        if let Some(hook) = hook {
            hook().await;
        }
        let fault = self.faults.lock().unwrap().pop_front();
        if fault == Some(Fault::BeforeEffect) {
            return Err(unavailable());
        }
        let mut heads = self.heads.lock().unwrap();
        let swap = if heads.contains_key(table) { Swap::Lost } else { Swap::Won };
        heads.entry(table.clone()).or_insert_with(|| metadata_location.to_owned());
        if fault.is_some() { Err(unavailable()) } else { Ok(swap) }
    }

    async fn swap(&self, table: &TableName, from: &str, to: &str) -> Result<Swap, CatalogError> {
        *self.swaps.lock().unwrap() += 1;
        let hook = self.hooks.lock().unwrap().pop_front();
        if let Some(hook) = hook {
            hook().await;
        }
        let fault = self.faults.lock().unwrap().pop_front();
        match fault {
            None => Ok(self.try_swap(table, from, to)),
            Some(Fault::BeforeEffect) => Err(unavailable()),
            Some(Fault::AfterEffect) => {
                self.try_swap(table, from, to);
                Err(unavailable())
            }
            Some(Fault::Refused) => Err(CatalogError::Unusable { reason: "no".to_owned() }),
        }
    }
}

/// Tables in memory, and what is under them.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) store: Arc<InMemory>,
    pub(crate) catalog: Arc<HookedCatalog>,
    pub(crate) tables: Tables,
}

pub(crate) fn world() -> World {
    let store = Arc::new(InMemory::new());
    let catalog = Arc::new(HookedCatalog::default());
    let warehouse = Warehouse::new(store.clone(), "s3://lake").unwrap();
    let tables = Tables::new(warehouse, catalog.clone());
    World { store, catalog, tables }
}

pub(crate) fn name() -> TableName {
    TableName::new("silver", "review")
}

pub(crate) fn schema() -> Schema {
    let id = NestedField::required(1, "id", Type::Primitive(PrimitiveType::Long));
    let part = NestedField::optional(2, "part", Type::Primitive(PrimitiveType::Int));
    let text = NestedField::optional(3, "text", Type::Primitive(PrimitiveType::String));
    Schema::builder().with_fields([id.into(), part.into(), text.into()]).build().unwrap()
}

/// One column more.
pub(crate) fn wider() -> Vec<TableUpdate> {
    let more = NestedField::optional(4, "more", Type::Primitive(PrimitiveType::Double)).into();
    let schema = schema();
    let fields = schema.as_struct().fields().iter().cloned().chain([more]);
    let schema = Schema::builder().with_fields(fields).build().unwrap();
    vec![TableUpdate::AddSchema { schema }, TableUpdate::SetCurrentSchema { schema_id: -1 }]
}

/// Partitioned by `part`.
pub(crate) fn new_table() -> NewTable {
    let spec = UnboundPartitionSpec::builder().add_partition_field(2, "part", Transform::Identity).unwrap().build();
    NewTable { partition_spec: spec, ..NewTable::new(schema()) }
}

impl World {
    pub(crate) fn with_settings(mut self, settings: CommitSettings) -> Self {
        self.tables = self.tables.with_settings(settings);
        self
    }

    pub(crate) async fn create(&self) -> Table {
        self.tables.create(&name(), new_table()).await.unwrap()
    }

    pub(crate) async fn load(&self) -> Table {
        self.tables.load(&name()).await.unwrap().unwrap()
    }

    pub(crate) async fn live(&self, table: &Table) -> Live {
        table.live(self.tables.warehouse()).await.unwrap()
    }

    /// Commits to the table as it is now.
    pub(crate) async fn commit(&self, staged: Staged) -> Table {
        let table = self.load().await;
        self.tables.commit(&table, staged).await.unwrap()
    }

    /// The live file of that name in the table.
    pub(crate) async fn file(&self, table: &Table, name: &str) -> Arc<LiveFile> {
        let live = self.live(table).await;
        let mut files = live.data.into_iter().chain(live.deletes);
        files.find(|file| file.file.file_path() == path(name)).unwrap_or_else(|| panic!("{name} is not live"))
    }

    /// The names of all live files.
    pub(crate) async fn names(&self, table: &Table) -> BTreeSet<String> {
        let live = self.live(table).await;
        let paths = live.data.iter().chain(&live.deletes).map(|file| file.file.file_path());
        paths.map(|path| path.rsplit('/').next().unwrap().trim_end_matches(".parquet").to_owned()).collect()
    }

    /// The keys of all objects.
    pub(crate) async fn objects(&self) -> BTreeSet<String> {
        let objects: Vec<_> = self.store.list(None).try_collect().await.unwrap();
        objects.into_iter().map(|object| object.location.to_string()).collect()
    }

    /// Commits to this table right before another commit's next swap.
    pub(crate) fn slip_in(&self, staged: impl FnOnce(Table, Live) -> Staged + Send + 'static) {
        let world = self.clone();
        self.catalog.before_swap(move || async move {
            let table = world.load().await;
            let live = world.live(&table).await;
            let staged = staged(table.clone(), live);
            world.tables.commit(&table, staged).await.unwrap();
        });
    }
}

pub(crate) fn path(name: &str) -> String {
    format!("s3://lake/silver/review/data/{name}.parquet")
}

pub(crate) fn part(part: i32) -> Struct {
    Struct::from_iter([Some(Literal::int(part))])
}

fn file(name: &str, in_part: i32) -> DataFileBuilder {
    let mut file = DataFileBuilder::default();
    file.file_path(path(name)).file_format(DataFileFormat::Parquet).partition(part(in_part)).partition_spec_id(0);
    file
}

/// A data file of 100 rows.
pub(crate) fn data(name: &str, in_part: i32) -> DataFile {
    let mut file = file(name, in_part);
    file.content(DataContentType::Data).record_count(100).file_size_in_bytes(1000 + name.len() as u64).build().unwrap()
}

/// A data file with keys from the first to the last.
pub(crate) fn keys(name: &str, in_part: i32, first: i64, last: i64) -> DataFile {
    let mut file = file(name, in_part);
    file.content(DataContentType::Data).record_count(100).file_size_in_bytes(1000);
    file.lower_bounds(HashMap::from([(1, Datum::long(first))])).upper_bounds(HashMap::from([(1, Datum::long(last))]));
    file.build().unwrap()
}

/// Deletes of some positions in the data file `of`.
pub(crate) fn deletes(name: &str, in_part: i32, of: &str) -> DataFile {
    let mut file = file(name, in_part);
    file.content(DataContentType::PositionDeletes).record_count(7).file_size_in_bytes(300);
    file.referenced_data_file(Some(path(of))).build().unwrap()
}

/// Deletes of positions in the data files from `first` to `last`, or in any.
pub(crate) fn wide_deletes(name: &str, in_part: i32, bounds: Option<(&str, &str)>) -> DataFile {
    let mut file = file(name, in_part);
    file.content(DataContentType::PositionDeletes).record_count(9).file_size_in_bytes(400);
    if let Some((first, last)) = bounds {
        file.lower_bounds(HashMap::from([(2_147_483_546, Datum::string(path(first)))]));
        file.upper_bounds(HashMap::from([(2_147_483_546, Datum::string(path(last)))]));
    }
    file.build().unwrap()
}

/// Deletes of rows with some ids.
pub(crate) fn equal_deletes(name: &str, in_part: i32) -> DataFile {
    let mut file = file(name, in_part);
    file.content(DataContentType::EqualityDeletes).record_count(3).file_size_in_bytes(200);
    file.equality_ids(Some(vec![1])).build().unwrap()
}

pub(crate) fn append(files: impl IntoIterator<Item = DataFile>) -> Staged {
    Staged { add_data: files.into_iter().collect(), ..Staged::default() }
}

/// Deletes positions in one file, and adds another.
pub(crate) fn delta(target: &Arc<LiveFile>, add_deletes: DataFile, add_data: Option<DataFile>) -> Staged {
    Staged {
        kind: Kind::RowDelta,
        add_data: add_data.into_iter().collect(),
        add_deletes: vec![add_deletes],
        targets: vec![target.clone()],
        ..Staged::default()
    }
}

pub(crate) fn remove(file: &Arc<LiveFile>) -> Staged {
    Staged { kind: Kind::RowDelta, remove_data: vec![file.clone()], ..Staged::default() }
}

/// The counts of a summary, which must be those of the live files.
pub(crate) async fn check_totals(world: &World, table: &Table) {
    let Some(snapshot) = table.current_snapshot() else { return };
    let live = world.live(table).await;
    let sum = |files: &[Arc<LiveFile>], of: fn(&DataFile) -> u64| files.iter().map(|file| of(&file.file)).sum::<u64>();
    let (positions, equal): (Vec<_>, Vec<_>) =
        live.deletes.iter().cloned().partition(|file| file.file.content_type() == DataContentType::PositionDeletes);
    let bytes = sum(&live.data, DataFile::file_size_in_bytes) + sum(&live.deletes, DataFile::file_size_in_bytes);
    for (key, count) in [
        ("total-data-files", live.data.len() as u64),
        ("total-delete-files", live.deletes.len() as u64),
        ("total-records", sum(&live.data, DataFile::record_count)),
        ("total-files-size", bytes),
        ("total-position-deletes", sum(&positions, DataFile::record_count)),
        ("total-equality-deletes", sum(&equal, DataFile::record_count)),
    ] {
        assert_eq!(snapshot.summary().additional_properties[key], count.to_string(), "{key}");
    }
}

pub(crate) fn summary<'a>(table: &'a Table, key: &str) -> Option<&'a str> {
    table.current_snapshot().unwrap().summary().additional_properties.get(key).map(String::as_str)
}
