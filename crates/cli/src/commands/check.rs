//! `weir check`: are settings, contracts and models right?

use serde_json::json;
use weir_gold::models::Model;
use weir_gold::models::schema::Planned;
use weir_local::{LocalLake, OpenError};
use weir_model::Problems;

use super::{Done, block_on};
use crate::arguments::{Check, Output};
use crate::output::{self, say, table};

pub(crate) fn run(command: &Check) -> anyhow::Result<Done> {
    let lake = match LocalLake::read(&command.lake.lake) {
        Ok(lake) => lake,
        Err(OpenError::Problems(problems)) => return wrong(command, &problems),
        Err(error) => return Err(error.into()),
    };
    let models = match lake.models() {
        Ok(models) => models,
        Err(OpenError::Problems(problems)) => return wrong(command, &problems),
        Err(error) => return Err(error.into()),
    };
    let planned = match block_on(async { Ok(lake.plan_models(&models).await) })? {
        Ok(planned) => planned,
        Err(problems) => return wrong(command, &problems),
    };
    // Read for what is wrong with them; `weir test` runs them.
    match lake.fixtures(&models) {
        Ok(_) => {}
        Err(OpenError::Problems(problems)) => return wrong(command, &problems),
        Err(error) => return Err(error.into()),
    }
    if command.output.output == Output::Json {
        let tables: Vec<_> = lake
            .contracts
            .iter()
            .map(|contract| {
                let columns: Vec<_> = contract
                    .columns
                    .iter()
                    .map(|column| {
                        json!({"name": column.name, "type": column.column_type.to_string(), "required": column.required, "pii": column.pii})
                    })
                    .collect();
                let key: Vec<&str> = contract.key_columns().map(|column| column.name.as_str()).collect();
                json!({"table": contract.table, "version": contract.version.to_string(), "primary_key": key, "silver": contract.silver.kind.as_str(), "columns": columns})
            })
            .collect();
        let unread: Vec<_> =
            lake.unread.iter().map(|(file, unread)| json!({"file": file, "line": unread.line, "path": unread.path, "meaning": unread.meaning})).collect();
        let models: Vec<_> = models.iter().map(|model| described(model, &planned)).collect();
        output::json(
            &json!({"ok": true, "lake": lake.lake, "tables": tables, "models": models, "not_acted_on": unread}),
        )?;
        return Ok(Done::Well);
    }
    let rows = lake.contracts.iter().map(|contract| {
        let key: Vec<&str> = contract.key_columns().map(|column| column.name.as_str()).collect();
        let masked = contract.columns.iter().filter(|column| column.pii.is_some()).count();
        vec![
            contract.table.clone(),
            contract.version.to_string(),
            contract.columns.len().to_string(),
            key.join(", "),
            masked.to_string(),
            contract.silver.kind.to_string(),
        ]
    });
    say!("{}", table(&["table", "version", "columns", "primary key", "personal", "silver"], &[2, 4], rows.collect()));
    if !models.is_empty() {
        let rows = models.iter().map(|model| {
            let reads: Vec<String> = model.reads.iter().map(|read| read.table.to_string()).collect();
            let partitions: Vec<&str> = model.header.partition_columns().collect();
            vec![
                model.name.to_string(),
                planned.schemas.get(&model.name).map_or(0, |schema| schema.fields().len()).to_string(),
                reads.join(", "),
                partitions.join(", "),
                model.header.tests.len().to_string(),
            ]
        });
        say!("\n{}\n", table(&["model", "columns", "reads", "partitions", "tests"], &[1, 4], rows.collect()));
    }
    for (file, unread) in &lake.unread {
        say!("note: {file}:{}: {}: {}", unread.line, unread.path, unread.meaning);
    }
    say!("Lake {} is in order.", lake.lake.name);
    Ok(Done::Well)
}

fn wrong(command: &Check, problems: &Problems) -> anyhow::Result<Done> {
    if command.output.output == Output::Json {
        output::json(&json!({"ok": false, "problems": problems}))?;
    } else {
        say!("{problems}");
    }
    Ok(Done::WithTrouble)
}

fn described(model: &Model, planned: &Planned) -> serde_json::Value {
    let reads: Vec<String> = model.reads.iter().map(|read| read.table.to_string()).collect();
    let fields = planned.schemas.get(&model.name).into_iter().flat_map(|schema| schema.fields());
    let columns: Vec<_> =
        fields.map(|field| json!({"name": field.name(), "type": field.data_type().to_string()})).collect();
    json!({
        "model": model.name.to_string(),
        "file": model.file,
        "reads": reads,
        "partition_by": model.header.partition_columns().collect::<Vec<_>>(),
        "columns": columns,
        "tests": model.header.tests.len(),
    })
}
