//! Rules of registering.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails a test")]

mod common;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use common::{CONTRACT, TestLake, gzip};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use weir_model::control::Status;
use weir_model::raw::{Compression, Engine, Format};
use weir_pipeline::register::SAMPLE_BYTES;
use weir_pipeline::{Registered, register};
use weir_ports::{Bucket, Identity};

#[tokio::test]
async fn a_repeated_event_is_a_no_op_however_often_it_comes() {
    let lake = TestLake::new();
    let event = lake.put("raw/beer/a.csv.gz", &gzip("beer_id,name,abv\n1,x,1\n"));
    let first = lake.register(&event).await;
    let done = lake.ingest(&first).await;
    assert_eq!(done.status, Status::Succeeded);
    for _ in 0..3 {
        match register(&lake.context, &event).await.unwrap() {
            Registered::Known(record) => assert_eq!(record, done),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_race_make_one_record() {
    let lake = TestLake::new();
    let event = lake.put("raw/beer/a.csv", b"beer_id\n1\n");
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let (context, event) = (lake.context.clone(), event.clone());
            tokio::spawn(async move { matches!(register(&context, &event).await.unwrap(), Registered::New(_)) })
        })
        .collect();
    let mut new = 0;
    for task in tasks {
        new += u32::from(task.await.unwrap());
    }
    assert_eq!(new, 1);
}

#[tokio::test]
async fn deep_keys_spaces_plus_unicode_and_equal_base_names_stay_distinct() {
    let lake = TestLake::new();
    let keys = [
        "raw/beer/a.csv",
        "raw/beer/2026/a.csv",
        "raw/beer/2026/11/20/a.csv",
        "raw/beer/a b.csv",
        "raw/beer/a+b.csv",
        "raw/beer/a%20b.csv",
        "raw/beer/ä#.csv",
    ];
    let mut bronze = Vec::new();
    for (row, key) in keys.iter().enumerate() {
        let done = lake.put_and_ingest(key, format!("beer_id,name,abv\n{row},x,1\n").as_bytes()).await;
        assert_eq!((done.status, done.key.as_str()), (Status::Succeeded, *key), "{:?}", done.failure);
        bronze.push(done.outcome.unwrap().bronze_key);
    }
    bronze.sort();
    bronze.dedup();
    assert_eq!(bronze.len(), keys.len());
    assert_eq!(lake.files("bronze").len(), keys.len());
}

#[tokio::test]
async fn content_and_not_the_name_tells_format_and_compression() {
    let lake = TestLake::new();
    let packed_json = gzip("{\"beer_id\":1}\n{\"beer_id\":2}\n");
    let record = lake.register(&lake.put("raw/beer/looks-like.csv", &packed_json)).await;
    let sampled = record.sampled.clone().unwrap();
    assert_eq!((sampled.format, sampled.compression), (Format::Json, Compression::Gzip));
    assert_eq!((sampled.estimated_rows, sampled.engine), (2, Engine::Lambda));
    assert_eq!(lake.ingest(&record).await.outcome.unwrap().counts.rows_written, 2);
}

#[tokio::test]
async fn the_estimate_and_the_limits_choose_the_engine() {
    let lake = TestLake::with("name: test\nengines: {lambdaMaxRows: 2, fargateMaxRows: 4}\n", &[CONTRACT]);
    for (rows, engine) in [(2, Engine::Lambda), (3, Engine::Fargate), (4, Engine::Fargate), (5, Engine::Spark)] {
        let text = format!("beer_id,name,abv\n{}", "1,x,1\n".repeat(rows));
        let record = lake.register(&lake.put(&format!("raw/beer/{rows}.csv"), text.as_bytes())).await;
        assert_eq!(record.sampled.unwrap().engine, engine, "{rows}");
    }
}

#[tokio::test]
async fn without_a_contract_a_file_is_rejected_once_told_of_and_revived_when_there_is_one() {
    let mut lake = TestLake::with("name: test\n", &[]);
    let event = lake.put("raw/beer/a.csv", b"beer_id,name,abv\n1,x,1\n");
    let rejected = lake.register(&event).await;
    assert_eq!(rejected.status, Status::Rejected);
    assert!(rejected.failure.unwrap().message.contains("contracts/beer.odcs.yaml"));
    lake.register(&event).await;
    assert_eq!(lake.notices.notices().len(), 1, "one notice, not one an event");
    assert!(lake.notices.notices()[0].message.contains("weir check"));

    lake.set_contracts(&[CONTRACT]);
    let Registered::Revived(record) = register(&lake.context, &event).await.unwrap() else { panic!() };
    assert_eq!(lake.ingest(&record).await.status, Status::Succeeded);
}

#[tokio::test]
async fn keys_that_are_no_data_are_passed_over_and_unusable_ones_rejected() {
    let lake = TestLake::new();
    let mut event = lake.put("raw/beer/a.csv", b"beer_id\n1\n");
    for key in ["raw/beer/_SUCCESS", "raw/beer/.hidden", "raw/beer/folder/"] {
        event.key = key.to_owned();
        assert_eq!(register(&lake.context, &event).await.unwrap(), Registered::Ignored, "{key}");
    }
    for key in ["raw/a.csv", "raw/beer/../../etc/passwd", "raw/beer//a.csv", "raw/BEER/a.csv"] {
        event.key = key.to_owned();
        assert_eq!(lake.register(&event).await.status, Status::Rejected, "{key}");
    }
    event.key = "raw/beer/never-there.csv".to_owned();
    assert_eq!(register(&lake.context, &event).await.unwrap(), Registered::Gone);
}

/// Counts the bytes that are asked for.
#[derive(Debug)]
struct Counting(Arc<dyn ObjectStore>, Arc<AtomicU64>);

impl std::fmt::Display for Counting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("counting")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Counting {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.0.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let asked = match &options.range {
            Some(GetRange::Bounded(Range { start, end })) => end - start,
            _ => u64::MAX / 2,
        };
        self.1.fetch_add(asked, Ordering::Relaxed);
        self.0.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: futures::stream::BoxStream<'static, Result<Path>>,
    ) -> futures::stream::BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> futures::stream::BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}

#[tokio::test]
async fn a_bounded_range_is_read_and_never_the_whole_object() {
    let mut lake = TestLake::new();
    let read = Arc::new(AtomicU64::new(0));
    let counting = Counting(lake.context.raw.store().clone(), read.clone());
    lake.context.raw = Bucket::new("test", Arc::new(counting), Identity::SizeAndTime);
    let text = format!("beer_id,name,abv\n{}", "12345,some name,5.50\n".repeat(100_000));
    let record = lake.register(&lake.put("raw/beer/large.csv", text.as_bytes())).await;
    assert_eq!(read.load(Ordering::Relaxed), SAMPLE_BYTES);
    let estimate = record.sampled.unwrap().estimated_rows;
    assert!(estimate.abs_diff(100_000) < 2_000, "{estimate}");
}
