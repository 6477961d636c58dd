//! What stands in the catalog: entries of tables, of other things, and their names.

use serde_json::{Value, json};
use weir_ports::catalog::{Catalog, Swap, TableName};
use weir_ports_aws::GlueSettings;

use crate::fake::{FakeGlue, Fault, quick};
use crate::{created, review, unusable};

fn hive() -> Value {
    json!({"Name": "review", "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": "parquet"}})
}

#[tokio::test]
async fn a_listing_holds_all_pages_sorted_and_of_its_namespace_alone() {
    let glue = FakeGlue::start().await;
    let catalog = glue.catalog();
    let names = ["shop", "review_flat", "review", "a", "zebra", "b", "c"];
    for name in names {
        catalog.create(&TableName::new("silver", name), name).await.unwrap();
    }
    catalog.create(&TableName::new("silver2", "d"), "d").await.unwrap();
    let mut sorted: Vec<_> = names.into_iter().map(|name| TableName::new("silver", name)).collect();
    sorted.sort();
    assert_eq!(catalog.tables("silver").await, Ok(sorted));
    assert_eq!(glue.count("GetTables"), 4, "seven tables in pages of two");
    assert_eq!(catalog.tables("silver2").await, Ok(vec![TableName::new("silver2", "d")]));
    assert_eq!(catalog.tables("bronze").await, Ok(vec![]));
}

#[tokio::test]
async fn what_is_no_iceberg_table_is_not_listed_not_read_and_not_touched() {
    let glue = FakeGlue::start().await;
    glue.state().tables.add_table("silver", &hive());
    let catalog = glue.catalog();
    assert_eq!(catalog.tables("silver").await, Ok(vec![]));
    unusable(&catalog.head(&review()).await.unwrap_err(), &["silver.review", "no Iceberg table", "another name"]);
    unusable(&catalog.swap(&review(), "a", "b").await.unwrap_err(), &["no Iceberg table"]);
    assert_eq!(catalog.create(&review(), "a").await, Ok(Swap::Lost), "the name is taken");
    assert_eq!(glue.count("UpdateTable"), 0);
    assert_eq!(glue.state().tables.table("silver", "review")["VersionId"], "0");
}

#[tokio::test]
async fn the_kind_of_a_table_is_known_in_any_case_of_letters() {
    let glue = FakeGlue::start().await;
    let others = json!({"Name": "review", "Parameters": {"table_type": "iceberg", "metadata_location": "a"}});
    glue.state().tables.add_table("silver", &others);
    let catalog = glue.catalog();
    assert_eq!(catalog.head(&review()).await, Ok(Some("a".to_owned())));
    assert_eq!(catalog.tables("silver").await, Ok(vec![review()]));
    assert_eq!(catalog.swap(&review(), "a", "b").await, Ok(Swap::Won));
}

#[tokio::test]
async fn an_entry_without_a_head_or_a_version_is_not_guessed_at() {
    let glue = FakeGlue::start().await;
    let catalog = created(&glue).await;
    glue.state().tables.table("silver", "review").as_object_mut().unwrap().remove("VersionId");
    unusable(&catalog.swap(&review(), "a", "b").await.unwrap_err(), &["no version"]);
    glue.state().tables.table("silver", "review")["Parameters"] = json!({"table_type": "ICEBERG"});
    unusable(&catalog.head(&review()).await.unwrap_err(), &["metadata_location", "register"]);
}

#[tokio::test]
async fn names_that_glue_would_fold_are_refused_before_anything_is_sent() {
    let glue = FakeGlue::start().await;
    let catalog = glue.catalog();
    for table in [TableName::new("silver", "Review"), TableName::new("Silver", "review")] {
        unusable(&catalog.head(&table).await.unwrap_err(), &["lower case"]);
        unusable(&catalog.create(&table, "a").await.unwrap_err(), &["lower case"]);
        unusable(&catalog.swap(&table, "a", "b").await.unwrap_err(), &["lower case"]);
    }
    unusable(&catalog.tables("Silver").await.unwrap_err(), &["lower case"]);
    assert_eq!(glue.state().requests.len(), 0);
}

#[tokio::test]
async fn a_new_table_is_an_external_iceberg_table_at_its_own_location() {
    let glue = FakeGlue::start().await;
    let catalog = glue.catalog();
    catalog.create(&review(), "s3://lake/silver/review/metadata/00000-x.metadata.json").await.unwrap();
    let input = glue.last("CreateTable")["TableInput"].clone();
    assert_eq!(input["TableType"], "EXTERNAL_TABLE");
    assert_eq!(input["Parameters"]["table_type"], "ICEBERG");
    assert_eq!(input["StorageDescriptor"]["Location"], "s3://lake/silver/review");
}

#[tokio::test]
async fn a_database_is_made_only_where_it_is_missing() {
    let glue = FakeGlue::start().await;
    let catalog = created(&glue).await;
    assert_eq!(glue.count("CreateDatabase"), 1);
    catalog.create(&TableName::new("silver", "shop"), "a").await.unwrap();
    assert_eq!(glue.count("CreateDatabase"), 1, "it is there now");
    glue.fail("CreateDatabase", Fault::AnotherMakesDatabase("gold"));
    assert_eq!(catalog.create(&TableName::new("gold", "review"), "a").await, Ok(Swap::Won), "whoever made it");
}

#[tokio::test]
async fn another_accounts_catalog_is_named_in_every_request() {
    let glue = FakeGlue::start().await;
    let catalog = glue.catalog_with(GlueSettings { catalog_id: Some("210987654321".to_owned()), ..quick() });
    catalog.create(&review(), "a").await.unwrap();
    catalog.swap(&review(), "a", "b").await.unwrap();
    catalog.tables("silver").await.unwrap();
    let state = glue.state();
    assert_eq!(state.requests.len(), 6);
    assert!(state.requests.iter().all(|(_, body)| body["CatalogId"] == "210987654321"), "{:?}", state.requests);
}
