//! The raw files and bronze, by the control records: one walk over all of them, of which little is held.

use std::collections::{BTreeMap, HashSet};

use weir_model::Timestamp;
use weir_model::control::{ControlRecord, Status};
use weir_ports::control_store::{ControlStore, Query};
use weir_ports_local::{SqliteControlStore, folder};
use weir_report::{FileCount, Layer, RecentFile, Report, TableState, Trouble, Waiting};

use super::quarantine;
use crate::open::{LocalLake, OpenError, control_path};
use crate::scan::scan;

/// Records of one page.
const PAGE: usize = 1000;
/// Files that are listed as the last ones.
const RECENT: usize = 15;
/// Failures that are told in full.
const TROUBLES: usize = 25;

/// What one walk over the records comes to.
#[derive(Default)]
struct Walk {
    bronze: BTreeMap<String, TableState>,
    quarantined: Vec<quarantine::Object>,
    running: u64,
}

pub(super) async fn gather(lake: &LocalLake, report: &mut Report) -> Result<(), OpenError> {
    let path = control_path(&lake.dir);
    if !path.is_file() {
        return Ok(());
    }
    let control = SqliteControlStore::open(path)?;
    let there = raw_files(lake).await?;
    let mut walk = Walk::default();
    if let Err(error) = walk_records(&control, &there, report, &mut walk).await {
        super::problem(report, "control records", &error);
    }
    report.tables.extend(walk.bronze.into_values());
    quarantine::gather(lake, walk.quarantined, report).await;
    waiting(lake, &control, report).await;
    if walk.running > 0 {
        let what = format!("{} is being ingested, or its worker is gone", files(walk.running));
        let command = format!("weir status --status RUNNING{}", report.lake_option);
        report.waiting.push(Waiting { what, command });
    }
    Ok(())
}

/// Key and version of the files that lie in raw. A record of any other file is history.
async fn raw_files(lake: &LocalLake) -> Result<HashSet<(String, String)>, OpenError> {
    let bucket = folder::bucket(&lake.lake.name, &lake.dir)?;
    let dir = lake.dir.clone();
    let found = tokio::task::spawn_blocking(move || scan(&dir, &bucket)).await.unwrap_or_default();
    Ok(found.events.into_iter().map(|event| (event.key, event.version)).collect())
}

async fn walk_records(
    control: &dyn ControlStore,
    there: &HashSet<(String, String)>,
    report: &mut Report,
    walk: &mut Walk,
) -> Result<(), weir_ports::control_store::StoreError> {
    let query = Query { newest_first: true, limit: PAGE, ..Query::default() };
    let mut pages = weir_ports::control::Pages::new(control, query);
    while let Some(records) = pages.next().await? {
        for record in records {
            let stands = there.contains(&(record.key.clone(), record.version.clone()));
            if report.files.recent.len() < RECENT {
                report.files.recent.push(recent(&record));
            }
            match record.status {
                Status::Succeeded => succeeded(record, stands, walk),
                Status::Failed | Status::Dead | Status::Rejected if stands => trouble(&record, report),
                Status::Running => walk.running += 1,
                _ => {}
            }
        }
    }
    Ok(())
}

fn recent(record: &ControlRecord) -> RecentFile {
    let took = record.started_at.zip(record.finished_at).map(|(from, to)| (to.micros() - from.micros()) / 1000);
    let counts = record.outcome.as_ref().map(|outcome| outcome.counts);
    RecentFile {
        id: record.id.clone(),
        key: record.key.clone(),
        table: record.table.clone(),
        status: record.status,
        at: record.finished_at.unwrap_or(record.registered_at),
        took_ms: took.and_then(|took| u64::try_from(took).ok()),
        rows_written: counts.map(|counts| counts.rows_written),
        rows_quarantined: counts.map(|counts| counts.rows_quarantined),
    }
}

fn succeeded(record: ControlRecord, stands: bool, walk: &mut Walk) {
    let Some(outcome) = record.outcome else { return };
    let changed = record.finished_at.unwrap_or(record.updated_at);
    let table = walk.bronze.entry(record.table.clone()).or_insert_with(|| TableState {
        layer: Layer::Bronze,
        name: record.table.clone(),
        rows: Some(0),
        bytes: Some(0),
        files: Some(0),
        snapshots: None,
        changed_at: None,
    });
    let add = |sum: &mut Option<u64>, more: u64| *sum = sum.map(|sum| sum.saturating_add(more));
    add(&mut table.rows, outcome.counts.rows_written);
    add(&mut table.bytes, outcome.bytes_out);
    add(&mut table.files, 1);
    table.changed_at = table.changed_at.max(Some(changed));
    if outcome.counts.rows_quarantined > 0 {
        walk.quarantined.push(quarantine::Object {
            table: record.table,
            key: outcome.quarantine_key,
            rows: outcome.counts.rows_quarantined,
            stands,
        });
    }
}

fn trouble(record: &ControlRecord, report: &mut Report) {
    if report.files.troubles.len() >= TROUBLES {
        report.files.more_troubles += 1;
        return;
    }
    let (code, message) = record.failure.as_ref().map_or_else(
        || ("Unknown".to_owned(), "the record does not say why".to_owned()),
        |failure| (failure.code.clone(), failure.message.clone()),
    );
    // A transient failure is tried again by a run; any other one by a person who has mended its cause.
    let again = record.status == Status::Failed && code.starts_with("Transient.");
    let id = record.id.get(..12).unwrap_or(&record.id);
    let option = &report.lake_option;
    let command =
        if again { format!("weir run{option}") } else { format!("weir retry {id}{option} && weir run{option}") };
    report.files.troubles.push(Trouble {
        id: record.id.clone(),
        key: record.key.clone(),
        status: record.status,
        at: failed_at(record),
        code,
        message,
        command,
    });
}

fn failed_at(record: &ControlRecord) -> Timestamp {
    record.finished_at.unwrap_or(record.updated_at)
}

/// The counts, and what of them waits for a command.
async fn waiting(lake: &LocalLake, control: &dyn ControlStore, report: &mut Report) {
    let counts = match control.counts().await {
        Ok(counts) => counts,
        Err(error) => return super::problem(report, "counts of control records", &error),
    };
    let silver = lake.silver_tables();
    let pending: u64 = counts.iter().filter(|of| of.status == Status::Pending).map(|of| of.records).sum();
    if pending > 0 {
        let what = format!("{} of raw {} not ingested yet", files(pending), are(pending));
        report.waiting.push(Waiting { what, command: format!("weir run{}", report.lake_option) });
    }
    for of in counts.iter().filter(|of| of.status == Status::Succeeded && silver.contains(&of.table)) {
        let unmerged = of.records - of.merged.min(of.records);
        if unmerged > 0 {
            let what = format!("{} of bronze.{} {} not in silver yet", files(unmerged), of.table, are(unmerged));
            report.waiting.push(Waiting { what, command: format!("weir merge {}{}", of.table, report.lake_option) });
        }
    }
    report.files.counts = counts
        .into_iter()
        .map(|of| FileCount {
            table: of.table,
            status: of.status,
            files: of.records,
            bytes: of.size_bytes,
            rows_in: of.rows.rows_in,
            rows_written: of.rows.rows_written,
            rows_quarantined: of.rows.rows_quarantined,
        })
        .collect();
}

fn files(number: u64) -> String {
    if number == 1 { "1 file".to_owned() } else { format!("{number} files") }
}

fn are(number: u64) -> &'static str {
    if number == 1 { "is" } else { "are" }
}
