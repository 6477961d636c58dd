//! SQL models: what they read, which of their partitions a change can touch, how they are built, tested and committed.
