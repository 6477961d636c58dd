//! Stores that count, and stores and catalogs that fail at a moment of the test's choice.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use iceberg_commit::{Catalog, CatalogError, Swap, TableName, Tables, Warehouse};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use weir_ports::{Bucket, Identity};
use weir_silver::{Settings, Silver};

use super::lake::MemoryCatalog;

/// When a call fails: before it does anything, or once it has done it, as a lost answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fails {
    Before,
    After,
}

/// A store in memory that counts what is read, and fails one call.
#[derive(Debug)]
pub struct Watched {
    inner: InMemory,
    /// Bytes that were read.
    pub read: AtomicU64,
    /// Requests of any kind.
    pub calls: AtomicUsize,
    /// The call that fails, counted from 1; 0: none.
    pub failing: AtomicUsize,
    pub after: AtomicBool,
}

impl std::fmt::Display for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("watched")
    }
}

impl Watched {
    pub fn new() -> Arc<Self> {
        Arc::new(Watched {
            inner: InMemory::new(),
            read: AtomicU64::new(0),
            calls: AtomicUsize::new(0),
            failing: AtomicUsize::new(0),
            after: AtomicBool::new(false),
        })
    }

    /// From now on, the call of this number fails.
    pub fn fail(&self, number: usize, when: Fails) {
        self.calls.store(0, Ordering::SeqCst);
        self.after.store(when == Fails::After, Ordering::SeqCst);
        self.failing.store(number, Ordering::SeqCst);
    }

    /// No call fails any more. Returns how many there were.
    pub fn heal(&self) -> usize {
        self.failing.store(0, Ordering::SeqCst);
        self.calls.load(Ordering::SeqCst)
    }

    /// Whether this call fails after it was made.
    fn step(&self) -> Result<bool> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let fails = number == self.failing.load(Ordering::SeqCst);
        let after = self.after.load(Ordering::SeqCst);
        if fails && !after { Err(broken()) } else { Ok(fails) }
    }

    /// A silver with its tables and its bronze here.
    pub fn silver(self: &Arc<Self>, settings: Settings) -> (Silver, Arc<Droppable>) {
        let store: Arc<dyn ObjectStore> = Arc::clone(self) as Arc<dyn ObjectStore>;
        let warehouse = Warehouse::new(Arc::clone(&store), "s3://lake").unwrap();
        let catalog = Arc::new(Droppable { catalog: MemoryCatalog::default(), dropped: AtomicBool::new(false) });
        let tables = Tables::new(warehouse, Arc::clone(&catalog) as Arc<dyn Catalog>);
        let bronze = Bucket::new("lake", store, Identity::Version);
        (Silver { tables, bronze, settings }, catalog)
    }
}

fn broken() -> Error {
    Error::Generic { store: "watched", source: "the line is dead".into() }
}

#[async_trait]
impl ObjectStore for Watched {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let fails = self.step()?;
        let put = self.inner.put_opts(location, payload, opts).await?;
        if fails { Err(broken()) } else { Ok(put) }
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let fails = self.step()?;
        let upload = self.inner.put_multipart_opts(location, opts).await?;
        if fails { Err(broken()) } else { Ok(upload) }
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let fails = self.step()?;
        let got = self.inner.get_opts(location, options).await?;
        self.read.fetch_add(got.range.end - got.range.start, Ordering::SeqCst);
        if fails { Err(broken()) } else { Ok(got) }
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let fails = self.step()?;
        let got = self.inner.get_ranges(location, ranges).await?;
        self.read.fetch_add(got.iter().map(|bytes| bytes.len() as u64).sum(), Ordering::SeqCst);
        if fails { Err(broken()) } else { Ok(got) }
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// A catalog whose table is gone at the next swap, where that was asked for.
#[derive(Debug)]
pub struct Droppable {
    catalog: MemoryCatalog,
    pub dropped: AtomicBool,
}

#[async_trait]
impl Catalog for Droppable {
    async fn head(&self, table: &TableName) -> Result<Option<String>, CatalogError> {
        if self.dropped.load(Ordering::SeqCst) { Ok(None) } else { self.catalog.head(table).await }
    }

    async fn tables(&self, namespace: &str) -> Result<Vec<TableName>, CatalogError> {
        self.catalog.tables(namespace).await
    }

    async fn create(&self, table: &TableName, location: &str) -> Result<Swap, CatalogError> {
        self.catalog.create(table, location).await
    }

    async fn swap(&self, table: &TableName, from: &str, to: &str) -> Result<Swap, CatalogError> {
        if self.dropped.load(Ordering::SeqCst) { Ok(Swap::Lost) } else { self.catalog.swap(table, from, to).await }
    }
}
