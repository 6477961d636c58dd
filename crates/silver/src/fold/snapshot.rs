//! One row a key: the newest.

use arrow_schema::ArrowError;

use super::registers::Registers;
use super::{Extra, Folder, NO_TIME, NewRow, Outcome};
use crate::carried::Carried;
use crate::rows::{OpRank, RowRef};

pub(super) fn fold(
    folder: &mut Folder<'_>,
    changes: &[RowRef],
    stored: &[RowRef],
    older: Option<i64>,
) -> Result<Outcome, ArrowError> {
    let rows = folder.rows;
    if let ([only], []) = (changes, stored)
        && rows.is_whole(*only)
    {
        let time = rows.time(*only);
        let first = older.map_or(time, |older| older.min(time));
        let row = NewRow { row: *only, op: rows.op(*only), times: [first, time, NO_TIME], extra: None };
        return Ok(Outcome { write: vec![row], remove: Vec::new() });
    }
    let everyone = || stored.iter().chain(changes).copied();
    // Stored rows come first: where nothing differs, nothing moves.
    let rank = |at: RowRef| (rows.seq(at), rows.op(at), rows.time(at));
    let Some(winner) = everyone().reduce(|best, next| if rank(next) > rank(best) { next } else { best }) else {
        return Ok(Outcome::default());
    };
    let created = |at: RowRef| match &rows.batch(at).created {
        Some(created) => created[at.row as usize],
        None => rows.time(at),
    };
    let first = everyone().map(created).chain(older).min().unwrap_or(NO_TIME);

    let carried: Vec<Carried<'_>> = stored.iter().map(|at| rows.carried(*at)).collect();
    let mut registers = Registers::new(rows.names.len());
    for (at, carried) in stored.iter().zip(&carried) {
        for column in (0..rows.names.len()).filter(|column| !rows.is_key[*column]) {
            let sequence = carried.sequence(|name| rows.column(name) == Some(column)).unwrap_or_else(|| rows.seq(*at));
            registers.set(rows, &mut folder.comparators, column, sequence, *at)?;
        }
    }
    for at in changes {
        registers.apply_change(rows, &mut folder.comparators, *at)?;
    }
    folder.noticed.ties += registers.ties;

    let is_same = match stored {
        [only] if older.is_none() => {
            winner == *only
                && created(*only) == first
                && (0..rows.names.len())
                    .all(|column| rows.is_key[column] || registers.columns[column].at == Some(*only))
        }
        _ => false,
    };
    if is_same {
        return Ok(Outcome::default());
    }
    let is_delete = rows.op(winner) == OpRank::Delete;
    if !is_delete {
        let missing = |column: &usize| !rows.is_key[*column] && registers.columns[*column].at.is_none();
        folder.noticed.unresolved += (0..rows.names.len()).filter(missing).count() as u64;
    }
    let columns = registers.sources(rows, winner);
    let text = registers.carried(rows, rows.seq(winner)).map(String::into_boxed_str);
    let extra = (columns.is_some() || text.is_some()).then(|| Box::new(Extra { columns, text, ..Extra::default() }));
    let time = rows.time(winner);
    let deleted = if is_delete { time } else { NO_TIME };
    let row = NewRow { row: winner, op: rows.op(winner), times: [first, time, deleted], extra };
    Ok(Outcome { write: vec![row], remove: (0..stored.len()).collect() })
}
