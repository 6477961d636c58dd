//! One run: register what lies in raw, ingest whatever is pending until nothing is, merge it into silver, build the models.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use serde::Serialize;
use thiserror::Error;
use weir_convert::{Progress, ReasonCount};
use weir_gold::models::Model;
use weir_gold::{BuildObserver, Gold, GoldError, ModelBuild};
use weir_model::Timestamp;
use weir_model::contract::SilverKind;
use weir_model::control::{ControlRecord, Status};
use weir_pipeline::{
    Context, IngestError, Ingested, MergeOptions, ObjectEvent, RegisterError, Registered, build, ingest, register,
};
use weir_ports::control::{ControlError, Pages, transition};
use weir_ports::control_store::{Query, StoreError};
use weir_silver::Silver;

use crate::scan::{Oddity, scan};
use crate::silver::{TableMerge, merge_tables};

/// The pause before a failed attempt is repeated; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Records listed at once.
const PAGE: usize = 500;

/// Watches a run, to show it.
pub trait Observer: Send + Sync {
    /// Registering has begun, of so many files.
    fn registering(&self, _files: usize) {}
    /// One file was registered.
    fn registered(&self) {}
    /// Ingesting has begun, of so many records.
    fn ingesting(&self, _records: usize) {}
    /// Work on a record has begun; `progress` tells how far it is.
    fn started(&self, _record: &ControlRecord, _progress: &Arc<Progress>) {}
    /// Work on a record has ended.
    fn finished(&self, _result: &FileResult) {}
    /// The merge of a table has begun.
    fn merging(&self, _table: &str) {}
    /// The merge of a table has ended.
    fn merged(&self, _result: &TableMerge) {}
    /// The build of a model has begun.
    fn building(&self, _model: &str) {}
    /// The build of a model has ended.
    fn built(&self, _result: &ModelBuild) {}
}

/// What became of one file in a run.
#[derive(Debug, Clone, Serialize)]
pub struct FileResult {
    /// The control record as it stands.
    #[serde(flatten)]
    pub record: ControlRecord,
    /// Why rows are bad, the most frequent reason first.
    pub reasons: Vec<ReasonCount>,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// What a run did.
#[derive(Debug, Default, Serialize)]
pub struct RunReport {
    /// Files that were registered for the first time.
    pub registered: u64,
    /// Rejected records that can be ingested now, and failed ones whose contract has changed.
    pub revived: u64,
    /// Files that had a record already.
    pub known: u64,
    /// Folder markers and files that begin with `.` or `_`.
    pub ignored: u64,
    /// Files that cannot have a record.
    pub oddities: Vec<Oddity>,
    /// What was rejected in this run.
    pub rejected: Vec<ControlRecord>,
    /// What was worked on.
    pub files: Vec<FileResult>,
    /// The tables of which something waited for a merge.
    pub merges: Vec<TableMerge>,
    /// What became of each model; empty where there are none.
    pub builds: Vec<ModelBuild>,
    /// What stands in the way of all being well, this run's and earlier ones'.
    pub standing: Standing,
}

/// Records that keep all from being well, as long as their files are there: a file that was
/// replaced or removed has been dealt with.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// `RUNNING` elsewhere.
    pub running: u64,
    /// When the last of those leases runs out, unless it is renewed.
    pub running_until: Option<Timestamp>,
    /// `FAILED`.
    pub failed: u64,
    /// `DEAD`.
    pub dead: u64,
    /// `REJECTED`.
    pub rejected: u64,
}

impl RunReport {
    /// Whether nothing was rejected, quarantined or failed, now or before, and every table is merged.
    #[must_use]
    pub fn all_well(&self) -> bool {
        let quarantined =
            |file: &FileResult| file.record.outcome.as_ref().is_some_and(|outcome| outcome.counts.rows_quarantined > 0);
        self.oddities.is_empty()
            && self.standing == Standing::default()
            && !self.files.iter().any(quarantined)
            && !self.merge_failed()
            && !self.build_failed()
    }

    /// Whether a model could not be built. Readers see what it was before.
    #[must_use]
    pub fn build_failed(&self) -> bool {
        self.builds.iter().any(|build| build.failure.is_some())
    }

    /// Whether a table could not be merged. Its files wait for the next run.
    #[must_use]
    pub fn merge_failed(&self) -> bool {
        self.merges.iter().any(|merge| merge.failure.is_some())
    }
}

/// Why a run broke off. What it had done stands; a new run goes on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// A file could not be registered.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The state of a record could not be kept.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The control records could not be read or written.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// No model could be built at all.
    #[error(transparent)]
    Gold(#[from] GoldError),
}

impl From<StoreError> for RunError {
    fn from(error: StoreError) -> Self {
        RunError::Control(error.into())
    }
}

/// Runs the lake in `dir` until nothing is pending, `workers` files at a time, then merges every table
/// of `silver`'s that has new bronze, then builds the models of `gold`.
///
/// # Errors
/// [`RunError`]. A file that cannot be ingested, a table that cannot be merged, or a model that cannot be built
/// is no error of the run.
pub async fn run(
    dir: &Path,
    context: &Context,
    silver: Option<&Silver>,
    gold: Option<&Gold>,
    workers: usize,
    observer: &dyn Observer,
) -> Result<RunReport, RunError> {
    let mut report = RunReport::default();
    let bucket = context.raw.clone();
    let folder = dir.to_owned();
    let found = tokio::task::spawn_blocking(move || scan(&folder, &bucket)).await.unwrap_or_default();
    report.oddities = found.oddities;
    observer.registering(found.events.len());
    register_all(context, &found.events, &mut report, observer).await?;
    report.revived += revive_where_contract_changed(context).await?;

    let mut tries: HashMap<String, u32> = HashMap::new();
    let mut pause = FIRST_PAUSE;
    loop {
        let mut ready = ready(context).await?;
        ready.retain(|id| tries.get(id).copied().unwrap_or(0) < context.lake.ingest.max_attempts);
        if ready.is_empty() {
            break;
        }
        if ready.iter().any(|id| tries.contains_key(id)) {
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        for id in &ready {
            *tries.entry(id.clone()).or_default() += 1;
        }
        observer.ingesting(ready.len());
        ingest_all(context, ready, workers, &mut report, observer).await?;
    }
    if let Some(silver) = silver {
        let kept = context.contracts.iter().filter(|contract| contract.silver.kind != SilverKind::None);
        let tables: Vec<String> = kept.map(|contract| contract.table.clone()).collect();
        let merges = merge_tables(context, silver, &tables, MergeOptions::default(), observer).await;
        report.merges = merges.into_iter().filter(|merge| !merge.nothing_to_do()).collect();
    }
    if let Some(gold) = gold {
        let models: Vec<Arc<Model>> = gold.models.iter().cloned().collect();
        report.builds = build(context, gold, &models, false, &Builds(observer)).await?;
    }
    let there = found.events.into_iter().map(|event| (event.key, event.version)).collect();
    report.standing = standing(context, &there).await?;
    Ok(report)
}

/// Tells the watcher of a run of its builds.
struct Builds<'a>(&'a dyn Observer);

impl BuildObserver for Builds<'_> {
    fn building(&self, model: &Model) {
        self.0.building(&model.name.to_string());
    }

    fn built(&self, result: &ModelBuild) {
        self.0.built(result);
    }
}

async fn register_all(
    context: &Context,
    events: &[ObjectEvent],
    report: &mut RunReport,
    observer: &dyn Observer,
) -> Result<(), RunError> {
    for event in events {
        match register(context, event).await? {
            Registered::New(record) if record.status == Status::Rejected => report.rejected.push(record),
            Registered::New(_) => report.registered += 1,
            Registered::Revived(_) => report.revived += 1,
            Registered::Known(_) => report.known += 1,
            Registered::Ignored | Registered::Gone => report.ignored += 1,
        }
        observer.registered();
    }
    Ok(())
}

/// A failure may have been the contract's: where that has changed, the file is tried again.
async fn revive_where_contract_changed(context: &Context) -> Result<u64, RunError> {
    let mut revived = 0;
    let now = context.clock.now();
    for status in [Status::Failed, Status::Dead] {
        let query = Query { status: Some(status), limit: PAGE, ..Query::default() };
        let mut pages = Pages::new(context.control.as_ref(), query);
        while let Some(records) = pages.next().await? {
            for record in records {
                let digest = context.contracts.get(&record.table).map(|contract| &contract.digest);
                if digest.is_some() && record.contract_digest.as_ref() != digest {
                    transition(context.control.as_ref(), &record.id, |stored| stored.retry(now)).await?;
                    revived += 1;
                }
            }
        }
    }
    Ok(revived)
}

/// Ids of the records that a worker may take.
async fn ready(context: &Context) -> Result<Vec<String>, RunError> {
    let mut ids = Vec::new();
    let now = context.clock.now();
    for status in [Status::Pending, Status::Failed, Status::Running] {
        let query = Query { status: Some(status), limit: PAGE, ..Query::default() };
        let mut pages = Pages::new(context.control.as_ref(), query);
        while let Some(records) = pages.next().await? {
            ids.extend(records.into_iter().filter(|record| record.is_ready(now)).map(|record| record.id));
        }
    }
    Ok(ids)
}

async fn ingest_all(
    context: &Context,
    ids: Vec<String>,
    workers: usize,
    report: &mut RunReport,
    observer: &dyn Observer,
) -> Result<(), RunError> {
    let worker = format!("weir-run-{}", std::process::id());
    let one = |id: String| {
        let worker = &worker;
        async move {
            let started = std::time::Instant::now();
            let progress = Arc::new(Progress::default());
            if let Some(record) = context.control.get(&id).await.map_err(ControlError::from)? {
                observer.started(&record, &progress);
            }
            let ingested = ingest(context, &id, worker, progress).await?;
            let (record, reasons) = match ingested {
                Ingested::Succeeded(record, report) => (record, report.reasons),
                Ingested::Failed(record) | Ingested::NotNow(record) | Ingested::TakenOver(record) => (record, vec![]),
            };
            Ok::<_, RunError>(FileResult { record, reasons, seconds: started.elapsed().as_secs_f64() })
        }
    };
    let mut results = stream::iter(ids.into_iter().map(one)).buffer_unordered(workers.max(1));
    let mut latest: BTreeMap<String, usize> =
        report.files.iter().enumerate().map(|(index, file)| (file.record.id.clone(), index)).collect();
    while let Some(result) = results.next().await {
        let result = result?;
        observer.finished(&result);
        // A file that was tried again is told once, as it stands at last.
        match latest.get(&result.record.id) {
            Some(index) => report.files[*index] = result,
            None => {
                latest.insert(result.record.id.clone(), report.files.len());
                report.files.push(result);
            }
        }
    }
    Ok(())
}

async fn standing(context: &Context, there: &HashSet<(String, String)>) -> Result<Standing, RunError> {
    let mut standing = Standing::default();
    for status in [Status::Running, Status::Failed, Status::Dead, Status::Rejected] {
        let query = Query { status: Some(status), limit: PAGE, ..Query::default() };
        let mut pages = Pages::new(context.control.as_ref(), query);
        while let Some(records) = pages.next().await? {
            for record in records {
                let until = record.lease.as_ref().map(|lease| lease.expires_at);
                if !there.contains(&(record.key, record.version)) {
                    continue;
                }
                match status {
                    Status::Running => {
                        standing.running += 1;
                        standing.running_until = standing.running_until.max(until);
                    }
                    Status::Failed => standing.failed += 1,
                    Status::Dead => standing.dead += 1,
                    _ => standing.rejected += 1,
                }
            }
        }
    }
    Ok(standing)
}
