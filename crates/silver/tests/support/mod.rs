//! A lake in memory, change records to put into it, and a plain model of what silver has to be.

pub mod changes;
pub mod lake;
pub mod model;
pub mod wide;
