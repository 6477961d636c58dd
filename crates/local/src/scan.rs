//! What lies in the raw folder, as events.
//!
//! S3 tells of every object that is written; a folder has to be looked at. A name that cannot be an
//! object's key is told, not passed over.

use std::path::Path;

use chrono::DateTime;
use object_store::ObjectMeta;
use walkdir::{DirEntry, WalkDir};
use weir_model::keys::RAW;
use weir_pipeline::ObjectEvent;
use weir_ports::Bucket;

/// A file that cannot become a control record.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Oddity {
    /// Its path below the lake, as far as it is text.
    pub path: String,
    /// What is wrong with it and what to do.
    pub message: String,
}

/// What a look into the raw folder found.
#[derive(Debug, Default)]
pub struct Scan {
    /// An event for each file, in the order of their keys.
    pub events: Vec<ObjectEvent>,
    /// Files that cannot become a control record.
    pub oddities: Vec<Oddity>,
}

/// Looks through the raw folder of the lake in `dir`, whose objects `bucket` holds.
#[must_use]
pub fn scan(dir: &Path, bucket: &Bucket) -> Scan {
    let mut found = Scan::default();
    let root = dir.join(RAW);
    if !root.is_dir() {
        return found;
    }
    for entry in WalkDir::new(&root).sort_by_file_name() {
        let (path, event) = match &entry {
            Ok(entry) if entry.file_type().is_dir() => continue,
            Ok(entry) => (entry.path(), event(dir, bucket, entry)),
            Err(error) => (error.path().unwrap_or(&root), Err(format!("it cannot be read: {error}"))),
        };
        match event {
            Ok(event) => found.events.push(event),
            Err(message) => {
                let path = path.strip_prefix(dir).unwrap_or(path).to_string_lossy().into_owned();
                found.oddities.push(Oddity { path, message });
            }
        }
    }
    found
}

fn event(dir: &Path, bucket: &Bucket, entry: &DirEntry) -> Result<ObjectEvent, String> {
    let path = entry.path().strip_prefix(dir).map_err(|error| error.to_string())?;
    let parts: Option<Vec<&str>> = path.iter().map(|part| part.to_str()).collect();
    let key = parts.ok_or("its name is not UTF-8 text; rename it")?.join("/");
    // A link is followed, as `cat` would.
    let metadata = std::fs::metadata(entry.path()).map_err(|error| format!("it cannot be read: {error}"))?;
    if !metadata.is_file() {
        return Err("it is no regular file; put a file in its place".to_owned());
    }
    let modified = metadata.modified().map_err(|error| format!("it has no modification time: {error}"))?;
    let location = bucket.path(&key).map_err(|error| error.to_string())?;
    if is_staging_name(&key) {
        return Err("names that end in '#' and digits are kept for uploads under way; rename it".to_owned());
    }
    let meta = ObjectMeta {
        location,
        last_modified: DateTime::from(modified),
        size: metadata.len(),
        e_tag: None,
        version: None,
    };
    let version = bucket.version_of(&meta).map_err(|error| error.to_string())?;
    let time = Bucket::time_of(&meta);
    Ok(ObjectEvent { bucket: bucket.name().to_owned(), key, version, size_bytes: meta.size, time })
}

/// `object_store` writes `name#1` before it renames to `name`, and shows no such file to anybody.
fn is_staging_name(key: &str) -> bool {
    key.rsplit_once('#').is_some_and(|(_, tail)| !tail.is_empty() && tail.bytes().all(|byte| byte.is_ascii_digit()))
}
