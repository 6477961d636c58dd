//! Models are built from silver, and somebody is told of those that cannot be.

use std::sync::Arc;

use weir_gold::models::Model;
use weir_gold::{BuildObserver, Gold, GoldError, ModelBuild};
use weir_ports::notifier::Severity;

use crate::context::Context;

/// Builds models for what has changed of their inputs, or in full. What becomes of each is in its own result; a
/// notice is sent for each that failed.
///
/// # Errors
/// [`GoldError`], where no build could be begun.
pub async fn build(
    context: &Context,
    gold: &Gold,
    models: &[Arc<Model>],
    full: bool,
    observer: &dyn BuildObserver,
) -> Result<Vec<ModelBuild>, GoldError> {
    let builds = gold.build(models, full, observer).await?;
    for build in &builds {
        if let Some(failure) = &build.failure {
            let subject = format!("model {} could not be built", build.model);
            // The failure is in the result all the same, should nobody be told.
            let _ =
                context.notify(Severity::Error, failure.code, subject, failure.message.clone(), &build.model, "").await;
        }
    }
    Ok(builds)
}
