//! Generated rows into the raw folder and their changes beside it, each file whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter};
use std::path::{Path, PathBuf};

use serde::Serialize;
use weir_generate::{ChangeCounts, ChangeStream, Progress, Sink, TablePlan};

/// Where the changes go, below the lake. A run does not look here: a stream is read by being told to.
const CHANGES: &str = "streams/changes.jsonl";

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

/// What was generated of changes.
#[derive(Debug, Clone, Serialize)]
pub struct GeneratedChanges {
    /// The file, below the lake's folder.
    pub path: String,
    /// What it holds.
    #[serde(flatten)]
    pub counts: ChangeCounts,
}

/// Writes the changes to `streams/changes.jsonl` under the lake in `dir`; `watch` is told how many records and bytes
/// were added.
///
/// # Errors
/// What the disk says, and a record that is too large for a stream. The file is then the one that was there before.
pub fn generate_changes(
    dir: &Path,
    changes: &ChangeStream<'_>,
    watch: &mut dyn FnMut(Progress),
) -> io::Result<GeneratedChanges> {
    let mut folder = Folder { dir: dir.to_owned(), files: 0 };
    let mut writer = folder.open(CHANGES)?;
    let written = changes.write(&mut writer, watch);
    if written.is_err() {
        // The first error is the one to tell of.
        let _ = fs::remove_file(folder.paths(CHANGES)?.1);
    }
    let counts = written?;
    folder.close(CHANGES, writer)?;
    Ok(GeneratedChanges { path: CHANGES.to_owned(), counts })
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

#[cfg(test)]
mod tests {
    use super::*;
    use weir_generate::{Options, Plan};
    use weir_model::Contract;

    /// A table whose rows have `columns` columns of 133 kB.
    fn plan(columns: usize) -> Plan {
        let column = "customProperties: [{property: weir.generate, value: {kind: bytes, least: 99999, most: 100000}}]";
        let columns = (0..columns).map(|at| {
            format!("      - {{name: c{at}, logicalType: string, physicalType: bytea, required: true, {column}}}\n")
        });
        let text = "apiVersion: v3.1.0\nkind: DataContract\nid: t\nversion: 1.0.0\nstatus: active\nschema:\n  - name: t\n    properties:\n      - {name: id, logicalType: integer, primaryKey: true, required: true}\n";
        let text = format!("{text}{}", columns.collect::<String>());
        let contract = Contract::parse("t.odcs.yaml", &text).unwrap();
        Plan::new(&[contract], 3, &Options::default()).unwrap()
    }

    #[test]
    fn a_stream_that_fails_leaves_the_one_before_it_and_nothing_half_written() {
        let dir = tempfile::tempdir().unwrap();
        let write = |plan: &Plan| {
            let mut records = 0;
            let changes = plan.changes(20, &[]).unwrap();
            generate_changes(dir.path(), &changes, &mut |more| records += more.rows).inspect(|done| {
                assert_eq!(done.counts.records, records);
            })
        };
        let done = write(&plan(1)).unwrap();
        let path = dir.path().join(done.path);
        let before = fs::read(&path).unwrap();
        assert_eq!(
            (before.len() as u64, done.counts.inserts + done.counts.updates + done.counts.deletes),
            (done.counts.bytes, 20)
        );
        let error = write(&plan(9)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert_eq!(write(&plan(1)).unwrap().counts.bytes, done.counts.bytes);
    }
}
