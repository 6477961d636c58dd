//! A swap when others are faster, and what it keeps.

use serde_json::json;
use weir_ports::catalog::{Catalog, Swap};

use crate::fake::{FakeGlue, Fault};
use crate::{created, review};

#[tokio::test]
async fn a_stale_version_is_refused_and_told_as_lost() {
    let glue = FakeGlue::start().await;
    let catalog = created(&glue).await;
    glue.fail("UpdateTable", Fault::AnotherSets("metadata_location", "theirs".to_owned()));
    assert_eq!(catalog.swap(&review(), "a", "b").await, Ok(Swap::Lost));
    assert_eq!(catalog.head(&review()).await, Ok(Some("theirs".to_owned())), "it is not overwritten");
    assert_eq!(glue.last("UpdateTable")["VersionId"], "0");
}

#[tokio::test]
async fn a_change_of_something_else_does_not_lose_the_swap_and_is_kept() {
    let glue = FakeGlue::start().await;
    let catalog = created(&glue).await;
    glue.fail("UpdateTable", Fault::AnotherSets("comment", "reviewed".to_owned()));
    assert_eq!(catalog.swap(&review(), "a", "b").await, Ok(Swap::Won));
    assert_eq!(glue.last("UpdateTable")["TableInput"]["Parameters"]["comment"], "reviewed");
    for number in 0..9 {
        glue.fail("UpdateTable", Fault::AnotherSets("comment", number.to_string()));
    }
    let error = catalog.swap(&review(), "b", "c").await.unwrap_err();
    assert!(error.outcome_is_unknown() && error.to_string().contains("keep changing"), "{error}");
}

#[tokio::test]
async fn a_table_that_is_dropped_before_the_update_is_lost() {
    let glue = FakeGlue::start().await;
    let catalog = created(&glue).await;
    glue.fail("UpdateTable", Fault::Refused(400, "EntityNotFoundException", "Table not found."));
    assert_eq!(catalog.swap(&review(), "a", "b").await, Ok(Swap::Lost));
}

#[tokio::test]
async fn all_else_that_an_entry_says_survives_a_swap() {
    let glue = FakeGlue::start().await;
    let others = json!({
        "Name": "review", "Description": "what people drank", "Owner": "hadoop", "Retention": 7,
        "LastAccessTime": 1_700_000_001.5, "LastAnalyzedTime": 1_700_000_002.5,
        "ViewOriginalText": "o", "ViewExpandedText": "e",
        "TargetTable": {"CatalogId": "1", "DatabaseName": "d", "Name": "n", "Region": "r"},
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": "month", "Type": "string", "Comment": "of the review"}],
        "Parameters": {"table_type": "ICEBERG", "metadata_location": "a", "previous_metadata_location": "0",
            "write.parquet.compression-codec": "zstd", "größe": "groß", "empty": ""},
        "StorageDescriptor": {
            "Location": "s3://lake/silver/review", "NumberOfBuckets": -1,
            "AdditionalLocations": ["s3://lake/data"], "Parameters": {"k": "v"},
            "Columns": [{"Name": "id", "Type": "bigint",
                "Parameters": {"iceberg.field.id": "1", "iceberg.field.optional": "false"}}],
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"}
        }
    });
    glue.state().tables.add_table("silver", &others);
    let catalog = glue.catalog();
    assert_eq!(catalog.swap(&review(), "a", "b").await, Ok(Swap::Won));
    let request = glue.last("UpdateTable");
    let mut expected = others;
    expected["Parameters"]["metadata_location"] = json!("b");
    expected["Parameters"]["previous_metadata_location"] = json!("a");
    let input = &request["TableInput"];
    assert_eq!(*input, expected);
    assert_eq!(request["SkipArchive"], true);
    assert_eq!(glue.state().tables.archived, 0);
}
