//! The tables of a warehouse.

use std::sync::Arc;

use iceberg::TableCreation;
use iceberg::spec::{FormatVersion, TableMetadataBuilder};
use weir_ports::catalog::{Catalog, Swap, TableName};

use crate::backoff::CommitSettings;
use crate::error::TableError;
use crate::metadata;
use crate::table::{NewTable, Table};
use crate::warehouse::Warehouse;

/// The tables that a catalog knows in a warehouse. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tables {
    warehouse: Warehouse,
    catalog: Arc<dyn Catalog>,
    settings: CommitSettings,
}

impl Tables {
    /// The tables of `catalog` in `warehouse`, with the usual settings.
    #[must_use]
    pub fn new(warehouse: Warehouse, catalog: Arc<dyn Catalog>) -> Self {
        Tables { warehouse, catalog, settings: CommitSettings::default() }
    }

    /// The same tables, committed to with other settings.
    #[must_use]
    pub fn with_settings(mut self, settings: CommitSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Where the tables are.
    #[must_use]
    pub fn warehouse(&self) -> &Warehouse {
        &self.warehouse
    }

    /// What knows their heads.
    #[must_use]
    pub fn catalog(&self) -> &Arc<dyn Catalog> {
        &self.catalog
    }

    /// How commits are tried.
    #[must_use]
    pub fn settings(&self) -> &CommitSettings {
        &self.settings
    }

    /// The table as it is now; `None` where there is none of that name.
    ///
    /// # Errors
    /// [`TableError`] where the catalog does not answer or the metadata file cannot be read.
    pub async fn load(&self, table: &TableName) -> Result<Option<Table>, TableError> {
        match self.catalog.head(table).await.map_err(TableError::catalog(table))? {
            Some(location) => metadata::read(&self.warehouse, table, location).await.map(Some),
            None => Ok(None),
        }
    }

    /// Creates the table at `<warehouse>/<namespace>/<name>`, in format version 2. Where another has created it
    /// meanwhile, returns that one.
    ///
    /// # Errors
    /// [`TableError`]. Where the catalog did not say whether it created the table, the metadata file is left and
    /// the call may be repeated.
    pub async fn create(&self, table: &TableName, new: NewTable) -> Result<Table, TableError> {
        check_name(table)?;
        let failed = || TableError::metadata("the creation", table);
        let creation = TableCreation::builder()
            .name(table.name.clone())
            .location(format!("{}/{}/{}", self.warehouse.uri(), table.namespace, table.name))
            .schema(new.schema)
            .partition_spec(new.partition_spec)
            .sort_order(new.sort_order)
            .properties(new.properties)
            .format_version(FormatVersion::V2)
            .build();
        let built = TableMetadataBuilder::from_table_creation(creation).and_then(TableMetadataBuilder::build);
        let first = built.map_err(failed())?.metadata;
        let location = metadata::first_location(table, &first)?;
        metadata::write(&self.warehouse, &first, &location).await?;
        let location = location.to_string();
        let ours = || Table { name: table.clone(), metadata: Arc::new(first), metadata_location: location.clone() };

        let mut attempt = 0;
        let created = loop {
            let created = self.catalog.create(table, &location).await;
            attempt += 1;
            match created {
                // It may have taken effect. If it has, the next one is lost to it.
                Err(error) if error.outcome_is_unknown() && attempt < self.settings.max_attempts.max(1) => {
                    self.settings.wait(attempt).await;
                }
                created => break created,
            }
        };
        match created {
            Ok(Swap::Won) => Ok(ours()),
            Ok(Swap::Lost) => {
                let head = self.catalog.head(table).await.map_err(TableError::catalog(table))?;
                if head.as_deref() == Some(location.as_str()) {
                    return Ok(ours());
                }
                let theirs = match head {
                    Some(head) => Some(metadata::read(&self.warehouse, table, head).await?),
                    None => None,
                };
                // Another commit may have come on top of a creation whose answer was lost.
                let built_on =
                    |table: &Table| table.metadata.metadata_log().iter().any(|log| log.metadata_file == location);
                if !theirs.as_ref().is_some_and(built_on) {
                    self.discard([location.clone()]).await;
                }
                theirs.ok_or_else(|| TableError::State {
                    table: table.clone(),
                    what: "the name is taken by something that is no table, or the table was dropped just now; \
                           choose another name, or run the same step again"
                        .to_owned(),
                })
            }
            Err(error) => {
                if !error.outcome_is_unknown() {
                    self.discard([location]).await;
                }
                Err(TableError::catalog(table)(error))
            }
        }
    }
}

fn check_name(table: &TableName) -> Result<(), TableError> {
    let refused = |reason| Err(TableError::Name { table: table.clone(), reason });
    for part in [&table.namespace, &table.name] {
        if part.is_empty() || part.starts_with('.') {
            return refused("a part of it is empty or begins with a dot");
        }
        if part.chars().any(|c| c == '/' || c == '\\' || c.is_control()) {
            return refused("a part of it holds a slash or a control character");
        }
    }
    Ok(())
}
