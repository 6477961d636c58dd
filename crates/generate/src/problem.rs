//! What is wrong with the hints of a contract, said so that it can be mended.

use std::fmt;

use thiserror::Error;

/// One mistake in a `weir.generate` hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HintProblem {
    /// The contract's table.
    pub table: String,
    /// The column with the hint; `None` where the table as a whole is meant.
    pub column: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl fmt::Display for HintProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table '{}'", self.table)?;
        if let Some(column) = &self.column {
            write!(f, ", column '{column}'")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        Ok(())
    }
}

/// Every mistake found in the hints; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", lines(.0))]
pub struct PlanError(pub Vec<HintProblem>);

fn lines(problems: &[HintProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Collects what is wrong while hints are read, so that a person sees all of it at once.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<HintProblem>);

impl Report {
    pub(crate) fn add(&mut self, table: &str, column: Option<&str>, message: String, help: Option<String>) {
        self.0.push(HintProblem { table: table.to_owned(), column: column.map(str::to_owned), message, help });
    }

    pub(crate) fn finish(self) -> Result<(), PlanError> {
        if self.0.is_empty() { Ok(()) } else { Err(PlanError(self.0)) }
    }
}

/// `did you mean …?` where a known word is near, else the known words.
pub(crate) fn known_words(word: &str, known: &[&str]) -> String {
    let lower = word.to_lowercase();
    let near = known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), *candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= candidate.len().max(word.len()) / 3 + 1);
    match near {
        Some((_, near)) => format!("did you mean '{near}'? known here: {}", known.join(", ")),
        None => format!("known here: {}", known.join(", ")),
    }
}
