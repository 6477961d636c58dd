//! The view through which bronze is read.

use weir_model::{Contract, change};

use super::name::{column, glob, identifier, literal};
use super::types::spark;
use super::{Bronze, SqlError};

/// The `CREATE OR REPLACE TEMPORARY VIEW`s, the one that is merged last.
pub(super) fn statements(contract: &Contract, view: &str, bronze: &Bronze<'_>) -> Result<Vec<String>, SqlError> {
    // Partition folders are no columns: a contract may well have a column `year`.
    let (path, below) = match bronze {
        Bronze::Folder(folder) => (glob(folder), ",\n  recursiveFileLookup 'true'"),
        Bronze::Files { keys: [], .. } => return Err(SqlError::NoFiles { table: contract.table.clone() }),
        Bronze::Files { root, keys } => {
            let each: Vec<String> = keys.iter().map(|key| glob(key)).collect();
            (format!("{}/{{{}}}", glob(root.trim_end_matches('/')), each.join(",")), "")
        }
    };
    let mut columns = Vec::new();
    let mut selected = Vec::new();
    for (index, each) in contract.columns.iter().enumerate() {
        let kind = spark(&each.column_type);
        let mut names = vec![column(&each.name)?];
        for earlier in contract.silver.earlier_names(index) {
            names.push(column(earlier)?);
        }
        columns.extend(names.iter().map(|name| format!("  {name} {kind}")));
        // A file has the column under one of its names, and the others are null.
        selected.push(format!("  coalesce({}) AS {}", names.join(", "), names[0]));
    }
    let is_renamed = columns.len() > contract.columns.len();
    for (name, kind) in ADDED {
        columns.push(format!("  `{name}` {kind}"));
        selected.push(format!("  `{name}`"));
    }
    let over_files = |name: &str| -> Result<String, SqlError> {
        Ok(format!(
            "CREATE OR REPLACE TEMPORARY VIEW {} (\n{}\n) USING parquet OPTIONS (\n  path {}{below}\n)",
            identifier("view", name)?,
            columns.join(",\n"),
            literal(&path),
        ))
    };
    if !is_renamed {
        return Ok(vec![over_files(view)?]);
    }
    let files = format!("{view}_files");
    let under_one_name = format!(
        "CREATE OR REPLACE TEMPORARY VIEW {} AS SELECT\n{}\nFROM {}",
        identifier("view", view)?,
        selected.join(",\n"),
        identifier("view", &files)?,
    );
    Ok(vec![over_files(&files)?, under_one_name])
}

/// What the merge reads of the columns that bronze adds.
const ADDED: [(&str, &str); 4] = [
    (change::columns::OP, "STRING"),
    (change::columns::SEQ, "STRING"),
    (change::columns::EVENT_TIME, "TIMESTAMP_LTZ"),
    (change::columns::UNCHANGED, "STRING"),
];
