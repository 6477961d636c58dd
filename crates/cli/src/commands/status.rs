//! `weir status`: how many files stand where, and which.

use anyhow::anyhow;
use serde_json::json;
use weir_local::LocalLake;
use weir_model::control::Status as RecordStatus;
use weir_ports::control_store::{Query, TableCounts};

use super::{Done, block_on, lake_option};
use crate::arguments::{Output, Status};
use crate::output::{self, count, counted, say, short, size, table};

pub(crate) fn run(command: &Status) -> anyhow::Result<Done> {
    let status = match &command.status {
        None => None,
        Some(word) => Some(RecordStatus::parse(word).ok_or_else(|| {
            let known: Vec<&str> = RecordStatus::ALL.iter().map(|status| status.as_str()).collect();
            anyhow!("'{word}' is no status; there are {}", known.join(", "))
        })?),
    };
    let lake = LocalLake::read(&command.lake.lake)?;
    let context = lake.context()?;
    let lists = status.is_some() || command.table.is_some();
    let (counts, page) = block_on(async {
        let counts = context.control.counts().await?;
        let query = Query {
            status,
            table: command.table.clone(),
            newest_first: true,
            limit: usize::from(command.limit),
            ..Query::default()
        };
        Ok((counts, context.control.list(&query).await?))
    })?;
    if command.output.output == Output::Json {
        let tables: Vec<_> = counts
            .iter()
            .map(|counts| {
                json!({
                    "table": counts.table, "status": counts.status, "files": counts.records,
                    "size_bytes": counts.size_bytes, "rows_in": counts.rows.rows_in,
                    "rows_written": counts.rows.rows_written, "rows_quarantined": counts.rows.rows_quarantined,
                    "rows_filtered": counts.rows.rows_filtered, "merged": counts.merged,
                    "waiting_for_merge": waiting(&lake, counts),
                })
            })
            .collect();
        output::json(
            &json!({"lake": lake.lake.name, "tables": tables, "files": page.records, "more": page.next.is_some()}),
        )?;
        return Ok(Done::Well);
    }
    if counts.is_empty() {
        say!("Nothing is registered. Put files under raw/<table>/, then: weir run{}", lake_option(&command.lake));
        return Ok(Done::Well);
    }
    let wanted = |of: &str, at: RecordStatus| {
        command.table.as_ref().is_none_or(|table| table == of) && status.is_none_or(|status| status == at)
    };
    let rows = counts.iter().filter(|counts| wanted(&counts.table, counts.status)).map(|counts| {
        vec![
            if counts.table.is_empty() { "(none)".to_owned() } else { counts.table.clone() },
            counts.status.to_string(),
            count(counts.records),
            count(counts.rows.rows_in),
            count(counts.rows.rows_written),
            count(counts.rows.rows_quarantined),
            if in_silver(&lake, counts) { count(counts.merged) } else { String::new() },
            size(counts.size_bytes),
        ]
    });
    let header = ["table", "status", "files", "rows in", "written", "quarantined", "merged", "raw"];
    say!("{}", table(&header, &[2, 3, 4, 5, 6, 7], rows.collect()));
    let unmerged: u64 = counts.iter().filter(|of| wanted(&of.table, of.status)).map(|of| waiting(&lake, of)).sum();
    if unmerged > 0 {
        say!(
            "{} of bronze not in silver yet: weir merge --all{}",
            counted(unmerged, "file"),
            lake_option(&command.lake)
        );
    }
    if lists {
        let rows = page.records.iter().map(|record| {
            let mark = if record.merged.is_some() { "yes" } else { "" };
            vec![
                short(&record.id).to_owned(),
                record.status.to_string(),
                mark.to_owned(),
                record.key.clone(),
                record.failure.as_ref().map_or(String::new(), |failure| failure.message.clone()),
            ]
        });
        say!("{}", table(&["id", "status", "merged", "file", "why"], &[], rows.collect()));
        if page.next.is_some() {
            say!("There are more; --limit shows up to 1000.");
        }
        say!("One of them in full: weir show ID{}", lake_option(&command.lake));
    }
    Ok(Done::Well)
}

/// Whether these records are to be merged or have been.
fn in_silver(lake: &LocalLake, counts: &TableCounts) -> bool {
    counts.status == RecordStatus::Succeeded && lake.silver_tables().contains(&counts.table)
}

/// How many of these records wait for a merge.
fn waiting(lake: &LocalLake, counts: &TableCounts) -> u64 {
    if in_silver(lake, counts) { counts.records - counts.merged.min(counts.records) } else { 0 }
}
