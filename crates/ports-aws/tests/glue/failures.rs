//! What failures mean: what is repeated, what is open, what is refused for good.

use aws_credential_types::credential_fn::provide_credentials_fn;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_glue::Client;
use aws_sdk_glue::config::{Builder, Credentials, Region};
use weir_ports::catalog::{Catalog, CatalogError, TableName};
use weir_ports_aws::{GlueCatalog, GlueSettings};

use crate::fake::{FakeGlue, Fault, client, configuration, quick};
use crate::{created, review, unusable};

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_open_and_sent_once() {
    let glue = FakeGlue::start().await;
    let catalog = created(&glue).await;
    let lost = [
        Fault::CarriedOutAndClosed,
        Fault::CarriedOutAndSilent,
        Fault::CarriedOutBehindBadGateway,
        Fault::CarriedOutAndRefused("ThrottlingException"),
        Fault::CarriedOutAndRefused("OperationTimeoutException"),
    ];
    for (number, fault) in lost.into_iter().enumerate() {
        let (from, to) = (catalog.head(&review()).await.unwrap().unwrap(), number.to_string());
        glue.fail("UpdateTable", fault.clone());
        let error = catalog.swap(&review(), &from, &to).await.unwrap_err();
        assert!(error.outcome_is_unknown() && error.to_string().contains("silver.review"), "{fault:?}: {error}");
        assert_eq!(glue.count("UpdateTable"), number + 1, "{fault:?}: no repetition");
        assert_eq!(catalog.head(&review()).await, Ok(Some(to)), "{fault:?}: the head shows it");

        let other = TableName::new("silver", format!("other_{number}"));
        let before = glue.count("CreateTable");
        glue.fail("CreateTable", fault.clone());
        let error = catalog.create(&other, "x").await.unwrap_err();
        assert!(error.outcome_is_unknown(), "{fault:?}: {error}");
        assert_eq!(glue.count("CreateTable"), before + 1, "{fault:?}: no repetition, which would be told as lost");
        assert_eq!(catalog.head(&other).await, Ok(Some("x".to_owned())));
    }
}

#[tokio::test]
async fn a_write_that_glue_failed_at_is_open_and_sent_once() {
    let glue = FakeGlue::start().await;
    let catalog = created(&glue).await;
    let busy = [
        (400, "ThrottlingException"),
        (400, "ResourceNotReadyException"),
        (429, "Whatever"),
        (500, "InternalServiceException"),
        (503, "ServiceUnavailable"),
    ];
    for (number, (status, code)) in busy.into_iter().enumerate() {
        glue.fail("UpdateTable", Fault::Refused(status, code, "try later"));
        let error = catalog.swap(&review(), "a", "b").await.unwrap_err();
        assert!(error.outcome_is_unknown() && error.to_string().contains(code), "{error}");
        assert_eq!(glue.count("UpdateTable"), number + 1, "{code}: no repetition");
    }
    glue.fail("CreateTable", Fault::Refused(400, "ConcurrentModificationException", "another creates it"));
    let error = catalog.create(&review(), "b").await.unwrap_err();
    assert!(error.outcome_is_unknown(), "whether another's creation came to its end is not known: {error}");
}

#[tokio::test]
async fn reads_are_repeated_when_throttled_or_unanswered() {
    let glue = FakeGlue::start().await;
    let catalog = created(&glue).await;
    let failing = [
        Fault::Refused(400, "ThrottlingException", "Rate exceeded"),
        Fault::Refused(500, "InternalServiceException", "try later"),
        Fault::CarriedOutAndClosed,
        Fault::CarriedOutAndSilent,
    ];
    for fault in failing {
        glue.fail("GetTable", fault.clone());
        glue.fail("GetTables", fault);
    }
    assert_eq!(catalog.head(&review()).await, Ok(Some("a".to_owned())));
    assert_eq!(glue.count("GetTable"), 5);
    assert_eq!(catalog.tables("silver").await, Ok(vec![review()]));
    assert_eq!(glue.count("GetTables"), 5);
}

#[tokio::test]
async fn reads_are_not_repeated_for_ever() {
    let glue = FakeGlue::start().await;
    let catalog = glue.catalog_with(GlueSettings { read_attempts: 3, ..quick() });
    for _ in 0..9 {
        glue.fail("GetTable", Fault::Refused(400, "ThrottlingException", "Rate exceeded"));
    }
    let error = catalog.head(&review()).await.unwrap_err();
    assert!(
        matches!(error, CatalogError::Unavailable { .. }) && error.to_string().contains("Rate exceeded"),
        "{error}"
    );
    assert_eq!(glue.count("GetTable"), 3);
}

#[tokio::test]
async fn a_denied_access_names_the_permission_and_what_it_is_for() {
    let glue = FakeGlue::start().await;
    let catalog = created(&glue).await;
    let deny =
        |operation| glue.fail(operation, Fault::Refused(400, "AccessDeniedException", "User: arn is not authorized"));
    let words = |permission| [permission, "give the role", "Lake Formation", "not authorized"];
    deny("GetTable");
    let error = catalog.head(&review()).await.unwrap_err();
    unusable(&error, &words("glue:GetTable of silver.review"));
    deny("GetTables");
    unusable(&catalog.tables("silver").await.unwrap_err(), &words("glue:GetTables of silver"));
    deny("UpdateTable");
    unusable(&catalog.swap(&review(), "a", "b").await.unwrap_err(), &words("glue:UpdateTable of silver.review"));
    deny("CreateTable");
    unusable(&catalog.create(&review(), "b").await.unwrap_err(), &words("glue:CreateTable of silver.review"));
    deny("CreateDatabase");
    let elsewhere = TableName::new("gold", "review");
    unusable(&catalog.create(&elsewhere, "b").await.unwrap_err(), &words("glue:CreateDatabase of gold"));
    assert_eq!(catalog.head(&review()).await, Ok(Some("a".to_owned())), "nothing was changed");
}

#[tokio::test]
async fn a_refusal_for_good_says_what_to_do() {
    let glue = FakeGlue::start().await;
    let catalog = created(&glue).await;
    let refusals = [
        ("ExpiredTokenException", "sign in again"),
        ("UnrecognizedClientException", "account and region"),
        ("ResourceNumberLimitExceededException", "quota"),
        ("GlueEncryptionException", "kms:Decrypt"),
        ("InvalidInputException", "what AWS Glue says"),
    ];
    for (code, advice) in refusals {
        glue.fail("UpdateTable", Fault::Refused(400, code, "no"));
        unusable(&catalog.swap(&review(), "a", "b").await.unwrap_err(), &[code, advice]);
    }
}

#[tokio::test]
async fn an_endpoint_that_nobody_listens_at_leaves_the_outcome_open() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let catalog = GlueCatalog::new(client(&endpoint), quick());
    let error = catalog.create(&review(), "a").await.unwrap_err();
    assert!(error.outcome_is_unknown() && error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn missing_credentials_and_a_missing_region_are_told_as_such() {
    let region = Region::new("eu-central-1");
    let credentials = Credentials::new("id", "secret", None, None, "tests");
    let config = || configuration("http://127.0.0.1:9");
    let from = |config: Builder| GlueCatalog::new(Client::from_conf(config.build()), quick());
    let error = from(config().credentials_provider(credentials)).head(&review()).await.unwrap_err();
    unusable(&error, &["AWS_REGION"]);
    let nobody = provide_credentials_fn(|| async { Err(CredentialsError::not_loaded("no providers in chain")) });
    let error = from(config().region(region).credentials_provider(nobody)).head(&review()).await.unwrap_err();
    unusable(&error, &["AWS_ACCESS_KEY_ID", "no providers in chain"]);
}
