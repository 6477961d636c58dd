//! What can be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::arguments_models::{Build, SqlModel, Test};
use crate::arguments_query::Query;
use crate::arguments_report::Report;

/// Files in, exact Parquet out: an ingestion suite for lakes, here on one machine.
#[derive(Debug, Parser)]
#[command(
    name = "weir",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  weir init mylake --example beer
  weir generate --lake mylake --rows 100000 --seed 1
  weir run --lake mylake
  weir status --lake mylake
  weir snapshots review --lake mylake
  weir convert review.csv.gz review.parquet --infer

Exit codes: 0 all well; 1 it could not be done, a merge included; 2 wrong arguments; 3 done, but a
file was rejected, a row quarantined or an ingest failed: `weir status` tells which."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a lake from an example
    #[command(after_help = "Example:\n  weir init mylake --example beer")]
    Init(Init),
    /// Check the settings, contracts and models of a lake
    #[command(after_help = "Example:\n  weir check --lake mylake")]
    Check(Check),
    /// Write made-up raw files for the tables of a lake
    #[command(after_help = "\
The same lake, rows and seed always give the same files.

Examples:
  weir generate --lake mylake --rows 1586614 --seed 1
  weir generate --lake mylake --rows 1000 --seed 1 --table review --format json
  weir generate --lake mylake --rows 100000 --seed 1 --changes 20000")]
    Generate(Generate),
    /// Register what lies in raw/, ingest whatever is pending, merge it into silver, build the models
    #[command(after_help = "\
Run it as often as you like: what is done is not done again.

Example:
  weir run --lake mylake")]
    Run(Run),
    /// Carry a change stream (DMS, Debezium, flat JSON) into raw/, as Kinesis and Firehose do
    #[command(after_help = "\
Reads envelopes, one a line, or recorded Kinesis and Firehose batches.

Examples:
  weir stream --lake mylake mylake/streams/changes.jsonl
  tail -f envelopes.jsonl | weir stream --lake mylake --buffer-seconds 10 -
  weir run --lake mylake")]
    Stream(Stream),
    /// Show how many files stand where
    #[command(after_help = "\
Examples:
  weir status --lake mylake
  weir status --lake mylake --status FAILED --table review")]
    Status(Status),
    /// Show the control record of one file
    #[command(after_help = "\
A few first digits of the id are enough.

Example:
  weir show 3f9c --lake mylake")]
    Show(Show),
    /// Let failed, dead or rejected files be ingested again
    #[command(after_help = "\
Examples:
  weir retry 3f9c --lake mylake
  weir retry --all --table review --lake mylake
  weir run --lake mylake")]
    Retry(Retry),
    /// Merge bronze into silver tables
    #[command(after_help = "\
`weir run` does this by itself. Merging is idempotent: what is in silver already changes nothing.

Examples:
  weir merge review --lake mylake --dry-run
  weir merge --all --lake mylake
  weir merge review --again --lake mylake")]
    Merge(Merge),
    /// Show the snapshots of a silver table, the newest first
    #[command(after_help = "Example:\n  weir snapshots review --lake mylake --limit 5")]
    Snapshots(Snapshots),
    /// Tidy silver tables: join small files, expire old snapshots, remove files that nothing needs
    #[command(after_help = "\
Readers of a snapshot that is expired fail; keep them for as long as the longest query.

Examples:
  weir maintain review --lake mylake --dry-run
  weir maintain --all --lake mylake --expire-older-than 2d --keep 3")]
    Maintain(Maintain),
    /// Build models: for the partitions that changes of what they read can touch
    #[command(after_help = "\
`weir run` does this by itself. A model is built in full when it is new, when its SQL has changed,
or when it cannot be told which partitions a change touches; `weir plan` says what and why.

Examples:
  weir build --lake mylake
  weir build top_beers_by_rating --lake mylake
  weir build review_flat+ --full --lake mylake")]
    Build(Build),
    /// Show what a build of the models would do, and why
    #[command(after_help = "Example:\n  weir plan --lake mylake")]
    Plan(Build),
    /// Test models: with the rows of their fixtures, or with --data the rules of their headers
    #[command(after_help = "\
Fixtures stand beside a model as NAME.test.yaml and need no data. It ends with 1 where a test fails.

Examples:
  weir test --lake mylake
  weir test top_beers_by_rating --lake mylake
  weir test --data --lake mylake")]
    Test(Test),
    /// Ask the lake's tables with SQL
    #[command(after_help = "\
Tables are bronze.<table>, silver.<table>, gold.<table> and control.records; SHOW TABLES lists them.
Queries read and never write.

Examples:
  weir query 'SELECT count(*) FROM silver.review' --lake mylake
  weir query 'SELECT * FROM silver.review TIMESTAMP AS OF ''2026-01-31'' LIMIT 5' --lake mylake
  weir query --file top.sql --at 8744736658442914487 --out top.parquet --lake mylake
  echo 'SHOW TABLES' | weir query - --format jsonl --lake mylake")]
    Query(Query),
    /// Write one HTML file about the lake: layers, files, failures, and the models' charts
    #[command(after_help = "\
The file needs nothing else: it can be mailed, printed, or put on any web server. It ends with 3
where a table could not be read or a chart not be drawn.

Examples:
  weir report --lake mylake
  weir report --lake mylake --out /srv/www/lake.html")]
    Report(Report),
    /// Print SQL that does Weir's work in another engine
    Sql(Sql),
    /// Convert one CSV or JSON file (plain, gzip, zstd) to Parquet, without a lake
    #[command(after_help = "\
Examples:
  weir convert review.csv.gz review.parquet --infer
  weir convert review.csv.gz review.parquet --contract contracts/review.odcs.yaml
  weir convert people.jsonl people.parquet --infer --output json")]
    Convert(Convert),
}

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    Text,
    /// For scripts: one JSON object on standard output
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct OutputArgument {
    /// How the answer is printed
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct LakeArgument {
    /// The lake's folder
    #[arg(long, value_name = "DIR", env = "WEIR_LAKE", default_value = ".")]
    pub(crate) lake: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The folder to make; empty or absent
    pub(crate) dir: PathBuf,
    /// Which example: beer or people
    #[arg(long)]
    pub(crate) example: String,
    #[command(flatten)]
    pub(crate) output: OutputArgument,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) lake: LakeArgument,
    #[command(flatten)]
    pub(crate) output: OutputArgument,
}

#[derive(Debug, Args)]
pub(crate) struct Generate {
    #[command(flatten)]
    pub(crate) lake: LakeArgument,
    /// Rows of the lake's main table; the others follow in proportion
    #[arg(long, value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    pub(crate) rows: u64,
    /// What the made-up values depend on
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Only this table; may be given again
    #[arg(long, value_name = "TABLE")]
    pub(crate) table: Vec<String>,
    /// How rows are written [default: as each contract says, else csv]
    #[arg(long, value_enum)]
    pub(crate) format: Option<FileFormat>,
    /// How files are packed
    #[arg(long, value_enum, default_value = "gzip")]
    pub(crate) compression: Packing,
    /// Rows of one file
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) rows_per_file: u64,
    /// Also write so many changes of the rows, as AWS DMS sends them, to DIR/streams/changes.jsonl
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub(crate) changes: Option<u64>,
    /// Write the changes alone; the rows that they change are taken as made before
    #[arg(long, requires = "changes")]
    pub(crate) changes_only: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgument,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FileFormat {
    /// Comma-separated values
    Csv,
    /// JSON, one object a line
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Packing {
    /// gzip
    Gzip,
    /// Zstandard
    Zstd,
    /// Not packed
    None,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) lake: LakeArgument,
    /// Files at a time [default: one for each processor, at most 4]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) workers: Option<u16>,
    /// Stop at bronze; `weir merge` goes on from there
    #[arg(long)]
    pub(crate) bronze_only: bool,
    /// Stop before the models; `weir build` goes on from there
    #[arg(long, conflicts_with = "bronze_only")]
    pub(crate) no_build: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgument,
}

#[derive(Debug, Args)]
pub(crate) struct Stream {
    /// The file to read; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) input: PathBuf,
    #[command(flatten)]
    pub(crate) lake: LakeArgument,
    /// The table of records that do not say theirs (flat JSON)
    #[arg(long)]
    pub(crate) table: Option<String>,
    /// Write an object once a table has so many MiB of lines
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) buffer_mb: u16,
    /// Write an object after so many seconds all the same
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u16).range(1..=900))]
    pub(crate) buffer_seconds: u16,
    #[command(flatten)]
    pub(crate) output: OutputArgument,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) lake: LakeArgument,
    /// List the files that stand here: PENDING, RUNNING, SUCCEEDED, FAILED, DEAD or REJECTED
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// List the files of this table
    #[arg(long)]
    pub(crate) table: Option<String>,
    /// List at most so many files, the newest first
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
    #[command(flatten)]
    pub(crate) output: OutputArgument,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The control record's id, or its first digits
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) lake: LakeArgument,
    #[command(flatten)]
    pub(crate) output: OutputArgument,
}

#[derive(Debug, Args)]
pub(crate) struct Retry {
    /// The control record's id, or its first digits
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) id: Option<String>,
    /// All that are FAILED, DEAD or REJECTED
    #[arg(long)]
    pub(crate) all: bool,
    /// With --all: only files of this table
    #[arg(long, requires = "all")]
    pub(crate) table: Option<String>,
    #[command(flatten)]
    pub(crate) lake: LakeArgument,
    #[command(flatten)]
    pub(crate) output: OutputArgument,
}

/// Which silver tables.
#[derive(Debug, Args)]
pub(crate) struct TablesArgument {
    /// The table
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) table: Option<String>,
    /// Every table that has a place in silver
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Merge {
    #[command(flatten)]
    pub(crate) tables: TablesArgument,
    #[command(flatten)]
    pub(crate) lake: LakeArgument,
    /// Tell what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Also merge the files that are marked as merged: for a table or catalog that was set back
    #[arg(long)]
    pub(crate) again: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgument,
}

#[derive(Debug, Args)]
pub(crate) struct Snapshots {
    /// The table
    pub(crate) table: String,
    #[command(flatten)]
    pub(crate) lake: LakeArgument,
    /// Show at most so many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) limit: u16,
    #[command(flatten)]
    pub(crate) output: OutputArgument,
}

#[derive(Debug, Args)]
pub(crate) struct Maintain {
    #[command(flatten)]
    pub(crate) tables: TablesArgument,
    #[command(flatten)]
    pub(crate) lake: LakeArgument,
    /// Tell what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Expire snapshots older than this: a number with d, h, m or s
    #[arg(long, value_name = "AGE", default_value = "7d", value_parser = age)]
    pub(crate) expire_older_than: Duration,
    /// Keep so many of the newest snapshots, however old
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) keep: u16,
    /// Remove files that no snapshot needs once they are older than this; at least 1h, since a merge
    /// under way writes such files
    #[arg(long, value_name = "AGE", default_value = "3d", value_parser = orphan_age)]
    pub(crate) orphans_older_than: Duration,
    #[command(flatten)]
    pub(crate) output: OutputArgument,
}

#[derive(Debug, Args)]
pub(crate) struct Sql {
    #[command(subcommand)]
    pub(crate) what: SqlCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SqlCommand {
    /// The merge of a table's bronze into its silver table
    #[command(after_help = "\
The script folds exactly as `weir merge` does, so both may write one table by turns. The namespace
`silver` has to be there.

Examples:
  weir sql merge review --lake mylake
  weir sql merge review --lake mylake --catalog glue --bronze s3://lake/bronze/review/v1")]
    Merge(SqlMerge),
    /// The query of a model, with its variables' values in place
    #[command(after_help = "Example:\n  weir sql model top_beers_by_rating --lake mylake")]
    Model(SqlModel),
}

#[derive(Debug, Args)]
pub(crate) struct SqlMerge {
    /// The table
    pub(crate) table: String,
    #[command(flatten)]
    pub(crate) lake: LakeArgument,
    /// Who runs the statements
    #[arg(long, value_enum, default_value = "spark")]
    pub(crate) engine: SqlEngine,
    /// The engine's name for the Iceberg catalog
    #[arg(long, value_name = "NAME", default_value = weir_local::CATALOG_NAME)]
    pub(crate) catalog: String,
    /// The silver table that is merged into [default: of the same name]
    #[arg(long, value_name = "NAME")]
    pub(crate) into: Option<String>,
    /// The folder of bronze, as the engine opens it [default: the lake's]
    #[arg(long, value_name = "URI")]
    pub(crate) bronze: Option<String>,
    #[command(flatten)]
    pub(crate) output: OutputArgument,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SqlEngine {
    /// Apache Spark with an Iceberg catalog
    Spark,
}

/// `7d`, `12h`, `30m` or `45s`.
fn age(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is no age; write a number with d, h, m or s, such as 7d");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds: u64 = match unit {
        'd' => 86_400,
        'h' => 3600,
        'm' => 60,
        's' => 1,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| wrong())?;
    number.checked_mul(seconds).filter(|seconds| *seconds <= 36_500 * 86_400).map(Duration::from_secs).ok_or_else(wrong)
}

/// An age at which a file belongs to no commit under way.
fn orphan_age(text: &str) -> Result<Duration, String> {
    match age(text)? {
        young if young < weir_pipeline::maintain::LEAST_ORPHAN_AGE => {
            Err("files younger than an hour may belong to a merge under way; give 1h or more".to_owned())
        }
        age => Ok(age),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Convert {
    /// The file to read
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// The Parquet file to write; replaced only when the new one is whole
    #[arg(value_name = "OUT")]
    pub(crate) out: PathBuf,
    /// The contract that names and types the columns
    #[arg(long, value_name = "FILE", conflicts_with = "infer")]
    pub(crate) contract: Option<PathBuf>,
    /// Take names and types from the data, as without --contract
    #[arg(long)]
    pub(crate) infer: bool,
    /// Write rows that cannot be read here [default: OUT with .quarantine.jsonl]
    #[arg(long, value_name = "FILE")]
    pub(crate) quarantine: Option<PathBuf>,
    /// The file of the key that columns are hashed with (`weir run` keeps it in LAKE/.weir/pii.key)
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// What the conversion may hold in memory, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(16..=1_048_576))]
    pub(crate) memory: u64,
    /// How Parquet pages are packed
    #[arg(long, value_enum, default_value = "zstd")]
    pub(crate) compression: Codec,
    #[command(flatten)]
    pub(crate) output: OutputArgument,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Codec {
    /// Zstandard
    Zstd,
    /// Snappy
    Snappy,
}

pub(crate) fn parse() -> Arguments {
    Arguments::parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_number_with_its_unit() {
        for (text, seconds) in [("7d", 604_800), ("12h", 43_200), ("30m", 1800), ("45s", 45), ("0d", 0)] {
            assert_eq!(age(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "7", "d", "7w", "-1d", "1.5h", "7 d", "99999999999999999999d", "18446744073709551615d", "7é"]
        {
            assert!(age(text).unwrap_err().contains("such as 7d"), "{text}");
        }
    }
}
