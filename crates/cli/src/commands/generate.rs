//! `weir generate`: made-up raw files, and what changes their rows afterwards.

use anyhow::bail;
use serde_json::json;
use weir_generate::{ChangeCounts, Options, Plan, Progress, TablePlan};
use weir_local::{LocalLake, generate, generate_changes};
use weir_model::raw::{Compression, Format};

use super::{Done, lake_option};
use crate::arguments::{FileFormat, Generate, Output, Packing};
use crate::output::{self, count, counted, say, size, table};
use crate::progress;

pub(crate) fn run(command: &Generate) -> anyhow::Result<Done> {
    let lake = LocalLake::read(&command.lake.lake)?;
    let options = Options {
        seed: command.seed,
        format: command.format.map(|format| match format {
            FileFormat::Csv => Format::Csv,
            FileFormat::Json => Format::Json,
        }),
        compression: match command.compression {
            Packing::Gzip => Compression::Gzip,
            Packing::Zstd => Compression::Zstd,
            Packing::None => Compression::None,
        },
        rows_per_file: command.rows_per_file,
        ..Options::default()
    };
    let plan = Plan::new(&lake.contracts, command.rows, &options)?;
    for wanted in &command.table {
        if !plan.tables.iter().any(|table| table.contract.table == *wanted) {
            let known: Vec<&str> = plan.tables.iter().map(|table| table.contract.table.as_str()).collect();
            bail!("there is no table '{wanted}' in this lake; there are {}", known.join(", "));
        }
    }
    let wanted = |plan: &&TablePlan| command.table.is_empty() || command.table.contains(&plan.contract.table);
    let tables: Vec<&TablePlan> = plan.tables.iter().filter(|table| wanted(table) && !command.changes_only).collect();
    let changes = command.changes.map(|changes| plan.changes(changes, &command.table)).transpose()?;
    let expected = tables.iter().map(|table| table.rows).sum::<u64>() + command.changes.unwrap_or(0);
    let line = progress::total(expected);
    let started = std::time::Instant::now();
    let (mut rows, mut bytes) = (0, 0);
    let mut watch = |name: &str, more: Progress| {
        rows += more.rows;
        bytes += more.bytes;
        line.set_position(rows);
        line.set_message(format!("{name}: {}", progress::speed(rows, bytes, started)));
    };
    let mut generated = Vec::new();
    for table in tables {
        let name = &table.contract.table;
        generated.push(generate(&command.lake.lake, table, &mut |more| watch(name, more))?);
    }
    let changed = match &changes {
        Some(changes) => Some(generate_changes(&command.lake.lake, changes, &mut |more| watch("changes", more))?),
        None => None,
    };
    line.finish_and_clear();
    let seconds = started.elapsed().as_secs_f64();
    let left_out = changes.as_ref().map_or(&[][..], |changes| changes.left_out());
    if command.output.output == Output::Json {
        let mut answer = json!({"seed": command.seed, "seconds": seconds, "tables": generated});
        if let Some(changed) = &changed {
            let tables = left_out.iter().map(|left| json!({"table": left.table, "why": left.why}));
            answer["changes"] = json!(changed);
            answer["changes"]["left_out"] = tables.collect();
        }
        output::json(&answer)?;
        return Ok(Done::Well);
    }
    let mut rows: Vec<Vec<String>> = generated
        .iter()
        .map(|table| vec![table.table.clone(), count(table.rows), size(table.bytes), count(table.files)])
        .collect();
    if let Some(changed) = &changed {
        rows.push(vec![
            changed.path.clone(),
            count(changed.counts.records),
            size(changed.counts.bytes),
            "1".to_owned(),
        ]);
    }
    say!("{}", table(&["table", "rows", "text", "files"], &[1, 2, 3], rows));
    if let Some(changed) = &changed {
        say!("{}", in_words(&changed.counts));
    }
    for left in left_out {
        say!("No changes of table '{}': {}.", left.table, left.why);
    }
    let lake = lake_option(&command.lake);
    let next = match &changed {
        None => format!("weir run{lake}"),
        Some(changed) => {
            let stream = format!("weir stream{lake} {}", command.lake.lake.join(&changed.path).display());
            if command.changes_only { stream } else { format!("weir run{lake}, then {stream}") }
        }
    };
    say!("Generated in {seconds:.1} s. Next: {next}");
    Ok(Done::Well)
}

/// What is in the stream.
fn in_words(changes: &ChangeCounts) -> String {
    format!(
        "Changes: {} ({} of a deleted key), {} ({} of the key), {}; beside them {} of the full load, {} and {}; {} late.",
        counted(changes.inserts, "insert"),
        count(changes.reused_keys),
        counted(changes.updates, "update"),
        count(changes.changed_keys),
        counted(changes.deletes, "delete"),
        counted(changes.loads, "row"),
        counted(changes.controls, "control record"),
        counted(changes.duplicates, "duplicate"),
        count(changes.late),
    )
}
