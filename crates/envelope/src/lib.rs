//! DMS, Debezium and flat JSON to change records: what happened to which row, and in what order.
//!
//! It never parses a row's values, never writes them anew and never guesses: what it does not know is
//! an error that names the field. Start with [`Reader::read`]; `docs/envelopes.md` has the rules.

mod change;
mod control;
mod debezium;
mod dms;
mod error;
mod fields;
mod flat;
mod reader;
mod tables;
mod tape;
mod time;
mod unavailable;

pub use change::{Change, Changes};
pub use control::{Control, ControlKind};
pub use error::EnvelopeError;
pub use reader::{MAX_RECORD_BYTES, Reader, Source, Understood};
pub use tables::{TableStream, Tables};
