//! Checks JSON against RFC 8259 and says where its values stand, so that their bytes can be spliced.
//!
//! It never builds a tree, never copies a value and never judges a number by what a machine word
//! holds. Start with [`object`] for one object at hand and [`Scanner`] for text that may go on.

mod object;
mod scan;
mod span;
mod unescape;
mod whole;

pub use object::{Text, Value, object};
pub use scan::Scanner;
pub use span::{Kind, Span, Stop};
pub use unescape::{BadEscape, equals, unescape};
pub use whole::{balanced_end, validate};

/// How deep objects and arrays may nest.
pub const MAX_DEPTH: usize = 128;
