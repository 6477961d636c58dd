//! Which tables, how many rows of each, and which files they make.

use std::sync::Arc;

use weir_model::Contract;
use weir_model::keys::RAW;
use weir_model::raw::{Compression, Format};

use crate::generator::Tables;
use crate::options::Options;
use crate::problem::{PlanError, Report};
use crate::resolve::{self, Draft};
use crate::row::Rows;

/// The most rows of one table; above it the sums of the row numbers would no longer fit.
const MAX_ROWS: u64 = 100_000_000_000;

/// What will be made: one entry for each contract, in the order of the contracts.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The tables.
    pub tables: Vec<TablePlan>,
    pub(crate) seed: u64,
}

/// What will be made of one table.
#[derive(Debug, Clone)]
pub struct TablePlan {
    /// The table's contract.
    pub contract: Contract,
    /// How many rows it has.
    pub rows: u64,
    /// How its files are written.
    pub format: Format,
    /// How its files are packed.
    pub compression: Compression,
    pub(crate) gzip_level: u32,
    rows_per_file: u64,
    pub(crate) tables: Arc<Tables>,
    pub(crate) at: usize,
}

/// One file of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePlan {
    /// The key of the raw object, as `raw/review/review-00000.csv.gz`.
    pub key: String,
    /// Its first row, counted from 0 over all files of the table.
    pub first_row: u64,
    /// How many rows it has, at least 1.
    pub rows: u64,
}

impl Plan {
    /// Plans the tables of `contracts`, where `rows` rows are asked for. A contract's `weir.generate` says how many
    /// that makes of its table; without it, as many.
    ///
    /// # Errors
    /// Every hint that cannot be followed: an unknown word, table or column, or values that the column cannot hold.
    pub fn new(contracts: &[Contract], rows: u64, options: &Options) -> Result<Plan, PlanError> {
        let mut report = Report::default();
        let mut drafts: Vec<Draft<'_>> = Vec::with_capacity(contracts.len());
        for contract in contracts {
            if drafts.iter().any(|other| other.contract.table == contract.table) {
                report.add(&contract.table, None, "two contracts describe it".to_owned(), None);
                continue;
            }
            let said = contract.source.format;
            let format = options.format.or(said).unwrap_or(Format::Csv);
            if let Some(said) = said.filter(|said| *said != format) {
                let message = format!("files in {format} contradict 'weir.format: {said}' of its contract");
                report.add(&contract.table, None, message, Some("leave the format to the contract".to_owned()));
            }
            let draft = Draft::new(contract, format, rows.min(MAX_ROWS), &mut report);
            if rows > MAX_ROWS || draft.rows > MAX_ROWS {
                report.add(&contract.table, None, format!("more than {MAX_ROWS} rows"), None);
            }
            drafts.push(draft);
        }
        let tables = Arc::new(resolve::tables(&drafts, options.seed, &mut report));
        report.finish()?;
        let plans = drafts.iter().enumerate().map(|(at, draft)| TablePlan {
            contract: draft.contract.clone(),
            rows: draft.rows,
            format: draft.format,
            compression: options.compression,
            gzip_level: options.gzip_level.clamp(1, 9),
            rows_per_file: options.rows_per_file.max(1),
            tables: Arc::clone(&tables),
            at,
        });
        Ok(Plan { tables: plans.collect(), seed: options.seed })
    }
}

impl TablePlan {
    /// The files of this table, in the order of their rows.
    pub fn files(&self) -> impl Iterator<Item = FilePlan> + '_ {
        let table = &self.contract.table;
        let packed = match self.compression {
            Compression::None => "",
            Compression::Gzip => ".gz",
            Compression::Zstd => ".zst",
        };
        (0..self.rows.div_ceil(self.rows_per_file)).map(move |number| {
            let first_row = number * self.rows_per_file;
            FilePlan {
                key: format!("{RAW}/{table}/{table}-{number:05}.{}{packed}", self.format),
                first_row,
                rows: self.rows_per_file.min(self.rows - first_row),
            }
        })
    }

    /// A writer of single rows.
    #[must_use]
    pub fn rows(&self) -> Rows<'_> {
        Rows::new(&self.tables, self.at, &self.contract)
    }
}
