//! Compressed CSV and JSON to typed Parquet, streaming, in bounded memory.
//!
//! Never holds a file, never guesses a value, never opens anything: it reads from a [`std::io::Read`]
//! and writes to [`std::io::Write`]s. Start with [`convert`]; the stages it runs are in `stages`.
//!
//! ```text
//! decode ──blocks──▶ tokenise → parse columns ──batches──▶ encode Parquet
//!   thread             the calling thread                    thread
//! ```
//! Between the stages stand channels of a few buffers, so memory does not grow with the file.

mod bad_row;
mod columns;
mod csv;
mod decode;
mod error;
mod infer;
mod json;
mod names;
mod parquet_file;
mod progress;
mod quarantine;
mod reason;
mod records;
mod sample;
mod schema;
mod settings;
mod stages;
mod tokens;
mod value;
mod window;

pub use bad_row::{BadRow, QuarantinedRow};
pub use error::ConvertError;
pub use infer::infer;
pub use progress::Progress;
pub use quarantine::ReasonCount;
pub use sample::{Sample, sample};
pub use schema::{Layout, arrow_schema};
pub use settings::Settings;
pub use stages::{Report, Request, convert};
