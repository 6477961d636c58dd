//! What a value is and where it stands, or why there is none.

/// What a value is, told by how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string whose text is what stands between its quotes.
    String,
    /// A string with escapes.
    StringEscaped,
    /// A number of any size and spelling.
    Number,
    /// `true` or `false`.
    Boolean,
    /// `null`.
    Null,
    /// An object.
    Object,
    /// An array.
    Array,
}

impl Kind {
    /// Whether it is a string, escaped or not.
    #[must_use]
    pub fn is_string(self) -> bool {
        matches!(self, Kind::String | Kind::StringEscaped)
    }
}

/// Why a value could not be passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The text ends inside it.
    Incomplete,
    /// It is not JSON.
    Syntax {
        /// What is wrong.
        what: &'static str,
        /// Where in the text.
        at: usize,
    },
    /// It nests deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    TooDeep {
        /// Where in the text the bracket stands that is one too many.
        at: usize,
    },
}

impl Stop {
    /// What is wrong, for people.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Stop::Incomplete => "the text ends inside a value",
            Stop::Syntax { what, .. } => what,
            Stop::TooDeep { .. } => "nested too deep",
        }
    }
}

/// What stands between the quotes of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    start: usize,
    /// Twice the end, and one more where the text has escapes. A field for that alone would be written
    /// as a byte and read as a word, which processors wait for.
    meta: usize,
}

impl Span {
    #[inline]
    pub(crate) fn new(start: usize, end: usize, escaped: bool) -> Self {
        // Texts are far shorter than half of what a word counts.
        Span { start, meta: end << 1 | usize::from(escaped) }
    }

    /// The first byte after the quote.
    #[must_use]
    #[inline]
    pub fn start(self) -> usize {
        self.start
    }

    /// The closing quote.
    #[must_use]
    #[inline]
    pub fn end(self) -> usize {
        self.meta >> 1
    }

    /// Whether the text has escapes.
    #[must_use]
    #[inline]
    pub fn is_escaped(self) -> bool {
        self.meta & 1 == 1
    }

    /// [`Kind::String`] or [`Kind::StringEscaped`].
    #[must_use]
    #[inline]
    pub fn kind(self) -> Kind {
        if self.is_escaped() { Kind::StringEscaped } else { Kind::String }
    }
}
