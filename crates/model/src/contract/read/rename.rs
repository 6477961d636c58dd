//! The names that columns had before.

use std::collections::{HashMap, HashSet};

use super::custom::{Setting, texts};
use crate::contract::Column;
use crate::contract::silver::Rename;
use crate::reader::Reader;
use crate::yaml::Node;

/// Collects `weir.renamedFrom` of the columns; judged when all columns are known.
#[derive(Default)]
pub(super) struct Renames<'n>(Vec<(usize, String, &'n Node, String)>);

impl<'n> Renames<'n> {
    /// Reads the setting of the column at `index`.
    pub(super) fn one(&mut self, reader: &mut Reader<'_>, index: usize, setting: &Setting<'n>) {
        for (name, node, path) in texts(reader, setting.node, &setting.path) {
            self.0.push((index, name, node, path));
        }
    }

    /// What holds, after every contradiction has been reported.
    pub(super) fn finish(self, reader: &mut Reader<'_>, columns: &[Column]) -> Vec<Rename> {
        let present: HashMap<String, usize> =
            columns.iter().enumerate().map(|(index, column)| (column.name.to_lowercase(), index)).collect();
        let mut taken: HashSet<String> = HashSet::new();
        let mut renames: Vec<Rename> = Vec::new();
        for (index, name, node, path) in self.0 {
            // A column may change the case of its name alone.
            let recased = columns.get(index).is_some_and(|column| column.name != name);
            if present.get(&name.to_lowercase()).is_some_and(|other| *other != index || !recased) {
                reader.problem_with_help(
                    node,
                    &path,
                    format!("'{name}' is a column of this contract now, so nothing was renamed from it"),
                    "write the name that the column had in an earlier version",
                );
            } else if !taken.insert(name.clone()) {
                reader.problem(
                    node,
                    &path,
                    format!("'{name}' stands twice as an earlier name; a name was one column's"),
                );
            } else {
                match renames.last_mut().filter(|rename| rename.column == index) {
                    Some(rename) => rename.from.push(name),
                    None => renames.push(Rename { column: index, from: vec![name] }),
                }
            }
        }
        renames
    }
}
