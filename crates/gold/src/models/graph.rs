//! The order of building.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_model::Problem;
use weir_ports::catalog::TableName;

use super::model::{Model, Read};

type Ordered = (Vec<Arc<Model>>, BTreeMap<TableName, usize>);

/// The models, each after those that it reads, by name where that leaves a choice; `None` where they read each other
/// in a circle, which is reported.
pub(super) fn order(models: Vec<Model>, problems: &mut Vec<Problem>) -> Option<Ordered> {
    let mut open: BTreeMap<TableName, Model> = models.into_iter().map(|model| (model.name.clone(), model)).collect();
    let mut ordered = Vec::new();
    let mut levels = BTreeMap::new();
    for level in 0.. {
        if open.is_empty() {
            break;
        }
        let free = |model: &Model| model.reads.iter().all(|read| !open.contains_key(&read.table));
        let ready: Vec<TableName> = open.values().filter(|model| free(model)).map(|model| model.name.clone()).collect();
        if ready.is_empty() {
            circles(&open, problems);
            return None;
        }
        for name in ready {
            if let Some(model) = open.remove(&name) {
                levels.insert(name, level);
                ordered.push(Arc::new(model));
            }
        }
    }
    Some((ordered, levels))
}

/// Reports every circle among `open`, in which each model is on a circle or reads one.
fn circles(open: &BTreeMap<TableName, Model>, problems: &mut Vec<Problem>) {
    let mut seen: Vec<&TableName> = Vec::new();
    for first in open.keys() {
        let mut path: Vec<(&Model, &Read)> = Vec::new();
        let mut name = first;
        while !seen.contains(&name) {
            seen.push(name);
            // Each has one, since else it would have been ready.
            let step = open
                .get(name)
                .and_then(|model| Some((model, model.reads.iter().find(|read| open.contains_key(&read.table))?)));
            let Some((model, read)) = step else { break };
            path.push((model, read));
            name = &read.table;
        }
        // Where it ends in what was seen before, that circle was reported.
        if let Some(begin) = path.iter().position(|(model, _)| model.name == *name) {
            problems.push(circle(&path[begin..]));
        }
    }
}

fn circle(path: &[(&Model, &Read)]) -> Problem {
    let (model, read) = path[0];
    if path.len() == 1 {
        let help = Some("a table cannot be made from itself; read what it is made from".to_owned());
        return read.place.problem(&model.file, "", format!("{} reads itself", model.name), help);
    }
    let steps: Vec<String> = path
        .iter()
        .map(|(model, read)| {
            format!("{} reads {} ({}:{}:{})", model.name, read.table, model.file, read.place.line, read.place.column)
        })
        .collect();
    let help = Some("take one of these out, so that each can be built after what it reads".to_owned());
    read.place.problem(&model.file, "", format!("models read each other in a circle: {}", steps.join(", ")), help)
}
