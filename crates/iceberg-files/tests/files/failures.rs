//! A store that fails at any of its calls: what is left is known, and can be taken away.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use iceberg::spec::Transform;
use iceberg_files::{FileShape, FilesError, WriteError};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::support::*;

/// Fails the call of one number, before it does anything or once it has.
#[derive(Debug, Default)]
struct Failing {
    inner: InMemory,
    calls: AtomicUsize,
    fails: usize,
    after: bool,
    healed: AtomicBool,
}

impl std::fmt::Display for Failing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failing")
    }
}

fn broken() -> Error {
    Error::Generic { store: "failing", source: "the line is dead".into() }
}

impl Failing {
    /// Whether this call fails after it was made.
    fn step(&self) -> Result<bool> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let fails = number == self.fails && !self.healed.load(Ordering::SeqCst);
        if fails && !self.after { Err(broken()) } else { Ok(fails) }
    }
}

#[async_trait]
impl ObjectStore for Failing {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let fails = self.step()?;
        // Others write meanwhile.
        tokio::task::yield_now().await;
        let put = self.inner.put_opts(location, payload, opts).await?;
        if fails { Err(broken()) } else { Ok(put) }
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let fails = self.step()?;
        let upload = self.inner.put_multipart_opts(location, opts).await?;
        if fails { Err(broken()) } else { Ok(upload) }
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_fails_at_any_call_leaves_only_files_that_are_known() {
    // Several files a partition, and several times that the memory is full.
    let metadata = metadata(&[(2, Transform::Identity)], &[]);
    let shape = Arc::new(FileShape::of(&metadata, 1).unwrap());
    for after in [false, true] {
        for fails in 1.. {
            let store = Arc::new(Failing { fails, after, ..Failing::default() });
            let world = World::over(Arc::clone(&store) as Arc<dyn ObjectStore>);
            let streams = (0..2).map(|n| stream(vec![batch(&numbered(n * 10..n * 10 + 10, 4)); 3])).collect();
            let result = world.write(&shape, streams, options(1000, 2)).await;
            // Nobody writes any more once it is back.
            store.healed.store(true, Ordering::SeqCst);
            let calls = store.calls.load(Ordering::SeqCst);
            let objects = world.objects().await;
            assert!(objects.iter().all(|object| world.written.uris().contains(object)));
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            assert_eq!((world.objects().await, store.calls.load(Ordering::SeqCst)), (objects, calls));
            if fails > calls {
                assert_eq!(result.unwrap().rows, 60);
                assert!(calls >= 8, "four partitions, at least twice: {calls}");
                break;
            }
            let error = result.unwrap_err();
            assert!(matches!(error, WriteError::Files(FilesError::Store { .. })), "{error}");
            assert!(error.to_string().contains("the line is dead"), "{error}");
            world.written.discard(&world.warehouse).await;
            assert!(world.objects().await.is_empty());
        }
    }
}
