//! Which tables of the lake a statement means.

use crate::error::QueryError;
use crate::lake::{QueryLake, at_place};
use crate::session::{CATALOG, LAYERS};
use crate::sql::{Reference, excerpt};

/// A table of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Named {
    pub(super) layer: String,
    pub(super) table: String,
}

/// The table of a reference; `None` for one of the session's own.
pub(super) async fn named(lake: &QueryLake, sql: &str, reference: &Reference) -> Result<Option<Named>, QueryError> {
    let parts: Vec<&str> = reference.parts.iter().map(String::as_str).collect();
    let failed = |message: String| {
        let message = format!("{message}{}", at_place(reference.place));
        QueryError::Table { message, excerpt: excerpt(sql, reference.place) }
    };
    match parts.as_slice() {
        [CATALOG, "information_schema", _] | ["information_schema", _] => Ok(None),
        [CATALOG, layer, table] | [layer, table] => {
            Ok(Some(Named { layer: (*layer).to_owned(), table: (*table).to_owned() }))
        }
        [table] => {
            let mut layers = Vec::new();
            for layer in LAYERS {
                if lake.tables(layer).await?.iter().any(|known| known == table) {
                    layers.push(format!("{layer}.{table}"));
                }
            }
            Err(failed(match layers.as_slice() {
                [] => format!(
                    "'{table}' names no table: a table's name has its layer, as in silver.{table}; SHOW TABLES lists all"
                ),
                layers => format!("'{table}' does not say of which layer; write {}", layers.join(" or ")),
            }))
        }
        _ => Err(failed(format!("'{}' is no name of a table; write <layer>.<table>", parts.join(".")))),
    }
}
