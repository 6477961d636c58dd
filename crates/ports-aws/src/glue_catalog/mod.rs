//! An Iceberg catalog in AWS Glue: one entry a table, whose parameters say where the current metadata file is.
//!
//! Athena, Spark and PyIceberg read and move the same entries. Glue gives each entry a version, and takes an
//! update only for the version that it has: that is the condition of a swap.

mod entry;
mod failure;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_glue::Client;
use aws_sdk_glue::config::retry::RetryConfig;
use aws_sdk_glue::config::timeout::TimeoutConfig;
use aws_sdk_glue::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_glue::types::{DatabaseInput, Table, TableInput};
use weir_ports::catalog::{Catalog, CatalogError, Swap, TableName};

use failure::{ALREADY_EXISTS, CONCURRENT_MODIFICATION, ENTITY_NOT_FOUND, VERSION_MISMATCH};

/// How often a swap is tried while others change the entry without moving its head: a description, a statistic.
const SWAP_ATTEMPTS: usize = 5;

/// How a [`GlueCatalog`] asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlueSettings {
    /// The account whose catalog it is, where that is not the caller's own.
    pub catalog_id: Option<String>,
    /// How long one request may take before it counts as unanswered.
    pub timeout: Duration,
    /// How often a read is sent before its failure is told; 1 for no repetition. Writes are sent once.
    pub read_attempts: u32,
    /// The longest wait before the first repetition; each further one may be twice as long.
    pub backoff: Duration,
}

impl Default for GlueSettings {
    fn default() -> Self {
        GlueSettings {
            catalog_id: None,
            timeout: Duration::from_secs(20),
            read_attempts: 6,
            backoff: Duration::from_millis(250),
        }
    }
}

/// Keeps table heads in AWS Glue.
///
/// Names must be in lower case, because Glue folds them: `Review` and `review` would be one table. An entry that
/// is no Iceberg table is never touched, and stands in no listing.
#[derive(Clone)]
pub struct GlueCatalog {
    /// Repeats what fails.
    reads: Client,
    /// Sends once. A swap that was repeated after its answer was lost would meet its own version and be told as
    /// lost, though it has won.
    writes: Client,
    settings: GlueSettings,
}

impl fmt::Debug for GlueCatalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GlueCatalog").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl GlueCatalog {
    /// A catalog that asks through `client`, whose own settings for repetitions and timeouts are not used.
    #[must_use]
    pub fn new(client: Client, settings: GlueSettings) -> Self {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(settings.timeout).build();
        let retries = RetryConfig::standard()
            .with_max_attempts(settings.read_attempts.max(1))
            .with_initial_backoff(settings.backoff);
        let with = |retries| {
            let config = client.config().to_builder().timeout_config(timeouts.clone()).retry_config(retries);
            Client::from_conf(config.build())
        };
        GlueCatalog { reads: with(retries), writes: with(RetryConfig::disabled()), settings }
    }

    /// The entry under a table's name, of whatever kind.
    async fn entry(&self, table: &TableName) -> Result<Option<Table>, CatalogError> {
        check_name(&table.namespace)?;
        check_name(&table.name)?;
        let request = self.reads.get_table().set_catalog_id(self.settings.catalog_id.clone());
        match request.database_name(&table.namespace).name(&table.name).send().await {
            Ok(output) => Ok(output.table),
            Err(error) if error.code() == Some(ENTITY_NOT_FOUND) => Ok(None),
            Err(error) => Err(self.failure("glue:GetTable", table, &error)),
        }
    }

    async fn create_database(&self, table: &TableName) -> Result<(), CatalogError> {
        let request = self.writes.create_database().set_catalog_id(self.settings.catalog_id.clone());
        let input = DatabaseInput::builder().name(&table.namespace).build();
        let input = input.map_err(|error| failure::incomplete(table, &error))?;
        match request.database_input(input).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some(ALREADY_EXISTS) => Ok(()),
            Err(error) => Err(self.failure("glue:CreateDatabase", &table.namespace, &error)),
        }
    }

    /// `None` where there is no such database.
    async fn create_table(&self, table: &TableName, input: TableInput) -> Result<Option<Swap>, CatalogError> {
        let request = self.writes.create_table().set_catalog_id(self.settings.catalog_id.clone());
        match request.database_name(&table.namespace).table_input(input).send().await {
            Ok(_) => Ok(Some(Swap::Won)),
            Err(error) => match error.code() {
                Some(ALREADY_EXISTS) => Ok(Some(Swap::Lost)),
                Some(ENTITY_NOT_FOUND) => Ok(None),
                _ => Err(self.failure("glue:CreateTable", table, &error)),
            },
        }
    }

    /// Moves the head of an entry that is still as it was read; `None` where it is not.
    async fn update(
        &self,
        table: &TableName,
        entry: Table,
        from: &str,
        to: &str,
    ) -> Result<Option<Swap>, CatalogError> {
        // The version was read together with the head: if Glue still has it, the head is still `from`.
        let version = entry::version(table, &entry)?.to_owned();
        let request = self.writes.update_table().set_catalog_id(self.settings.catalog_id.clone());
        let request = request.database_name(&table.namespace).version_id(version);
        // Else Glue keeps each old version of the entry, and there is a quota for them.
        let request = request.skip_archive(true).table_input(entry::moved(table, entry, from, to)?);
        match request.send().await {
            Ok(_) => Ok(Some(Swap::Won)),
            Err(error) => match error.code() {
                Some(CONCURRENT_MODIFICATION | VERSION_MISMATCH) => Ok(None),
                Some(ENTITY_NOT_FOUND) => Ok(Some(Swap::Lost)),
                _ => Err(self.failure("glue:UpdateTable", table, &error)),
            },
        }
    }

    fn failure<E>(&self, permission: &str, what: &impl fmt::Display, error: &SdkError<E>) -> CatalogError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        failure::of(permission, what, self.reads.config().region().is_some(), error)
    }
}

#[async_trait]
impl Catalog for GlueCatalog {
    async fn head(&self, table: &TableName) -> Result<Option<String>, CatalogError> {
        let Some(entry) = self.entry(table).await? else { return Ok(None) };
        entry::head(table, &entry).map(|head| Some(head.to_owned()))
    }

    async fn tables(&self, namespace: &str) -> Result<Vec<TableName>, CatalogError> {
        check_name(namespace)?;
        let request = self.reads.get_tables().set_catalog_id(self.settings.catalog_id.clone());
        let mut pages = request.database_name(namespace).into_paginator().send();
        let mut tables = Vec::new();
        while let Some(page) = pages.next().await {
            match page {
                Ok(page) => {
                    let entries = page.table_list.unwrap_or_default().into_iter().filter(entry::is_iceberg);
                    tables.extend(entries.map(|entry| TableName::new(namespace, entry.name)));
                }
                Err(error) if error.code() == Some(ENTITY_NOT_FOUND) => return Ok(Vec::new()),
                Err(error) => return Err(self.failure("glue:GetTables", &namespace, &error)),
            }
        }
        tables.sort();
        // A table that is added while the pages are read may stand on two of them.
        tables.dedup();
        Ok(tables)
    }

    async fn create(&self, table: &TableName, metadata_location: &str) -> Result<Swap, CatalogError> {
        check_name(&table.namespace)?;
        check_name(&table.name)?;
        let input = entry::first(table, metadata_location)?;
        // The database is made when it turns out to be missing: that it is there is the rule, and
        // a role that may not make one is then enough.
        if let Some(swap) = self.create_table(table, input.clone()).await? {
            return Ok(swap);
        }
        self.create_database(table).await?;
        self.create_table(table, input).await?.ok_or_else(|| CatalogError::Unavailable {
            reason: format!("AWS Glue does not find the database {} that was made just now", table.namespace),
        })
    }

    async fn swap(&self, table: &TableName, from: &str, to: &str) -> Result<Swap, CatalogError> {
        for _ in 0..SWAP_ATTEMPTS {
            let Some(entry) = self.entry(table).await? else { return Ok(Swap::Lost) };
            if entry::head(table, &entry)? != from {
                return Ok(Swap::Lost);
            }
            if let Some(swap) = self.update(table, entry, from, to).await? {
                return Ok(swap);
            }
        }
        let reason = format!("others keep changing the entry of {table} in AWS Glue, and leave its head as it is");
        Err(CatalogError::Unavailable { reason })
    }
}

/// Glue stores names in lower case and tells nobody.
fn check_name(name: &str) -> Result<(), CatalogError> {
    if name.to_lowercase() == name {
        return Ok(());
    }
    let reason = format!("AWS Glue folds the name {name:?} to lower case, where it may be another's; write it so");
    Err(CatalogError::Unusable { reason })
}
