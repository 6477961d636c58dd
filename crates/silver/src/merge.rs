//! One merge: plan, write, commit; and again where another writer was faster.

use std::collections::HashMap;
use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use iceberg::spec::{FormatVersion, TableMetadataBuilder};
use iceberg_commit::{CommitError, NewTable, Staged, Table, Tables};
use iceberg_files::Written;
use weir_model::Contract;
use weir_ports::Bucket;
use weir_ports::catalog::TableName;

use crate::bronze::BronzeFile;
use crate::error::MergeError;
use crate::keys::KeyCodec;
use crate::plan::{Plan, Planner};
use crate::report::MergeReport;
use crate::settings::Settings;
use crate::shape::{self, Shape};
use crate::table::Layout;

/// The namespace of silver tables in the catalog.
pub const NAMESPACE: &str = "silver";
/// The summary's key for the control records that a snapshot merged.
pub const CONTROL_IDS: &str = "weir.control-ids";
/// The summary's key for how many they are.
pub const CONTROL_COUNT: &str = "weir.control-count";
/// The most ids that a summary lists: it is read with every load of the table.
const MAX_LISTED: usize = 100;

/// What a merge works with.
#[derive(Clone)]
pub struct Silver {
    /// The tables and where they lie.
    pub tables: Tables,
    /// Where bronze is.
    pub bronze: Bucket,
    /// How much a merge may use.
    pub settings: Settings,
}

/// A bronze file to be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The control record that it belongs to.
    pub control_id: String,
    /// Its key.
    pub bronze_key: String,
}

/// The name of a contract's silver table in the catalog.
#[must_use]
pub fn table_name(contract: &Contract) -> TableName {
    TableName { namespace: NAMESPACE.to_owned(), name: contract.table.clone() }
}

/// Merges bronze files into the contract's silver table, as one snapshot, or none where nothing
/// changes. A dry run writes nothing, and counts.
///
/// The result depends on the set of changes alone: merging a file again, late, or at the same time
/// as another does no harm.
///
/// # Errors
/// [`MergeError`]; nothing of the merge is visible then.
pub async fn merge(
    silver: &Silver,
    contract: &Contract,
    sources: &[Source],
    dry_run: bool,
) -> Result<MergeReport, MergeError> {
    let shape = Shape::of(contract)?;
    let name = table_name(contract);
    let mut notes = Vec::new();
    let Some(mut table) = open(silver, contract, &shape, &name, dry_run, &mut notes).await? else {
        return dry_run_of_new_table(silver, contract, &shape, sources).await;
    };
    let layout = Arc::new(Layout::new(&table.metadata, contract)?);
    let files = open_bronze(silver, sources).await?;
    let codec = Arc::new(codec(&layout)?);
    for plans in 1..=silver.settings.max_plans {
        let live = Arc::new(table.live(silver.tables.warehouse()).await?);
        let planner = Planner {
            warehouse: silver.tables.warehouse(),
            location: table.metadata.location(),
            layout: Arc::clone(&layout),
            codec: Arc::clone(&codec),
            files: &files,
            settings: &silver.settings,
            dry_run,
        };
        let written = Written::default();
        let planned = planner.plan(&live, &written).await;
        let Plan { mut staged, mut report } = match planned {
            Ok(plan) => plan,
            Err(error) => {
                written.discard(silver.tables.warehouse()).await;
                return Err(error);
            }
        };
        report.plans = plans;
        report.notes.clone_from(&notes);
        let changes_nothing =
            staged.add_data.is_empty() && staged.add_deletes.is_empty() && staged.remove_data.is_empty();
        if dry_run || changes_nothing {
            return Ok(report);
        }
        describe(&mut staged, sources, &report);
        match silver.tables.commit(&table, staged).await {
            Ok(head) => {
                report.snapshot = head.metadata.current_snapshot_id();
                return Ok(report);
            }
            Err(error) if error.is_conflict() => {
                // No snapshot names what was written: the commit is certain not to have happened.
                written.discard(silver.tables.warehouse()).await;
                table = reload(silver, &name).await?;
                if table.metadata.current_schema_id() != layout.files.schema.schema_id() {
                    // The next run begins with the new schema.
                    return Err(MergeError::Contended { table: contract.table.clone(), plans });
                }
            }
            Err(error) => {
                // As long as it is not known what became of the commit, its files stay.
                if !matches!(error, CommitError::Unknown { .. }) {
                    written.discard(silver.tables.warehouse()).await;
                }
                return Err(error.into());
            }
        }
    }
    Err(MergeError::Contended { table: contract.table.clone(), plans: silver.settings.max_plans })
}

pub(crate) async fn reload(silver: &Silver, name: &TableName) -> Result<Table, MergeError> {
    let loaded = silver.tables.load(name).await?;
    loaded.ok_or_else(|| MergeError::Foreign {
        table: name.name.clone(),
        detail: "it was dropped while it was merged into; run the merge again to make it anew".to_owned(),
    })
}

pub(crate) fn codec(layout: &Layout) -> Result<KeyCodec, MergeError> {
    let types = layout.keys.iter().map(|column| layout.data[*column].data_type.clone()).collect();
    Ok(KeyCodec::new(types)?)
}

/// The table in the shape that the contract asks for: made, or brought in line with it. `None` in a
/// dry run of a table that is not there.
async fn open(
    silver: &Silver,
    contract: &Contract,
    shape: &Shape,
    name: &TableName,
    dry_run: bool,
    notes: &mut Vec<String>,
) -> Result<Option<Table>, MergeError> {
    let Some(table) = silver.tables.load(name).await? else {
        if dry_run {
            return Ok(None);
        }
        let new = NewTable {
            schema: shape.schema.clone(),
            partition_spec: shape.partition.clone(),
            sort_order: shape.sort.clone(),
            properties: shape.properties().clone(),
        };
        return Ok(Some(silver.tables.create(name, new).await?));
    };
    let mut table = table;
    for _ in 0..silver.settings.max_plans {
        let evolution = shape::evolve(&table.metadata, contract)?;
        notes.clear();
        notes.extend(evolution.notes);
        if evolution.updates.is_empty() {
            return Ok(Some(table));
        }
        if dry_run {
            let detail =
                "the contract changes the table's columns; a dry run cannot count that, run the merge".to_owned();
            return Err(MergeError::Foreign { table: contract.table.clone(), detail });
        }
        let staged = Staged { updates: evolution.updates, ..Staged::default() };
        match silver.tables.commit(&table, staged).await {
            Ok(head) => return Ok(Some(head)),
            Err(error) if error.is_conflict() => table = reload(silver, name).await?,
            Err(error) => return Err(error.into()),
        }
    }
    Err(MergeError::Contended { table: contract.table.clone(), plans: silver.settings.max_plans })
}

async fn open_bronze(silver: &Silver, sources: &[Source]) -> Result<Vec<BronzeFile>, MergeError> {
    let mut opening = Vec::with_capacity(sources.len());
    for source in sources {
        let path = silver
            .bronze
            .path(&source.bronze_key)
            .map_err(|error| MergeError::Bronze { path: source.bronze_key.clone(), detail: error.to_string() })?;
        opening.push(BronzeFile::open(Arc::clone(silver.bronze.store()), path));
    }
    stream::iter(opening).buffered(silver.settings.workers.max(1) * 4).try_collect().await
}

/// Of a table that is not there every key is new.
async fn dry_run_of_new_table(
    silver: &Silver,
    contract: &Contract,
    shape: &Shape,
    sources: &[Source],
) -> Result<MergeReport, MergeError> {
    let location = format!("{}/{NAMESPACE}/{}", silver.tables.warehouse().uri(), contract.table);
    let metadata = TableMetadataBuilder::new(
        shape.schema.clone(),
        shape.partition.clone(),
        shape.sort.clone(),
        location.clone(),
        FormatVersion::V2,
        HashMap::new(),
    )?
    .build()?
    .metadata;
    let layout = Arc::new(Layout::new(&metadata, contract)?);
    let files = open_bronze(silver, sources).await?;
    let planner = Planner {
        warehouse: silver.tables.warehouse(),
        location: &location,
        codec: Arc::new(codec(&layout)?),
        layout,
        files: &files,
        settings: &silver.settings,
        dry_run: true,
    };
    let mut report = planner.plan(&Arc::default(), &Written::default()).await?.report;
    report.plans = 1;
    report.notes.push("the table is not there yet: the merge makes it".to_owned());
    Ok(report)
}

/// What the snapshot says of where it comes from.
fn describe(staged: &mut Staged, sources: &[Source], report: &MergeReport) {
    let listed: Vec<&str> = sources.iter().take(MAX_LISTED).map(|source| source.control_id.as_str()).collect();
    staged.summary.insert(CONTROL_COUNT.to_owned(), sources.len().to_string());
    staged.summary.insert(CONTROL_IDS.to_owned(), listed.join(","));
    for (key, count) in [
        ("weir.changes", report.changes),
        ("weir.rows-inserted", report.rows_inserted),
        ("weir.rows-updated", report.rows_updated),
        ("weir.rows-deleted", report.rows_deleted),
    ] {
        staged.summary.insert(key.to_owned(), count.to_string());
    }
}
