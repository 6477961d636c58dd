//! From the text of a query to a statement, and to the tables that it names.

mod place;
mod statement;
mod version;

pub(crate) use place::{Place, excerpt, no_such};
pub(crate) use statement::{Reference, parse};
pub(crate) use version::{Version, parse_time};
