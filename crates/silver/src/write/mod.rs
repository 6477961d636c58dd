//! New rows as files of the table, which no snapshot names yet.

mod data;
mod gather;

pub(crate) use data::{file_properties, write_rows};
