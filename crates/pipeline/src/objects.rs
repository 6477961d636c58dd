//! Objects as blocking streams, for the converter's threads.

use std::io::{self, Read, Write};

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{GetResult, GetResultPayload, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};
use tokio::runtime::Handle;
use weir_ports::Bucket;

/// Bytes of one part of an upload: the least that S3 takes for any part but the last.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
const PART_BYTES: usize = 5 << 20;

/// Reads an object from its beginning to its end.
pub(crate) enum ObjectReader {
    /// Of a folder: the file itself.
    File(std::fs::File),
    /// Of a remote store: piece after piece.
    Stream { stream: BoxStream<'static, object_store::Result<Bytes>>, piece: Bytes, runtime: Handle },
}

impl ObjectReader {
    pub(crate) fn new(result: GetResult, runtime: Handle) -> Self {
        match result.payload {
            GetResultPayload::File(file, _) => ObjectReader::File(file),
            GetResultPayload::Stream(stream) => ObjectReader::Stream { stream, piece: Bytes::new(), runtime },
        }
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            ObjectReader::File(file) => file.read(buf),
            ObjectReader::Stream { stream, piece, runtime } => {
                while piece.is_empty() {
                    match runtime.block_on(stream.next()) {
                        None => return Ok(0),
                        Some(next) => *piece = next.map_err(io::Error::other)?,
                    }
                }
                let count = piece.len().min(buf.len());
                buf[..count].copy_from_slice(&piece.split_to(count));
                Ok(count)
            }
        }
    }
}

/// Writes an object that nobody sees until [`publish`](Self::publish): a small one by one put, a
/// larger one part by part.
pub(crate) struct ObjectWriter {
    bucket: Bucket,
    path: Path,
    runtime: Handle,
    buffer: Vec<u8>,
    upload: Option<Box<dyn MultipartUpload>>,
}

impl ObjectWriter {
    pub(crate) fn new(bucket: Bucket, path: Path, runtime: Handle) -> Self {
        ObjectWriter { bucket, path, runtime, buffer: Vec::new(), upload: None }
    }

    fn store(&self) -> &dyn ObjectStore {
        self.bucket.store().as_ref()
    }

    fn put_part(&mut self) -> object_store::Result<()> {
        let mut upload = match self.upload.take() {
            Some(upload) => upload,
            None => self.runtime.block_on(self.bucket.store().put_multipart(&self.path))?,
        };
        let part = std::mem::take(&mut self.buffer);
        let sent = self.runtime.block_on(upload.put_part(PutPayload::from(part)));
        self.upload = Some(upload);
        sent
    }

    /// Makes the object visible, at once and as a whole.
    pub(crate) async fn publish(mut self) -> object_store::Result<()> {
        let rest = PutPayload::from(std::mem::take(&mut self.buffer));
        match self.upload.take() {
            None => self.store().put(&self.path, rest).await.map(|_| ()),
            Some(mut upload) => {
                if rest.content_length() > 0 {
                    upload.put_part(rest).await?;
                }
                upload.complete().await.map(|_| ())
            }
        }
    }

    /// Throws away what was written.
    pub(crate) async fn discard(mut self) {
        if let Some(mut upload) = self.upload.take() {
            // What cannot be removed now, the rule for incomplete uploads removes later.
            let _ = upload.abort().await;
        }
    }
}

impl Write for ObjectWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PART_BYTES {
            self.put_part().map_err(io::Error::other)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
