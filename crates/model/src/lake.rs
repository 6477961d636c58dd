//! `lake.yaml`: the lake's name and the limits under which its files are ingested, merged and built.

use serde::Serialize;

use crate::problem::Problems;
use crate::raw::Engine;
use crate::reader::{Fields, Reader};
use crate::yaml;

/// The settings of one lake.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lake {
    /// Its name; stands for the bucket on a laptop.
    pub name: String,
    /// What it is for, for people.
    pub description: Option<String>,
    /// Which engine takes a file of how many rows.
    pub engines: EngineLimits,
    /// How files are read and Parquet is written.
    pub ingest: IngestSettings,
    /// How bronze is merged into silver.
    pub silver: SilverLimits,
    /// How models are built and queries are run.
    pub gold: GoldLimits,
}

/// Which engine takes a file, by its estimated rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct EngineLimits {
    /// Up to so many rows a Lambda function takes it.
    pub lambda_max_rows: u64,
    /// Up to so many rows a Fargate task takes it; above, Spark does.
    pub fargate_max_rows: u64,
}

impl EngineLimits {
    /// The engine for a file of `rows` rows.
    #[must_use]
    pub fn choose(&self, rows: u64) -> Engine {
        if rows <= self.lambda_max_rows {
            Engine::Lambda
        } else if rows <= self.fargate_max_rows {
            Engine::Fargate
        } else {
            Engine::Spark
        }
    }
}

/// How files are read and Parquet is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct IngestSettings {
    /// What a conversion may hold at once, in MiB, whatever the file's size.
    pub memory_mb: u64,
    /// The longest record that is read, in bytes; a longer one is quarantined.
    pub max_record_bytes: u64,
    /// A file that grows beyond this by decompression fails, in bytes.
    pub max_decompressed_bytes: u64,
    /// A file that grows more than so many times by decompression fails.
    pub max_compression_ratio: u64,
    /// How the pages of the Parquet file are packed.
    pub compression: ParquetCompression,
    /// How long a worker may take before another takes over, in seconds. Workers renew it as they go.
    pub lease_seconds: u64,
    /// After so many failed attempts a record is `DEAD`.
    pub max_attempts: u32,
}

/// How bronze is merged into silver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SilverLimits {
    /// About how much the changes that are merged at one time may hold, in MiB; a larger merge goes by ranges of keys.
    pub memory_mb: u64,
    /// How many files are read or written at one time; `None`: as many as there are processors, 2 to 8.
    pub workers: Option<u64>,
}

/// How models are built and queries are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct GoldLimits {
    /// About how much a query's sorts, joins and groups may hold, in MiB; beyond it they go to disk, or the query fails.
    pub memory_mb: u64,
    /// How many parts of a query run at one time; `None`: as many as there are processors.
    pub workers: Option<u64>,
}

/// How the pages of a Parquet file are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ParquetCompression {
    /// Zstandard, level 1: small and fast to read.
    Zstd,
    /// Snappy: larger, faster to write.
    Snappy,
}

impl Default for EngineLimits {
    fn default() -> Self {
        EngineLimits { lambda_max_rows: 100_000, fargate_max_rows: 200_000_000 }
    }
}

impl Default for IngestSettings {
    fn default() -> Self {
        IngestSettings {
            memory_mb: 64,
            max_record_bytes: 1 << 20,
            max_decompressed_bytes: 64 << 30,
            max_compression_ratio: 400,
            compression: ParquetCompression::Zstd,
            lease_seconds: 300,
            max_attempts: 3,
        }
    }
}

impl Default for SilverLimits {
    fn default() -> Self {
        SilverLimits { memory_mb: 256, workers: None }
    }
}

impl Default for GoldLimits {
    fn default() -> Self {
        GoldLimits { memory_mb: 1024, workers: None }
    }
}

impl SilverLimits {
    /// The least memory with which a merge works, in MiB.
    pub const MIN_MEMORY_MB: u64 = 16;
}

impl GoldLimits {
    /// The least memory with which a query works, in MiB.
    pub const MIN_MEMORY_MB: u64 = 64;
}

impl IngestSettings {
    /// The least memory with which a conversion works, in MiB.
    pub const MIN_MEMORY_MB: u64 = 16;
}

impl Lake {
    /// Reads a `lake.yaml`; `file` is named in what is wrong.
    ///
    /// # Errors
    /// Every mistake in the document, each with its line.
    pub fn parse(file: &str, text: &str) -> Result<Lake, Problems> {
        let root = yaml::parse(file, text)?;
        let mut reader = Reader::new(file);
        let fields = reader.map(&root, "", &["name", "description", "engines", "ingest", "silver", "gold"]);
        let name = fields.need(&mut reader, "name").and_then(|node| {
            let name = reader.text(node, "name")?;
            let fits = !name.is_empty()
                && name.len() <= 63
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            if !fits {
                reader.problem(node, "name", format!("'{name}' is no lake name; use a-z, 0-9 and '-', at most 63"));
            }
            Some(name)
        });
        let description = fields.text(&mut reader, "description");
        let engines = engines(&mut reader, &fields);
        let ingest = ingest(&mut reader, &fields);
        let silver = silver(&mut reader, &fields);
        let gold = gold(&mut reader, &fields);
        let lake = name.map(|name| Lake { name, description, engines, ingest, silver, gold });
        reader.finish(lake)
    }
}

fn engines(reader: &mut Reader<'_>, root: &Fields<'_>) -> EngineLimits {
    let mut limits = EngineLimits::default();
    let Some(node) = root.get("engines") else { return limits };
    let fields = reader.map(node, "engines", &["lambdaMaxRows", "fargateMaxRows"]);
    if let Some(rows) = fields.whole(reader, "lambdaMaxRows", 0, u64::MAX) {
        limits.lambda_max_rows = rows;
    }
    if let Some(rows) = fields.whole(reader, "fargateMaxRows", 0, u64::MAX) {
        limits.fargate_max_rows = rows;
    }
    if limits.fargate_max_rows < limits.lambda_max_rows {
        reader.problem(
            node,
            "engines",
            format!("fargateMaxRows ({}) is below lambdaMaxRows ({})", limits.fargate_max_rows, limits.lambda_max_rows),
        );
    }
    limits
}

fn ingest(reader: &mut Reader<'_>, root: &Fields<'_>) -> IngestSettings {
    let mut settings = IngestSettings::default();
    let Some(node) = root.get("ingest") else { return settings };
    let known = [
        "memoryMb",
        "maxRecordBytes",
        "maxDecompressedBytes",
        "maxCompressionRatio",
        "compression",
        "leaseSeconds",
        "maxAttempts",
    ];
    let fields = reader.map(node, "ingest", &known);
    if let Some(value) = fields.whole(reader, "memoryMb", IngestSettings::MIN_MEMORY_MB, 1 << 20) {
        settings.memory_mb = value;
    }
    if let Some(value) = fields.whole(reader, "maxRecordBytes", 1 << 10, 1 << 30) {
        settings.max_record_bytes = value;
    }
    if let Some(value) = fields.whole(reader, "maxDecompressedBytes", 1, u64::MAX) {
        settings.max_decompressed_bytes = value;
    }
    if let Some(value) = fields.whole(reader, "maxCompressionRatio", 1, u64::MAX) {
        settings.max_compression_ratio = value;
    }
    let codecs = &[("zstd", ParquetCompression::Zstd), ("snappy", ParquetCompression::Snappy)];
    if let Some(value) = fields.choice(reader, "compression", codecs) {
        settings.compression = value;
    }
    if let Some(value) = fields.whole(reader, "leaseSeconds", 1, 86_400) {
        settings.lease_seconds = value;
    }
    if let Some(value) = fields.whole(reader, "maxAttempts", 1, 100) {
        settings.max_attempts = value as u32;
    }
    // A record is held whole while it is read, twice while a buffer grows around it.
    let longest = settings.memory_mb * (1 << 20) / 8;
    if settings.max_record_bytes > longest {
        reader.problem(
            node,
            "ingest",
            format!("maxRecordBytes may be at most an eighth of memoryMb, here {longest} bytes"),
        );
    }
    settings
}

fn silver(reader: &mut Reader<'_>, root: &Fields<'_>) -> SilverLimits {
    let mut limits = SilverLimits::default();
    let Some(node) = root.get("silver") else { return limits };
    let fields = reader.map(node, "silver", &["memoryMb", "workers"]);
    if let Some(value) = fields.whole(reader, "memoryMb", SilverLimits::MIN_MEMORY_MB, 1 << 20) {
        limits.memory_mb = value;
    }
    limits.workers = fields.whole(reader, "workers", 1, 64);
    limits
}

fn gold(reader: &mut Reader<'_>, root: &Fields<'_>) -> GoldLimits {
    let mut limits = GoldLimits::default();
    let Some(node) = root.get("gold") else { return limits };
    let fields = reader.map(node, "gold", &["memoryMb", "workers"]);
    if let Some(value) = fields.whole(reader, "memoryMb", GoldLimits::MIN_MEMORY_MB, 1 << 20) {
        limits.memory_mb = value;
    }
    limits.workers = fields.whole(reader, "workers", 1, 64);
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lake_needs_only_a_name() {
        let lake = Lake::parse("lake.yaml", "name: beer\n").unwrap();
        assert_eq!(lake.engines, EngineLimits::default());
        assert_eq!(lake.engines.choose(100_000), Engine::Lambda);
        assert_eq!(lake.engines.choose(100_001), Engine::Fargate);
    }

    #[test]
    fn both_engine_limits_are_settings() {
        let lake = Lake::parse("l", "name: x\nengines: {lambdaMaxRows: 5, fargateMaxRows: 7}\n").unwrap();
        assert_eq!(
            [5, 6, 7, 8].map(|rows| lake.engines.choose(rows)),
            [Engine::Lambda, Engine::Fargate, Engine::Fargate, Engine::Spark]
        );
    }

    #[test]
    fn a_merge_has_limits_of_its_own() {
        let lake = Lake::parse("l", "name: x\nsilver: {memoryMb: 512, workers: 3}\n").unwrap();
        assert_eq!(lake.silver, SilverLimits { memory_mb: 512, workers: Some(3) });
        assert_eq!(Lake::parse("l", "name: x\n").unwrap().silver, SilverLimits { memory_mb: 256, workers: None });
        let problems = Lake::parse("l", "name: x\nsilver:\n  memory: 512\n  workers: 0\n").unwrap_err();
        assert!(problems.0[0].to_string().contains("did you mean 'memoryMb'?"), "{problems}");
        assert!(problems.0[1].to_string().contains("from 1 to 64"), "{problems}");
    }

    #[test]
    fn models_and_queries_have_limits_of_their_own() {
        let lake = Lake::parse("l", "name: x\ngold: {memoryMb: 2048, workers: 4}\n").unwrap();
        assert_eq!(lake.gold, GoldLimits { memory_mb: 2048, workers: Some(4) });
        assert_eq!(Lake::parse("l", "name: x\n").unwrap().gold, GoldLimits { memory_mb: 1024, workers: None });
        let problems = Lake::parse("l", "name: x\ngold: {memoryMb: 8}\n").unwrap_err();
        assert!(problems.0[0].to_string().contains("from 64 to"), "{problems}");
    }

    #[test]
    fn mistakes_name_line_and_nearest_key() {
        let problems = Lake::parse("lake.yaml", "name: beer\ningest:\n  memoryMB: 64\n  maxAttempts: 0\n").unwrap_err();
        assert_eq!(problems.0.len(), 2);
        assert_eq!(problems.0[0].line, 3);
        assert!(problems.0[0].to_string().contains("did you mean 'memoryMb'?"), "{problems}");
        assert!(problems.0[1].to_string().contains("from 1 to 100"), "{problems}");
    }
}
