//! Where tables are: absolute URIs on the outside, an object store on the inside.

use std::fmt;
use std::sync::Arc;

use iceberg::io::FileIO;
use object_store::ObjectStore;
use object_store::path::Path;

use crate::error::TableError;
use crate::manifests::ManifestCache;
use crate::storage;

/// A place for tables. Cheap to clone; clones share what was read.
#[derive(Clone)]
pub struct Warehouse {
    inner: Arc<Inner>,
}

struct Inner {
    locations: Locations,
    store: Arc<dyn ObjectStore>,
    file_io: FileIO,
    manifests: ManifestCache,
}

impl fmt::Debug for Warehouse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Warehouse").field("uri", &self.uri()).finish_non_exhaustive()
    }
}

impl Warehouse {
    /// The warehouse at `uri`.
    ///
    /// `file:///abs/lake` with a store whose root is that folder, or `s3://bucket/prefix` (the prefix may be missing) with
    /// a store whose root is the bucket. The text after the scheme is taken letter for letter, as PyIceberg and
    /// Spark take it: `%20` in it is three characters, and a space is a space.
    ///
    /// # Errors
    /// [`TableError::Warehouse`] where the text is neither.
    pub fn new(store: Arc<dyn ObjectStore>, uri: &str) -> Result<Self, TableError> {
        let locations = Locations::parse(uri)?;
        let file_io = storage::file_io(Arc::clone(&store), locations.clone());
        Ok(Warehouse { inner: Arc::new(Inner { locations, store, file_io, manifests: ManifestCache::default() }) })
    }

    /// The warehouse's own URI, without a slash at its end.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.inner.locations.uri
    }

    /// The objects. Address them by [`Warehouse::path`].
    #[must_use]
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.inner.store
    }

    /// The `iceberg` crate's way to the same files. Takes absolute URIs.
    #[must_use]
    pub fn file_io(&self) -> &FileIO {
        &self.inner.file_io
    }

    /// The object at an absolute URI. Other spellings that Hadoop and Spark write (`file:/`, `s3a://`) are understood.
    ///
    /// # Errors
    /// [`TableError::Outside`] where it is not in the warehouse, [`TableError::Uri`] where no object can have this name.
    pub fn path(&self, uri: &str) -> Result<Path, TableError> {
        self.inner.locations.path(uri)
    }

    /// The absolute URI of an object of the warehouse, so that [`Warehouse::path`] leads back.
    #[must_use]
    pub fn uri_of(&self, path: &Path) -> String {
        format!("{}{path}", self.inner.locations.root)
    }

    pub(crate) fn manifests(&self) -> &ManifestCache {
        &self.inner.manifests
    }
}

/// How URIs and paths of one warehouse map to each other.
#[derive(Debug, Clone)]
pub(crate) struct Locations {
    /// The warehouse, without a slash at its end.
    uri: String,
    /// What stands before every path of the store, with a slash at its end.
    root: String,
    /// Spellings of `root` by others.
    aliases: Vec<String>,
    /// Paths below this are in the warehouse: empty, or with a slash at its end.
    prefix: String,
}

impl Locations {
    pub(crate) fn parse(uri: &str) -> Result<Self, TableError> {
        let refused = |reason: &str| TableError::Warehouse { uri: uri.to_owned(), reason: reason.to_owned() };
        let whole = |path: &str| path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if let Some(folder) = uri.strip_prefix("file://") {
            let folder = folder.trim_end_matches('/');
            let Some(relative) = folder.strip_prefix('/') else { return Err(refused("the folder is not absolute")) };
            if !whole(relative) {
                return Err(refused("its path has a part that is empty, '.' or '..'"));
            }
            return Ok(Locations {
                uri: format!("file://{folder}"),
                root: format!("file://{folder}/"),
                aliases: vec![format!("file:{folder}/"), format!("file://localhost{folder}/"), format!("{folder}/")],
                prefix: String::new(),
            });
        }
        let Some(place) = uri.strip_prefix("s3://") else {
            return Err(refused("it begins with neither file:// nor s3://"));
        };
        let place = place.trim_end_matches('/');
        if !whole(place) {
            return Err(refused("its path has a part that is empty, '.' or '..'"));
        }
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        Ok(Locations {
            uri: format!("s3://{place}"),
            root: format!("s3://{bucket}/"),
            aliases: vec![format!("s3a://{bucket}/"), format!("s3n://{bucket}/")],
            prefix: if prefix.is_empty() { String::new() } else { format!("{prefix}/") },
        })
    }

    pub(crate) fn path(&self, uri: &str) -> Result<Path, TableError> {
        let roots = std::iter::once(&self.root).chain(&self.aliases);
        let inside = roots.filter_map(|root| uri.strip_prefix(root.as_str())).find(|key| key.starts_with(&self.prefix));
        let Some(key) = inside else {
            return Err(TableError::Outside { uri: uri.to_owned(), warehouse: self.uri.clone() });
        };
        let refused = |reason: String| TableError::Uri { uri: uri.to_owned(), reason };
        let path = Path::parse(key).map_err(|error| refused(error.to_string()))?;
        if path.as_ref() != key || path.is_root() {
            return Err(refused("it must not be empty, nor begin or end with '/'".to_owned()));
        }
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warehouse(uri: &str) -> Result<Warehouse, TableError> {
        Warehouse::new(Arc::new(object_store::memory::InMemory::new()), uri)
    }

    #[test]
    fn every_uri_inside_leads_to_its_object_and_back() {
        for (uri, key) in [
            ("file:///lake", ""),
            ("file:///my lake/ü/100%/a%20b#c", ""),
            ("s3://bucket", ""),
            ("s3://bucket/a/b c/%2F", "a/b c/%2F/"),
        ] {
            let warehouse = warehouse(uri).unwrap();
            assert_eq!(warehouse.uri(), uri);
            for name in
                ["silver/review/a.parquet", "silver/größe/a b+c%20.avro", "x", "t/country=a%2Fb/1.parquet", "[a]{b}"]
            {
                let path = warehouse.path(&format!("{uri}/{name}")).unwrap();
                assert_eq!(path.as_ref(), format!("{key}{name}"));
                assert_eq!(warehouse.uri_of(&path), format!("{uri}/{name}"));
            }
        }
    }

    #[test]
    fn other_spellings_of_a_place_inside_are_understood() {
        let lake = warehouse("file:///my/lake/").unwrap();
        for uri in ["file:/my/lake/a", "file:///my/lake/a", "file://localhost/my/lake/a", "/my/lake/a"] {
            assert_eq!(lake.path(uri).unwrap().as_ref(), "a", "{uri}");
        }
        let bucket = warehouse("s3://b/p").unwrap();
        for uri in ["s3://b/p/a", "s3a://b/p/a", "s3n://b/p/a"] {
            assert_eq!(bucket.path(uri).unwrap().as_ref(), "p/a", "{uri}");
        }
    }

    #[test]
    fn what_is_outside_is_refused_by_name() {
        for (uri, outside) in [
            ("file:///lake", ["file:///lake2/a", "file:///lak/a", "s3://lake/a", "lake/a", "file:///lake"]),
            ("s3://b/p", ["s3://b/a", "s3://b/p2/a", "s3://b2/p/a", "s3://b/p", "file:///p/a"]),
        ] {
            for outside in outside {
                let error = warehouse(uri).unwrap().path(outside).unwrap_err();
                assert!(matches!(&error, TableError::Outside { uri, .. } if uri == outside), "{error}");
            }
        }
        for odd in ["file:///lake/", "file:///lake/../a", "file:///lake//a", "file:///lake/a/", "file:///lake/a/./b"] {
            assert!(matches!(warehouse("file:///lake").unwrap().path(odd), Err(TableError::Uri { .. })), "{odd}");
        }
    }

    #[test]
    fn what_is_no_warehouse_says_what_one_is() {
        for uri in
            ["", "lake", "/lake", "file://lake", "file://", "s3://", "s3:///a", "gs://b", "file:///a/../b", "s3://b//a"]
        {
            let error = warehouse(uri).unwrap_err();
            assert!(error.to_string().contains("file:///an/absolute/folder"), "{error}");
        }
    }
}
