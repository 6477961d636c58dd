//! The session in which all SQL of Weir runs.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::catalog::MemorySchemaProvider;
use datafusion::execution::context::SessionContext;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{GreedyMemoryPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::SessionConfig;

use crate::error::QueryError;

/// The catalog that a session's tables are in.
pub const CATALOG: &str = "weir";

/// The layers, each a schema of the catalog.
pub(crate) const LAYERS: [&str; 4] = ["bronze", "silver", "gold", "control"];

/// What a session may use.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What sorts, joins and aggregates may hold; beyond it they go to disk where they can, and fail where they cannot.
    pub memory_bytes: usize,
    /// How many parts a query is run in.
    pub workers: usize,
    /// Where what does not fit goes; `None`: the system's folder for temporary files.
    pub spill_folder: Option<PathBuf>,
}

impl Default for Settings {
    /// One GiB, a part for each processor, the system's folder for temporary files.
    fn default() -> Self {
        let workers = std::thread::available_parallelism().map_or(2, NonZeroUsize::get);
        Settings { memory_bytes: 1 << 30, workers, spill_folder: None }
    }
}

/// A session with no tables but an empty schema for each layer.
///
/// Times are UTC. Names that are not quoted are folded to lower case. A table may be registered as `silver.review`.
///
/// # Errors
/// [`QueryError`] where the folder for what does not fit into memory cannot be used.
pub fn session(settings: &Settings) -> Result<SessionContext, QueryError> {
    let disk = match &settings.spill_folder {
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(|source| QueryError::Write {
                what: format!("the folder {} cannot be made for what does not fit into memory", folder.display()),
                source,
            })?;
            DiskManagerMode::Directories(vec![folder.clone()])
        }
        None => DiskManagerMode::OsTmpDirectory,
    };
    // Who comes first has it. An equal part for each operator that can go to disk would be small, since those that
    // wait or are done count too, and aggregates fail where their part does not hold the groups of one batch.
    let pool =
        TrackConsumersPool::new(GreedyMemoryPool::new(settings.memory_bytes), NonZeroUsize::MIN.saturating_add(2));
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(disk))
        .with_metadata_cache_limit(settings.memory_bytes / 8)
        .build_arc()?;
    session_on(settings, runtime)
}

/// A session that shares memory, disk and footers with others.
pub(crate) fn session_on(settings: &Settings, runtime: Arc<RuntimeEnv>) -> Result<SessionContext, QueryError> {
    let mut config = SessionConfig::new()
        .with_target_partitions(settings.workers.max(1))
        .with_information_schema(true)
        .with_default_catalog_and_schema(CATALOG, "public")
        .with_create_default_catalog_and_schema(true);
    let options = config.options_mut();
    options.execution.time_zone = Some("+00:00".to_owned());
    options.execution.parquet.coerce_int96 = Some("us".to_owned());
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    options.sql_parser.collect_spans = true;
    let context = SessionContext::new_with_config_rt(config, runtime);
    let catalog =
        context.catalog(CATALOG).ok_or_else(|| QueryError::Defect("the session has no catalog".to_owned()))?;
    for layer in LAYERS {
        catalog.register_schema(layer, Arc::new(MemorySchemaProvider::new()))?;
    }
    Ok(context)
}
