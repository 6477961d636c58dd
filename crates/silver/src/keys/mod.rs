//! Primary keys: encoded so that they can be hashed, compared and looked for in statistics.

mod codec;
mod span;
mod table;

pub(crate) use codec::{Key, KeyCodec, Keys};
pub(crate) use span::{KeySpan, Probe};
pub(crate) use table::KeyTable;

#[cfg(test)]
mod tests;
