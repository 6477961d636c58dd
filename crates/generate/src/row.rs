//! A row as a line of CSV or of JSON.

use std::fmt;

use weir_model::contract::{CsvSettings, TimeText};
use weir_model::{Column, ColumnType, Contract};

use crate::generator::Tables;

/// Writes the rows of one table, in any order. Its buffers are used again for each row.
pub struct Rows<'p> {
    tables: &'p Tables,
    table: usize,
    csv: CsvShape,
    columns: Vec<ColumnShape>,
    scratch: Vec<u8>,
}

impl fmt::Debug for Rows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("columns", &self.columns.len()).finish_non_exhaustive()
    }
}

struct ColumnShape {
    json: JsonField,
    /// Whether no value of it needs quotes in CSV, so that none is looked at.
    csv_plain: bool,
}

struct CsvShape {
    delimiter: u8,
    nulls: Vec<Vec<u8>>,
    /// By byte: whether a field that holds it is quoted.
    quoted: [bool; 256],
}

impl<'p> Rows<'p> {
    pub(crate) fn new(tables: &'p Tables, table: usize, contract: &Contract) -> Self {
        let csv = CsvShape::new(&contract.source.csv);
        let columns = contract.columns.iter().map(|column| {
            let csv_plain = is_json_number(&column.column_type) && csv.numbers_are_plain();
            ColumnShape { json: JsonField::new(column), csv_plain }
        });
        Rows { tables, table, columns: columns.collect(), csv, scratch: Vec::new() }
    }

    /// Appends row `row`, counted from 0, as one record of CSV with its line feed.
    pub fn csv(&mut self, row: u64, out: &mut Vec<u8>) {
        for (index, column) in self.columns.iter().enumerate() {
            if index > 0 {
                out.push(self.csv.delimiter);
            }
            let start = out.len();
            if !self.tables.write((self.table, index), row, out) {
                out.extend_from_slice(self.csv.nulls.first().map_or(&[], Vec::as_slice));
            } else if !column.csv_plain && self.csv.needs_quotes(&out[start..]) {
                self.scratch.clear();
                self.scratch.extend_from_slice(&out[start..]);
                out.truncate(start);
                csv_quoted(out, &self.scratch);
            }
        }
        out.push(b'\n');
    }

    /// Appends row `row`, counted from 0, as a JSON object without a line feed.
    pub fn json(&mut self, row: u64, out: &mut Vec<u8>) {
        out.push(b'{');
        for (index, column) in self.columns.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&column.json.key);
            let start = out.len();
            if self.tables.write((self.table, index), row, out) {
                column.json.spell(out, start, &mut self.scratch);
            } else {
                out.extend_from_slice(b"null");
            }
        }
        out.push(b'}');
    }

    /// Appends the record of CSV that names the columns of the source.
    pub(crate) fn csv_header(&self, contract: &Contract, out: &mut Vec<u8>) {
        for (index, column) in contract.columns.iter().enumerate() {
            if index > 0 {
                out.push(self.csv.delimiter);
            }
            let name = column.source_name.as_bytes();
            if self.csv.needs_quotes(name) { csv_quoted(out, name) } else { out.extend_from_slice(name) }
        }
        out.push(b'\n');
    }
}

/// How JSON writes a column.
pub(crate) struct JsonField {
    /// `"name":`.
    pub(crate) key: Vec<u8>,
    /// Whether its value is a string.
    string: bool,
}

impl JsonField {
    pub(crate) fn new(column: &Column) -> Self {
        let mut key = Vec::new();
        json_string(&mut key, column.source_name.as_bytes());
        key.push(b':');
        let raw =
            is_json_number(&column.column_type) || matches!(column.column_type, ColumnType::Boolean | ColumnType::Json);
        JsonField { key, string: !raw }
    }

    /// Turns the plain text from `start` on into a value of JSON; `scratch` is any buffer.
    pub(crate) fn spell(&self, out: &mut Vec<u8>, start: usize, scratch: &mut Vec<u8>) {
        if self.string {
            scratch.clear();
            scratch.extend_from_slice(&out[start..]);
            out.truncate(start);
            json_string(out, scratch);
        }
    }
}

fn is_json_number(column: &ColumnType) -> bool {
    use ColumnType::{Date, Decimal, Float32, Float64, Int32, Int64, Timestamp};
    match column {
        Int32 | Int64 | Float32 | Float64 | Decimal { .. } => true,
        Date(text) | Timestamp { text, .. } => matches!(text, TimeText::Epoch { .. }),
        _ => false,
    }
}

impl CsvShape {
    fn new(settings: &CsvSettings) -> Self {
        let mut quoted = [false; 256];
        for byte in [settings.delimiter, b'"', b'\n', b'\r'] {
            quoted[usize::from(byte)] = true;
        }
        let nulls = settings.null.iter().map(|null| null.as_bytes().to_vec()).collect();
        CsvShape { delimiter: settings.delimiter, nulls, quoted }
    }

    /// Whether neither the delimiter nor a null can be taken for a number.
    fn numbers_are_plain(&self) -> bool {
        let numeric = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        !numeric(&self.delimiter) && self.nulls.iter().all(|null| null.is_empty() || !null.iter().all(numeric))
    }

    /// Space at an end is quoted because some readers trim it.
    fn needs_quotes(&self, field: &[u8]) -> bool {
        field.is_empty()
            || field.iter().any(|byte| self.quoted[usize::from(*byte)])
            || [field.first(), field.last()].contains(&Some(&b' '))
            || self.nulls.iter().any(|null| null.as_slice() == field)
    }
}

/// RFC 4180, section 2: a quote inside is doubled.
fn csv_quoted(out: &mut Vec<u8>, field: &[u8]) {
    out.push(b'"');
    for byte in field {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

/// RFC 8259, section 7: only what must be escaped is.
pub(crate) fn json_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..=0x1f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(*byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_only_where_they_must_be() {
        let settings = CsvSettings { null: vec![String::new(), "NA".to_owned()], ..CsvSettings::default() };
        let shape = CsvShape::new(&settings);
        for quoted in ["", "NA", "a,b", "say \"x\"", "two\nlines", " x", "x "] {
            assert!(shape.needs_quotes(quoted.as_bytes()), "{quoted:?}");
        }
        for plain in ["a b", "N", "4.5", "ü"] {
            assert!(!shape.needs_quotes(plain.as_bytes()), "{plain:?}");
        }
    }

    #[test]
    fn numbers_are_looked_at_where_the_delimiter_or_a_null_may_be_one() {
        let plain = |delimiter, null: &str| {
            let null = vec![null.to_owned()];
            CsvShape::new(&CsvSettings { delimiter, null, ..CsvSettings::default() }).numbers_are_plain()
        };
        assert!(plain(b',', "") && plain(b'\t', "\\N"));
        assert!(!plain(b'.', "") && !plain(b',', "-1"));
    }

    #[test]
    fn strings_of_json_read_back() {
        let text = "a \"b\" \\ \n\r\t\u{1} ü";
        let mut out = Vec::new();
        json_string(&mut out, text.as_bytes());
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }
}
