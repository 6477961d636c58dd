//! What a raw object is: its format, its compression, and who should read it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How the rows of a raw object are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma-separated values, RFC 4180.
    Csv,
    /// JSON objects: one a line, one after another, or in one array.
    Json,
}

/// How the bytes of a raw object are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// As they are.
    None,
    /// gzip, RFC 1952, one or several members.
    Gzip,
    /// Zstandard, RFC 8878, one or several frames.
    Zstd,
}

impl Compression {
    /// By the first bytes of the object, whatever its name says.
    #[must_use]
    pub fn of(first_bytes: &[u8]) -> Self {
        match first_bytes {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
            // A skippable frame may come before the first Zstandard frame (RFC 8878, 3.1.2).
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
            _ => Compression::None,
        }
    }
}

/// What executes the ingest, the merge or the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// A Lambda function: 15 minutes at most.
    Lambda,
    /// A Fargate task with the same code.
    Fargate,
    /// Spark on EMR Serverless.
    Spark,
}

macro_rules! display_lowercase {
    ($($name:ident { $($variant:ident => $text:literal),+ })+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self { $($name::$variant => $text),+ })
            }
        }
    )+};
}

display_lowercase! {
    Format { Csv => "csv", Json => "json" }
    Compression { None => "none", Gzip => "gzip", Zstd => "zstd" }
    Engine { Lambda => "lambda", Fargate => "fargate", Spark => "spark" }
}
