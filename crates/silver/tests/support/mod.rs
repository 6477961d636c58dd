//! A lake in memory, change records to put into it, and a plain model of what silver has to be.

pub mod changes;
pub mod foreign;
pub mod lake;
pub mod load;
pub mod model;
pub mod partitions;
pub mod stores;
pub mod wide;
