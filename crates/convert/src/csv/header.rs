//! The header of a CSV object: which field is which column.

use std::collections::HashMap;

use weir_model::Contract;
use weir_model::contract::UnknownColumns;

use super::{Found, split};
use crate::error::ConvertError;
use crate::names::{foreign, listed};
use crate::value;

/// The most fields of a header. No spreadsheet has more columns; what has is no CSV file.
const MAX_FIELDS: usize = 16_384;

/// UTF-8's, as some writers put it before each file; concatenated, it stands before each header.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

const HELP: &str = "If another delimiter stands between them, set weir.csv.delimiter; if there is no header, set weir.csv.header to false";

/// Which field of a record is which column.
#[derive(Debug, Default, Clone)]
pub(crate) struct Header {
    /// For each field of a record its column, if it has one.
    columns: Vec<Option<usize>>,
    /// The header's own bytes without their line break; empty where the object has no header.
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
        if fields.len() > MAX_FIELDS {
            return Err(wrong(format!(
                "the header has {} fields and at most {MAX_FIELDS} are read; is this a CSV file?",
                fields.len()
            )));
        }
        let by_name: HashMap<&str, usize> = names.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
        let columns: Vec<Option<usize>> = fields.iter().map(|field| by_name.get(field.as_str()).copied()).collect();
        let known = columns.iter().flatten().any(|column| *column < contract.columns.len());
        let found = found(contract, fields);
        // Such a header is no header but the first row; to go on would make every row null.
        if !known && !contract.columns.is_empty() {
            return Err(wrong(format!(
                "the header has none of the columns of contract '{}'; {found}. {HELP}",
                contract.table
            )));
        }
        let mut places = HashMap::with_capacity(fields.len());
        for (index, field) in fields.iter().enumerate() {
            if let Some(first) = places.insert(field, index) {
                let name = if contract.has_pii() { String::new() } else { format!(" '{field}'") };
                return Err(wrong(format!(
                    "a column{name} stands twice in the header, as field {} and field {}; name one of them otherwise",
                    first + 1,
                    index + 1
                )));
            }
        }
        let unknown = fields.iter().zip(&columns).filter(|(_, column)| column.is_none());
        let unknown: Vec<String> = unknown.map(|(field, _)| field.clone()).collect();
        for (index, column) in contract.columns.iter().enumerate() {
            if column.required && !columns.contains(&Some(index)) {
                return Err(wrong(format!(
                    "the header has no column '{}', which contract '{}' requires; {found}. {HELP}",
                    column.source_name, contract.table
                )));
            }
        }
        if contract.source.unknown_columns == UnknownColumns::Fail && !unknown.is_empty() {
            return Err(ConvertError::UnknownColumns {
                table: contract.table.clone(),
                names: foreign(contract, &unknown),
            });
        }
        Ok(Header { columns, text: without_line_break(text).to_vec(), unknown })
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
        let most = self.text.len() + BYTE_ORDER_MARK.len() + 2;
        if self.text.is_empty() || record.len() < self.text.len() || record.len() > most {
            return false;
        }
        let record = without_line_break(record);
        record.strip_prefix(BYTE_ORDER_MARK).unwrap_or(record) == self.text
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

/// What a header that does not fit has, for people. Where it is in doubt whether it is a header at
/// all it may be a row, so it is not shown where rows hold personal data.
fn found(contract: &Contract, fields: &[String]) -> String {
    if contract.has_pii() {
        format!("it has {} fields, not shown here because the table holds personal data", fields.len())
    } else {
        format!("it has {}", listed(fields))
    }
}

fn without_line_break(record: &[u8]) -> &[u8] {
    let line = record.strip_suffix(b"\n").unwrap_or(record);
    line.strip_suffix(b"\r").unwrap_or(line)
}
