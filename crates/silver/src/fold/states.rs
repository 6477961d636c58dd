//! One row for each change of one column.
//!
//! A record that finds the state as it was is no change, but it may become one when a late record
//! comes to stand before it. So each row lists the later records of its run (`_repeats`).

use std::cmp::Ordering;

use arrow_schema::ArrowError;
use serde_json::{Value, json};

use super::{Extra, Folder, NO_TIME, NewRow, Outcome};
use crate::rows::{OpRank, RowRef};

/// A record that says what the state is.
#[derive(Debug, Clone)]
struct Observation<'t> {
    sequence: std::borrow::Cow<'t, str>,
    time: i64,
    op: OpRank,
    /// The row that holds the value.
    at: RowRef,
    /// The stored row that begins with this record.
    stored: Option<usize>,
}

/// Records of one state that follow each other.
struct Run<'t> {
    first: Observation<'t>,
    repeats: Vec<Observation<'t>>,
}

pub(super) fn fold(folder: &mut Folder<'_>, changes: &[RowRef], stored: &[RowRef]) -> Result<Outcome, ArrowError> {
    let rows = folder.rows;
    let mut observations = Vec::new();
    for (place, at) in stored.iter().enumerate() {
        let (op, at) = (rows.op(*at), *at);
        observations.push(Observation {
            sequence: rows.seq(at).into(),
            time: rows.time(at),
            op,
            at,
            stored: Some(place),
        });
        for (sequence, time, op) in repeats(rows.repeats_text(at)) {
            observations.push(Observation { sequence: sequence.into(), time, op, at, stored: None });
        }
    }
    for at in changes {
        let is_unset = rows.unset(*at).is_some_and(|unset| unset[folder.state]);
        if rows.op(*at) == OpRank::Delete || !is_unset {
            let (time, op) = (rows.time(*at), rows.op(*at));
            observations.push(Observation { sequence: rows.seq(*at).into(), time, op, at: *at, stored: None });
        }
    }
    observations.sort_by(|left, right| left.sequence.cmp(&right.sequence));

    let mut runs: Vec<Run<'_>> = Vec::new();
    for same in observations.chunk_by(|left, right| left.sequence == right.sequence) {
        let mut winner = same[0].clone();
        for next in &same[1..] {
            let order = compare_states(folder, next, &winner)?;
            folder.noticed.ties += u64::from(order != Ordering::Equal);
            if order.then((next.op, next.time).cmp(&(winner.op, winner.time))) == Ordering::Greater {
                let stored = winner.stored.filter(|_| order == Ordering::Equal);
                winner = Observation { stored: next.stored.or(stored), ..next.clone() };
            }
        }
        match runs.last_mut() {
            Some(run) if compare_states(folder, &run.first, &winner)? == Ordering::Equal => run.repeats.push(winner),
            _ => runs.push(Run { first: winner, repeats: Vec::new() }),
        }
    }
    difference(folder, &runs, stored)
}

/// The order of states: those of rows that are there by their values, then that of a deleted row.
fn compare_states(
    folder: &mut Folder<'_>,
    left: &Observation<'_>,
    right: &Observation<'_>,
) -> Result<Ordering, ArrowError> {
    match (left.op == OpRank::Delete, right.op == OpRank::Delete) {
        (false, false) => folder.comparators.compare(folder.rows, folder.state, left.at, right.at),
        (left, right) => Ok(left.cmp(&right)),
    }
}

/// What has to be written and removed so that the stored rows are the runs.
fn difference(folder: &mut Folder<'_>, runs: &[Run<'_>], stored: &[RowRef]) -> Result<Outcome, ArrowError> {
    let rows = folder.rows;
    let mut outcome = Outcome::default();
    let mut stands = vec![false; stored.len()];
    let mut by_sequence: Vec<usize> = (0..stored.len()).collect();
    by_sequence.sort_by(|left, right| rows.seq(stored[*left]).cmp(rows.seq(stored[*right])));
    let before = |place: usize| {
        let at = by_sequence.iter().position(|other| *other == place)?;
        at.checked_sub(1).map(|at| stored[by_sequence[at]])
    };
    for (index, run) in runs.iter().enumerate() {
        let text = text(&run.repeats);
        let previous = index.checked_sub(1).map(|index| &runs[index].first);
        let previous = previous.filter(|previous| previous.op != OpRank::Delete).map(|previous| previous.at);
        if let Some(place) = run.first.stored {
            let old = stored[place];
            let old_previous = before(place).filter(|at| rows.op(*at) != OpRank::Delete);
            let same_previous = match (previous, old_previous) {
                (Some(new), Some(old)) => folder.comparators.compare(rows, folder.state, new, old)? == Ordering::Equal,
                (None, None) => true,
                // A value that is null is none either.
                (Some(at), None) | (None, Some(at)) => {
                    arrow_array::Array::is_null(&rows.batch(at).columns[folder.state], at.row as usize)
                }
            };
            if !stands[place]
                && same_previous
                && (run.first.op, run.first.time) == (rows.op(old), rows.time(old))
                && text.as_deref() == rows.repeats_text(old)
            {
                stands[place] = true;
                continue;
            }
        }
        let is_own = run.first.sequence == rows.seq(run.first.at);
        let columns = (run.first.op == OpRank::Delete)
            .then(|| (0..rows.names.len()).map(|column| rows.is_key[column].then_some(run.first.at)).collect());
        outcome.write.push(NewRow {
            row: run.first.at,
            op: run.first.op,
            times: [run.first.time, NO_TIME, NO_TIME],
            extra: Some(Box::new(Extra {
                columns,
                sequence: (!is_own).then(|| run.first.sequence.clone().into()),
                text: text.map(String::into_boxed_str),
                previous,
            })),
        });
    }
    outcome.remove = (0..stored.len()).filter(|place| !stands[*place]).collect();
    Ok(outcome)
}

/// `_repeats`: a JSON list of `[sequence, microseconds, operation]`; null where there are none.
fn text(repeats: &[Observation<'_>]) -> Option<String> {
    let entry = |repeat: &Observation<'_>| json!([repeat.sequence, repeat.time, repeat.op.letter()]);
    (!repeats.is_empty()).then(|| Value::from_iter(repeats.iter().map(entry)).to_string())
}

fn repeats(text: Option<&str>) -> Vec<(String, i64, OpRank)> {
    let listed: Vec<(String, i64, String)> = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let known = |(sequence, time, op): (String, i64, String)| Some((sequence, time, OpRank::from_letter(&op)?));
    listed.into_iter().filter_map(known).collect()
}
