//! Generated rows into the raw folder, each file whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter};
use std::path::{Path, PathBuf};

use serde::Serialize;
use weir_generate::{Progress, Sink, TablePlan};

/// What was generated for one table.
#[derive(Debug, Clone, Serialize)]
pub struct Generated {
    /// The table.
    pub table: String,
    /// Rows.
    pub rows: u64,
    /// Bytes before packing.
    pub bytes: u64,
    /// Files below `raw/`.
    pub files: u64,
}

/// Writes the rows of one table under the lake in `dir`; `watch` is told how many rows and bytes
/// were added.
///
/// # Errors
/// What the disk says. Files that were finished stay, none is half written.
pub fn generate(dir: &Path, plan: &TablePlan, watch: &mut dyn FnMut(Progress)) -> io::Result<Generated> {
    let mut folder = Folder { dir: dir.to_owned(), files: 0 };
    let done = plan.write(&mut folder, watch)?;
    Ok(Generated { table: plan.contract.table.clone(), rows: done.rows, bytes: done.bytes, files: folder.files })
}

/// Writes under a name that a run passes over, and renames when the file is whole.
struct Folder {
    dir: PathBuf,
    files: u64,
}

impl Folder {
    fn paths(&self, key: &str) -> io::Result<(PathBuf, PathBuf)> {
        let path = self.dir.join(key);
        let name = path.file_name().ok_or_else(|| io::Error::other("a key without a name"))?;
        let staged = path.with_file_name(format!(".{}.part", name.to_string_lossy()));
        Ok((path, staged))
    }
}

impl Sink for Folder {
    type Writer = BufWriter<File>;

    fn open(&mut self, key: &str) -> io::Result<Self::Writer> {
        let (path, staged) = self.paths(key)?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        Ok(BufWriter::with_capacity(256 << 10, File::create(staged)?))
    }

    fn close(&mut self, key: &str, writer: Self::Writer) -> io::Result<()> {
        writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        let (path, staged) = self.paths(key)?;
        self.files += 1;
        // The same file once more keeps its time, and so its control record: it is not ingested twice.
        if same_bytes(&staged, &path)? { fs::remove_file(staged) } else { fs::rename(staged, path) }
    }
}

fn same_bytes(a: &Path, b: &Path) -> io::Result<bool> {
    if !b.is_file() || fs::metadata(a)?.len() != fs::metadata(b)?.len() {
        return Ok(false);
    }
    let (mut a, mut b) = (BufReader::new(File::open(a)?), BufReader::new(File::open(b)?));
    loop {
        let (left, right) = (a.fill_buf()?, b.fill_buf()?);
        let length = left.len().min(right.len());
        if left[..length] != right[..length] {
            return Ok(false);
        }
        if length == 0 {
            return Ok(left.len() == right.len());
        }
        a.consume(length);
        b.consume(length);
    }
}
