//! What a contract's custom properties say of the table.

use super::custom::{Setting, custom_properties};
use super::silver::SilverReader;
use super::stream::StreamReader;
use crate::contract::{BadRowLimit, CsvSettings, SourceSettings, TableGenerator, UnknownColumns, keys};
use crate::raw::Format;
use crate::reader::Reader;
use crate::yaml::{Node, Value};

/// What `schema[0].customProperties` say.
pub(super) struct TableSettings<'n> {
    pub(super) source: SourceSettings,
    pub(super) bad_row_limit: Option<BadRowLimit>,
    pub(super) generate: Option<TableGenerator>,
    csv_key: Option<(&'n Node, String)>,
    pub(super) stream: StreamReader<'n>,
    pub(super) silver: SilverReader<'n>,
}

impl Default for TableSettings<'_> {
    fn default() -> Self {
        TableSettings {
            source: SourceSettings { format: None, unknown_columns: UnknownColumns::Note, csv: CsvSettings::default() },
            bad_row_limit: None,
            generate: None,
            csv_key: None,
            stream: StreamReader::default(),
            silver: SilverReader::default(),
        }
    }
}

impl<'n> TableSettings<'n> {
    pub(super) fn read(&mut self, reader: &mut Reader<'_>, list: &'n Node) {
        for setting in custom_properties(reader, list, "schema[0].customProperties", keys::table::ALL) {
            self.one(reader, &setting);
        }
    }

    fn one(&mut self, reader: &mut Reader<'_>, setting: &Setting<'n>) {
        let (node, path) = (setting.node, setting.path.as_str());
        if setting.name.starts_with("weir.csv.") {
            self.csv_key.get_or_insert((node, setting.path.clone()));
        }
        match setting.name {
            keys::table::FORMAT => {
                self.source.format = reader.choice(node, path, &[("csv", Format::Csv), ("json", Format::Json)]);
            }
            keys::table::CSV_DELIMITER => {
                if let Some(text) = reader.text(node, path) {
                    match text.as_bytes() {
                        b"\\t" => self.source.csv.delimiter = b'\t',
                        [b] if b.is_ascii() && !matches!(b, b'"' | b'\r' | b'\n' | 0) => self.source.csv.delimiter = *b,
                        _ => reader.problem(
                            node,
                            path,
                            "a delimiter is one ASCII character, and neither a quote nor a line break",
                        ),
                    }
                }
            }
            keys::table::CSV_HEADER => {
                if let Some(value) = reader.boolean(node, path) {
                    self.source.csv.header = value;
                }
            }
            keys::table::CSV_NULL => {
                self.source.csv.null = match &node.value {
                    Value::List(items) => items.iter().filter_map(|item| reader.text(item, path)).collect(),
                    _ => reader.text(node, path).into_iter().collect(),
                };
            }
            keys::table::CSV_NULL_WHEN_QUOTED => {
                if let Some(value) = reader.boolean(node, path) {
                    self.source.csv.null_when_quoted = value;
                }
            }
            keys::table::UNKNOWN_COLUMNS => {
                let choices = &[("note", UnknownColumns::Note), ("fail", UnknownColumns::Fail)];
                if let Some(value) = reader.choice(node, path, choices) {
                    self.source.unknown_columns = value;
                }
            }
            keys::table::BAD_ROW_LIMIT => self.bad_row_limit = bad_row_limit(reader, node, path),
            keys::table::GENERATE => self.generate = table_generator(reader, node, path),
            name if name.starts_with(keys::table::SILVER) => self.silver.one(name, node, path),
            name => self.stream.one(reader, name, node, path),
        }
    }

    pub(super) fn check(&self, reader: &mut Reader<'_>) {
        if let (Some(Format::Json), Some((node, path))) = (self.source.format, &self.csv_key) {
            reader.problem(node, path, "a CSV setting contradicts 'weir.format: json'");
        }
        let delimiter = char::from(self.source.csv.delimiter);
        if self.source.csv.null.iter().any(|null| null.contains([delimiter, '"', '\n', '\r']))
            && let Some((node, path)) = &self.csv_key
        {
            reader.problem(node, path, "a null text cannot hold the delimiter, a quote or a line break");
        }
    }
}

fn bad_row_limit(reader: &mut Reader<'_>, node: &Node, path: &str) -> Option<BadRowLimit> {
    if let Value::String(text) = &node.value {
        let percent = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
        return match percent.filter(|percent| (0.0..=100.0).contains(percent)) {
            Some(percent) => Some(BadRowLimit::Percent(percent)),
            None => {
                reader.problem(node, path, format!("'{text}' is no limit; write a number of rows, or \"0.5%\""));
                None
            }
        };
    }
    reader.whole(node, path, 0, u64::MAX).map(BadRowLimit::Rows)
}

fn table_generator(reader: &mut Reader<'_>, node: &Node, path: &str) -> Option<TableGenerator> {
    let fields = reader.map(node, path, &["perThousand", "rows"]);
    if let Some(rows) = fields.whole(reader, "rows", 0, 100_000_000) {
        return Some(TableGenerator::Rows(rows));
    }
    match fields.get("perThousand").map(|node| &node.value) {
        Some(Value::Number(text)) => {
            text.parse::<f64>().ok().filter(|n| (0.0..=1_000_000.0).contains(n)).map(TableGenerator::PerThousand)
        }
        _ => {
            reader.problem(node, path, "give 'perThousand' (rows for each thousand of --rows) or 'rows'");
            None
        }
    }
}
