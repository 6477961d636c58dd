//! Where bad rows go: one JSON line each, and a count of the reasons.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;
use weir_model::Contract;
use weir_model::contract::BadRowLimit;

use crate::bad_row::{BadRow, QuarantinedRow, masked_values};
use crate::error::ConvertError;
use crate::names::shorten;
use crate::reason::Reason;
use crate::settings::MAX_QUARANTINED_ROWS;
use crate::tokens::{Kind, Tokens};
use crate::window::Window;

/// How many rows are bad for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReasonCount {
    /// Stable name of the reason.
    pub reason: &'static str,
    /// The column at fault, where it is one.
    pub column: Option<String>,
    /// So many rows.
    pub rows: u64,
    /// The first of them.
    pub first: BadRow,
}

pub(crate) struct Quarantine<'a, Q: Write> {
    out: Q,
    contract: &'a Contract,
    /// Names of the token columns: the contract's, then those of a change record.
    names: &'a [String],
    show_text: bool,
    rows: u64,
    reasons: BTreeMap<(&'static str, Option<usize>), (u64, BadRow)>,
    line: Vec<u8>,
}

/// How far lines were counted in one piece of text.
#[derive(Default)]
pub(crate) struct LineCount {
    at: usize,
    lines: u64,
}

impl<'a, Q: Write> Quarantine<'a, Q> {
    pub(crate) fn new(out: Q, contract: &'a Contract, names: &'a [String]) -> Self {
        Quarantine {
            out,
            contract,
            names,
            show_text: !contract.has_pii(),
            rows: 0,
            reasons: BTreeMap::new(),
            line: Vec::new(),
        }
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes a bad row down.
    #[expect(clippy::too_many_arguments, reason = "one call, from the loop that knows all of it")]
    pub(crate) fn add(
        &mut self,
        window: &Window,
        counted: &mut LineCount,
        tokens: &Tokens,
        record: usize,
        row: u64,
        reason: &Reason,
        column: Option<usize>,
    ) -> Result<(), ConvertError> {
        let text = window.text();
        let place = tokens.records()[record];
        let (start, end) = (place.start as usize, place.end as usize);
        counted.lines += memchr::memchr_iter(b'\n', &text[counted.at..start]).count() as u64;
        counted.at = start;
        let bad = BadRow {
            row,
            line: window.line() + counted.lines,
            byte_offset: window.offset() + start as u64,
            byte_length: (end - start) as u64,
            column: column.and_then(|column| self.names.get(column)).cloned(),
            reason: reason.code(),
            message: reason.message(column.and_then(|column| self.contract.columns.get(column))),
        };
        let spans = (0..self.contract.columns.len()).map(|column| tokens.at(record, column));
        let is_apart = spans.clone().any(|span| span.kind() != Kind::Missing);
        let quarantined = QuarantinedRow {
            bad: &bad,
            values: is_apart.then(|| masked_values(self.contract, spans, text)),
            text: (!is_apart && self.show_text).then(|| shorten(&text[start..end])),
        };
        self.line.clear();
        serde_json::to_writer(&mut self.line, &quarantined)
            .map_err(|error| ConvertError::Defect(format!("quarantine: {error}")))?;
        self.line.push(b'\n');
        let failed = |source| ConvertError::Write { what: "quarantine object", source };
        self.out.write_all(&self.line).map_err(failed)?;
        self.rows += 1;
        self.reasons.entry((reason.code(), column)).or_insert((0, bad)).0 += 1;

        let limit = match self.contract.bad_row_limit {
            BadRowLimit::Rows(limit) => limit.min(MAX_QUARANTINED_ROWS),
            BadRowLimit::Percent(_) | BadRowLimit::Both { .. } => MAX_QUARANTINED_ROWS,
        };
        if self.rows > limit { Err(self.too_many(row + 1)) } else { Ok(()) }
    }

    /// Judges the contract's limit, now that all of `rows_in` is known.
    pub(crate) fn check(&self, rows_in: u64) -> Result<(), ConvertError> {
        if self.contract.bad_row_limit.is_exceeded(self.rows, rows_in) { Err(self.too_many(rows_in)) } else { Ok(()) }
    }

    pub(crate) fn finish(mut self) -> Result<Vec<ReasonCount>, ConvertError> {
        self.out.flush().map_err(|source| ConvertError::Write { what: "quarantine object", source })?;
        Ok(self.counts())
    }

    fn counts(&self) -> Vec<ReasonCount> {
        let mut counts: Vec<ReasonCount> = self
            .reasons
            .iter()
            .map(|((reason, _), (rows, first))| ReasonCount {
                reason,
                column: first.column.clone(),
                rows: *rows,
                first: first.clone(),
            })
            .collect();
        counts.sort_by(|a, b| b.rows.cmp(&a.rows).then(a.first.row.cmp(&b.first.row)));
        counts
    }

    fn too_many(&self, rows: u64) -> ConvertError {
        let counts = self.counts();
        let mut reasons: Vec<String> =
            counts.iter().take(5).map(|count| format!("{} times as at {}", count.rows, count.first)).collect();
        if counts.len() > 5 {
            reasons.push(format!("{} more reasons", counts.len() - 5));
        }
        let limit = if self.rows > MAX_QUARANTINED_ROWS {
            format!("{} and no contract more than {MAX_QUARANTINED_ROWS}", self.contract.bad_row_limit)
        } else {
            self.contract.bad_row_limit.to_string()
        };
        ConvertError::TooManyBadRows { bad: self.rows, rows, limit, reasons: reasons.join("; ") }
    }
}
