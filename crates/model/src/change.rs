//! What happened to a row.

/// The operation of a change record, as bronze stores it in `_op`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A row that came to be in the source.
    Insert,
    /// A row that changed.
    Update,
    /// A row that the source removed.
    Delete,
    /// A row of a snapshot: it ranks below every captured change of its key.
    Load,
}

impl Operation {
    /// The letter that stands for this operation in bronze.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Operation::Insert => "I",
            Operation::Update => "U",
            Operation::Delete => "D",
            Operation::Load => "L",
        }
    }

    /// The operation that a letter stands for.
    #[must_use]
    pub fn from_letter(letter: &[u8]) -> Option<Self> {
        match letter {
            b"I" => Some(Operation::Insert),
            b"U" => Some(Operation::Update),
            b"D" => Some(Operation::Delete),
            b"L" => Some(Operation::Load),
            _ => None,
        }
    }
}

/// The columns that Weir adds to every bronze table, after the contract's own.
pub mod columns {
    /// The operation's letter.
    pub const OP: &str = "_op";
    /// The position that orders the changes of one key; text that compares as it ranks.
    pub const SEQ: &str = "_seq";
    /// When the change happened in the source, or the file's own time where rows carry none.
    pub const EVENT_TIME: &str = "_event_time";
    /// The control record of the file that the row came in.
    pub const CONTROL_ID: &str = "_control_id";
    /// The row's number in its file, from 0; rows that were quarantined keep their number.
    pub const ROW: &str = "_row";

    /// The columns of a change record whose values the source left out because they did not change:
    /// a JSON list of names, null where there are none. They take their values from the row before.
    pub const UNCHANGED: &str = "_unchanged";

    /// All of them, in the order in which bronze holds them.
    pub const ALL: [&str; 6] = [OP, SEQ, EVENT_TIME, CONTROL_ID, ROW, UNCHANGED];
}
