//! One row for each sequence of a key, with the time from which and until which it held.

use std::cmp::Ordering;

use arrow_schema::ArrowError;

use super::registers::Registers;
use super::{Extra, Folder, NO_TIME, NewRow, Outcome};
use crate::rows::{OpRank, RowRef};

/// A row as it stood after the records of one sequence.
struct Version<'t> {
    /// The record that gives sequence, operation and time.
    winner: RowRef,
    registers: Registers<'t>,
}

pub(super) fn fold(folder: &mut Folder<'_>, changes: &[RowRef], stored: &[RowRef]) -> Result<Outcome, ArrowError> {
    let rows = folder.rows;
    let columns = rows.names.len();
    // The place in `stored`, for those that are.
    let mut records: Vec<(RowRef, Option<usize>)> =
        stored.iter().enumerate().map(|(place, at)| (*at, Some(place))).collect();
    records.extend(changes.iter().map(|at| (*at, None)));
    // Stored ones first where sequences are equal: where nothing differs, nothing moves.
    records.sort_by(|left, right| rows.seq(left.0).cmp(rows.seq(right.0)));

    let mut versions: Vec<Version<'_>> = Vec::new();
    let mut registers = Registers::new(columns);
    for record in records.chunk_by(|left, right| rows.seq(left.0) == rows.seq(right.0)) {
        let rank = |at: RowRef| (rows.op(at), rows.time(at));
        let mut winner = record[0].0;
        for (at, place) in record {
            if rank(*at) > rank(winner) {
                winner = *at;
            }
            if place.is_none() {
                registers.apply_change(rows, &mut folder.comparators, *at)?;
                continue;
            }
            let carried = rows.carried(*at);
            for column in (0..columns).filter(|column| !rows.is_key[*column]) {
                if carried.sequence(|name| rows.column(name) == Some(column)).is_none() {
                    registers.set(rows, &mut folder.comparators, column, rows.seq(*at), *at)?;
                }
            }
        }
        versions.push(Version { winner, registers: registers.clone() });
    }
    folder.noticed.ties += registers.ties;

    let mut by_sequence: Vec<usize> = (0..stored.len()).collect();
    by_sequence.sort_by(|left, right| rows.seq(stored[*left]).cmp(rows.seq(stored[*right])));
    let mut outcome = Outcome::default();
    let mut known = by_sequence.iter().copied().enumerate().peekable();
    for (index, version) in versions.iter().enumerate() {
        let sequence = rows.seq(version.winner);
        let until = versions.get(index + 1).map_or(NO_TIME, |next| rows.time(next.winner));
        let text = version.registers.carried(rows, sequence);
        let mut stands = false;
        while let Some((at, place)) = known.next_if(|(_, place)| rows.seq(stored[*place]) == sequence) {
            let old = stored[place];
            let old_until = by_sequence.get(at + 1).map_or(NO_TIME, |next| rows.time(stored[*next]));
            let same = !stands
                && version.winner == old
                && until == old_until
                && text.as_deref() == rows.carried_text(old)
                && has_values(folder, version, old)?;
            if same {
                stands = true;
            } else {
                outcome.remove.push(place);
            }
        }
        if stands {
            continue;
        }
        let is_delete = rows.op(version.winner) == OpRank::Delete;
        let missing = |column: &usize| !rows.is_key[*column] && version.registers.columns[*column].at.is_none();
        if !is_delete {
            folder.noticed.unresolved += (0..columns).filter(missing).count() as u64;
        }
        let sources = version.registers.sources(rows, version.winner);
        let extra = (sources.is_some() || text.is_some())
            .then(|| Box::new(Extra { columns: sources, text: text.map(String::into_boxed_str), ..Extra::default() }));
        let time = rows.time(version.winner);
        let deleted = if is_delete { time } else { NO_TIME };
        outcome.write.push(NewRow {
            row: version.winner,
            op: rows.op(version.winner),
            times: [time, until, deleted],
            extra,
        });
    }
    Ok(outcome)
}

/// Whether a stored row has a version's values.
fn has_values(folder: &mut Folder<'_>, version: &Version<'_>, old: RowRef) -> Result<bool, ArrowError> {
    let rows = folder.rows;
    for (column, register) in version.registers.columns.iter().enumerate() {
        if rows.is_key[column] {
            continue;
        }
        let same = match register.at {
            Some(at) => at == old || folder.comparators.compare(rows, column, at, old)? == Ordering::Equal,
            None => arrow_array::Array::is_null(&rows.batch(old).columns[column], old.row as usize),
        };
        if !same {
            return Ok(false);
        }
    }
    Ok(true)
}
