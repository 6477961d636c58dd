//! `weir generate`: made-up raw files.

use anyhow::bail;
use serde_json::json;
use weir_generate::{Options, Plan, TablePlan};
use weir_local::{LocalLake, generate};
use weir_model::raw::{Compression, Format};

use super::{Done, lake_option};
use crate::arguments::{FileFormat, Generate, Output, Packing};
use crate::output::{self, count, say, size, table};
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
    let tables: Vec<&TablePlan> = plan.tables.iter().filter(wanted).collect();
    let line = progress::total(tables.iter().map(|table| table.rows).sum());
    let started = std::time::Instant::now();
    let (mut rows, mut bytes) = (0, 0);
    let mut generated = Vec::new();
    for table in tables {
        generated.push(generate(&command.lake.lake, table, &mut |more| {
            rows += more.rows;
            bytes += more.bytes;
            line.set_position(rows);
            line.set_message(format!("{}: {}", table.contract.table, progress::speed(rows, bytes, started)));
        })?);
    }
    line.finish_and_clear();
    let seconds = started.elapsed().as_secs_f64();
    if command.output.output == Output::Json {
        output::json(&json!({"seed": command.seed, "seconds": seconds, "tables": generated}))?;
        return Ok(Done::Well);
    }
    let rows = generated
        .iter()
        .map(|table| vec![table.table.clone(), count(table.rows), size(table.bytes), count(table.files)])
        .collect();
    say!("{}", table(&["table", "rows", "text", "files"], &[1, 2, 3], rows));
    say!("Generated in {seconds:.1} s. Next: weir run{}", lake_option(&command.lake));
    Ok(Done::Well)
}
