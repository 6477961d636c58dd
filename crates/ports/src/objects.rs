//! Raw, bronze and quarantine objects: `object_store`, with exact keys and an identity for each version.

use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use thiserror::Error;
use weir_model::Timestamp;

/// What tells one version of an object from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// The version id, else the entity tag (S3).
    ///
    /// A listing of S3 reports no version ids. Where the bucket keeps versions, take the metadata
    /// from a `head` or a `get`, so that each version has one identity and not two.
    Version,
    /// Size and modification time (folders).
    ///
    /// Not the entity tag, which holds the inode: a folder that is copied with its times keeps its
    /// identities, and nothing is ingested twice. Two versions of one size, written within one tick
    /// of the file system's clock, cannot be told apart.
    SizeAndTime,
}

/// Why an object cannot be addressed or told apart.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// The key cannot be addressed exactly as it is.
    #[error("the key '{key}' cannot be addressed: {reason}; give the object another name")]
    Key {
        /// The key, decoded.
        key: String,
        /// Why not.
        reason: String,
    },
    /// The store reports neither a version nor an entity tag.
    #[error("the store reports neither a version nor an entity tag for '{key}'; use a store that reports one")]
    NoVersion {
        /// The key.
        key: String,
    },
}

/// A place for objects.
#[derive(Debug, Clone)]
pub struct Bucket {
    name: String,
    store: Arc<dyn ObjectStore>,
    identity: Identity,
}

impl Bucket {
    /// A bucket by its name, which control records carry and their ids depend on.
    #[must_use]
    pub fn new(name: impl Into<String>, store: Arc<dyn ObjectStore>, identity: Identity) -> Self {
        Bucket { name: name.into(), store, identity }
    }

    /// Bucket, or the lake's name on a laptop.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads and writes the objects.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// What tells the versions of an object apart here.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// The path of the object at `key` (decoded), so that `path.as_ref() == key`.
    ///
    /// Use this and not `Path::from`, which would rewrite `%`, `#` and others in the key.
    ///
    /// # Errors
    /// [`ObjectError::Key`] where no path is exactly this key: an empty part, `.`, `..`, a control
    /// character, a slash at either end.
    pub fn path(&self, key: &str) -> Result<Path, ObjectError> {
        let refused = |reason: String| ObjectError::Key { key: key.to_owned(), reason };
        let path = Path::parse(key).map_err(|error| refused(error.to_string()))?;
        if path.as_ref() != key || path.is_root() {
            return Err(refused("a key must not be empty, nor begin or end with '/'".to_owned()));
        }
        Ok(path)
    }

    /// What names this version of the object; the third part of a control record's id.
    ///
    /// # Errors
    /// [`ObjectError::NoVersion`] where the store does not say.
    pub fn version_of(&self, meta: &ObjectMeta) -> Result<String, ObjectError> {
        match self.identity {
            Identity::SizeAndTime => {
                let micros = meta.last_modified.timestamp_micros();
                Ok(format!("{:x}-{:x}", meta.size, micros.cast_unsigned()))
            }
            Identity::Version => {
                let version = meta.version.as_deref().or(meta.e_tag.as_deref());
                // Answers over HTTP quote an entity tag (RFC 9110, 8.8.3), S3 events do not.
                let version = version.map(|version| version.trim_matches('"')).filter(|version| !version.is_empty());
                version.map(str::to_owned).ok_or_else(|| ObjectError::NoVersion { key: meta.location.to_string() })
            }
        }
    }

    /// When the object was written.
    #[must_use]
    pub fn time_of(meta: &ObjectMeta) -> Timestamp {
        Timestamp::from_micros(meta.last_modified.timestamp_micros())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::memory::InMemory;

    fn bucket(identity: Identity) -> Bucket {
        Bucket::new("b", Arc::new(InMemory::new()), identity)
    }

    fn meta(version: Option<&str>, e_tag: Option<&str>) -> ObjectMeta {
        ObjectMeta {
            location: Path::from("raw/t/a.csv"),
            last_modified: std::time::SystemTime::UNIX_EPOCH.into(),
            size: 255,
            e_tag: e_tag.map(str::to_owned),
            version: version.map(str::to_owned),
        }
    }

    #[test]
    fn a_key_is_addressed_exactly_as_it_is() {
        for key in
            ["raw/t/a b.csv", "raw/t/a+b.csv", "raw/t/a%20b.csv", "raw/t/ü/雪.csv", "raw/t/a#b.csv", "raw/~t/[x]{y}"]
        {
            assert_eq!(bucket(Identity::Version).path(key).unwrap().as_ref(), key);
        }
    }

    #[test]
    fn a_key_that_would_be_another_objects_is_refused() {
        for key in ["", "/", "/raw/t/a.csv", "raw/t/", "raw//a.csv", "raw/../a.csv", "raw/./a.csv", "..", "raw/a\nb"] {
            assert!(matches!(bucket(Identity::Version).path(key), Err(ObjectError::Key { .. })), "{key}");
        }
    }

    #[test]
    fn an_entity_tag_is_the_same_version_in_an_event_and_in_an_answer() {
        let bucket = bucket(Identity::Version);
        assert_eq!(bucket.version_of(&meta(None, Some("\"d41d8\""))).unwrap(), "d41d8");
        assert_eq!(bucket.version_of(&meta(None, Some("d41d8"))).unwrap(), "d41d8");
        assert_eq!(bucket.version_of(&meta(Some("v7"), Some("d41d8"))).unwrap(), "v7");
        assert!(matches!(bucket.version_of(&meta(None, None)), Err(ObjectError::NoVersion { .. })));
    }

    #[test]
    fn in_a_folder_only_size_and_time_make_the_version() {
        let bucket = bucket(Identity::SizeAndTime);
        assert_eq!(bucket.version_of(&meta(None, Some("inode"))).unwrap(), "ff-0");
        assert_eq!(bucket.version_of(&meta(None, None)).unwrap(), "ff-0");
    }
}
