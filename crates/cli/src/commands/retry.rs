//! `weir retry`: let what failed be ingested again.

use serde_json::json;
use weir_local::LocalLake;
use weir_model::control::{ControlRecord, Status};
use weir_pipeline::Context;
use weir_ports::control::{list_all, transition};
use weir_ports::control_store::Query;

use super::show::find;
use super::{Done, block_on, lake_option};
use crate::arguments::{Output, Retry};
use crate::output::{self, counted, say, short};

pub(crate) fn run(command: &Retry) -> anyhow::Result<Done> {
    let lake = LocalLake::read(&command.lake.lake)?;
    let context = lake.context()?;
    let retried = block_on(retry(&context, command))?;
    if command.output.output == Output::Json {
        output::json(&json!({"retried": retried}))?;
        return Ok(Done::Well);
    }
    for record in retried.iter().take(20) {
        say!("{} {} is {}", short(&record.id), record.key, record.status);
    }
    say!("{} will be ingested again by: weir run{}", counted(retried.len() as u64, "file"), lake_option(&command.lake));
    Ok(Done::Well)
}

async fn retry(context: &Context, command: &Retry) -> anyhow::Result<Vec<ControlRecord>> {
    let mut chosen = Vec::new();
    if let Some(id) = &command.id {
        chosen.push(find(context, id).await?);
    } else {
        for status in [Status::Failed, Status::Dead, Status::Rejected] {
            let query = Query { status: Some(status), table: command.table.clone(), ..Query::default() };
            chosen.extend(list_all(context.control.as_ref(), query).await?);
        }
    }
    let now = context.clock.now();
    let mut retried = Vec::new();
    for record in chosen {
        let (record, ()) = transition(context.control.as_ref(), &record.id, |stored| stored.retry(now)).await?;
        retried.push(record);
    }
    Ok(retried)
}
