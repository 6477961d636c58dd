//! Whether a lake is well: the one line that a person reads first.

use serde::Serialize;
use weir_model::control::Status;

use crate::format::{counted, plural};
use crate::report::Report;

/// How well a lake is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing came yet.
    Empty,
    /// Nothing is to be done.
    Well,
    /// Somebody should look: rows are quarantined, or work waits.
    Attention,
    /// Files failed, or something cannot be read.
    Failing,
}

/// One thing that is to be said of the lake's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Point {
    /// How grave it is.
    pub level: Level,
    /// What it is, in one line.
    pub text: String,
    /// The section of the page that says more.
    pub section: &'static str,
}

/// How well a lake is, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct State {
    /// The gravest of the points.
    pub level: Level,
    /// What is to be said, the gravest first.
    pub points: Vec<Point>,
}

impl Report {
    /// Judges the lake. Failures of files that were since replaced or removed do not count, as in `weir run`.
    #[must_use]
    pub fn state(&self) -> State {
        let mut points = Vec::new();
        let mut say = |level, section, text: String| points.push(Point { level, text, section });
        let failed = self.files.troubles.len() as u64 + self.files.more_troubles;
        if failed > 0 {
            say(Level::Failing, "troubles", format!("{} could not be ingested", counted(failed, "file")));
        }
        if !self.problems.is_empty() {
            let many = counted(self.problems.len() as u64, "thing");
            say(Level::Failing, "problems", format!("{many} could not be read for this report"));
        }
        let charts = self.models.iter().flat_map(|model| &model.charts).filter(|chart| chart.data.is_err()).count();
        if charts > 0 {
            say(Level::Failing, "models", format!("{} could not be drawn", counted(charts as u64, "chart")));
        }
        if self.quarantine.rows_standing > 0 {
            let rows = self.quarantine.rows_standing;
            let are = plural(rows, "is", "are");
            say(Level::Attention, "quarantine", format!("{} {are} in quarantine", counted(rows, "row")));
        }
        for waiting in &self.waiting {
            say(Level::Attention, "waiting", waiting.what.clone());
        }
        let empty = self.files.counts.is_empty() && self.tables.is_empty();
        let level = points.iter().map(|point| point.level).max();
        State { level: level.unwrap_or(if empty { Level::Empty } else { Level::Well }), points }
    }

    /// Files in a status, over all tables.
    pub(crate) fn files_in(&self, status: Status) -> u64 {
        self.files.counts.iter().filter(|count| count.status == status).map(|count| count.files).sum()
    }
}
