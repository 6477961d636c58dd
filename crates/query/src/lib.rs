//! The layers of a lake as SQL tables.
