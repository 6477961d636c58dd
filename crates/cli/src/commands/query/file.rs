//! A file that is there once it is whole.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// A file under a name of its own until all of it is written. What was there under the right name stays until then.
pub(super) struct Target {
    path: PathBuf,
    part: PathBuf,
}

impl Target {
    pub(super) fn new(path: &Path) -> anyhow::Result<Self> {
        let name = path.file_name().with_context(|| format!("{} names no file", path.display()))?;
        if path.is_dir() {
            return Err(anyhow::anyhow!("{} is a folder; name a file", path.display()));
        }
        let mut part = std::ffi::OsString::from(".");
        part.push(name);
        part.push(format!(".{}.part", std::process::id()));
        Ok(Target { path: path.to_owned(), part: path.with_file_name(part) })
    }

    pub(super) fn open(&self) -> anyhow::Result<BufWriter<File>> {
        let file = File::create(&self.part);
        Ok(BufWriter::new(file.with_context(|| format!("{} cannot be written", self.part.display()))?))
    }

    /// Gives the file its name, and tells its bytes.
    pub(super) fn finish(self) -> anyhow::Result<u64> {
        let finished: io::Result<u64> = (|| {
            let file = File::open(&self.part)?;
            file.sync_all()?;
            let bytes = file.metadata()?.len();
            fs::rename(&self.part, &self.path)?;
            Ok(bytes)
        })();
        finished.with_context(|| format!("{} cannot be written", self.path.display()))
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // After `finish` there is none; where it is left behind, its name tells what it is.
        let _ = fs::remove_file(&self.part);
    }
}
