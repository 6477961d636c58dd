//! The use cases of Weir, one module each; what a function, a worker or a laptop does.
//!
//! Knows the ports and never what stands behind them; holds no state of its own between two calls.
//! Start with [`register`](mod@register): a raw object becomes a control record; then
//! [`ingest`](mod@ingest): a control record becomes bronze.

mod context;
pub mod event;
pub mod ingest;
mod objects;
pub mod register;
pub mod transform;

pub use context::{Context, Contracts};
pub use event::ObjectEvent;
pub use ingest::{IngestError, Ingested, ingest};
pub use register::{RegisterError, Registered, register};
