//! From an ODCS document to a [`Contract`].

mod column;
mod custom;
mod partition;
mod rename;
mod silver;
mod stream;
mod table;
mod types;

use super::{BadRowLimit, Contract, Unread, Version, digest, keys};
use crate::keys::is_table_name;
use crate::problem::Problems;
use crate::reader::Reader;
use crate::yaml::{self, Node};
use column::columns;
use table::TableSettings;

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
    let list = fields.need(reader, "properties");
    let (columns, primary_key, renames) = list.map(|list| columns(reader, list, unread)).unwrap_or_default();
    settings.check(reader);
    let stream = settings.stream.finish(reader, settings.source.format, &columns);
    let silver = list.map(|node| {
        let table = silver::Table { columns: &columns, primary_key: &primary_key, node };
        settings.silver.finish(reader, &table, renames)
    });

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
        stream,
        silver: silver.unwrap_or_default(),
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
