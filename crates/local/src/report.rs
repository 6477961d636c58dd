//! Gathers what `weir report` shows of a lake. It reads and makes nothing.
//!
//! What cannot be read becomes a part of the report instead of its end: a report is wanted most where something is wrong.

mod control;
mod models;
mod quarantine;
mod tables;

use weir_model::Timestamp;
use weir_ports::clock::{Clock, SystemClock};
use weir_report::{Problem, Report};

use crate::open::{LocalLake, OpenError};

/// Gathers the report of a lake. `lake_option` is what a person adds to a command to reach the lake, with a space before
/// it.
///
/// # Errors
/// [`OpenError`] where the lake cannot be opened. What cannot be read after that is told in the report.
pub async fn report(lake: &LocalLake, lake_option: &str, version: &str) -> Result<Report, OpenError> {
    let queries = lake.queries()?;
    let mut report = Report {
        lake: lake.lake.name.clone(),
        description: lake.lake.description.clone(),
        made_at: now(),
        version: version.to_owned(),
        lake_option: lake_option.to_owned(),
        tables: Vec::new(),
        files: weir_report::Files::default(),
        commits: Vec::new(),
        quarantine: weir_report::Quarantine::default(),
        waiting: Vec::new(),
        models: Vec::new(),
        problems: Vec::new(),
    };
    control::gather(lake, &mut report).await?;
    tables::gather(lake, &mut report).await?;
    match lake.models() {
        Ok(models) => models::gather(&queries, &models, &mut report).await,
        Err(error) => problem(&mut report, "models", &error),
    }
    report.tables.sort_by(|a, b| (a.layer, &a.name).cmp(&(b.layer, &b.name)));
    Ok(report)
}

fn now() -> Timestamp {
    SystemClock.now()
}

/// Notes what could not be read.
fn problem(report: &mut Report, what: impl Into<String>, error: &dyn std::error::Error) {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = error.source();
    }
    report.problems.push(Problem { what: what.into(), message });
}
