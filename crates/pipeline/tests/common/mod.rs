//! A lake in a temporary folder, with a clock that a test sets.
#![allow(dead_code, reason = "each test file uses its part")]

#[cfg(feature = "silver")]
pub(crate) mod silver;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;
use weir_convert::Progress;
use weir_model::control::ControlRecord;
use weir_model::{Contract, Lake, Timestamp};
use weir_pipeline::{Context, Contracts, Ingested, ObjectEvent, Registered, ingest, register};
use weir_ports::clock::ManualClock;
use weir_ports::notifier::MemoryNotifier;
use weir_ports_local::{KeyFile, SqliteControlStore, folder};

pub(crate) const CONTRACT: &str = "
apiVersion: v3.1.0
kind: DataContract
id: beer
version: 1.0.0
status: active
schema:
  - name: beer
    customProperties:
      - {property: weir.badRowLimit, value: 50%}
    properties:
      - {name: beer_id, logicalType: integer, primaryKey: true}
      - {name: name, logicalType: string}
      - {name: abv, logicalType: number, physicalType: 'decimal(4,2)'}
";

pub(crate) struct TestLake {
    pub(crate) dir: TempDir,
    pub(crate) context: Context,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) notices: Arc<MemoryNotifier>,
}

impl TestLake {
    pub(crate) fn new() -> Self {
        Self::with("name: test\n", &[CONTRACT])
    }

    pub(crate) fn with(lake: &str, contracts: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let bucket = folder::bucket("test", dir.path()).unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::parse("2026-11-20T10:00:00Z").unwrap()));
        let notices = Arc::new(MemoryNotifier::default());
        let context = Context {
            lake: Arc::new(Lake::parse("lake.yaml", lake).unwrap()),
            contracts: Arc::new(contracts_of(contracts)),
            raw: bucket.clone(),
            out: bucket,
            control: Arc::new(SqliteControlStore::open(dir.path().join("control.sqlite")).unwrap()),
            secrets: Arc::new(KeyFile::new(dir.path().join("pii.key"))),
            notifier: notices.clone(),
            clock: clock.clone(),
        };
        TestLake { dir, context, clock, notices }
    }

    pub(crate) fn set_contracts(&mut self, contracts: &[&str]) {
        self.context.contracts = Arc::new(contracts_of(contracts));
    }

    /// Puts a file and returns the event that tells of it.
    pub(crate) fn put(&self, key: &str, bytes: &[u8]) -> ObjectEvent {
        let path = self.dir.path().join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        self.event(key)
    }

    pub(crate) fn event(&self, key: &str) -> ObjectEvent {
        let metadata = std::fs::metadata(self.dir.path().join(key)).unwrap();
        let modified = metadata.modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
        let micros = i64::try_from(modified.as_micros()).unwrap();
        ObjectEvent {
            bucket: "test".to_owned(),
            key: key.to_owned(),
            version: format!("{:x}-{micros:x}", metadata.len()),
            size_bytes: metadata.len(),
            time: Timestamp::from_micros(micros),
        }
    }

    pub(crate) async fn register(&self, event: &ObjectEvent) -> ControlRecord {
        match register(&self.context, event).await.unwrap() {
            Registered::New(record) | Registered::Known(record) | Registered::Revived(record) => record,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn ingest(&self, record: &ControlRecord) -> ControlRecord {
        match ingest(&self.context, &record.id, "test", Arc::new(Progress::default())).await.unwrap() {
            Ingested::Succeeded(record, _) | Ingested::Failed(record) => record,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn put_and_ingest(&self, key: &str, bytes: &[u8]) -> ControlRecord {
        let record = self.register(&self.put(key, bytes)).await;
        self.ingest(&record).await
    }

    /// Every file under a folder of the lake, by its path, with its bytes.
    pub(crate) fn files(&self, folder: &str) -> Vec<(String, Vec<u8>)> {
        fn walk(root: &Path, at: &Path, found: &mut Vec<(String, Vec<u8>)>) {
            for entry in std::fs::read_dir(at).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(root, &path, found);
                } else {
                    let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                    found.push((name, std::fs::read(&path).unwrap()));
                }
            }
        }
        let mut found = Vec::new();
        walk(self.dir.path(), &self.dir.path().join(folder), &mut found);
        found.sort();
        found
    }
}

fn contracts_of(contracts: &[&str]) -> Contracts {
    contracts.iter().map(|text| Contract::parse("contract", text).unwrap()).collect()
}

pub(crate) fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}
