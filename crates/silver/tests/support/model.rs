//! What silver has to hold, computed from the whole history at once, with no merge in sight.

use std::collections::{BTreeMap, BTreeSet};

use super::changes::Change;

/// A row as text, column after column.
pub type Row = Vec<String>;

fn show<T: std::fmt::Display>(value: &Option<T>) -> String {
    value.as_ref().map_or("-".to_owned(), T::to_string)
}

fn rank(op: char) -> usize {
    "LIUD".find(op).unwrap()
}

fn by_key(history: &[Change]) -> BTreeMap<i64, Vec<Change>> {
    let mut keys: BTreeMap<i64, Vec<Change>> = BTreeMap::new();
    for change in history {
        keys.entry(change.key).or_default().push(change.clone());
    }
    for changes in keys.values_mut() {
        changes.sort_by_key(|change| (change.sequence_text(), rank(change.op), change.time));
    }
    keys
}

/// The last value that a column was given, with the sequence of the record that gave it.
fn last<T: Clone + Ord>(changes: &[Change], of: impl Fn(&Change) -> Option<Option<T>>) -> (String, Option<T>) {
    let given = changes.iter().filter(|change| change.op != 'D');
    let given = given.filter_map(|change| Some((change.sequence_text(), of(change)?)));
    given.max().unwrap_or_default()
}

fn carried(own: &str, a: &str, b: &str) -> String {
    match (a == own, b == own) {
        (true, true) => "-".to_owned(),
        _ if a == b => format!(r#"{{"*":"{a}"}}"#),
        (true, false) => format!(r#"{{"b":"{b}"}}"#),
        (false, true) => format!(r#"{{"a":"{a}"}}"#),
        (false, false) => format!(r#"{{"a":"{a}","b":"{b}"}}"#),
    }
}

/// key, a, b, created_at, updated_at, deleted_at, _op, _seq, _carried
pub fn snapshot(history: &[Change]) -> BTreeSet<Row> {
    let rows = by_key(history).into_iter().map(|(key, changes)| {
        let winner = changes.last().unwrap();
        let created = changes.iter().map(|change| change.time).min();
        let (a_seq, a) = last(&changes, |change| change.a.clone());
        let (b_seq, b) = last(&changes, |change| change.b);
        let own = winner.sequence_text();
        vec![
            key.to_string(),
            show(&a),
            show(&b),
            show(&created),
            winner.time.to_string(),
            show(&(winner.op == 'D').then_some(winner.time)),
            winner.op.to_string(),
            own.clone(),
            carried(&own, &a_seq, &b_seq),
        ]
    });
    rows.collect()
}

/// key, a, b, valid_from, valid_to, deleted_at, _op, _seq, _carried
pub fn versions(history: &[Change]) -> BTreeSet<Row> {
    let mut rows = BTreeSet::new();
    for (key, changes) in by_key(history) {
        let same = |left: &Change, right: &Change| left.sequence_text() == right.sequence_text();
        let groups: Vec<&[Change]> = changes.chunk_by(same).collect();
        let mut count = 0;
        for (index, group) in groups.iter().enumerate() {
            count += group.len();
            let winner = group.last().unwrap();
            let next = groups.get(index + 1).map(|next| next.last().unwrap().time);
            let (a_seq, a) = last(&changes[..count], |change| change.a.clone());
            let (b_seq, b) = last(&changes[..count], |change| change.b);
            let own = winner.sequence_text();
            rows.insert(vec![
                key.to_string(),
                show(&a),
                show(&b),
                winner.time.to_string(),
                show(&next),
                show(&(winner.op == 'D').then_some(winner.time)),
                winner.op.to_string(),
                own.clone(),
                carried(&own, &a_seq, &b_seq),
            ]);
        }
    }
    rows
}

/// key, previous_a, a, changed_at, _op, _seq, _repeats
pub fn states(history: &[Change]) -> BTreeSet<Row> {
    let mut rows = BTreeSet::new();
    for (key, changes) in by_key(history) {
        // What is known of the column, and whether the row is there at all.
        let mut before: Option<(bool, Option<String>)> = None;
        let mut run: Option<(Row, Vec<serde_json::Value>)> = None;
        let mut end = |run: Option<(Row, Vec<serde_json::Value>)>| {
            if let Some((mut row, repeats)) = run {
                let text = serde_json::Value::from(repeats.clone()).to_string();
                row.push(if repeats.is_empty() { "-".to_owned() } else { text });
                rows.insert(row);
            }
        };
        for change in &changes {
            let state = match (change.op, &change.a) {
                ('D', _) => (true, None),
                (_, Some(value)) => (false, value.clone()),
                (_, None) => continue,
            };
            if before.as_ref() == Some(&state) {
                let repeat = serde_json::json!([change.sequence_text(), change.time, change.op.to_string()]);
                run.as_mut().unwrap().1.push(repeat);
                continue;
            }
            end(run.take());
            let previous = before.as_ref().and_then(|(_, value)| value.clone());
            let row = vec![
                key.to_string(),
                show(&previous),
                show(&state.1),
                change.time.to_string(),
                change.op.to_string(),
                change.sequence_text(),
            ];
            run = Some((row, Vec::new()));
            before = Some(state);
        }
        end(run);
    }
    rows
}
