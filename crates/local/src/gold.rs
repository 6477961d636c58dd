//! The models of a lake in a folder: what builds them.

use std::sync::Arc;

use weir_gold::models::Models;
use weir_gold::{Gold, Settings};
use weir_model::Lake;
use weir_pipeline::Context;

use crate::open::{LocalLake, OpenError};

impl LocalLake {
    /// What builds the models into the lake's catalog.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn gold(&self, context: &Context, models: Models) -> Result<Gold, OpenError> {
        let tables = self.silver(context)?.tables;
        Ok(Gold { tables, models: Arc::new(models), settings: settings(&self.lake) })
    }
}

fn settings(lake: &Lake) -> Settings {
    let defaults = Settings::default();
    let bytes = lake.gold.memory_mb.saturating_mul(1 << 20);
    Settings {
        memory_bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
        workers: lake.gold.workers.and_then(|workers| usize::try_from(workers).ok()).unwrap_or(defaults.workers),
        ..defaults
    }
}
