//! `weir show`: all that is known of one file.

use anyhow::{anyhow, bail};
use weir_local::LocalLake;
use weir_model::control::{ControlRecord, Status};
use weir_pipeline::Context;

use super::{Done, block_on, lake_option};
use crate::arguments::{Output, Show};
use crate::output::{self, count, say, size};

pub(crate) fn run(command: &Show) -> anyhow::Result<Done> {
    let lake = LocalLake::read(&command.lake.lake)?;
    let context = lake.context()?;
    let record = block_on(find(&context, &command.id))?;
    if command.output.output == Output::Json {
        output::json(&record)?;
    } else {
        let in_silver = lake.silver_tables().contains(&record.table);
        print(command, &record, in_silver);
    }
    Ok(Done::Well)
}

/// The one record whose id begins so.
pub(crate) async fn find(context: &Context, id: &str) -> anyhow::Result<ControlRecord> {
    let mut found = context.control.find(id, 2).await?;
    if found.len() > 1 {
        bail!("several ids begin with '{id}'; give more digits");
    }
    found
        .pop()
        .ok_or_else(|| anyhow!("no control record's id begins with '{id}'; `weir status --table TABLE` lists them"))
}

fn print(command: &Show, record: &ControlRecord, in_silver: bool) {
    let line = |name: &str, value: String| say!("{name:<13} {value}");
    let lake = lake_option(&command.lake);
    line("id", record.id.clone());
    line("status", record.status.to_string());
    line("file", record.key.clone());
    line("version", record.version.clone());
    line("size", size(record.size_bytes));
    line("written", record.object_time.to_string());
    line("registered", record.registered_at.to_string());
    if let Some(sampled) = &record.sampled {
        line("content", format!("{}, compression {}", sampled.format, sampled.compression));
        line("estimate", format!("{} rows, engine {}", count(sampled.estimated_rows), sampled.engine));
    }
    line("attempts", record.attempts.to_string());
    if let Some(lease) = &record.lease {
        line("lease", format!("{} until {}", lease.owner, lease.expires_at));
    }
    if let (Some(started), Some(finished)) = (record.started_at, record.finished_at) {
        let seconds = (finished.micros() - started.micros()) as f64 / 1e6;
        line("last attempt", format!("{started}, {seconds:.3} s"));
    }
    if let Some(outcome) = &record.outcome {
        let counts = outcome.counts;
        line(
            "rows",
            format!(
                "{} in = {} written + {} quarantined + {} filtered",
                count(counts.rows_in),
                count(counts.rows_written),
                count(counts.rows_quarantined),
                count(counts.rows_filtered)
            ),
        );
        line("contract", format!("version {}", outcome.contract_version));
        line("bronze", format!("{} ({})", outcome.bronze_key, size(outcome.bytes_out)));
        if let Some(key) = &outcome.quarantine_key {
            line("quarantine", key.clone());
        }
        for note in &outcome.notes {
            line("note", note.clone());
        }
    }
    if let Some(merged) = &record.merged {
        let what = merged.snapshot.map_or("it had all of it".to_owned(), |snapshot| format!("snapshot {snapshot}"));
        line("silver", format!("merged {}, {what}", merged.at));
    }
    if let Some(failure) = &record.failure {
        line("failure", format!("{}: {}", failure.code, failure.message));
    }
    match record.status {
        Status::Failed | Status::Dead | Status::Rejected => {
            let id = output::short(&record.id);
            line("next", format!("once it is mended: weir retry {id}{lake}, then weir run{lake}"));
        }
        Status::Pending => line("next", format!("weir run{lake}")),
        Status::Succeeded if record.is_unmerged() && in_silver => {
            line("next", format!("weir merge {}{lake}", record.table));
        }
        Status::Running | Status::Succeeded => {}
    }
}
