//! An Iceberg table in memory whose reads are counted.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::prelude::SessionContext;
use futures::stream::BoxStream;
use iceberg::TableUpdate;
use iceberg::spec::{
    DataFile, NestedField, NestedFieldRef, PrimitiveType, Schema, Struct, Transform, Type, UnboundPartitionSpec,
};
use iceberg_commit::{Kind, LiveFile, NewTable, Staged, Table, TableName, Tables, Warehouse};
use iceberg_files::{FileShape, FileWriter, PartitionedOptions, Written, properties, write_deletes, write_partitioned};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult,
};
use weir_ports_local::SqliteCatalog;
use weir_query::output::{Format, RowWriter};
use weir_query::{IcebergRows, QueryError, Settings, session};

/// A store in memory that remembers which objects were read.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    inner: InMemory,
    read: Mutex<BTreeSet<String>>,
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("watched")
    }
}

impl Watched {
    /// The Parquet files that were read since this was asked before.
    pub(crate) fn opened(&self) -> BTreeSet<String> {
        let read = std::mem::take(&mut *self.read.lock().unwrap());
        read.into_iter().filter(|path| path.ends_with(".parquet")).collect()
    }

    fn note(&self, path: &Path) {
        self.read.lock().unwrap().insert(path.to_string());
    }
}

#[async_trait]
impl ObjectStore for Watched {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> object_store::Result<PutResult> {
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.note(path);
        self.inner.get_opts(path, options).await
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> object_store::Result<Vec<Bytes>> {
        self.note(path);
        self.inner.get_ranges(path, ranges).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// The table `silver.t`.
pub(crate) struct World {
    pub(crate) store: Arc<Watched>,
    pub(crate) tables: Tables,
    name: TableName,
    _folder: tempfile::TempDir,
}

pub(crate) fn column(id: i32, name: &str, primitive: PrimitiveType) -> NestedFieldRef {
    NestedField::optional(id, name, Type::Primitive(primitive)).into()
}

impl World {
    pub(crate) async fn new(columns: Vec<NestedFieldRef>, partition: Option<(i32, Transform)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Watched::default());
        let catalog = SqliteCatalog::open(folder.path().join("catalog.sqlite"), "weir").unwrap();
        let warehouse = Warehouse::new(Arc::clone(&store) as Arc<dyn ObjectStore>, "s3://lake").unwrap();
        let world = World {
            store,
            tables: Tables::new(warehouse, Arc::new(catalog)),
            name: TableName::new("silver", "t"),
            _folder: folder,
        };
        let mut new = NewTable::new(Schema::builder().with_fields(columns).build().unwrap());
        if let Some((id, transform)) = partition {
            new.partition_spec =
                UnboundPartitionSpec::builder().add_partition_field(id, "part", transform).unwrap().build();
        }
        world.tables.create(&world.name, new).await.unwrap();
        world
    }

    pub(crate) async fn table(&self) -> Table {
        self.tables.load(&self.name).await.unwrap().unwrap()
    }

    pub(crate) fn warehouse(&self) -> &Warehouse {
        self.tables.warehouse()
    }

    pub(crate) async fn commit(&self, staged: Staged) -> Table {
        self.tables.commit(&self.table().await, staged).await.unwrap()
    }

    /// Adds one file of these columns, in row groups of at most `group` rows.
    pub(crate) async fn append_in_groups(&self, columns: Vec<ArrayRef>, group: usize) -> Table {
        let table = self.table().await;
        let shape = Arc::new(FileShape::of(&table.metadata, 1 << 30).unwrap());
        let batch = RecordBatch::try_new(Arc::clone(&shape.arrow), columns).unwrap();
        let written = Written::default();
        let properties = properties(batch.num_rows()).set_max_row_group_row_count(Some(group)).build();
        let none = Struct::empty();
        let mut writer =
            FileWriter::new(self.warehouse(), table.location(), &shape, &none, properties, &written).unwrap();
        writer.write(&batch).await.unwrap();
        self.add(vec![writer.close().await.unwrap()]).await
    }

    /// Adds one file of these columns.
    pub(crate) async fn append(&self, columns: Vec<ArrayRef>) -> Table {
        self.append_in_groups(columns, 1 << 20).await
    }

    /// Adds a file for each partition of these rows.
    pub(crate) async fn append_partitioned(&self, columns: Vec<ArrayRef>) -> Table {
        let table = self.table().await;
        let shape = Arc::new(FileShape::of(&table.metadata, 1 << 30).unwrap());
        let batch = RecordBatch::try_new(Arc::clone(&shape.arrow), columns).unwrap();
        let rows: BoxStream<'static, Result<RecordBatch, std::io::Error>> =
            Box::pin(futures::stream::iter([Ok(batch)]));
        let options = PartitionedOptions { memory_bytes: 1 << 24, workers: 2 };
        let files =
            write_partitioned(self.warehouse(), table.location(), &shape, vec![rows], options, &Written::default())
                .await
                .unwrap();
        self.add(files.files).await
    }

    pub(crate) async fn add(&self, add_data: Vec<DataFile>) -> Table {
        self.commit(Staged { kind: Kind::Append, add_data, ..Staged::default() }).await
    }

    /// The data files, in the order in which they were added.
    pub(crate) async fn files(&self) -> Vec<Arc<LiveFile>> {
        let mut files = self.table().await.live(self.warehouse()).await.unwrap().data;
        files.sort_by_key(|file| (file.sequence_number, file.file.file_path().to_owned()));
        files
    }

    /// Deletes rows of the n-th file by their positions.
    pub(crate) async fn delete(&self, file: usize, positions: &[u64]) -> Table {
        let (table, target) = (self.table().await, Arc::clone(&self.files().await[file]));
        let deletes =
            write_deletes(self.warehouse(), table.location(), &target, positions, &Written::default()).await.unwrap();
        let staged =
            Staged { kind: Kind::RowDelta, add_deletes: vec![deletes], targets: vec![target], ..Staged::default() };
        self.commit(staged).await
    }

    /// Gives the table other columns.
    pub(crate) async fn columns(&self, columns: Vec<NestedFieldRef>) -> Table {
        let schema = Schema::builder().with_fields(columns).build().unwrap();
        let updates = vec![TableUpdate::AddSchema { schema }, TableUpdate::SetCurrentSchema { schema_id: -1 }];
        self.commit(Staged { updates, ..Staged::default() }).await
    }

    pub(crate) async fn rows(&self) -> IcebergRows {
        IcebergRows::snapshot(self.warehouse(), &self.table().await, None).await.unwrap()
    }

    /// A session in which the table is `t`.
    pub(crate) async fn session(&self) -> SessionContext {
        with(self.rows().await)
    }

    /// The answer to a query about `t`, a JSON object a line.
    pub(crate) async fn lines(&self, sql: &str) -> Vec<String> {
        lines(&self.session().await, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}

/// A session in which these rows are `t`.
pub(crate) fn with(rows: IcebergRows) -> SessionContext {
    let context = session(&Settings { memory_bytes: 64 << 20, workers: 3, spill_folder: None }).unwrap();
    context.register_table("t", Arc::new(rows)).unwrap();
    context
}

/// The answer to a query, a JSON object a line.
pub(crate) async fn lines(context: &SessionContext, sql: &str) -> Result<Vec<String>, QueryError> {
    let batches = context.sql(sql).await?.collect().await?;
    let Some(first) = batches.first() else { return Ok(Vec::new()) };
    let mut writer = RowWriter::new(Format::Jsonl, &first.schema(), Vec::new())?;
    for batch in &batches {
        writer.write(batch)?;
    }
    let (_, bytes) = writer.finish()?;
    Ok(String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect())
}
