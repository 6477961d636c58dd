//! A folder as a bucket.
//!
//! What `object_store` has for folders, and two promises more. What was written is on the disk when
//! the call returns: a control record must not say `SUCCEEDED` of a bronze object that a power cut
//! left empty. And no key leads a write out of the folder, not through a link either; reads do
//! follow links, so that a person may link files in.

use std::collections::HashSet;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};
use thiserror::Error;
use weir_ports::{Bucket, Identity};

use crate::blocking;

/// Why a folder cannot be a bucket, or an object in it not be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FolderError {
    /// The folder cannot be created or opened.
    #[error("the folder {} cannot be used ({source}); see that you may read and write it", folder.display())]
    Root {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A link leads out of the folder.
    #[error("'{key}' is not written: its folder {} is a link that leads out of {}; remove the link", folder.display(), root.display())]
    Outside {
        /// The object's key.
        key: String,
        /// Where it would have been written.
        folder: PathBuf,
        /// What it may not leave.
        root: PathBuf,
    },
    /// The disk failed.
    #[error(
        "'{key}' is not safely on the disk: {reason}; see that the disk has room and is healthy, then run the same step again"
    )]
    Disk {
        /// The object's key.
        key: String,
        /// Why not.
        reason: String,
    },
}

impl From<FolderError> for object_store::Error {
    fn from(error: FolderError) -> Self {
        object_store::Error::Generic { store: "folder", source: Box::new(error) }
    }
}

/// The folder `root` as a bucket; it is created where it is missing. Waits for the disk.
///
/// An object is its key below the folder, letter for letter. Names that end in `#` and digits are
/// taken by uploads under way and cannot be objects.
///
/// # Errors
/// [`FolderError::Root`].
pub fn bucket(name: &str, root: impl AsRef<FilePath>) -> Result<Bucket, FolderError> {
    let failed = |source: io::Error| FolderError::Root { folder: root.as_ref().to_owned(), source };
    fs::create_dir_all(&root).map_err(failed)?;
    let root = fs::canonicalize(&root).map_err(failed)?;
    let files = LocalFileSystem::new_with_prefix(&root).map_err(|error| failed(io::Error::other(error)))?;
    let folder = Folder { files, root: root.into(), synced: Synced::default() };
    Ok(Bucket::new(name, Arc::new(folder), Identity::SizeAndTime))
}

#[derive(Debug, Clone)]
struct Folder {
    files: LocalFileSystem,
    root: Arc<FilePath>,
    synced: Synced,
}

/// Folders whose names are on the disk for certain, so that they need not be written there again.
type Synced = Arc<Mutex<HashSet<PathBuf>>>;

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "folder {}", self.root.display())
    }
}

impl Folder {
    /// The file of an object that is to be written or deleted, if it is inside the folder.
    async fn writable(&self, location: &Path) -> Result<Written> {
        let written = Written { key: location.to_string(), file: self.files.path_to_filesystem(location)? };
        let (root, checked) = (Arc::clone(&self.root), written.clone());
        match blocking::run(move || checked.check_inside(&root)).await {
            Ok(result) => result.map(|()| written).map_err(Into::into),
            Err(lost) => Err(FolderError::Disk { key: written.key, reason: lost.reason().to_owned() }.into()),
        }
    }
}

/// An object that is written: its key and its file.
#[derive(Debug, Clone)]
struct Written {
    key: String,
    file: PathBuf,
}

impl Written {
    fn disk(&self, error: &io::Error) -> FolderError {
        FolderError::Disk { key: self.key.clone(), reason: error.to_string() }
    }

    /// Follows the links of the deepest folder above the file that is there. The file itself may be
    /// a link: writing replaces it and does not follow it.
    fn check_inside(&self, root: &FilePath) -> Result<(), FolderError> {
        let folder = self.file.ancestors().skip(1).find(|folder| folder.symlink_metadata().is_ok()).unwrap_or(root);
        let real = fs::canonicalize(folder).map_err(|error| self.disk(&error))?;
        if real.starts_with(root) {
            return Ok(());
        }
        Err(FolderError::Outside { key: self.key.clone(), folder: folder.to_owned(), root: root.to_owned() })
    }

    /// Waits until the file and its name are on the disk.
    async fn sync(self, synced: Synced) -> Result<()> {
        let lost_key = self.key.clone();
        match blocking::run(move || self.sync_blocking(&synced).map_err(|error| self.disk(&error))).await {
            Ok(result) => result.map_err(Into::into),
            Err(lost) => Err(FolderError::Disk { key: lost_key, reason: lost.reason().to_owned() }.into()),
        }
    }

    fn sync_blocking(&self, synced: &Mutex<HashSet<PathBuf>>) -> io::Result<()> {
        File::open(&self.file)?.sync_all()?;
        // The names of folders are entries of their parents, which are synced once, up to the
        // bucket's root at most: it is not known who made them, and whether he synced them.
        #[cfg(unix)]
        {
            let depth = self.key.split('/').count();
            let mut folders = Vec::new();
            for folder in self.file.ancestors().skip(1).take(depth) {
                File::open(folder)?.sync_all()?;
                if synced.lock().unwrap_or_else(PoisonError::into_inner).contains(folder) {
                    break;
                }
                folders.push(folder.to_owned());
            }
            synced.lock().unwrap_or_else(PoisonError::into_inner).extend(folders);
        }
        Ok(())
    }
}

#[async_trait]
impl ObjectStore for Folder {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let written = self.writable(location).await?;
        let result = self.files.put_opts(location, payload, opts).await?;
        written.sync(Arc::clone(&self.synced)).await?;
        Ok(result)
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let written = self.writable(location).await?;
        let upload = self.files.put_multipart_opts(location, opts).await?;
        Ok(Box::new(SyncedUpload { upload, written, synced: Arc::clone(&self.synced) }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.files.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.files.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let folder = self.clone();
        let checked = locations.then(move |location| {
            let folder = folder.clone();
            async move {
                let location = location?;
                folder.writable(&location).await.map(|_| location)
            }
        });
        self.files.delete_stream(checked.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let written = self.writable(to).await?;
        self.files.copy_opts(from, to, options).await?;
        written.sync(Arc::clone(&self.synced)).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.writable(from).await?;
        let written = self.writable(to).await?;
        self.files.rename_opts(from, to, options).await?;
        written.sync(Arc::clone(&self.synced)).await
    }
}

/// An upload in parts whose object is on the disk when it is complete.
#[derive(Debug)]
struct SyncedUpload {
    upload: Box<dyn MultipartUpload>,
    written: Written,
    synced: Synced,
}

#[async_trait]
impl MultipartUpload for SyncedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.upload.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.upload.complete().await?;
        self.written.clone().sync(Arc::clone(&self.synced)).await?;
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.upload.abort().await
    }
}
