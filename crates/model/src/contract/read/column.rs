//! The columns of a contract, and what is personal in them.

use super::custom::{Setting, custom_properties};
use super::note;
use super::rename::Renames;
use super::types::column_type;
use crate::change;
use crate::contract::silver::Rename;
use crate::contract::{Column, ColumnType, Pii, PiiAction, PiiKind, Unread, keys};
use crate::reader::{Fields, Reader};
use crate::yaml::{Node, Value};

/// More columns than this is a mistake, or an attack on the memory of whoever reads the table.
const MAX_COLUMNS: usize = 2_000;
/// Longer names are refused by Glue and Hive.
const MAX_COLUMN_NAME: usize = 255;

/// The columns, the indexes of the primary key among them, and the names that columns had before.
pub(super) fn columns(
    reader: &mut Reader<'_>,
    list: &Node,
    unread: &mut Vec<Unread>,
) -> (Vec<Column>, Vec<usize>, Vec<Rename>) {
    let mut columns: Vec<Column> = Vec::new();
    let mut renames = Renames::default();
    let mut key: Vec<(u64, usize)> = Vec::new();
    let items = reader.list(list, "schema[0].properties");
    if items.is_empty() || items.len() > MAX_COLUMNS {
        reader.problem(list, "schema[0].properties", format!("a table has from 1 to {MAX_COLUMNS} columns"));
        return (columns, Vec::new(), Vec::new());
    }
    for (index, item) in items.iter().enumerate() {
        let path = format!("schema[0].properties[{index}]");
        let fields = reader.map(item, &path, keys::PROPERTY);
        let position = key_position(reader, &fields, item, &path);
        let settings = match fields.get("customProperties") {
            Some(list) => custom_properties(reader, list, &fields.path("customProperties"), keys::column::ALL),
            None => Vec::new(),
        };
        let Some(column) = column(reader, &fields, item, &path, &settings, position.is_some(), unread) else {
            continue;
        };
        if let Some(setting) = settings.iter().find(|setting| setting.name == keys::column::RENAMED_FROM) {
            renames.one(reader, columns.len(), setting);
        }
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
    let renames = renames.finish(reader, &columns);
    (columns, key.into_iter().map(|(_, index)| index).collect(), renames)
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
    settings: &[Setting<'_>],
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
    let reserved = change::columns::ALL
        .iter()
        .chain(&[change::columns::UNCHANGED])
        .any(|column| column.eq_ignore_ascii_case(&name));
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
