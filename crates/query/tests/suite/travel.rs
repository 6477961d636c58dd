//! The past, by snapshot and by time.

use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::{ArrayRef, Int64Array};
use futures::TryStreamExt;
use iceberg::spec::PrimitiveType;
use object_store::ObjectStore;
use weir_ports::{Bucket, Identity};
use weir_query::output::{Format, RowWriter};
use weir_query::{At, QueryError, QueryLake, Settings, Sources};

use super::support::{World, column};

pub(crate) fn lake(world: &World) -> QueryLake {
    let store: Arc<dyn ObjectStore> = Arc::clone(&world.store) as Arc<dyn ObjectStore>;
    let sources = Sources {
        objects: Bucket::new("lake", store, Identity::Version),
        contracts: Vec::new(),
        tables: Some(world.tables.clone()),
        control: None,
    };
    QueryLake::new(sources, Settings { memory_bytes: 64 << 20, workers: 2, spill_folder: None }).unwrap()
}

pub(crate) async fn ask_at(lake: &QueryLake, sql: &str, at: Option<At>) -> Result<Vec<String>, QueryError> {
    let query = lake.query(sql, at).await?;
    let mut writer = RowWriter::new(Format::Jsonl, &query.schema(), Vec::new())?;
    let batches: Vec<_> = query.stream()?.try_collect().await?;
    for batch in batches {
        writer.write(&batch)?;
    }
    let (_, bytes) = writer.finish()?;
    Ok(String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect())
}

pub(crate) async fn ask(lake: &QueryLake, sql: &str) -> Result<Vec<String>, QueryError> {
    ask_at(lake, sql, None).await
}

/// Two snapshots: one row, then two. Their ids, and times at which each was current.
async fn world() -> (World, [i64; 2], [String; 2]) {
    let world = World::new(vec![column(1, "k", PrimitiveType::Long)], None).await;
    let mut ids = [0; 2];
    let mut times = [String::new(), String::new()];
    for step in 0..2 {
        let rows: ArrayRef = Arc::new(Int64Array::from(vec![step as i64]));
        let table = world.append(vec![rows]).await;
        ids[step] = table.current_snapshot_id().unwrap();
        let micros = table.current_snapshot().unwrap().timestamp_ms() * 1000 + 1000;
        times[step] = weir_model::Timestamp::from_micros(micros).to_string();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (world, ids, times)
}

#[tokio::test]
async fn a_query_reads_the_snapshot_that_it_names_and_the_current_one_if_none() {
    let (world, [first, second], [then, now]) = world().await;
    let lake = lake(&world);
    let count = |rows: usize| vec![format!("{{\"n\":{rows}}}")];
    for (version, rows) in [
        (String::new(), 2),
        (format!("VERSION AS OF {first}"), 1),
        (format!("FOR VERSION AS OF {second}"), 2),
        (format!("TIMESTAMP AS OF '{then}'"), 1),
        (format!("FOR TIMESTAMP AS OF TIMESTAMP '{now}'"), 2),
        (format!("FOR SYSTEM_TIME AS OF '{then}' AS past"), 1),
    ] {
        assert_eq!(
            ask(&lake, &format!("SELECT count(*) AS n FROM silver.t {version}")).await.unwrap(),
            count(rows),
            "{version}"
        );
    }
    let sql = "SELECT count(*) AS n FROM silver.t";
    for (at, rows) in [(first.to_string(), 1), (second.to_string(), 2), (then.clone(), 1), (now.clone(), 2)] {
        assert_eq!(ask_at(&lake, sql, Some(At::parse(&at).unwrap())).await.unwrap(), count(rows), "{at}");
    }
    let both = format!("{sql} VERSION AS OF {second}");
    assert_eq!(ask_at(&lake, &both, At::parse(&then)).await.unwrap(), count(2), "what a query says itself holds");
    // Two states of one table in one query, qualified as the query likes.
    let both = format!(
        "SELECT t.k AS now, old.k AS then FROM silver.t LEFT JOIN silver.t VERSION AS OF {first} AS old ON t.k = old.k ORDER BY 1"
    );
    assert_eq!(ask(&lake, &both).await.unwrap(), [r#"{"now":0,"then":0}"#, r#"{"now":1,"then":null}"#]);
    let added = format!("SELECT k FROM silver.t EXCEPT SELECT t.k FROM silver.t VERSION AS OF {first}");
    assert_eq!(ask(&lake, &added).await.unwrap(), [r#"{"k":1}"#]);
}

#[tokio::test]
async fn a_snapshot_that_is_not_there_is_told_with_those_that_are() {
    let (world, [first, second], _) = world().await;
    let lake = lake(&world);
    let error = ask(&lake, "SELECT * FROM silver.t VERSION AS OF 12").await.unwrap_err();
    assert_eq!(error.code(), "Query.Snapshot");
    for part in [first.to_string(), second.to_string(), "weir snapshots t".to_owned()] {
        assert!(error.to_string().contains(&part), "{error}");
    }
    for sql in ["SELECT * FROM silver.t TIMESTAMP AS OF '2001-01-01'"] {
        let error = ask(&lake, sql).await.unwrap_err();
        assert!(error.to_string().contains("had no snapshot at 2001-01-01T00:00:00Z; the oldest"), "{error}");
    }
    let error = ask_at(&lake, "SELECT * FROM silver.t", Some(At::Snapshot(12))).await.unwrap_err();
    assert!(error.to_string().contains("has a snapshot 12"), "{error}");
    let error = ask(&lake, "SELECT * FROM control.records VERSION AS OF 1").await.unwrap_err();
    assert!(error.to_string().contains("has no snapshots"), "{error}");
}

#[tokio::test]
async fn metadata_of_a_table_are_tables_too() {
    let (world, [first, _], _) = world().await;
    let lake = lake(&world);
    let rows =
        ask(&lake, "SELECT operation, total_records, is_current FROM silver.\"t$snapshots\" ORDER BY committed_at")
            .await
            .unwrap();
    assert_eq!(
        rows,
        [
            r#"{"operation":"append","total_records":1,"is_current":false}"#,
            r#"{"operation":"append","total_records":2,"is_current":true}"#
        ]
    );
    assert_eq!(ask(&lake, "SELECT record_count FROM silver.\"t$files\"").await.unwrap().len(), 2);
    let past = format!("SELECT record_count FROM silver.\"t$files\" VERSION AS OF {first}");
    assert_eq!(ask(&lake, &past).await.unwrap().len(), 1);
}
