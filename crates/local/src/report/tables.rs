//! The Iceberg tables of silver and gold, by what their metadata say.

use std::str::FromStr;

use iceberg_commit::{Table, TableName, Tables, Warehouse};
use weir_model::Timestamp;
use weir_ports_local::{SqliteCatalog, folder};
use weir_report::{Commit, Layer, Report, TableState};

use crate::open::{LocalLake, OpenError};
use crate::silver::{CATALOG_NAME, catalog_path, warehouse_uri};

/// Commits that are listed.
const COMMITS: usize = 15;

pub(super) async fn gather(lake: &LocalLake, report: &mut Report) -> Result<(), OpenError> {
    let catalog = catalog_path(&lake.dir);
    if !catalog.is_file() {
        return Ok(());
    }
    let bucket = folder::bucket(&lake.lake.name, &lake.dir)?;
    let warehouse = Warehouse::new(std::sync::Arc::clone(bucket.store()), &warehouse_uri(&lake.dir)?)?;
    let tables = Tables::new(warehouse, std::sync::Arc::new(SqliteCatalog::open(catalog, CATALOG_NAME)?));
    for layer in [Layer::Silver, Layer::Gold] {
        let names = match tables.catalog().tables(layer.as_str()).await {
            Ok(names) => names,
            Err(error) => {
                super::problem(report, layer.as_str(), &error);
                continue;
            }
        };
        for name in names {
            match tables.load(&name).await {
                Ok(Some(table)) => add(layer, &name, &table, report),
                Ok(None) => {}
                Err(error) => super::problem(report, format!("{}.{}", name.namespace, name.name), &error),
            }
        }
    }
    report.commits.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.table.cmp(&b.table)));
    report.commits.truncate(COMMITS);
    Ok(())
}

fn add(layer: Layer, name: &TableName, table: &Table, report: &mut Report) {
    let mut commits: Vec<Commit> = Vec::new();
    // A commit that only laid files anew changed no row.
    let mut changed_at = None;
    for snapshot in table.metadata.snapshots() {
        let summary = snapshot.summary();
        let text = |key: &str| summary.additional_properties.get(key).map(String::as_str);
        let number = |key: &str| text(key).and_then(|text| u64::from_str(text).ok());
        let operation = summary.operation.as_str();
        let at = Timestamp::from_micros(snapshot.timestamp_ms().saturating_mul(1000));
        if operation != "replace" {
            changed_at = changed_at.max(Some(at));
        }
        let deleted = number("total-position-deletes").unwrap_or(0);
        commits.push(Commit {
            layer,
            table: name.name.clone(),
            snapshot: snapshot.snapshot_id(),
            at,
            operation: operation.to_owned(),
            rows_written: number("added-records"),
            rows: number("total-records").map(|rows| rows.saturating_sub(deleted)),
        });
    }
    let current = table.current_snapshot();
    let now = |key: &str| {
        let summary = &current?.summary().additional_properties;
        summary.get(key).and_then(|text| u64::from_str(text).ok())
    };
    let current_rows = current.and_then(|current| commits.iter().find(|of| of.snapshot == current.snapshot_id()));
    // A table without a snapshot has nothing in it.
    let nothing = current.is_none().then_some(0);
    report.tables.push(TableState {
        layer,
        name: name.name.clone(),
        rows: current_rows.and_then(|commit| commit.rows).or(nothing),
        bytes: now("total-files-size").or(nothing),
        files: now("total-data-files").or(nothing),
        snapshots: Some(commits.len() as u64),
        changed_at,
    });
    commits.sort_by_key(|commit| std::cmp::Reverse(commit.at));
    report.commits.extend(commits.into_iter().take(COMMITS));
}
