//! Models: SQL files that say what a table of silver or gold holds.
//!
//! [`Models::parse`] reads all of a lake's files at once, since what one may read depends on the others, and
//! reports all that is wrong with all of them. What a model reads is taken from its SQL; nobody lists it.
//! [`schema`] plans models against columns alone, without data.

mod graph;
mod model;
mod parse;
mod references;
mod rules;
pub mod schema;
mod selection;
mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weir_model::Problems;
use weir_ports::catalog::TableName;

pub use model::{Model, Read};
pub(crate) use references::tables_of;
pub use selection::UnknownModel;

/// The namespace of tables that merges and silver models make.
pub const SILVER: &str = "silver";
/// The namespace of tables that gold models make.
pub const GOLD: &str = "gold";
/// The folder of models in a lake.
pub const FOLDER: &str = "models";
/// What the file of a model ends in.
pub const SUFFIX: &str = ".sql";
/// What the file of a model's fixtures ends in.
pub const FIXTURE_SUFFIX: &str = ".test.yaml";
/// What a model's own table is called in its tests and charts.
pub const THIS: &str = "this";

/// The models of a lake, each after those that it reads.
#[derive(Debug, Clone, Default)]
pub struct Models {
    ordered: Vec<Arc<Model>>,
    /// For each model the length of the longest way to it from a model that reads none.
    levels: BTreeMap<TableName, usize>,
}

impl Models {
    /// The models in `files`, each a path within the lake and its text. `known` are the tables of silver that
    /// contracts make.
    ///
    /// # Errors
    /// Every mistake in every file, with its line.
    pub fn parse(files: &[(String, String)], known: &BTreeSet<TableName>) -> Result<Models, Problems> {
        let (models, mut problems) = parse::all(files, known);
        let ordered = graph::order(models, &mut problems);
        match ordered {
            Some((ordered, levels)) if problems.is_empty() => Ok(Models { ordered, levels }),
            _ => {
                problems.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
                problems.dedup();
                Err(Problems(problems))
            }
        }
    }

    /// The models in the order in which they can be built.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Model>> {
        self.ordered.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ordered.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ordered.is_empty()
    }

    /// The model that makes `table`.
    #[must_use]
    pub fn get(&self, table: &TableName) -> Option<&Arc<Model>> {
        self.ordered.iter().find(|model| model.name == *table)
    }

    /// The models in groups: those of one group do not read each other, and read only what earlier groups make.
    #[must_use]
    pub fn waves(&self) -> Vec<Vec<Arc<Model>>> {
        let mut waves: Vec<Vec<Arc<Model>>> = Vec::new();
        for model in &self.ordered {
            let level = self.levels.get(&model.name).copied().unwrap_or_default();
            while waves.len() <= level {
                waves.push(Vec::new());
            }
            waves[level].push(Arc::clone(model));
        }
        waves
    }

    /// All that the model depends on, near and far: models and tables of contracts.
    #[must_use]
    pub fn upstream(&self, table: &TableName) -> BTreeSet<TableName> {
        let mut found = BTreeSet::new();
        let mut open = vec![table.clone()];
        while let Some(next) = open.pop() {
            for read in self.get(&next).iter().flat_map(|model| &model.reads) {
                if found.insert(read.table.clone()) {
                    open.push(read.table.clone());
                }
            }
        }
        found
    }

    /// The models that depend on the table, near and far.
    #[must_use]
    pub fn downstream(&self, table: &TableName) -> BTreeSet<TableName> {
        let mut found = BTreeSet::from([table.clone()]);
        // In the order of building whoever reads comes after what is read.
        for model in &self.ordered {
            if model.reads.iter().any(|read| found.contains(&read.table)) {
                found.insert(model.name.clone());
            }
        }
        found.remove(table);
        found
    }
}
