//! A lake in a folder, opened to answer queries: nothing is made that is not there.

use std::num::NonZeroUsize;
use std::sync::Arc;

use iceberg_commit::{Tables, Warehouse};
use weir_ports::control_store::ControlStore;
use weir_ports_local::{SqliteCatalog, SqliteControlStore, folder};
use weir_query::{QueryLake, Settings, Sources};

use crate::open::{LocalLake, OpenError, control_path};
use crate::silver::{CATALOG_NAME, catalog_path, warehouse_uri};

impl LocalLake {
    /// Opens the lake for queries. Where it has no catalog or no control records yet, it has no tables of that kind.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn queries(&self) -> Result<QueryLake, OpenError> {
        let objects = folder::bucket(&self.lake.name, &self.dir)?;
        let catalog = catalog_path(&self.dir);
        let tables = if catalog.is_file() {
            let warehouse = Warehouse::new(Arc::clone(objects.store()), &warehouse_uri(&self.dir)?)?;
            Some(Tables::new(warehouse, Arc::new(SqliteCatalog::open(catalog, CATALOG_NAME)?)))
        } else {
            None
        };
        let control = control_path(&self.dir);
        let control: Option<Arc<dyn ControlStore>> =
            if control.is_file() { Some(Arc::new(SqliteControlStore::open(control)?)) } else { None };
        let sources = Sources { objects, contracts: self.contracts.clone(), tables, control };
        Ok(QueryLake::new(sources, self.query_settings())?)
    }

    /// What a query may use: as much as a model of gold.
    #[must_use]
    pub fn query_settings(&self) -> Settings {
        let gold = &self.lake.gold;
        let workers = gold.workers.and_then(|workers| usize::try_from(workers).ok());
        Settings {
            memory_bytes: usize::try_from(gold.memory_mb.saturating_mul(1 << 20)).unwrap_or(usize::MAX),
            workers: workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, NonZeroUsize::get)),
            spill_folder: None,
        }
    }
}
