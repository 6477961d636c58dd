//! Why rows are in quarantine: their reasons, counted. Their values are not read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use weir_report::{Cause, Report};

use crate::open::LocalLake;

/// Bytes of quarantine objects that are read for one report.
const MAX_BYTES: u64 = 256 << 20;
/// The longest line that is read. A line holds one row, whose texts were shortened when it was written.
const MAX_LINE: u64 = 4 << 20;
/// Reasons that are listed.
const MAX_CAUSES: usize = 50;

/// The bad rows of one raw file.
pub(super) struct Object {
    pub(super) table: String,
    pub(super) key: Option<String>,
    pub(super) rows: u64,
    /// Whether the raw file is still as it was.
    pub(super) stands: bool,
}

/// What of a line is read.
#[derive(Deserialize)]
struct Line {
    reason: String,
    column: Option<String>,
    message: String,
}

type Causes = BTreeMap<(String, String, Option<String>), (u64, String)>;

/// Counts the reasons of what lies in `objects`, the newest first.
pub(super) async fn gather(lake: &LocalLake, objects: Vec<Object>, report: &mut Report) {
    report.quarantine.rows = objects.iter().map(|object| object.rows).sum();
    report.quarantine.rows_standing = objects.iter().filter(|object| object.stands).map(|object| object.rows).sum();
    let dir = lake.dir.clone();
    let read = tokio::task::spawn_blocking(move || read_all(&dir, &objects)).await;
    let Ok((causes, not_read, failed)) = read else { return };
    let mut causes: Vec<Cause> = causes
        .into_iter()
        .map(|((table, reason, column), (rows, message))| Cause { table, reason, column, rows, message })
        .collect();
    causes.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.table.cmp(&b.table)));
    let cut: u64 = causes.iter().skip(MAX_CAUSES).map(|cause| cause.rows).sum();
    causes.truncate(MAX_CAUSES);
    report.quarantine.causes = causes;
    report.quarantine.rows_not_read = not_read + cut;
    for (key, error) in failed {
        super::problem(report, key, &error);
    }
}

fn read_all(dir: &Path, objects: &[Object]) -> (Causes, u64, Vec<(String, io::Error)>) {
    let (mut causes, mut not_read, mut failed) = (Causes::new(), 0, Vec::new());
    let mut left = MAX_BYTES;
    for object in objects {
        let counted = match &object.key {
            Some(key) if left > 0 => match read_one(&dir.join(key), &object.table, &mut left, &mut causes) {
                Ok(counted) => counted,
                // Whoever has dealt with the rows may have removed them.
                Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
                Err(error) => {
                    failed.push((key.clone(), error));
                    0
                }
            },
            _ => 0,
        };
        not_read += object.rows.saturating_sub(counted);
    }
    (causes, not_read, failed)
}

/// Counts the reasons in one object, as far as `left` goes, and says how many rows they are.
fn read_one(path: &Path, table: &str, left: &mut u64, causes: &mut Causes) -> io::Result<u64> {
    let mut reader = BufReader::new(File::open(path)?);
    let (mut counted, mut line) = (0, Vec::new());
    while *left > 0 {
        line.clear();
        let read = reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            break;
        }
        *left = left.saturating_sub(read);
        // What serde says of a line may repeat a value of it.
        let told = |_| io::Error::new(io::ErrorKind::InvalidData, "a line is not as Weir writes it");
        let Line { reason, column, message } = serde_json::from_slice(&line).map_err(told)?;
        causes.entry((table.to_owned(), reason, column)).or_insert((0, message)).0 += 1;
        counted += 1;
    }
    Ok(counted)
}
