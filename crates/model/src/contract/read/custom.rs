//! The custom properties that are Weir's.

use crate::contract::keys;
use crate::reader::{Reader, nearest};
use crate::yaml::{Node, Value};

/// One custom property that is Weir's.
pub(super) struct Setting<'n> {
    pub(super) name: &'static str,
    pub(super) node: &'n Node,
    pub(super) path: String,
}

/// The custom properties of a list that are Weir's; those of other tools are passed over.
pub(super) fn custom_properties<'n>(
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

/// The texts of a list, each with its place; one text alone counts as a list of it.
pub(super) fn texts<'n>(reader: &mut Reader<'_>, node: &'n Node, path: &str) -> Vec<(String, &'n Node, String)> {
    let Value::List(items) = &node.value else {
        return reader.text(node, path).map(|text| (text, node, path.to_owned())).into_iter().collect();
    };
    let read = items.iter().enumerate().filter_map(|(index, item)| {
        let path = format!("{path}[{index}]");
        reader.text(item, &path).map(|text| (text, item, path))
    });
    read.collect()
}
