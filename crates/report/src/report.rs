//! What a report says, before it is a page.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use weir_model::Timestamp;
use weir_model::control::Status;

/// What is known of a lake at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The lake's name.
    pub lake: String,
    /// What the lake is for.
    pub description: Option<String>,
    /// When all of this was so. Ages are counted from then.
    pub made_at: Timestamp,
    /// The version of Weir that made it.
    pub version: String,
    /// What a person adds to a command to reach the lake, with a space before it; empty where nothing is needed.
    pub lake_option: String,
    /// The tables of bronze, silver and gold.
    pub tables: Vec<TableState>,
    /// The raw files.
    pub files: Files,
    /// The newest commits to Iceberg tables, the newest first.
    pub commits: Vec<Commit>,
    /// Rows that could not be read.
    pub quarantine: Quarantine,
    /// What waits for a command.
    pub waiting: Vec<Waiting>,
    /// The models, those of gold first.
    pub models: Vec<ModelPage>,
    /// What could not be read for the report.
    pub problems: Vec<Problem>,
}

/// A layer of the lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// Typed rows of every file that came.
    Bronze,
    /// What the change records come to.
    Silver,
    /// What models make of it.
    Gold,
}

impl Layer {
    /// All of them, in the order in which data goes.
    pub const ALL: [Layer; 3] = [Layer::Bronze, Layer::Silver, Layer::Gold];

    /// Its name, as in SQL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Layer::Bronze => "bronze",
            Layer::Silver => "silver",
            Layer::Gold => "gold",
        }
    }
}

/// One table. A number is `None` where whoever wrote the table did not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableState {
    /// Where it is.
    pub layer: Layer,
    /// Its name without the layer.
    pub name: String,
    /// Rows that a reader sees.
    pub rows: Option<u64>,
    /// Bytes of its data files.
    pub bytes: Option<u64>,
    /// Its data files.
    pub files: Option<u64>,
    /// Snapshots that a reader can go back to; `None` in bronze, which has none.
    pub snapshots: Option<u64>,
    /// When its rows last changed.
    pub changed_at: Option<Timestamp>,
}

/// The raw files by their control records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Files {
    /// How many stand where, by table.
    pub counts: Vec<FileCount>,
    /// The newest ones, the newest first.
    pub recent: Vec<RecentFile>,
    /// Those that failed and are still there, the newest first.
    pub troubles: Vec<Trouble>,
    /// Failed ones that are not listed.
    pub more_troubles: u64,
}

/// Files of one table in one status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileCount {
    /// The table; empty for files whose key names none.
    pub table: String,
    /// Where they stand.
    pub status: Status,
    /// How many files.
    pub files: u64,
    /// Bytes of the raw files.
    pub bytes: u64,
    /// Rows in them.
    pub rows_in: u64,
    /// Of these, rows in bronze.
    pub rows_written: u64,
    /// Of these, rows in quarantine.
    pub rows_quarantined: u64,
}

/// One raw file that was worked on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecentFile {
    /// Its control record.
    pub id: String,
    /// Its key.
    pub key: String,
    /// Its table; empty where the key names none.
    pub table: String,
    /// Where it stands.
    pub status: Status,
    /// When it was last heard of.
    pub at: Timestamp,
    /// How long the last attempt took, in milliseconds.
    pub took_ms: Option<u64>,
    /// Rows in bronze.
    pub rows_written: Option<u64>,
    /// Rows in quarantine.
    pub rows_quarantined: Option<u64>,
}

/// A raw file that could not be ingested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// Its control record.
    pub id: String,
    /// Its key.
    pub key: String,
    /// Where it stands.
    pub status: Status,
    /// When it failed.
    pub at: Timestamp,
    /// The stable name of the failure.
    pub code: String,
    /// What happened and what to do.
    pub message: String,
    /// What to type, once that is done.
    pub command: String,
}

/// One snapshot of an Iceberg table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Commit {
    /// Where the table is.
    pub layer: Layer,
    /// The table.
    pub table: String,
    /// The snapshot's id.
    pub snapshot: i64,
    /// When it was committed.
    pub at: Timestamp,
    /// What it did, as Iceberg names it.
    pub operation: String,
    /// Rows in the data files that it added.
    pub rows_written: Option<u64>,
    /// Rows in the table after it.
    pub rows: Option<u64>,
}

/// Rows that could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Quarantine {
    /// All of them, by the control records.
    pub rows: u64,
    /// Of these, the rows of files that are still there.
    pub rows_standing: u64,
    /// Why, the most frequent first.
    pub causes: Vec<Cause>,
    /// Rows whose cause was not looked up, since there are so many.
    pub rows_not_read: u64,
}

/// Rows of one table that could not be read for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// The table.
    pub table: String,
    /// The stable name of the reason.
    pub reason: String,
    /// The column at fault, where it is one.
    pub column: Option<String>,
    /// How many rows.
    pub rows: u64,
    /// The reason in words; holds no value of a row.
    pub message: String,
}

/// Something that a command would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// What waits, such as `3 files of review for a merge into silver`.
    pub what: String,
    /// What to type.
    pub command: String,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelPage {
    /// Where its table is.
    pub layer: Layer,
    /// Its name without the layer.
    pub name: String,
    /// What it says of itself.
    pub description: Option<String>,
    /// Whether its table is there. What follows is only known of one that is.
    pub built: bool,
    /// Rows of its table.
    pub rows: Option<u64>,
    /// When its rows last changed.
    pub changed_at: Option<Timestamp>,
    /// Its charts.
    pub charts: Vec<Chart>,
    /// Some of its rows.
    pub sample: Option<TableData>,
}

/// A chart of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// How.
    pub kind: ChartKind,
    /// Labels in the first column, numbers in the others; or why there is none.
    #[serde(flatten, serialize_with = "data_or_failure")]
    pub data: Result<TableData, String>,
}

/// `{"data": …}` or `{"failure": …}`.
fn data_or_failure<S: Serializer>(data: &Result<TableData, String>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    match data {
        Ok(data) => map.serialize_entry("data", data)?,
        Err(failure) => map.serialize_entry("failure", failure)?,
    }
    map.end()
}

/// How a chart shows numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChartKind {
    /// One bar a row.
    Bar,
    /// Points in the order of the rows, joined by a line.
    Line,
}

/// The rows of a query as text, exactly as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TableData {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Whether a column holds numbers.
    pub numeric: Vec<bool>,
    /// The rows; `None` is null.
    pub rows: Vec<Vec<Option<String>>>,
    /// Whether there were more rows than these.
    pub more: bool,
}

/// What could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What it was, such as `silver.review`.
    pub what: String,
    /// Why not, and what to do.
    pub message: String,
}

impl Report {
    /// Whether everything that belongs into the report is in it.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let mut charts = self.models.iter().flat_map(|model| &model.charts);
        self.problems.is_empty() && charts.all(|chart| chart.data.is_ok())
    }

    /// Rows of a layer, where a table says how many.
    #[must_use]
    pub fn rows_of(&self, layer: Layer) -> u64 {
        self.of(layer).filter_map(|table| table.rows).sum()
    }

    pub(crate) fn of(&self, layer: Layer) -> impl Iterator<Item = &TableState> {
        self.tables.iter().filter(move |table| table.layer == layer)
    }
}
