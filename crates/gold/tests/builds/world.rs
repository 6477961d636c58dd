//! Tables that change in every way that Iceberg knows, and what is in them by our own count.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema as ArrowSchema};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::catalog::MemorySchemaProvider;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use futures::stream::BoxStream;
use iceberg::spec::{DataFile, NestedField, PrimitiveType, Schema, Type};
use iceberg_commit::{Kind, LiveFile, NewTable, Staged, Table, Tables, Warehouse};
use iceberg_files::{Deletes, FileShape, PartitionedOptions, Written, write_deletes, write_partitioned};
use object_store::memory::InMemory;
use weir_gold::models::{Model, Models};
use weir_gold::{Gold, ModelBuild, Settings};
use weir_ports::catalog::TableName;
use weir_ports_local::SqliteCatalog;
use weir_query::IcebergRows;

/// A row of any of the tables: `a`, `b`, `c` are numbers, `d` is text.
pub(crate) type Row = (Option<i64>, Option<i64>, Option<i64>, Option<String>);

pub(crate) const TABLES: [&str; 3] = ["fact", "dim", "far"];

pub(crate) fn row(a: i64, b: i64, c: i64, d: &str) -> Row {
    (Some(a), Some(b), Some(c), Some(d.to_owned()))
}

/// The models that most tests build, each with its file.
pub(crate) const MODELS: [(&str, &str); 6] = [
    (
        "models/silver/flat.sql",
        "/*\npartitionBy: [p, d]\nsortBy: [a]\ntests:\n  - name: all is well\n    sql: SELECT * FROM this WHERE a = 999\n*/\n\
         SELECT fact.a, fact.b AS p, fact.c, fact.d, dim.d AS dim_d, far.d AS far_d FROM silver.fact AS fact \
         LEFT JOIN silver.dim AS dim ON dim.a = fact.a AND dim.c IS NOT NULL \
         LEFT JOIN silver.far AS far ON far.a = dim.b WHERE fact.c IS NOT NULL",
    ),
    (
        "models/gold/totals.sql",
        "/*\npartitionBy: [p]\n*/\nSELECT p, far_d, COUNT(*) AS n, SUM(c) AS total, AVG(c) AS mean FROM silver.flat GROUP BY p, far_d",
    ),
    (
        "models/gold/ranks.sql",
        "/*\npartitionBy: [p]\n*/\nSELECT p, d, n, ROW_NUMBER() OVER (PARTITION BY p ORDER BY n DESC, d) AS place FROM \
         (SELECT p, d, COUNT(*) AS n FROM silver.flat GROUP BY p, d) AS counted",
    ),
    (
        "models/gold/texts.sql",
        "/*\npartitionBy: [d]\n*/\nSELECT DISTINCT d, b FROM silver.fact WHERE a IN (SELECT a FROM silver.dim)",
    ),
    ("models/gold/whole.sql", "SELECT d, MAX(c) AS most FROM silver.fact GROUP BY d"),
    (
        "models/gold/untraceable.sql",
        "/*\npartitionBy: [d]\n*/\nSELECT d, COUNT(*) AS n FROM silver.fact WHERE c >= (SELECT MIN(c) FROM silver.dim) GROUP BY d",
    ),
];

/// Tables in memory with our own count of their rows, and models over them.
pub(crate) struct World {
    pub(crate) store: Arc<InMemory>,
    pub(crate) tables: Tables,
    pub(crate) gold: Gold,
    pub(crate) rows: BTreeMap<&'static str, Vec<Row>>,
    _folder: tempfile::TempDir,
}

pub(crate) fn models(files: &[(&str, &str)]) -> Models {
    let files: Vec<(String, String)> =
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    let known = TABLES.iter().map(|name| TableName::new("silver", *name)).collect();
    Models::parse(&files, &known).unwrap()
}

fn batch(rows: &[Row]) -> RecordBatch {
    let schema = ArrowSchema::new(vec![
        Field::new("a", DataType::Int64, true),
        Field::new("b", DataType::Int64, true),
        Field::new("c", DataType::Int64, true),
        Field::new("d", DataType::Utf8, true),
    ]);
    let number = |of: fn(&Row) -> Option<i64>| Arc::new(rows.iter().map(of).collect::<Int64Array>());
    let text: StringArray = rows.iter().map(|row| row.3.clone()).collect();
    RecordBatch::try_new(Arc::new(schema), vec![number(|r| r.0), number(|r| r.1), number(|r| r.2), Arc::new(text)])
        .unwrap()
}

impl World {
    pub(crate) async fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(InMemory::new());
        let catalog = SqliteCatalog::open(folder.path().join("catalog.sqlite"), "weir").unwrap();
        let tables = Tables::new(Warehouse::new(store.clone(), "s3://lake").unwrap(), Arc::new(catalog));
        let settings = Settings { memory_bytes: 64 << 20, workers: 2, ..Settings::default() };
        let gold = Gold { tables: tables.clone(), models: Arc::new(models(files)), settings };
        let rows = TABLES.iter().map(|name| (*name, Vec::new())).collect();
        let world = World { store, tables, gold, rows, _folder: folder };
        for name in TABLES {
            let column = |id, name: &str, kind| NestedField::optional(id, name, Type::Primitive(kind)).into();
            let fields = [
                column(1, "a", PrimitiveType::Long),
                column(2, "b", PrimitiveType::Long),
                column(3, "c", PrimitiveType::Long),
                column(4, "d", PrimitiveType::String),
            ];
            let new = NewTable::new(Schema::builder().with_fields(fields).build().unwrap());
            world.tables.create(&TableName::new("silver", name), new).await.unwrap();
        }
        world
    }

    pub(crate) fn set_models(&mut self, files: &[(&str, &str)]) {
        self.gold.models = Arc::new(models(files));
    }

    pub(crate) fn warehouse(&self) -> &Warehouse {
        self.tables.warehouse()
    }

    pub(crate) async fn table(&self, name: &str) -> Table {
        let (namespace, name) = name.split_once('.').unwrap_or(("silver", name));
        self.tables.load(&TableName::new(namespace, name)).await.unwrap().unwrap()
    }

    async fn write(&self, table: &Table, rows: &[Row]) -> Vec<DataFile> {
        let shape = Arc::new(FileShape::of(&table.metadata, 1 << 30).unwrap());
        let batch = batch(rows).with_schema(Arc::clone(&shape.arrow)).unwrap();
        let stream: BoxStream<'static, Result<RecordBatch, std::io::Error>> =
            Box::pin(futures::stream::iter([Ok(batch)]));
        let options = PartitionedOptions { memory_bytes: 1 << 24, workers: 1 };
        let written = Written::default();
        write_partitioned(self.warehouse(), table.location(), &shape, vec![stream], options, &written)
            .await
            .unwrap()
            .files
    }

    pub(crate) async fn append(&mut self, name: &'static str, rows: &[Row]) {
        if rows.is_empty() {
            return;
        }
        let table = self.table(name).await;
        let add_data = self.write(&table, rows).await;
        self.tables.commit(&table, Staged { kind: Kind::Append, add_data, ..Staged::default() }).await.unwrap();
        self.rows.get_mut(name).unwrap().extend_from_slice(rows);
    }

    /// Deletes the rows for which `gone` holds by their positions, and adds others in the same commit.
    pub(crate) async fn replace(&mut self, name: &'static str, gone: impl Fn(&Row) -> bool, more: &[Row]) {
        let table = self.table(name).await;
        let live = table.live(self.warehouse()).await.unwrap();
        let mut staged = Staged { kind: Kind::RowDelta, ..Staged::default() };
        for file in &live.data {
            let before = Deletes::load(self.warehouse(), &live, file).await.unwrap();
            let stored = self.stored(&table, file).await;
            let mut positions = before.positions.clone();
            let hit = |(at, row): (usize, &Row)| (gone(row) && !before.contains(at as u64)).then_some(at as u64);
            positions.extend(stored.iter().enumerate().filter_map(hit));
            if positions.len() == before.positions.len() {
                continue;
            }
            positions.sort_unstable();
            let written = Written::default();
            let deletes = write_deletes(self.warehouse(), table.location(), file, &positions, &written).await.unwrap();
            staged.add_deletes.push(deletes);
            staged.remove_deletes.extend(before.scoped);
            staged.targets.push(Arc::clone(file));
        }
        if !more.is_empty() {
            staged.add_data = self.write(&table, more).await;
        }
        self.tables.commit(&table, staged).await.unwrap();
        let rows = self.rows.get_mut(name).unwrap();
        rows.retain(|row| !gone(row));
        rows.extend_from_slice(more);
    }

    /// Writes all rows into one new file: the same rows, or, as a merge that rewrites a file does, with changes among them.
    pub(crate) async fn rewrite(&mut self, name: &'static str, change: impl Fn(&mut Row), kind: Kind) {
        let table = self.table(name).await;
        let live = table.live(self.warehouse()).await.unwrap();
        let rows = self.rows.get_mut(name).unwrap();
        rows.iter_mut().for_each(change);
        let rows = rows.clone();
        let add_data = if rows.is_empty() { Vec::new() } else { self.write(&table, &rows).await };
        let staged = Staged { kind, add_data, remove_data: live.data, remove_deletes: Vec::new(), ..Staged::default() };
        self.tables.commit(&table, staged).await.unwrap();
    }

    /// All rows of a file, the deleted ones included.
    async fn stored(&self, table: &Table, file: &Arc<LiveFile>) -> Vec<Row> {
        let rows = weir_query::FileRows { file: Arc::clone(file), rows: weir_query::Positions::All };
        let rows = IcebergRows::files(self.warehouse(), table, Arc::clone(table.schema()), vec![rows]).unwrap();
        let session =
            weir_query::session(&weir_query::Settings { workers: 1, ..weir_query::Settings::default() }).unwrap();
        session.register_table("t", Arc::new(rows)).unwrap();
        let sql = "SELECT a, b, c, CAST(d AS VARCHAR) AS d FROM t";
        let batches = session.sql(sql).await.unwrap().collect().await.unwrap();
        let mut all = Vec::new();
        for batch in batches {
            let text = text_rows(&batch);
            all.extend(text.into_iter().map(|cells| {
                let number = |at: usize| cells[at].as_ref().map(|text| text.parse().unwrap());
                (number(0), number(1), number(2), cells[3].clone())
            }));
        }
        all
    }

    /// Builds all models; none may fail.
    pub(crate) async fn build(&self) -> BTreeMap<String, ModelBuild> {
        let builds = self.builds(false).await;
        for build in builds.values() {
            assert!(build.failure.is_none(), "{:?}", build.failure);
        }
        builds
    }

    pub(crate) async fn builds(&self, full: bool) -> BTreeMap<String, ModelBuild> {
        let all: Vec<Arc<Model>> = self.gold.models.iter().cloned().collect();
        let builds = self.gold.build(&all, full, &()).await.unwrap();
        builds.into_iter().map(|build| (build.model.clone(), build)).collect()
    }

    /// The rows of a model's table, as text, in order.
    pub(crate) async fn built(&self, model: &str) -> Vec<Vec<Option<String>>> {
        let rows = IcebergRows::snapshot(self.warehouse(), &self.table(model).await, None).await.unwrap();
        let session = SessionContext::new();
        session.register_table("t", Arc::new(rows)).unwrap();
        sorted(session.sql("SELECT * FROM t").await.unwrap().collect().await.unwrap())
    }

    /// The rows that each model should have, by its SQL over our own count of rows.
    pub(crate) async fn expected(&self) -> BTreeMap<String, Vec<Vec<Option<String>>>> {
        let session = SessionContext::new();
        let catalog = session.catalog("datafusion").unwrap();
        for layer in ["silver", "gold"] {
            catalog.register_schema(layer, Arc::new(MemorySchemaProvider::new())).unwrap();
        }
        for (name, rows) in &self.rows {
            register(&session, &format!("silver.{name}"), vec![batch(rows)]);
        }
        let mut expected = BTreeMap::new();
        for model in self.gold.models.iter() {
            let answer = session.sql(&model.portable_sql()).await.unwrap();
            let answer = answer.collect().await.unwrap();
            if let Some(first) = answer.first() {
                assert_eq!(first.num_columns(), answer.last().unwrap().num_columns());
                register(&session, &model.name.to_string(), answer.clone());
            } else {
                let schema = session.sql(&model.portable_sql()).await.unwrap().schema().inner().clone();
                register(&session, &model.name.to_string(), vec![RecordBatch::new_empty(schema)]);
            }
            expected.insert(model.name.to_string(), sorted(answer));
        }
        expected
    }

    /// Every model's table holds what its SQL says.
    pub(crate) async fn check(&self, what: &str) {
        for (model, rows) in self.expected().await {
            assert_eq!(self.built(&model).await, rows, "{model} {what}");
        }
    }

    pub(crate) async fn snapshots(&self) -> BTreeMap<String, Option<i64>> {
        let mut snapshots = BTreeMap::new();
        for model in self.gold.models.iter() {
            let name = model.name.to_string();
            let snapshot = self.table(&name).await.current_snapshot_id();
            snapshots.insert(name, snapshot);
        }
        snapshots
    }
}

fn register(session: &SessionContext, name: &str, batches: Vec<RecordBatch>) {
    let table = MemTable::try_new(batches[0].schema(), vec![batches]).unwrap();
    session.register_table(name, Arc::new(table)).unwrap();
}

fn text_rows(batch: &RecordBatch) -> Vec<Vec<Option<String>>> {
    let options = FormatOptions::default();
    let columns: Vec<ArrayFormatter<'_>> =
        batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap()).collect();
    let cell = |row: usize, column: usize| {
        (!batch.column(column).is_null(row)).then(|| columns[column].value(row).to_string())
    };
    (0..batch.num_rows()).map(|row| (0..columns.len()).map(|column| cell(row, column)).collect()).collect()
}

fn sorted(batches: Vec<RecordBatch>) -> Vec<Vec<Option<String>>> {
    let mut rows: Vec<Vec<Option<String>>> = batches.iter().flat_map(text_rows).collect();
    rows.sort();
    rows
}
