//! The `iceberg` crate's storage over an object store.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use iceberg::io::{
    FileIO, FileIOBuilder, FileMetadata, FileRead, FileWrite, InputFile, OutputFile, Storage, StorageConfig,
    StorageFactory,
};
use iceberg::{Error, ErrorKind, Result};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::warehouse::Locations;

/// What is larger is uploaded in parts of this size.
const PART_BYTES: usize = 8 << 20;
/// How many parts may be on their way at once.
const PARTS_AT_ONCE: usize = 4;
/// How many objects are deleted at once.
const DELETES_AT_ONCE: usize = 16;

/// The files of one warehouse, for the `iceberg` crate.
pub(crate) fn file_io(store: Arc<dyn ObjectStore>, locations: Locations) -> FileIO {
    FileIOBuilder::new(Arc::new(Objects { store, locations: Arc::new(locations) })).build()
}

#[derive(Clone)]
struct Objects {
    store: Arc<dyn ObjectStore>,
    locations: Arc<Locations>,
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").field("locations", &self.locations).finish_non_exhaustive()
    }
}

// The traits ask for both, so that engines can send a storage to their workers. A store's connection
// and credentials cannot be sent.
const NOT_SENT: &str = "a warehouse's storage cannot be serialised; open the warehouse where it is needed";

impl Serialize for Objects {
    fn serialize<S: Serializer>(&self, _: S) -> std::result::Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom(NOT_SENT))
    }
}

impl<'de> Deserialize<'de> for Objects {
    fn deserialize<D: Deserializer<'de>>(_: D) -> std::result::Result<Self, D::Error> {
        Err(serde::de::Error::custom(NOT_SENT))
    }
}

fn failed(what: &str, path: &str, error: object_store::Error) -> Error {
    let kind = match error {
        object_store::Error::NotFound { .. } => ErrorKind::DataInvalid,
        _ => ErrorKind::Unexpected,
    };
    Error::new(kind, format!("{what} {path} fails")).with_source(error)
}

impl Objects {
    fn path(&self, uri: &str) -> Result<Path> {
        self.locations.path(uri).map_err(|error| Error::new(ErrorKind::DataInvalid, error.to_string()))
    }
}

#[typetag::serde(name = "weir-objects")]
impl StorageFactory for Objects {
    fn build(&self, _: &StorageConfig) -> Result<Arc<dyn Storage>> {
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
#[typetag::serde(name = "weir-objects")]
impl Storage for Objects {
    async fn exists(&self, path: &str) -> Result<bool> {
        match self.store.head(&self.path(path)?).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(failed("looking at", path, error)),
        }
    }

    async fn metadata(&self, path: &str) -> Result<FileMetadata> {
        let meta = self.store.head(&self.path(path)?).await.map_err(|error| failed("looking at", path, error))?;
        Ok(FileMetadata { size: meta.size })
    }

    async fn read(&self, path: &str) -> Result<Bytes> {
        let object = self.store.get(&self.path(path)?).await.map_err(|error| failed("reading", path, error))?;
        object.bytes().await.map_err(|error| failed("reading", path, error))
    }

    async fn reader(&self, path: &str) -> Result<Box<dyn FileRead>> {
        Ok(Box::new(Reader { store: Arc::clone(&self.store), path: self.path(path)? }))
    }

    async fn write(&self, path: &str, bytes: Bytes) -> Result<()> {
        let put = self.store.put(&self.path(path)?, PutPayload::from_bytes(bytes)).await;
        put.map(drop).map_err(|error| failed("writing", path, error))
    }

    async fn writer(&self, path: &str) -> Result<Box<dyn FileWrite>> {
        let (store, path) = (Arc::clone(&self.store), self.path(path)?);
        Ok(Box::new(Writer { store, path, state: Writing::Small(Vec::new(), 0) }))
    }

    async fn delete(&self, path: &str) -> Result<()> {
        match self.store.delete(&self.path(path)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed("deleting", path, error)),
        }
    }

    async fn delete_prefix(&self, path: &str) -> Result<()> {
        let prefix = self.path(path.trim_end_matches('/'))?;
        let mut objects = self.store.list(Some(&prefix));
        while let Some(object) = objects.next().await {
            let object = object.map_err(|error| failed("listing", path, error))?;
            self.store.delete(&object.location).await.map_err(|error| failed("deleting", path, error))?;
        }
        Ok(())
    }

    async fn delete_stream(&self, paths: BoxStream<'static, String>) -> Result<()> {
        let mut deletes = paths.map(|path| async move { self.delete(&path).await }).buffer_unordered(DELETES_AT_ONCE);
        while let Some(deleted) = deletes.next().await {
            deleted?;
        }
        Ok(())
    }

    fn new_input(&self, path: &str) -> Result<InputFile> {
        Ok(InputFile::new(Arc::new(self.clone()), path.to_owned()))
    }

    fn new_output(&self, path: &str) -> Result<OutputFile> {
        Ok(OutputFile::new(Arc::new(self.clone()), path.to_owned()))
    }
}

struct Reader {
    store: Arc<dyn ObjectStore>,
    path: Path,
}

#[async_trait]
impl FileRead for Reader {
    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let read = self.store.get_range(&self.path, range).await;
        read.map_err(|error| failed("reading", self.path.as_ref(), error))
    }
}

/// Keeps what is small to write it at once, and sends what is large in parts. The object appears when it is closed.
struct Writer {
    store: Arc<dyn ObjectStore>,
    path: Path,
    state: Writing,
}

enum Writing {
    Small(Vec<Bytes>, usize),
    Large(WriteMultipart),
    Closed,
}

impl Writer {
    fn failed(&self, error: object_store::Error) -> Error {
        failed("writing", self.path.as_ref(), error)
    }
}

#[async_trait]
impl FileWrite for Writer {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        match &mut self.state {
            Writing::Small(chunks, length) => {
                *length += bytes.len();
                chunks.push(bytes);
                if *length < PART_BYTES {
                    return Ok(());
                }
                let chunks = std::mem::take(chunks);
                let upload = self.store.put_multipart(&self.path).await.map_err(|error| self.failed(error))?;
                let mut upload = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
                chunks.into_iter().for_each(|chunk| upload.put(chunk));
                self.state = Writing::Large(upload);
                Ok(())
            }
            Writing::Large(upload) => {
                let ready = upload.wait_for_capacity(PARTS_AT_ONCE).await;
                upload.put(bytes);
                ready.map_err(|error| self.failed(error))
            }
            Writing::Closed => Err(Error::new(ErrorKind::Unexpected, format!("{} is closed already", self.path))),
        }
    }

    async fn close(&mut self) -> Result<()> {
        let written = match std::mem::replace(&mut self.state, Writing::Closed) {
            Writing::Small(chunks, _) => self.store.put(&self.path, PutPayload::from_iter(chunks)).await,
            Writing::Large(upload) => upload.finish().await,
            Writing::Closed => {
                return Err(Error::new(ErrorKind::Unexpected, format!("{} is closed already", self.path)));
            }
        };
        written.map(drop).map_err(|error| self.failed(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> (FileIO, Objects) {
        let locations = Locations::parse("s3://b/lake").unwrap();
        let store: Arc<dyn ObjectStore> = Arc::new(object_store::memory::InMemory::new());
        let objects = Objects { store: Arc::clone(&store), locations: Arc::new(locations.clone()) };
        (file_io(store, locations), objects)
    }

    #[tokio::test]
    async fn a_file_reads_back_as_it_was_written_whatever_its_size() {
        let (io, _) = memory();
        for (number, length) in [0, 1, PART_BYTES - 1, PART_BYTES, 3 * PART_BYTES + 5].into_iter().enumerate() {
            let uri = format!("s3://b/lake/{number}");
            let bytes: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let mut writer = io.new_output(&uri).unwrap().writer().await.unwrap();
            for chunk in bytes.chunks(1_000_003) {
                writer.write(Bytes::copy_from_slice(chunk)).await.unwrap();
            }
            assert!(!io.exists(&uri).await.unwrap(), "a file that is not closed is not there");
            writer.close().await.unwrap();
            assert!(writer.close().await.is_err() && writer.write(Bytes::new()).await.is_err());
            let input = io.new_input(&uri).unwrap();
            assert_eq!(input.metadata().await.unwrap().size, length as u64);
            assert!(input.read().await.unwrap() == bytes);
            if length > 10 {
                let reader = input.reader().await.unwrap();
                assert_eq!(reader.read(3..9).await.unwrap(), bytes[3..9]);
            }
        }
    }

    #[tokio::test]
    async fn deleting_what_is_not_there_is_no_error_and_a_prefix_ends_at_a_slash() {
        let (io, _) = memory();
        io.delete("s3://b/lake/a").await.unwrap();
        for name in ["a/1", "a/2/3", "ab"] {
            io.new_output(format!("s3://b/lake/{name}")).unwrap().write(Bytes::from("x")).await.unwrap();
        }
        io.delete_prefix("s3://b/lake/a/").await.unwrap();
        assert!(!io.exists("s3://b/lake/a/2/3").await.unwrap());
        assert!(io.exists("s3://b/lake/ab").await.unwrap());
        assert!(io.delete("s3://other/a").await.is_err());
    }

    #[test]
    fn a_storage_is_not_serialised() {
        let (_, objects) = memory();
        let storage: Arc<dyn Storage> = Arc::new(objects);
        let error = serde_json::to_string(&storage).unwrap_err();
        assert!(error.to_string().contains("open the warehouse where it is needed"), "{error}");
    }
}
