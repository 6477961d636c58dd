//! From an ODCS document to a [`Contract`].

use super::column_type::{ColumnType, PHYSICAL, Physical, PhysicalType, TimeText};
use super::time_pattern::TimePattern;
use super::{
    BadRowLimit, Column, Contract, CsvSettings, MAX_DECIMAL_PRECISION, Pii, PiiAction, PiiKind, SourceSettings,
    TableGenerator, UnknownColumns, Unread, Version, digest, keys,
};
use crate::change;
use crate::keys::is_table_name;
use crate::problem::Problems;
use crate::raw::Format;
use crate::reader::{Fields, Reader, nearest};
use crate::yaml::{self, Node, Value};

/// More columns than this is a mistake, or an attack on the memory of whoever reads the table.
const MAX_COLUMNS: usize = 2_000;
/// Longer names are refused by Glue and Hive.
const MAX_COLUMN_NAME: usize = 255;

pub(super) fn contract(file: &str, text: &str) -> Result<Contract, Problems> {
    let root = yaml::parse(file, text)?;
    let mut reader = Reader::new(file);
    let mut unread = Vec::new();
    let parsed = document(&mut reader, &root, &mut unread).map(|mut contract| {
        contract.digest = digest(text);
        contract.unread = unread;
        contract
    });
    reader.finish(parsed)
}

fn document(reader: &mut Reader<'_>, root: &Node, unread: &mut Vec<Unread>) -> Option<Contract> {
    let fields = reader.map(root, "", keys::ROOT);
    if let Some(node) = fields.need(reader, "apiVersion")
        && let Some(version) = reader.text(node, "apiVersion")
        && !matches!(version.as_str(), "v3.0.0" | "v3.0.1" | "v3.0.2" | "v3.1.0")
    {
        reader.problem_with_help(
            node,
            "apiVersion",
            format!("version '{version}' of the standard is not read"),
            "write v3.1.0",
        );
    }
    if let Some(node) = fields.need(reader, "kind") {
        reader.choice(node, "kind", &[("DataContract", ())]);
    }
    let id = fields.need_text(reader, "id");
    fields.need_text(reader, "status");
    let version = fields.need(reader, "version").and_then(|node| semantic_version(reader, node));
    if let Some(node) = fields.get("slaProperties") {
        note(unread, node, "slaProperties", "freshness and retention are not acted on at this version");
    }

    let schema = fields.need(reader, "schema")?;
    let table = match reader.list(schema, "schema") {
        [table] => table,
        [] => {
            reader.problem(schema, "schema", "no table is described here");
            return None;
        }
        [_, second, ..] => {
            reader.problem_with_help(
                second,
                "schema[1]",
                "a second table begins here",
                "give each table a contract of its own",
            );
            return None;
        }
    };
    let fields = reader.map(table, "schema[0]", keys::TABLE);
    let name = fields.need(reader, "name").and_then(|node| {
        let name = reader.text(node, "schema[0].name")?;
        if !is_table_name(&name) {
            reader.problem(
                node,
                "schema[0].name",
                format!(
                    "'{name}' cannot be a table name; it begins with a letter and has letters a-z, digits and '_', at most 63"
                ),
            );
        }
        Some(name)
    });
    for key in ["quality", "relationships"] {
        if let Some(node) = fields.get(key) {
            note(unread, node, &format!("schema[0].{key}"), "not checked at this version");
        }
    }
    let description = fields.text(reader, "description");
    let mut settings = TableSettings::default();
    if let Some(list) = fields.get("customProperties") {
        settings.read(reader, list);
    }
    let (columns, primary_key) = match fields.need(reader, "properties") {
        Some(list) => columns(reader, list, unread),
        None => (Vec::new(), Vec::new()),
    };
    settings.check_against(reader, &columns);

    Some(Contract {
        id: id?,
        version: version?,
        table: name?,
        description,
        columns,
        primary_key,
        source: settings.source,
        bad_row_limit: settings.bad_row_limit.unwrap_or(BadRowLimit::DEFAULT),
        generate: settings.generate,
        unread: Vec::new(),
        digest: String::new(),
    })
}

fn note(unread: &mut Vec<Unread>, node: &Node, path: &str, meaning: &str) {
    unread.push(Unread { line: node.line, path: path.to_owned(), meaning: meaning.to_owned() });
}

fn semantic_version(reader: &mut Reader<'_>, node: &Node) -> Option<Version> {
    let text = reader.text(node, "version")?;
    let parts: Option<Vec<u64>> = text.strip_prefix('v').unwrap_or(&text).split('.').map(|p| p.parse().ok()).collect();
    if let Some([major, minor, patch]) = parts.as_deref() {
        return Some(Version { major: *major, minor: *minor, patch: *patch });
    }
    reader.problem_with_help(
        node,
        "version",
        format!("'{text}' is not a semantic version"),
        "write three numbers, as 1.0.0; the first is the table's folder in bronze",
    );
    None
}

/// What `schema[0].customProperties` say.
struct TableSettings<'n> {
    source: SourceSettings,
    bad_row_limit: Option<BadRowLimit>,
    generate: Option<TableGenerator>,
    csv_key: Option<(&'n Node, String)>,
}

impl Default for TableSettings<'_> {
    fn default() -> Self {
        TableSettings {
            source: SourceSettings { format: None, unknown_columns: UnknownColumns::Note, csv: CsvSettings::default() },
            bad_row_limit: None,
            generate: None,
            csv_key: None,
        }
    }
}

impl<'n> TableSettings<'n> {
    fn read(&mut self, reader: &mut Reader<'_>, list: &'n Node) {
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
            _ => {}
        }
    }

    fn check_against(&self, reader: &mut Reader<'_>, columns: &[Column]) {
        if let (Some(Format::Json), Some((node, path))) = (self.source.format, &self.csv_key) {
            reader.problem(node, path, "a CSV setting contradicts 'weir.format: json'");
        }
        let delimiter = char::from(self.source.csv.delimiter);
        if self.source.csv.null.iter().any(|null| null.contains([delimiter, '"', '\n', '\r']))
            && let Some((node, path)) = &self.csv_key
        {
            reader.problem(node, path, "a null text cannot hold the delimiter, a quote or a line break");
        }
        debug_assert!(columns.len() <= MAX_COLUMNS);
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

/// One custom property that is Weir's.
struct Setting<'n> {
    name: &'static str,
    node: &'n Node,
    path: String,
}

/// The custom properties of a list that are Weir's; those of other tools are passed over.
fn custom_properties<'n>(
    reader: &mut Reader<'_>,
    list: &'n Node,
    path: &str,
    known: &[&'static str],
) -> Vec<Setting<'n>> {
    let mut settings: Vec<Setting<'n>> = Vec::new();
    for (index, item) in reader.list(list, path).iter().enumerate() {
        let path = format!("{path}[{index}]");
        let fields = reader.map(item, &path, keys::CUSTOM_PROPERTY);
        let (Some(name_node), Some(node)) = (fields.need(reader, "property"), fields.need(reader, "value")) else {
            continue;
        };
        let Some(name) = reader.text(name_node, &path) else { continue };
        let Some(known_name) = known.iter().find(|known| **known == name) else {
            let ours = name.to_ascii_lowercase().starts_with("weir.");
            if ours || nearest(&name, known).is_some_and(|near| strsim::damerau_levenshtein(&name, near) <= 2) {
                reader.unknown(name_node.line, name_node.column, &path, "custom property", &name, known);
            }
            continue;
        };
        if settings.iter().any(|setting| setting.name == *known_name) {
            reader.problem(name_node, &path, format!("'{name}' is set twice"));
            continue;
        }
        settings.push(Setting { name: known_name, node, path: format!("{path}.value") });
    }
    settings
}

fn columns(reader: &mut Reader<'_>, list: &Node, unread: &mut Vec<Unread>) -> (Vec<Column>, Vec<usize>) {
    let mut columns: Vec<Column> = Vec::new();
    let mut key: Vec<(u64, usize)> = Vec::new();
    let items = reader.list(list, "schema[0].properties");
    if items.is_empty() || items.len() > MAX_COLUMNS {
        reader.problem(list, "schema[0].properties", format!("a table has from 1 to {MAX_COLUMNS} columns"));
        return (columns, Vec::new());
    }
    for (index, item) in items.iter().enumerate() {
        let path = format!("schema[0].properties[{index}]");
        let fields = reader.map(item, &path, keys::PROPERTY);
        let position = key_position(reader, &fields, item, &path);
        let Some(column) = column(reader, &fields, item, &path, position.is_some(), unread) else { continue };
        let taken = |name: &str| columns.iter().any(|other| other.name.to_lowercase() == name.to_lowercase());
        if taken(&column.name) {
            reader.problem(
                item,
                &path,
                format!("column '{}' stands twice; names are compared without regard to case", column.name),
            );
        }
        if columns.iter().any(|other| other.source_name == column.source_name) {
            reader.problem(item, &path, format!("two columns are read from '{}'", column.source_name));
        }
        if let Some(position) = position {
            // A key column without a position stands where its column stands.
            key.push((position.unwrap_or(index as u64 + 1), columns.len()));
        }
        columns.push(column);
    }
    key.sort_unstable();
    if key.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        reader.problem(list, "schema[0].properties", "two columns have the same primaryKeyPosition");
    }
    (columns, key.into_iter().map(|(_, index)| index).collect())
}

/// `Some` where the column belongs to the primary key, with its position if it has one.
fn key_position(reader: &mut Reader<'_>, fields: &Fields<'_>, item: &Node, path: &str) -> Option<Option<u64>> {
    let is_key = fields.boolean(reader, "primaryKey").unwrap_or(false);
    let position = match fields.get("primaryKeyPosition").map(|node| &node.value) {
        // The standard's own default, which means that there is none.
        Some(Value::Number(text)) if text == "-1" => None,
        Some(_) => fields.whole(reader, "primaryKeyPosition", 1, MAX_COLUMNS as u64),
        None => None,
    };
    if position.is_some() && !is_key {
        reader.problem(item, path, "'primaryKeyPosition' contradicts 'primaryKey: false'");
    }
    is_key.then_some(position)
}

fn column(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    item: &Node,
    path: &str,
    is_key: bool,
    unread: &mut Vec<Unread>,
) -> Option<Column> {
    let name = fields.need(reader, "name").and_then(|node| column_name(reader, node, &fields.path("name")));
    let source_name = fields.text(reader, "physicalName");
    let required = match fields.boolean(reader, "required") {
        Some(false) if is_key => {
            reader.problem(item, path, "'required: false' contradicts 'primaryKey: true'; a key always has a value");
            true
        }
        given => given.unwrap_or(is_key),
    };
    for (key, meaning) in [
        ("quality", "not checked at this version"),
        ("relationships", "not checked at this version"),
        ("unique", "not checked in bronze; the primary key is what silver keeps unique"),
        ("partitioned", "bronze is partitioned by the day of the object; use silver's settings for the rest"),
        ("properties", "nested fields are kept as JSON text, their own types are not read"),
        ("items", "nested items are kept as JSON text, their own types are not read"),
    ] {
        if let Some(node) = fields.get(key).filter(|node| node.value != Value::Bool(false)) {
            note(unread, node, &fields.path(key), meaning);
        }
    }
    let mut settings = Vec::new();
    if let Some(list) = fields.get("customProperties") {
        settings = custom_properties(reader, list, &fields.path("customProperties"), keys::column::ALL);
    }
    let setting = |name: &str| settings.iter().find(|setting| setting.name == name);
    let column_type = column_type(reader, fields, item, path, setting(keys::column::EPOCH), unread);
    let pii = setting(keys::column::PII).and_then(|setting| pii(reader, setting));
    if let (Some(pii), Some(column_type)) = (pii, &column_type)
        && let Some(wrong) = pii_contradiction(pii, column_type, required)
    {
        reader.problem(item, path, wrong);
    }
    let name = name?;
    Some(Column {
        source_name: source_name.unwrap_or_else(|| name.clone()),
        name,
        column_type: column_type?,
        required,
        description: fields.text(reader, "description"),
        pii,
        generate: setting(keys::column::GENERATE).map(|setting| to_json(&setting.node.value)),
    })
}

fn column_name(reader: &mut Reader<'_>, node: &Node, path: &str) -> Option<String> {
    let name = reader.text(node, path)?;
    let reserved = change::columns::ALL.iter().any(|column| column.eq_ignore_ascii_case(&name));
    let wrong = if name.is_empty() || name.len() > MAX_COLUMN_NAME {
        Some(format!("a column name has from 1 to {MAX_COLUMN_NAME} bytes"))
    } else if name.chars().any(char::is_control) || name.trim() != name {
        Some("a column name has no control characters and no space at its ends".to_owned())
    } else if reserved {
        Some(format!("'{name}' is one of the columns that bronze adds; read it under another name with 'physicalName'"))
    } else {
        None
    };
    if let Some(wrong) = wrong {
        reader.problem(node, path, wrong);
    }
    Some(name)
}

fn column_type(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    item: &Node,
    path: &str,
    epoch: Option<&Setting<'_>>,
    unread: &mut Vec<Unread>,
) -> Option<ColumnType> {
    let node = fields.need(reader, "logicalType")?;
    let logical = reader.text(node, &fields.path("logicalType"))?;
    if !keys::LOGICAL_TYPES.contains(&logical.as_str()) {
        reader.unknown(node.line, node.column, path, "logical type", &logical, keys::LOGICAL_TYPES);
        return None;
    }
    let options = TypeOptions::read(reader, fields, &logical, unread);
    let physical = physical_type(reader, fields)?;
    if let Some(epoch) = epoch
        && logical != "timestamp"
        && logical != "date"
    {
        reader.problem(epoch.node, &epoch.path, format!("'weir.epoch' contradicts logicalType '{logical}'"));
    }
    let contradiction = |reader: &mut Reader<'_>, what: &str| {
        reader.problem_with_help(
            item,
            path,
            format!("{what} contradicts logicalType '{logical}'"),
            "docs/contracts.md lists the types that go together",
        );
        None
    };
    let word = physical.as_ref().map(|(word, ..)| format!("physicalType '{word}'")).unwrap_or_default();
    let physical_kind = physical.as_ref().map(|(_, kind, _)| *kind);
    match (logical.as_str(), physical_kind) {
        ("string", None) if options.binary => Some(ColumnType::Binary),
        ("string", Some(Physical::Binary)) => Some(ColumnType::Binary),
        ("string", None | Some(Physical::String)) => Some(ColumnType::String),
        ("string" | "object" | "array", Some(Physical::Json)) | ("object" | "array", None | Some(Physical::String)) => {
            Some(ColumnType::Json)
        }
        ("boolean", None | Some(Physical::Boolean)) => Some(ColumnType::Boolean),
        ("integer", kind @ (None | Some(Physical::Int32 | Physical::Int64))) => {
            match (kind, options.format.as_deref()) {
                (Some(Physical::Int32), None | Some("i8" | "i16" | "i32" | "u8" | "u16")) => Some(ColumnType::Int32),
                (None, Some("i8" | "i16" | "i32" | "u8" | "u16")) => Some(ColumnType::Int32),
                (None | Some(Physical::Int64), None | Some("i64" | "u32")) => Some(ColumnType::Int64),
                (None, Some(format @ ("u64" | "i128" | "u128"))) => {
                    reader.problem_with_help(
                        item,
                        path,
                        format!("format '{format}' does not fit 64 bits"),
                        "use logicalType number with physicalType decimal(20,0) or decimal(38,0)",
                    );
                    None
                }
                (_, format) => contradiction(reader, &format!("{word} with format '{}'", format.unwrap_or("none"))),
            }
        }
        ("number", Some(Physical::Decimal)) if options.format.is_none() => {
            let arguments = physical.map(|(_, _, arguments)| arguments).unwrap_or_default();
            decimal(reader, item, path, &arguments)
        }
        ("number", kind @ (None | Some(Physical::Float32 | Physical::Float64))) => {
            match (kind, options.format.as_deref()) {
                (None | Some(Physical::Float32), Some("f32")) | (Some(Physical::Float32), None) => {
                    Some(ColumnType::Float32)
                }
                (None | Some(Physical::Float64), Some("f64") | None) => Some(ColumnType::Float64),
                (_, format) => contradiction(reader, &format!("{word} with format '{}'", format.unwrap_or("none"))),
            }
        }
        ("date", None | Some(Physical::Date)) => {
            let text = time_text(reader, item, path, &options, epoch);
            if let TimeText::Pattern(pattern) = &text
                && (pattern.has_time() || pattern.has_offset())
            {
                return contradiction(reader, &format!("format '{pattern}' with a time of day"));
            }
            Some(ColumnType::Date(text))
        }
        ("timestamp", None | Some(Physical::Timestamp | Physical::TimestampTz)) => {
            let zoned = match (physical_kind, options.timezone) {
                (Some(Physical::TimestampTz), Some(false)) => {
                    return contradiction(reader, "'timezone: false' with a physicalType with time zone,");
                }
                (Some(Physical::TimestampTz), _) => true,
                (Some(Physical::Timestamp), Some(true)) => {
                    return contradiction(reader, "'timezone: true' with a physicalType without time zone,");
                }
                (_, timezone) => timezone.unwrap_or(false),
            };
            let text = time_text(reader, item, path, &options, epoch);
            Some(ColumnType::Timestamp { zoned, text })
        }
        ("time", _) => {
            reader.problem_with_help(item, path, "a time of day has no column type here", "use logicalType string");
            None
        }
        _ => contradiction(reader, &word),
    }
}

fn decimal(reader: &mut Reader<'_>, item: &Node, path: &str, arguments: &[u64]) -> Option<ColumnType> {
    let (precision, scale) = match arguments {
        [precision] => (*precision, 0),
        [precision, scale] => (*precision, *scale),
        _ => {
            reader.problem(item, path, "write the digits of the decimal, as decimal(10,2)");
            return None;
        }
    };
    if precision == 0 || precision > u64::from(MAX_DECIMAL_PRECISION) || scale > precision {
        reader.problem(
            item,
            path,
            format!("decimal({precision},{scale}): from 1 to {MAX_DECIMAL_PRECISION} digits, no more of them after the point than in all"),
        );
        return None;
    }
    Some(ColumnType::Decimal { precision: precision as u8, scale: scale as u8 })
}

/// `None` after a problem, `Some(None)` where the column has no physical type.
fn physical_type(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Option<(String, Physical, Vec<u64>)>> {
    let Some(node) = fields.get("physicalType") else { return Some(None) };
    let path = fields.path("physicalType");
    let text = reader.text(node, &path)?;
    let Some(parsed) = PhysicalType::parse(&text) else {
        reader.problem(node, &path, format!("'{text}' is no type; write for example varchar(20) or decimal(10,2)"));
        return None;
    };
    match PHYSICAL.iter().find(|(word, _)| *word == parsed.word) {
        Some((_, kind)) => Some(Some((text, *kind, parsed.arguments))),
        None => {
            let words: Vec<&str> = PHYSICAL.iter().map(|(word, _)| *word).collect();
            reader.unknown(node.line, node.column, &path, "physical type", &parsed.word, &words);
            None
        }
    }
}

/// The options of a logical type that decide how its values are read.
#[derive(Default)]
struct TypeOptions {
    format: Option<String>,
    timezone: Option<bool>,
    binary: bool,
}

impl TypeOptions {
    fn read(reader: &mut Reader<'_>, fields: &Fields<'_>, logical: &str, unread: &mut Vec<Unread>) -> Self {
        let Some(node) = fields.get("logicalTypeOptions") else { return Self::default() };
        let path = fields.path("logicalTypeOptions");
        let known = keys::type_options(logical);
        let options = reader.map(node, &path, known);
        for key in known {
            if matches!(*key, "format" | "timezone" | "defaultTimezone") {
                continue;
            }
            if let Some(node) = options.get(key) {
                note(unread, node, &options.path(key), "not checked at ingest");
            }
        }
        if let Some(zone) = options.text(reader, "defaultTimezone")
            && !matches!(zone.as_str(), "UTC" | "Etc/UTC" | "Z")
        {
            reader.problem_with_help(
                node,
                &options.path("defaultTimezone"),
                format!("times in '{zone}' are not converted"),
                "let the source write an offset, or UTC",
            );
        }
        let format = options.text(reader, "format");
        let binary = logical == "string" && matches!(format.as_deref(), Some("binary" | "byte" | "base64"));
        TypeOptions {
            binary,
            timezone: options.boolean(reader, "timezone"),
            format: format.filter(|_| logical != "string"),
        }
    }
}

fn time_text(
    reader: &mut Reader<'_>,
    item: &Node,
    path: &str,
    options: &TypeOptions,
    epoch: Option<&Setting<'_>>,
) -> TimeText {
    match (&options.format, epoch) {
        (None, None) => TimeText::Iso,
        (Some(_), Some(epoch)) => {
            reader.problem(epoch.node, &epoch.path, "'weir.epoch' contradicts 'logicalTypeOptions.format'");
            TimeText::Iso
        }
        (Some(format), None) => match TimePattern::parse(format) {
            Ok(pattern) => TimeText::Pattern(pattern),
            Err(wrong) => {
                reader.problem(item, &format!("{path}.logicalTypeOptions.format"), format!("'{format}': {wrong}"));
                TimeText::Iso
            }
        },
        (None, Some(epoch)) => {
            let units = &[("seconds", 1), ("milliseconds", 1_000), ("microseconds", 1_000_000)];
            let per_second = reader.choice(epoch.node, &epoch.path, units).unwrap_or(1);
            TimeText::Epoch { per_second }
        }
    }
}

fn pii(reader: &mut Reader<'_>, setting: &Setting<'_>) -> Option<Pii> {
    let fields = reader.map(setting.node, &setting.path, &["kind", "action", "reason"]);
    fields.need(reader, "kind")?;
    fields.need(reader, "action")?;
    let kind = fields.choice(reader, "kind", PiiKind::WORDS)?;
    let action = fields.choice(reader, "action", PiiAction::WORDS)?;
    let reason = fields.text(reader, "reason");
    if action == PiiAction::Keep && reason.is_none_or(|reason| reason.trim().is_empty()) {
        reader.problem_with_help(
            setting.node,
            &setting.path,
            "personal data kept in clear needs a 'reason'",
            "say who accepted it, or choose hash or redact",
        );
    }
    Some(Pii { kind, action })
}

fn pii_contradiction(pii: Pii, column_type: &ColumnType, required: bool) -> Option<String> {
    match pii.action {
        PiiAction::Hash if *column_type != ColumnType::String => {
            Some(format!("'hash' gives text, and the column is {column_type}; use a string column, or redact"))
        }
        PiiAction::Redact if required => Some("'redact' contradicts 'required: true': it leaves no value".to_owned()),
        _ => None,
    }
}

fn to_json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Number(text) => serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.clone())),
        Value::String(text) => Json::String(text.clone()),
        Value::List(items) => Json::Array(items.iter().map(|item| to_json(&item.value)).collect()),
        Value::Map(entries) => {
            Json::Object(entries.iter().map(|entry| (entry.key.clone(), to_json(&entry.node.value))).collect())
        }
    }
}
