//! One model: decide, write, test, commit.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use datafusion::common::Column;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast};
use datafusion::physical_plan::execute_stream_partitioned;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use futures::stream::BoxStream;
use iceberg::TableUpdate;
use iceberg::spec::{DataFile, Struct};
use iceberg_commit::{CommitError, Kind, Live, LiveFile, Staged, Table, Tables};
use iceberg_files::{FileShape, PartitionedOptions, WriteError, Written, write_partitioned};
use serde::Serialize;
use weir_model::sql_model::Severity;
use weir_query::{FileRows, IcebergRows, Positions};

use crate::audit::{self, AuditResult};
use crate::error::GoldError;
use crate::marks;
use crate::models::Model;
use crate::opened::{Opened, beside, failed, register};
use crate::partitions;
use crate::plan::{Cause, Decision, Planner};
use crate::settings::Settings;
use crate::table;

/// What a build did with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Nothing: no input has changed, or in nothing that the model reads.
    None,
    /// Some partitions were built anew.
    Partitions,
    /// All of it was built anew.
    Whole,
    /// It waits for an input that is not there yet.
    Waits,
}

/// What became of a model.
#[derive(Debug, Clone, Serialize)]
pub struct Built {
    /// What was done.
    pub action: Action,
    /// Why, one sentence each.
    pub why: Vec<String>,
    /// The changes that were followed.
    pub causes: Vec<Cause>,
    /// Partitions that were built anew; of a whole model those that it has now.
    pub partitions: u64,
    /// Rows written.
    pub rows: u64,
    /// Files written.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The snapshot; `None` where nothing was committed.
    pub snapshot: Option<i64>,
    /// The model's own tests, those that did not pass first.
    pub tests: Vec<AuditResult>,
}

impl Built {
    pub(crate) fn nothing(action: Action, why: Vec<String>, causes: Vec<Cause>) -> Self {
        Built { action, why, causes, partitions: 0, rows: 0, files: 0, bytes: 0, snapshot: None, tests: Vec::new() }
    }
}

/// What a build of one model is given.
pub(crate) struct Builder<'a> {
    pub(crate) tables: &'a Tables,
    pub(crate) settings: &'a Settings,
    pub(crate) engine: &'a SessionContext,
    pub(crate) model: &'a Model,
    pub(crate) full: bool,
}

/// A model that is opened, with the state of its own table.
pub(crate) struct Ready {
    pub(crate) opened: Opened,
    pub(crate) target: Option<Table>,
    pub(crate) live: Live,
    pub(crate) decision: Decision,
}

/// How an attempt ended.
enum Attempt {
    Done(Built),
    /// Others changed the table meanwhile.
    Again,
}

impl Builder<'_> {
    /// What has to be built; `Err` in the result names the inputs that are not there yet.
    pub(crate) async fn ready(&self) -> Result<Result<Ready, Built>, GoldError> {
        let opened = match Opened::new(self.tables, self.model, self.engine).await? {
            Ok(opened) => opened,
            Err(missing) => {
                let why = missing.iter().map(|name| format!("{name} is not there yet")).collect();
                return Ok(Err(Built::nothing(Action::Waits, why, Vec::new())));
            }
        };
        let target = self.tables.load(&self.model.name).await?;
        let live = match &target {
            Some(target) => target.live(self.tables.warehouse()).await?,
            None => Live::default(),
        };
        let planner = Planner {
            warehouse: self.tables.warehouse(),
            model: self.model,
            opened: &opened,
            target: target.as_ref(),
            live: &live,
            limit: self.settings.memory_bytes / 4,
        };
        let decision = planner.decide(self.full).await?;
        Ok(Ok(Ready { opened, target, live, decision }))
    }

    pub(crate) async fn build(&self) -> Result<Built, GoldError> {
        for _ in 0..self.settings.max_builds.max(1) {
            match self.attempt().await? {
                Attempt::Done(built) => return Ok(built),
                Attempt::Again => {}
            }
        }
        Err(GoldError::Contended { model: self.model.name.clone(), builds: self.settings.max_builds })
    }

    async fn attempt(&self) -> Result<Attempt, GoldError> {
        let ready = match self.ready().await? {
            Ok(ready) => ready,
            Err(waits) => return Ok(Attempt::Done(waits)),
        };
        let (chosen, why, causes) = match &ready.decision {
            Decision::Current => return Ok(Attempt::Done(Built::nothing(Action::None, Vec::new(), Vec::new()))),
            Decision::Unaffected(causes) => return self.advance(&ready, causes.clone()).await,
            Decision::Partitions(values, causes) => (Some(values), Vec::new(), causes.clone()),
            Decision::Whole(why) => (None, why.clone(), Vec::new()),
        };
        let written = Written::default();
        let result = self.write(&ready, chosen.map(Vec::as_slice), &written).await;
        let (staged, on, mut built) = match result {
            Ok(ready) => ready,
            Err(error) => {
                written.discard(self.tables.warehouse()).await;
                return Err(error);
            }
        };
        built.why = why;
        built.causes = causes;
        let on_before = on.table().current_snapshot_id();
        match self.commit(staged, on).await {
            Ok(Some(table)) => {
                // A model without rows that had none before has no snapshot.
                built.snapshot = table.current_snapshot_id().filter(|now| on_before != Some(*now));
                Ok(Attempt::Done(built))
            }
            Ok(None) => {
                written.discard(self.tables.warehouse()).await;
                Ok(Attempt::Again)
            }
            Err(error) => {
                // It may have been committed: what it wrote is not to be touched.
                if !matches!(error, GoldError::Commit(CommitError::Unknown { .. })) {
                    written.discard(self.tables.warehouse()).await;
                }
                Err(error)
            }
        }
    }

    /// Notes the new states of the inputs, without a snapshot.
    async fn advance(&self, ready: &Ready, causes: Vec<Cause>) -> Result<Attempt, GoldError> {
        let Some(target) = &ready.target else { return Err(GoldError::Defect("a table is gone".to_owned())) };
        let staged =
            Staged { properties: self.properties(ready)?, unchanged_properties: guarded(), ..Staged::default() };
        match self.tables.commit(target, staged).await {
            Ok(_) => Ok(Attempt::Done(Built::nothing(Action::None, Vec::new(), causes))),
            Err(error) if error.is_conflict() => Ok(Attempt::Again),
            Err(error) => Err(GoldError::Commit(error)),
        }
    }

    /// Writes and tests the rows of these partitions, or of all.
    async fn write(
        &self,
        ready: &Ready,
        chosen: Option<&[partitions::Values]>,
        written: &Written,
    ) -> Result<(Staged, On, Built), GoldError> {
        let warehouse = self.tables.warehouse();
        let opened = &ready.opened;
        let (on, updates) = self.base(ready, chosen.is_none())?;
        let base = on.table();
        let after = base.after(&updates)?;
        let shape = Arc::new(FileShape::of(&after, self.model.header.target_file_bytes)?);
        let session = &opened.session;
        let rows = self.rows(opened, chosen).map_err(failed(self.model))?;
        let physical = session.state().create_physical_plan(&rows).await.map_err(failed(self.model))?;
        let streams = execute_stream_partitioned(physical, session.task_ctx()).map_err(failed(self.model))?;
        let streams: Vec<BoxStream<'static, Result<_, DataFusionError>>> =
            streams.into_iter().map(StreamExt::boxed).collect();
        let workers = self.settings.workers.max(1);
        let options = PartitionedOptions { memory_bytes: self.settings.memory_bytes / 2, workers };
        let files = write_partitioned(warehouse, base.location(), &shape, streams, options, written).await.map_err(
            |error| match error {
                WriteError::Source(source) => failed(self.model)(source),
                WriteError::Files(error) => error.into(),
            },
        )?;

        let partition_type = after.default_partition_type().clone();
        let replaced: Option<Vec<Struct>> = chosen
            .map(|all| all.iter().map(|values| partitions::to_struct(values, &partition_type)).collect())
            .transpose()?;
        let kept = replaced.as_ref().map_or_else(Vec::new, |gone| {
            let gone: HashSet<&Struct> = gone.iter().collect();
            let mut all = FileRows::live(&ready.live);
            all.retain(|rows| !gone.contains(rows.file.file.partition()));
            all
        });
        let at_once = Table { name: base.name.clone(), metadata: Arc::clone(&after), metadata_location: String::new() };
        let tests = self.test(opened, &at_once, kept, &files.files).await?;

        let in_partitions: HashSet<&Struct> = files.files.iter().map(DataFile::partition).collect();
        let built = Built {
            action: if chosen.is_some() { Action::Partitions } else { Action::Whole },
            why: Vec::new(),
            causes: Vec::new(),
            partitions: chosen.map_or(in_partitions.len(), <[_]>::len) as u64,
            rows: files.rows,
            files: files.files.len() as u64,
            bytes: files.files.iter().map(DataFile::file_size_in_bytes).sum(),
            snapshot: None,
            tests,
        };
        let staged = Staged {
            kind: replaced.map_or(Kind::ReplaceTable, Kind::ReplacePartitions),
            add_data: files.files,
            updates,
            summary: BTreeMap::from([
                ("weir.model".to_owned(), self.model.file.clone()),
                (marks::INPUTS.to_owned(), self.inputs(opened)?),
            ]),
            properties: self.properties(ready)?,
            unchanged_properties: guarded(),
            ..Staged::default()
        };
        Ok((staged, on, built))
    }

    /// The table that is written for, and how its shape has to change first.
    fn base(&self, ready: &Ready, whole: bool) -> Result<(On, Vec<TableUpdate>), GoldError> {
        let columns = &ready.opened.schema;
        match &ready.target {
            Some(target) if whole => Ok((On::Existing(target.clone()), table::updates(self.model, columns, target)?)),
            Some(target) => Ok((On::Existing(target.clone()), Vec::new())),
            None => {
                let new = table::new_table(self.model, columns, BTreeMap::new())?;
                Ok((On::New(table::provisional(self.tables.warehouse(), &self.model.name, new)?), Vec::new()))
            }
        }
    }

    /// The model's rows as they are stored, of these partitions or of all.
    fn rows(&self, opened: &Opened, chosen: Option<&[partitions::Values]>) -> Result<LogicalPlan, DataFusionError> {
        let mut builder = LogicalPlanBuilder::from(opened.plan.clone());
        let all: Vec<Column> = opened.plan.schema().columns();
        if let Some(partitions) = chosen {
            let columns: Vec<Column> = self
                .model
                .header
                .partition_columns()
                .filter_map(|name| all.iter().find(|column| column.name == name).cloned())
                .collect();
            builder = builder.filter(partitions::filter(&columns, partitions))?;
        }
        let stored = all
            .into_iter()
            .zip(opened.schema.fields())
            .map(|(column, field)| cast(Expr::Column(column), field.data_type().clone()).alias(field.name()));
        let plan = builder.project(stored.collect::<Vec<_>>())?.build()?;
        opened.session.state().optimize(&plan)
    }

    /// Asks the model's own tests about the rows that readers are about to see.
    async fn test(
        &self,
        opened: &Opened,
        table: &Table,
        kept: Vec<FileRows>,
        new: &[DataFile],
    ) -> Result<Vec<AuditResult>, GoldError> {
        if self.model.header.tests.is_empty() {
            return Ok(Vec::new());
        }
        let warehouse = self.tables.warehouse();
        let session = beside(&opened.session);
        for input in &opened.inputs {
            register(&session, &input.name, Arc::clone(&input.rows)).map_err(failed(self.model))?;
        }
        for name in audit::tables(self.model) {
            if opened.inputs.iter().any(|input| input.name == name) || name == self.model.name {
                continue;
            }
            if let Some(other) = self.tables.load(&name).await? {
                let rows = IcebergRows::snapshot(warehouse, &other, None).await?;
                register(&session, &name, Arc::new(rows)).map_err(failed(self.model))?;
            }
        }
        let mut files = kept;
        files.extend(
            new.iter().map(|file| FileRows { file: Arc::new(not_yet_live(file, table)), rows: Positions::All }),
        );
        let this = IcebergRows::files(warehouse, table, Arc::clone(table.schema()), files)?;
        session.register_table("this", Arc::new(this)).map_err(failed(self.model))?;
        let mut results = audit::audit(&session, self.model).await?;
        results.sort_by_key(|result| result.passed);
        let failed: Vec<&AuditResult> =
            results.iter().filter(|result| !result.passed && result.severity == Severity::Error).collect();
        if failed.is_empty() {
            return Ok(results);
        }
        Err(GoldError::Audit {
            model: self.model.name.clone(),
            failed: if failed.len() == 1 {
                "a test of its own".to_owned()
            } else {
                format!("{} tests of its own", failed.len())
            },
            detail: failed.iter().map(|result| result.message.clone()).collect::<Vec<_>>().join("; "),
        })
    }

    /// The table as it is now; `None` where others changed it meanwhile.
    async fn commit(&self, staged: Staged, on: On) -> Result<Option<Table>, GoldError> {
        let base = match on {
            On::Existing(table) => table,
            On::New(planned) => {
                let new = iceberg_commit::NewTable {
                    schema: planned.schema().as_ref().clone(),
                    partition_spec: planned.spec().as_ref().clone().into_unbound(),
                    sort_order: planned.metadata.default_sort_order().as_ref().clone(),
                    properties: [(marks::FINGERPRINT.to_owned(), String::new())].into(),
                };
                let created = self.tables.create(&self.model.name, new).await?;
                let is_ours = created.current_snapshot().is_none()
                    && created.schema() == planned.schema()
                    && created.spec() == planned.spec()
                    && created.location() == planned.location();
                if !is_ours {
                    return Ok(None);
                }
                created
            }
        };
        match self.tables.commit(&base, staged).await {
            Ok(table) => Ok(Some(table)),
            Err(error) if error.is_conflict() => Ok(None),
            Err(error) => Err(GoldError::Commit(error)),
        }
    }

    fn inputs(&self, opened: &Opened) -> Result<String, GoldError> {
        serde_json::to_string(&opened.marks()).map_err(|error| GoldError::Defect(error.to_string()))
    }

    fn properties(&self, ready: &Ready) -> Result<BTreeMap<String, String>, GoldError> {
        let mut properties = BTreeMap::from([
            (marks::FINGERPRINT.to_owned(), ready.opened.fingerprint.clone()),
            (marks::INPUTS.to_owned(), self.inputs(&ready.opened)?),
        ]);
        if let Some(description) = &self.model.header.description {
            properties.insert("comment".to_owned(), description.clone());
        }
        Ok(properties)
    }
}

/// Two builds that began with the same state must not undo each other's notes of it.
fn guarded() -> Vec<String> {
    vec![marks::FINGERPRINT.to_owned(), marks::INPUTS.to_owned()]
}

/// The table that files are written for.
enum On {
    Existing(Table),
    /// Not created before its rows are written and tested.
    New(Table),
}

impl On {
    fn table(&self) -> &Table {
        match self {
            On::Existing(table) | On::New(table) => table,
        }
    }
}

fn not_yet_live(file: &DataFile, table: &Table) -> LiveFile {
    LiveFile {
        file: file.clone(),
        spec_id: table.metadata.default_partition_spec_id(),
        sequence_number: 0,
        file_sequence_number: 0,
        snapshot_id: 0,
        manifest_path: Arc::from(""),
    }
}
