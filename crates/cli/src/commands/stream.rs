//! `weir stream`: a change stream into raw.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::json;
use weir_local::{LocalLake, StreamOptions, Streamed, stream};
use weir_pipeline::Contracts;

use super::{Done, lake_option};
use crate::arguments::{Output, Stream};
use crate::output::{self, count, counted, say, table};
use crate::progress;

pub(crate) fn run(command: &Stream) -> anyhow::Result<Done> {
    let lake = LocalLake::read(&command.lake.lake)?;
    if let Some(table) = &command.table
        && !lake.contracts.iter().any(|contract| contract.table == *table)
    {
        let known: Vec<&str> = lake.contracts.iter().map(|contract| contract.table.as_str()).collect();
        bail!("there is no table '{table}' in this lake; there are {}", known.join(", "));
    }
    let contracts: Contracts = lake.contracts.iter().cloned().collect();
    let (input, size): (Box<dyn Read + Send>, u64) = if command.input == Path::new("-") {
        (Box::new(io::stdin()), 0)
    } else {
        let file = File::open(&command.input).with_context(|| command.input.display().to_string())?;
        let size = file.metadata().map(|metadata| metadata.len()).unwrap_or(0);
        (Box::new(file), size)
    };
    let options = StreamOptions {
        table: command.table.clone(),
        buffer_bytes: usize::from(command.buffer_mb) << 20,
        buffer_time: Duration::from_secs(command.buffer_seconds.into()),
    };
    let line = progress::total(size);
    let started = Instant::now();
    let streamed = stream(&command.lake.lake, &lake.lake.name, &contracts, input, &options, &mut |counters| {
        line.set_position(counters.bytes_in);
        line.set_message(progress::speed(counters.records, counters.bytes_in, started));
    });
    line.finish_and_clear();
    let streamed = streamed?;
    let seconds = started.elapsed().as_secs_f64();
    if command.output.output == Output::Json {
        output::json(&json!({"ok": streamed.counters.failed == 0, "seconds": seconds, "stream": streamed}))?;
    } else {
        print(command, &streamed, seconds);
    }
    Ok(if streamed.counters.failed == 0 { Done::Well } else { Done::WithTrouble })
}

fn print(command: &Stream, streamed: &Streamed, seconds: f64) {
    let counters = &streamed.counters;
    say!(
        "{} in {seconds:.1} s: {} ok, {} dropped, {} failed",
        counted(counters.records, "record"),
        count(counters.ok),
        count(counters.dropped),
        count(counters.failed)
    );
    let rows = counters.tables.iter().map(|(name, changes)| {
        let objects = streamed.objects.get(name).copied().unwrap_or(0);
        vec![name.clone(), count(*changes), count(objects)]
    });
    say!("{}", table(&["table", "changes", "objects"], &[1, 2], rows.collect()));
    let each = |counts: &std::collections::BTreeMap<&'static str, u64>| {
        counts.iter().map(|(word, number)| format!("{word} {}", count(*number))).collect::<Vec<_>>().join(", ")
    };
    if !counters.changes.is_empty() {
        say!("operations: {}", each(&counters.changes));
    }
    if !counters.controls.is_empty() {
        say!("control records, dropped: {}", each(&counters.controls));
    }
    if counters.controls.contains_key("truncate-table") {
        say!("a truncate has no rows to delete: the rows of that table stay in the lake");
    }
    for failure in &counters.failures {
        say!("failed {} ({}): {}", failure.record_id, failure.code, failure.message);
    }
    if counters.failed > 0 {
        say!("reasons: {}", each(&counters.reasons));
        for key in &streamed.errors {
            say!("  the records as they came: {}", command.lake.lake.join(key).display());
        }
    }
    say!("Next: weir run{}", lake_option(&command.lake));
}
