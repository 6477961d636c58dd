//! What the contracts say about the tables of a stream.

use std::collections::BTreeMap;

use weir_model::Contract;
use weir_model::contract::{EnvelopeKind, StreamSettings};
use weir_model::sequence::SequenceRule;

use crate::error::EnvelopeError;

/// How the records of one table are read.
#[derive(Debug, Clone, PartialEq)]
pub struct TableStream {
    table: String,
    key: Vec<String>,
    /// The source names of the columns.
    columns: Vec<String>,
    settings: StreamSettings,
}

impl TableStream {
    /// What a contract says.
    #[must_use]
    pub fn of(contract: &Contract) -> Self {
        TableStream {
            table: contract.table.clone(),
            key: contract.key_columns().map(|column| column.source_name.clone()).collect(),
            columns: contract.columns.iter().map(|column| column.source_name.clone()).collect(),
            settings: contract.stream.clone(),
        }
    }

    /// The table's name.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The columns of the primary key as the source names them.
    pub(crate) fn key(&self) -> &[String] {
        &self.key
    }

    pub(crate) fn has_column(&self, source_name: &str) -> bool {
        self.columns.iter().any(|column| column == source_name)
    }

    pub(crate) fn settings(&self) -> &StreamSettings {
        &self.settings
    }

    /// The rule that orders the table's changes, after a look at whether the contract means this
    /// kind of record at all.
    pub(crate) fn rule(&self, found: EnvelopeKind) -> Result<SequenceRule, EnvelopeError> {
        if let Some(expected) = self.settings.envelope
            && expected != found
        {
            let (expected, found) = (expected.as_str(), found.as_str());
            return Err(EnvelopeError::WrongEnvelope { table: self.table.clone(), expected, found });
        }
        self.settings.sequence.ok_or_else(|| EnvelopeError::NoSequenceRule { table: self.table.clone() })
    }

    /// The rule does not fit what the record is.
    pub(crate) fn misfit(&self, rule: SequenceRule, found: EnvelopeKind) -> EnvelopeError {
        EnvelopeError::SequenceRule { table: self.table.clone(), rule, found: found.as_str() }
    }
}

/// The tables that a stream may carry, by name.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    by_name: BTreeMap<String, TableStream>,
}

impl Tables {
    /// The tables of these contracts; of two contracts for one table the last holds.
    #[must_use]
    pub fn new<'c>(contracts: impl IntoIterator<Item = &'c Contract>) -> Self {
        contracts.into_iter().map(TableStream::of).collect()
    }

    /// The table of that name.
    #[must_use]
    pub fn get(&self, table: &str) -> Option<&TableStream> {
        self.by_name.get(table)
    }
}

impl FromIterator<TableStream> for Tables {
    fn from_iter<I: IntoIterator<Item = TableStream>>(tables: I) -> Self {
        Tables { by_name: tables.into_iter().map(|table| (table.table.clone(), table)).collect() }
    }
}
