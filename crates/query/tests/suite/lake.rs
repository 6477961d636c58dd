//! The layers of a lake beside each other, and what is told of a query that goes wrong.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use datafusion::parquet::arrow::ArrowWriter;
use iceberg::spec::PrimitiveType;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use weir_model::control::ControlRecord;
use weir_model::{Contract, Timestamp};
use weir_ports::control_store::ControlStore;
use weir_ports::{Bucket, Identity};
use weir_ports_local::SqliteControlStore;
use weir_query::{QueryError, QueryLake, Settings, Sources};

use super::support::{World, column};
use super::travel::ask;

const CONTRACT: &str = "apiVersion: v3.1.0\nkind: DataContract\nid: b\nname: b\nversion: 2.0.0\nstatus: active\nschema:\n  - name: b\n    \
    properties:\n      - {name: k, logicalType: integer, physicalType: bigint, primaryKey: true, primaryKeyPosition: 1, required: true}\n      \
    - {name: word, logicalType: string}\n";

struct Layers {
    world: World,
    lake: QueryLake,
    control: SqliteControlStore,
    _folder: tempfile::TempDir,
}

/// A lake with `silver.t`, a contract of bronze and control records.
async fn layers() -> Layers {
    let world =
        World::new(vec![column(1, "k", PrimitiveType::Long), column(2, "rating", PrimitiveType::String)], None).await;
    let folder = tempfile::tempdir().unwrap();
    let control = SqliteControlStore::open(folder.path().join("control.sqlite")).unwrap();
    let store: Arc<dyn ObjectStore> = Arc::clone(&world.store) as Arc<dyn ObjectStore>;
    let sources = Sources {
        objects: Bucket::new("lake", store, Identity::Version),
        contracts: vec![Contract::parse("b.odcs.yaml", CONTRACT).unwrap()],
        tables: Some(world.tables.clone()),
        control: Some(Arc::new(control.clone())),
    };
    let lake = QueryLake::new(sources, Settings { memory_bytes: 64 << 20, workers: 2, spill_folder: None }).unwrap();
    Layers { world, lake, control, _folder: folder }
}

impl Layers {
    async fn bronze(&self, path: &str, columns: Vec<(&str, ArrayRef)>) {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        self.world.store.put(&Path::from(path), PutPayload::from(bytes)).await.unwrap();
    }
}

fn longs(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

#[tokio::test]
async fn bronze_files_stand_side_by_side_by_the_names_of_their_columns() {
    let layers = layers().await;
    let none = ask(&layers.lake, "SELECT k, word, _control_id, _event_time FROM bronze.b").await.unwrap();
    assert!(none.is_empty(), "without a file there are the contract's columns");
    layers.bronze("bronze/b/v2/year=2026/a.parquet", vec![("k", longs(&[1])), ("_control_id", texts(&["a"]))]).await;
    let narrow: ArrayRef = Arc::new(Int32Array::from(vec![2]));
    let columns = vec![("word", texts(&["w"])), ("k", narrow), ("_control_id", texts(&["b"]))];
    layers.bronze("bronze/b/v2/year=2026/b.parquet", columns).await;
    layers.bronze("bronze/b/v1/year=2025/c.parquet", vec![("other", longs(&[7]))]).await;
    let rows = ask(&layers.lake, "SELECT k, word, _control_id AS id FROM bronze.b ORDER BY k").await.unwrap();
    assert_eq!(rows, [r#"{"k":1,"word":null,"id":"a"}"#, r#"{"k":2,"word":"w","id":"b"}"#]);
    assert_eq!(ask(&layers.lake, "SELECT * FROM bronze.b_v1").await.unwrap(), [r#"{"other":7}"#]);
    layers.world.store.opened();
    assert_eq!(ask(&layers.lake, "SELECT k FROM bronze.b WHERE k = 2").await.unwrap(), [r#"{"k":2}"#]);
    assert_eq!(layers.world.store.opened().len(), 1, "footers are kept, and tell which files are left out");

    layers.bronze("bronze/b/v2/year=2026/d.parquet", vec![("k", texts(&["x"]))]).await;
    let error = ask(&layers.lake, "SELECT k FROM bronze.b").await.unwrap_err();
    assert!(matches!(&error, QueryError::Foreign { detail, .. } if detail.contains("d.parquet")), "{error}");
    let error = ask(&layers.lake, "SELECT k FROM bronze.b_v7").await.unwrap_err();
    assert_eq!(error.code(), "Query.Table");
}

#[tokio::test]
async fn control_records_are_a_table_of_any_length() {
    let layers = layers().await;
    let count = 2500u32;
    for number in 0..count {
        let time = Timestamp::from_micros(i64::from(number));
        let key = format!("raw/b/{number}.csv");
        let record = ControlRecord::pending("lake", &key, "1", "b", u64::from(number), time, time);
        layers.control.create(&record).await.unwrap();
    }
    let all =
        ask(&layers.lake, "SELECT count(*) AS n, sum(size_bytes) AS bytes, min(status) AS s FROM control.records")
            .await;
    assert_eq!(all.unwrap(), [format!("{{\"n\":{count},\"bytes\":{},\"s\":\"PENDING\"}}", count * (count - 1) / 2)]);
    let one = "SELECT object_key, table_name, rows_in, failure_code, registered_at FROM control.records WHERE size_bytes = 17";
    assert_eq!(
        ask(&layers.lake, one).await.unwrap(),
        [
            r#"{"object_key":"raw/b/17.csv","table_name":"b","rows_in":null,"failure_code":null,"registered_at":"1970-01-01T00:00:00.000017Z"}"#
        ]
    );
    assert_eq!(ask(&layers.lake, "SELECT id FROM control.records LIMIT 3").await.unwrap().len(), 3);
}

#[tokio::test]
async fn one_may_ask_which_tables_there_are() {
    let layers = layers().await;
    let tables = ask(&layers.lake, "SHOW TABLES").await.unwrap().join("\n");
    for name in ["\"records\"", "\"t\"", "\"b\""] {
        assert!(tables.contains(name), "{tables}");
    }
    let columns = ask(&layers.lake, "DESCRIBE silver.t").await.unwrap().join("\n");
    assert!(columns.contains("rating"), "{columns}");
    let columns =
        ask(&layers.lake, "SELECT column_name FROM information_schema.columns WHERE table_schema = 'silver'").await;
    assert_eq!(columns.unwrap().len(), 2);
    assert!(ask(&layers.lake, "EXPLAIN SELECT * FROM silver.t").await.unwrap().join("").contains("TableScan"));
}

#[tokio::test]
async fn what_is_wrong_with_a_query_is_told_with_its_place() {
    let layers = layers().await;
    for (sql, code, parts) in [
        ("SELECT * FRM silver.t", "Query.Syntax", vec!["line 1, column 10", "  SELECT * FRM silver.t\n           ^"]),
        (
            "SELECT *\nFROM silver.tt",
            "Query.Table",
            vec!["did you mean 'silver.t'?", "line 2, column 6", "FROM silver.tt\n       ^"],
        ),
        ("SELECT * FROM sliver.t", "Query.Table", vec!["did you mean 'silver'?"]),
        ("SELECT * FROM t", "Query.Table", vec!["write silver.t", "line 1, column 15"]),
        ("SELECT * FROM nothing", "Query.Table", vec!["SHOW TABLES"]),
        ("SELECT * FROM silver.b", "Query.Table", vec!["weir merge b"]),
        ("SELECT * FROM gold.top", "Query.Table", vec!["weir build"]),
        ("SELECT * FROM 'f.parquet'", "Query.Table", vec!["names no table"]),
        ("SELECT * FROM '/etc/passwd'", "Query.Table", vec![]),
        ("SELECT k, ratign FROM silver.t", "Query.Unknown", vec!["did you mean 'rating'?", "line 1, column 11", "^"]),
        ("SELECT t.x FROM silver.t", "Query.Unknown", vec!["there is no column 'x'"]),
        ("SELECT foo(k) FROM silver.t", "Query.Unknown", vec!["foo"]),
        ("SELECT k FROM silver.t GROUP BY rating", "Query.Unknown", vec!["k"]),
        ("INSERT INTO silver.t VALUES (1, 'a')", "Query.Refused", vec!["INSERT is not run"]),
        ("CREATE EXTERNAL TABLE x STORED AS PARQUET LOCATION '/tmp/x'", "Query.Refused", vec![]),
        ("SELECT CAST('x' AS BIGINT)", "Query.Execution", vec!["x"]),
    ] {
        let error = ask(&layers.lake, sql).await.expect_err(sql);
        assert_eq!(error.code(), code, "{sql}: {error}");
        for part in parts {
            assert!(error.to_string().contains(part), "{sql}: '{part}' is not in: {error}");
        }
    }
}

#[tokio::test]
async fn a_query_that_takes_too_much_memory_says_so() {
    let layers = layers().await;
    let sources_settings = Settings { memory_bytes: 1 << 20, workers: 2, spill_folder: None };
    let store: Arc<dyn ObjectStore> = Arc::clone(&layers.world.store) as Arc<dyn ObjectStore>;
    let sources = Sources {
        objects: Bucket::new("lake", store, Identity::Version),
        contracts: Vec::new(),
        tables: None,
        control: None,
    };
    let lake = QueryLake::new(sources, sources_settings).unwrap();
    let sql = "SELECT count(*) AS n FROM generate_series(1, 300000) a JOIN generate_series(1, 300000) b ON a.value = b.value + 0 \
               WHERE a.value + b.value > 1";
    let error = ask(&lake, sql).await.unwrap_err();
    assert!(error.code() == "Query.Memory" && error.to_string().contains("gold.memoryMb"), "{error}");
}
