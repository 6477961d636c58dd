//! The header of a CSV object: which field is which column.

use weir_model::Contract;
use weir_model::contract::UnknownColumns;

use super::{Found, split};
use crate::error::ConvertError;
use crate::value;

/// Which field of a record is which column.
#[derive(Debug, Default, Clone)]
pub(crate) struct Header {
    /// For each field of a record its column, if it has one.
    columns: Vec<Option<usize>>,
    /// The header's own bytes with their line break; empty where the object has no header.
    text: Vec<u8>,
    /// Fields that are no column of the contract.
    unknown: Vec<String>,
}

impl Header {
    /// The fields are the columns, in order; the object has no header.
    pub(crate) fn absent(columns: usize) -> Self {
        Header { columns: (0..columns).map(Some).collect(), ..Header::default() }
    }

    /// Maps the fields by name. `names` are the columns' names in the source, the contract's own
    /// first; `line` is where the header stands.
    pub(crate) fn map(
        contract: &Contract,
        names: &[String],
        text: &[u8],
        fields: &[String],
        line: u64,
    ) -> Result<Self, ConvertError> {
        let wrong = |detail: String| ConvertError::Header { line, detail };
        let mut columns = Vec::with_capacity(fields.len());
        let mut unknown = Vec::new();
        for (index, field) in fields.iter().enumerate() {
            if let Some(first) = fields[..index].iter().position(|other| other == field) {
                return Err(wrong(format!(
                    "column '{field}' stands twice in the header, as field {} and field {}; name one of them otherwise",
                    first + 1,
                    index + 1
                )));
            }
            let column = names.iter().position(|name| name == field);
            if column.is_none() {
                unknown.push(field.clone());
            }
            columns.push(column);
        }
        for (index, column) in contract.columns.iter().enumerate() {
            if column.required && !columns.contains(&Some(index)) {
                let found = fields.iter().take(50).map(|field| format!("'{field}'")).collect::<Vec<_>>().join(", ");
                return Err(wrong(format!(
                    "the header has no column '{}', which contract '{}' requires; it has {found}. If another delimiter stands between them, set weir.csv.delimiter; if there is no header, set weir.csv.header to false",
                    column.source_name, contract.table
                )));
            }
        }
        if contract.source.unknown_columns == UnknownColumns::Fail && !unknown.is_empty() {
            return Err(ConvertError::UnknownColumns {
                table: contract.table.clone(),
                names: unknown.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", "),
            });
        }
        Ok(Header { columns, text: text.to_vec(), unknown })
    }

    /// How many fields each record has.
    pub(crate) fn fields(&self) -> usize {
        self.columns.len()
    }

    #[inline]
    pub(crate) fn column_of(&self, field: usize) -> Option<usize> {
        self.columns.get(field).copied().flatten()
    }

    /// Whether a column of the contract is in the object.
    pub(crate) fn has(&self, column: usize) -> bool {
        self.columns.contains(&Some(column))
    }

    pub(crate) fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Whether a record is the header once more, as where files were concatenated.
    #[inline]
    pub(crate) fn is_repeated_by(&self, record: &[u8]) -> bool {
        !self.text.is_empty() && record.len() == self.text.len() && record == self.text
    }

    /// The fields of the first record of `text` and where the next one begins; `None` while there
    /// is not enough text.
    pub(crate) fn read(text: &[u8], delimiter: u8, at_end: bool) -> Result<Option<(Vec<String>, usize)>, String> {
        let mut spans = Vec::new();
        let next = match split(text, 0, delimiter, at_end, |_, span| spans.push(span)) {
            Found::Incomplete => return Ok(None),
            Found::Record { next, .. } => next,
            Found::Malformed(reason) => return Err(reason.message(None)),
        };
        let mut scratch = Vec::new();
        let fields = spans.into_iter().enumerate().map(|(index, span)| {
            let bytes = value::unescaped(span, text, &mut scratch).unwrap_or_default();
            std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| format!("field {} is not UTF-8", index + 1))
        });
        Ok(Some((fields.collect::<Result<_, _>>()?, next)))
    }
}
