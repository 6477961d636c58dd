//! A lake that queries are answered over.

mod bronze;
mod control;
mod metadata;
mod names;
mod query;

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::execution::context::SessionContext;
use iceberg_commit::{Table, TableName, Tables};
use weir_model::{Contract, Timestamp};
use weir_ports::Bucket;
use weir_ports::control_store::ControlStore;

pub use query::Query;

use crate::error::QueryError;
use crate::iceberg::{IcebergRows, snapshot_at};
use crate::session::{LAYERS, Settings, session};
use crate::sql::{Place, Version, no_such, parse_time};

/// Where a lake's layers are. What is not there has no rows, or no tables.
#[derive(Clone)]
pub struct Sources {
    /// Bronze.
    pub objects: Bucket,
    /// What says which tables bronze has, and their columns.
    pub contracts: Vec<Contract>,
    /// Silver and gold.
    pub tables: Option<Tables>,
    /// The control records.
    pub control: Option<Arc<dyn ControlStore>>,
}

/// Which state of silver and gold a query is about, where it does not say so itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// One snapshot, of the one table that has it.
    Snapshot(i64),
    /// What was current at a time.
    Time(Timestamp),
}

impl At {
    /// A snapshot's id, or a time such as `2026-01-31`, `2026-01-31 08:30:00` or `2026-01-31T09:30:00+01:00`; without an
    /// offset it is UTC.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.trim().parse().map(At::Snapshot).ok().or_else(|| parse_time(text).map(At::Time))
    }
}

/// A lake that queries are answered over. It is read and never written to.
#[derive(Clone)]
pub struct QueryLake {
    sources: Sources,
    settings: Settings,
    /// Keeps footers and memory for all queries.
    base: SessionContext,
}

impl QueryLake {
    /// A lake by its layers.
    ///
    /// # Errors
    /// As [`session`].
    pub fn new(sources: Sources, settings: Settings) -> Result<Self, QueryError> {
        let base = session(&settings)?;
        Ok(QueryLake { sources, settings, base })
    }

    /// The tables of a layer, in the order of their names.
    ///
    /// # Errors
    /// [`QueryError::Catalog`] where the catalog does not answer.
    pub async fn tables(&self, layer: &str) -> Result<Vec<String>, QueryError> {
        match layer {
            "bronze" => Ok(self.sources.contracts.iter().map(|contract| contract.table.clone()).collect()),
            "control" => Ok(control::TABLES.map(str::to_owned).to_vec()),
            layer => {
                let Some(tables) = &self.sources.tables else { return Ok(Vec::new()) };
                let listed = tables.catalog().tables(layer).await.map_err(|source| {
                    QueryError::Catalog(iceberg_commit::TableError::Catalog {
                        table: TableName::new(layer, "*"),
                        source,
                    })
                })?;
                Ok(listed.into_iter().map(|table| table.name).collect())
            }
        }
    }

    /// An Iceberg table; `None` where there is none of that name.
    async fn load(&self, layer: &str, name: &str) -> Result<Option<Table>, QueryError> {
        match &self.sources.tables {
            Some(tables) => Ok(tables.load(&TableName::new(layer, name)).await?),
            None => Ok(None),
        }
    }

    /// A table of a layer as DataFusion reads it; `None` where there is none of that name.
    async fn provider(
        &self,
        layer: &str,
        name: &str,
        snapshot: Option<i64>,
        context: &SessionContext,
    ) -> Result<Option<Arc<dyn TableProvider>>, QueryError> {
        match layer {
            "bronze" => bronze::table(&self.sources, name, context).await,
            "control" => control::table(&self.sources, name),
            layer => {
                if let Some((table, about)) = metadata::split(name) {
                    let Some(table) = self.load(layer, table).await? else { return Ok(None) };
                    return metadata::table(self.warehouse()?, &table, about, snapshot).await.map(Some);
                }
                let Some(table) = self.load(layer, name).await? else { return Ok(None) };
                let rows = IcebergRows::snapshot(self.warehouse()?, &table, snapshot).await?;
                Ok(Some(Arc::new(rows)))
            }
        }
    }

    fn warehouse(&self) -> Result<&iceberg_commit::Warehouse, QueryError> {
        let tables = self.sources.tables.as_ref();
        tables.map(Tables::warehouse).ok_or_else(|| QueryError::Defect("the lake has no catalog".to_owned()))
    }

    /// The snapshot that is meant; `None`: the current one.
    async fn snapshot(
        &self,
        layer: &str,
        name: &str,
        version: Option<Version>,
        at: Option<At>,
    ) -> Result<Option<i64>, QueryError> {
        let is_iceberg = matches!(layer, "silver" | "gold");
        match (version, at) {
            (None, None) => Ok(None),
            (Some(_), _) if !is_iceberg => Err(QueryError::Snapshot(format!(
                "{layer}.{name} has no snapshots: bronze and control records are read as they are; time travel is for silver and gold"
            ))),
            (None, Some(_)) if !is_iceberg => Ok(None),
            (Some(Version::Id(id)), _) => Ok(Some(id)),
            (None, Some(At::Snapshot(id))) => {
                // The id is one table's; where a query names others they are read as they are.
                let plain = metadata::split(name).map_or(name, |(table, _)| table);
                let table = self.load(layer, plain).await?;
                Ok(table.filter(|table| table.snapshot(id).is_some()).map(|_| id))
            }
            (Some(Version::Time(time)), _) | (None, Some(At::Time(time))) => {
                let plain = metadata::split(name).map_or(name, |(table, _)| table);
                match self.load(layer, plain).await? {
                    Some(table) => snapshot_at(&table, time).map(Some),
                    None => Ok(None),
                }
            }
        }
    }

    /// What to tell of a name that leads to no table.
    async fn unknown(&self, layer: &str, name: &str) -> Result<String, QueryError> {
        if !LAYERS.contains(&layer) {
            return Ok(no_such("layer", layer, &LAYERS.map(str::to_owned)));
        }
        let known = self.tables(layer).await?;
        let contract = self.sources.contracts.iter().any(|contract| contract.table == name);
        let mut text = no_such(
            "table",
            &format!("{layer}.{name}"),
            &known.iter().map(|table| format!("{layer}.{table}")).collect::<Vec<_>>(),
        );
        if layer == "silver" && contract {
            text = format!(
                "there is no table 'silver.{name}' yet; `weir merge {name}` makes it, if its contract has a place in silver"
            );
        } else if layer == "gold" && known.is_empty() {
            text = format!("there is no table 'gold.{name}' yet: gold is empty; `weir build` makes it");
        }
        Ok(text)
    }
}

/// `at line 1, column 15`.
pub(crate) fn at_place(place: Option<Place>) -> String {
    place.map_or(String::new(), |place| format!(" (line {}, column {})", place.line, place.column))
}
