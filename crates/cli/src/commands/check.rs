//! `weir check`: are settings and contracts right?

use serde_json::json;
use weir_local::{LocalLake, OpenError};

use super::Done;
use crate::arguments::{Check, Output};
use crate::output::{self, say, table};

pub(crate) fn run(command: &Check) -> anyhow::Result<Done> {
    let lake = match LocalLake::read(&command.lake.lake) {
        Ok(lake) => lake,
        Err(OpenError::Problems(problems)) => {
            if command.output.output == Output::Json {
                output::json(&json!({"ok": false, "problems": problems}))?;
            } else {
                say!("{problems}");
            }
            return Ok(Done::WithTrouble);
        }
        Err(error) => return Err(error.into()),
    };
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
        output::json(&json!({"ok": true, "lake": lake.lake, "tables": tables, "not_acted_on": unread}))?;
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
    for (file, unread) in &lake.unread {
        say!("note: {file}:{}: {}: {}", unread.line, unread.path, unread.meaning);
    }
    say!("Lake {} is in order.", lake.lake.name);
    Ok(Done::Well)
}
