//! What a model's table says about how it was built.

use std::collections::BTreeMap;

use iceberg_commit::Table;
use serde::{Deserialize, Serialize};

/// The property that holds the model's fingerprint. A table without it was made by no model.
pub(crate) const FINGERPRINT: &str = "weir.model.fingerprint";
/// The property that says of which states of its inputs the table is made.
pub(crate) const INPUTS: &str = "weir.model.inputs";

/// The state of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// Tells a table from another that took its name.
    pub(crate) uuid: String,
    /// Its snapshot; `None`: it had none yet.
    pub(crate) snapshot: Option<i64>,
}

/// The states of all inputs, by name.
pub(crate) type Marks = BTreeMap<String, Mark>;

pub(crate) fn mark(table: &Table, snapshot: Option<i64>) -> Mark {
    Mark { uuid: table.metadata.uuid().to_string(), snapshot }
}

/// The states that the table was made of; `None` where it does not say so in words of ours.
pub(crate) fn read(table: &Table) -> Option<Marks> {
    serde_json::from_str(table.property(INPUTS)?).ok()
}
