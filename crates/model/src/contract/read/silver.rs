//! From a table's custom properties to its [`SilverSettings`].

use super::custom::texts;
use super::partition;
use crate::contract::silver::{Rename, SilverKind, SilverSettings, SortField, columns as added};
use crate::contract::{Column, ColumnType, TimeText, keys};
use crate::reader::Reader;
use crate::yaml::{Node, Value};

/// What the added times hold.
static ADDED_TIME: ColumnType = ColumnType::Timestamp { zoned: true, text: TimeText::Iso };

/// Collects what a contract says about silver, with the place of each setting. The columns are not
/// known while settings are read, so most of it is understood in [`SilverReader::finish`].
#[derive(Default)]
pub(super) struct SilverReader<'n> {
    places: Vec<(&'static str, &'n Node, String)>,
}

/// What a contract says of the table itself, as far as silver has to agree with it.
pub(super) struct Table<'a> {
    pub(super) columns: &'a [Column],
    pub(super) primary_key: &'a [usize],
    /// The list of the columns in the document.
    pub(super) node: &'a Node,
}

impl<'n> SilverReader<'n> {
    /// Keeps the setting `name`; `node` is its value.
    pub(super) fn one(&mut self, name: &'static str, node: &'n Node, path: &str) {
        self.places.push((name, node, path.to_owned()));
    }

    fn place(&self, name: &str) -> Option<(&'n Node, &str)> {
        self.places.iter().find(|(other, ..)| *other == name).map(|(_, node, path)| (*node, path.as_str()))
    }

    /// What holds, after every contradiction has been reported.
    pub(super) fn finish(&self, reader: &mut Reader<'_>, table: &Table<'_>, renames: Vec<Rename>) -> SilverSettings {
        let mut settings = SilverSettings { renames, ..SilverSettings::default() };
        if let Some((node, path)) = self.place(keys::table::SILVER_TARGET_FILE_SIZE) {
            settings.target_file_bytes = reader.file_size(node, path).unwrap_or(SilverSettings::DEFAULT_FILE_BYTES);
        }
        let Some(kind) = self.kind(reader, table) else { return settings };
        settings.kind = kind;
        // A column that could not be read has been reported; what names it would be reported again.
        let complete = matches!(&table.node.value, Value::List(items) if items.len() == table.columns.len());
        if kind == SilverKind::None || !complete {
            return settings;
        }
        settings.state_column = self.state_column(reader, kind, table);
        if kind == SilverKind::StateChanges && settings.state_column.is_none() {
            return settings;
        }
        let names = Names::of(kind, settings.state_column, table);
        names.check(reader, table);
        if let Some((node, path)) = self.place(keys::table::SILVER_PARTITION_BY) {
            settings.partition_by = partition::fields(reader, node, path, &names);
        }
        settings.sort_by = match self.place(keys::table::SILVER_SORT_BY) {
            Some((node, path)) => sort_fields(reader, node, path, &names),
            None => table.key().map(|column| SortField { column: column.name.clone(), descending: false }).collect(),
        };
        settings
    }

    fn kind(&self, reader: &mut Reader<'_>, table: &Table<'_>) -> Option<SilverKind> {
        let keyed = !table.primary_key.is_empty();
        let given = self.place(keys::table::SILVER_KIND);
        let kind = match given {
            Some((node, path)) => reader.choice(node, path, SilverKind::WORDS)?,
            None if keyed => SilverKind::Snapshot,
            None => SilverKind::None,
        };
        if let (Some((node, path)), false) = (given, keyed || kind == SilverKind::None) {
            reader.problem_with_help(
                node,
                path,
                format!("kind '{kind}' needs a primary key, by which silver finds the rows that a change is about"),
                "mark the columns of the key with 'primaryKey: true', or write none",
            );
        }
        if kind == SilverKind::None
            && let Some((name, node, path)) = self.places.iter().find(|(name, ..)| *name != keys::table::SILVER_KIND)
        {
            let (why, help) = if given.is_some() {
                ("contradicts 'weir.silver.kind: none'", "take one of the two out")
            } else {
                ("needs a primary key; without one there is no silver table", "mark columns with 'primaryKey: true'")
            };
            reader.problem_with_help(node, path, format!("'{name}' {why}"), help);
        }
        Some(kind)
    }

    fn state_column(&self, reader: &mut Reader<'_>, kind: SilverKind, table: &Table<'_>) -> Option<usize> {
        let given = self.place(keys::table::SILVER_STATE_COLUMN);
        if kind != SilverKind::StateChanges {
            if let Some((node, path)) = given {
                reader.problem_with_help(
                    node,
                    path,
                    format!("'weir.silver.stateColumn' contradicts the kind '{kind}'"),
                    "it is for 'weir.silver.kind: state_changes'",
                );
            }
            return None;
        }
        let Some((node, path)) = given else {
            if let Some((node, path)) = self.place(keys::table::SILVER_KIND) {
                reader.problem(
                    node,
                    path,
                    "kind 'state_changes' needs 'weir.silver.stateColumn', the column to follow",
                );
            }
            return None;
        };
        let name = reader.text(node, path)?;
        let Some(index) = table.columns.iter().position(|column| column.name == name) else {
            let known: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
            reader.unknown(node.line, node.column, path, "column", &name, &known);
            return None;
        };
        let column_type = &table.columns[index].column_type;
        if table.primary_key.contains(&index) {
            reader.problem(
                node,
                path,
                format!("'{name}' belongs to the primary key, and so never changes within a key"),
            );
            return None;
        }
        if is_float(column_type) {
            reader.problem_with_help(
                node,
                path,
                format!(
                    "'{name}' is {column_type}, and whether two of those are equal depends on how they were rounded"
                ),
                "follow a decimal, an integer or a text",
            );
            return None;
        }
        Some(index)
    }
}

impl Table<'_> {
    fn key(&self) -> impl Iterator<Item = &Column> {
        self.primary_key.iter().filter_map(|index| self.columns.get(*index))
    }
}

/// The columns that a silver table may be partitioned and sorted by.
pub(super) struct Names<'a> {
    kind: SilverKind,
    state: Option<&'a str>,
    columns: Vec<(&'a str, &'a ColumnType)>,
    /// How many of them are the contract's own; they stand first.
    own: usize,
}

impl<'a> Names<'a> {
    fn of(kind: SilverKind, state: Option<usize>, table: &Table<'a>) -> Self {
        let kept = table.columns.iter().enumerate().filter(|(index, _)| {
            kind != SilverKind::StateChanges || state == Some(*index) || table.primary_key.contains(index)
        });
        let mut columns: Vec<_> = kept.map(|(_, column)| (column.name.as_str(), &column.column_type)).collect();
        let own = columns.len();
        match kind {
            SilverKind::History => columns.push((added::VALID_FROM, &ADDED_TIME)),
            SilverKind::StateChanges => columns.push((added::CHANGED_AT, &ADDED_TIME)),
            SilverKind::Snapshot | SilverKind::None => {}
        }
        let state = state.and_then(|index| table.columns.get(index)).map(|column| column.name.as_str());
        Names { kind, state, columns, own }
    }

    /// The type of the column `name`.
    pub(super) fn get(&self, name: &str) -> Option<&'a ColumnType> {
        self.columns.iter().find(|(other, _)| *other == name).map(|(_, column_type)| *column_type)
    }

    /// Reports that there is no column `name` here.
    pub(super) fn unknown(&self, reader: &mut Reader<'_>, node: &Node, path: &str, name: &str) {
        let known: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        let what = format!("column of a silver table of kind '{}'", self.kind);
        reader.unknown(node.line, node.column, path, &what, name, &known);
    }

    /// Reports every column of the contract whose name silver needs for itself.
    fn check(&self, reader: &mut Reader<'_>, table: &Table<'_>) {
        let previous = self.state.map(added::previous);
        let kind = self.kind;
        for (index, column) in table.columns.iter().enumerate() {
            let name = column.name.to_lowercase();
            let taken = kind.added().contains(&name.as_str())
                || previous.as_ref().is_some_and(|previous| previous.to_lowercase() == name);
            if !taken || !self.columns.iter().take(self.own).any(|(kept, _)| *kept == column.name) {
                continue;
            }
            let Some(node) = item(table.node, index) else { continue };
            reader.problem_with_help(
                node,
                &format!("schema[0].properties[{index}].name"),
                format!("'{}' is one of the columns that silver adds to a table of kind '{kind}'", column.name),
                format!(
                    "give the column another name here and write 'physicalName: {}', or set weir.silver.kind to none",
                    column.source_name
                ),
            );
        }
    }
}

/// The name of the column at `index`, where it stands in the document.
fn item(list: &Node, index: usize) -> Option<&Node> {
    let Value::List(items) = &list.value else { return None };
    let item = items.get(index)?;
    let Value::Map(entries) = &item.value else { return None };
    entries.iter().find(|entry| entry.key == "name").map(|entry| &entry.node)
}

fn sort_fields(reader: &mut Reader<'_>, node: &Node, path: &str, names: &Names<'_>) -> Vec<SortField> {
    let mut fields: Vec<SortField> = Vec::new();
    for (text, node, path) in texts(reader, node, path) {
        // A column may itself end in " desc".
        let (column, descending) = match (names.get(&text), text.strip_suffix(" desc"), text.strip_suffix(" asc")) {
            (None, Some(column), _) => (column.trim(), true),
            (None, None, Some(column)) => (column.trim(), false),
            _ => (text.as_str(), false),
        };
        if names.get(column).is_none() {
            names.unknown(reader, node, &path, column);
        } else if fields.iter().any(|field| field.column == column) {
            reader.problem(node, &path, format!("'{column}' stands twice; its second place orders nothing"));
        } else {
            fields.push(SortField { column: column.to_owned(), descending });
        }
    }
    fields
}

/// Whether values of this type have no equality to build on.
pub(super) fn is_float(column_type: &ColumnType) -> bool {
    matches!(column_type, ColumnType::Float32 | ColumnType::Float64)
}
