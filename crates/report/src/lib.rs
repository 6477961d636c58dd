//! One static HTML file about a lake: what is in its layers, how fresh it is, what failed, and the models' charts.
//!
//! A [`Report`] is what is known of a lake; [`html`] is the file. Nothing here reads a file, asks a clock or opens a
//! table: `weir-local` gathers a report. Start with [`Report`], then `page.rs`.

mod escape;
mod format;
mod page;
mod report;
mod sections;
mod state;

pub use page::html;
pub use report::{
    Cause, Chart, ChartKind, Commit, FileCount, Files, Layer, ModelPage, Problem, Quarantine, RecentFile, Report,
    TableData, TableState, Trouble, Waiting,
};
pub use state::{Level, Point, State};
