//! What the tokenisers find: for each record, where in the text the value of each column stands.
//!
//! The table is filled record by record and read column by column, so that each column is parsed in
//! one tight loop that knows its type.

use crate::reason::Reason;

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// The record does not have it.
    Missing = 0,
    /// CSV, not quoted.
    Text = 1,
    /// CSV, quoted, without the quotes.
    Quoted = 2,
    /// CSV, quoted, with doubled quotes inside.
    QuotedEscaped = 3,
    /// JSON string without escapes, without the quotes.
    String = 4,
    /// JSON string with escapes, without the quotes.
    StringEscaped = 5,
    /// JSON number.
    Number = 6,
    /// JSON `true` or `false`.
    Boolean = 7,
    /// JSON `null`.
    Null = 8,
    /// JSON object or array.
    Nested = 9,
}

const KINDS: [Kind; 10] = [
    Kind::Missing,
    Kind::Text,
    Kind::Quoted,
    Kind::QuotedEscaped,
    Kind::String,
    Kind::StringEscaped,
    Kind::Number,
    Kind::Boolean,
    Kind::Null,
    Kind::Nested,
];

/// Place and kind of a value in the text, in 8 bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    start: u32,
    /// Kind in the upper 4 bits, length in the others.
    meta: u32,
}

const LENGTH_BITS: u32 = 28;

/// The longest text that spans can point into; `Settings` and the windows stay far below.
pub(crate) const MAX_TEXT: usize = 1 << LENGTH_BITS;

impl Span {
    pub(crate) const MISSING: Span = Span { start: 0, meta: 0 };

    /// `end` is below [`MAX_TEXT`], which the tokenisers' caller keeps.
    #[inline]
    pub(crate) fn new(kind: Kind, start: usize, end: usize) -> Self {
        debug_assert!(start <= end && end < MAX_TEXT);
        Span { start: start as u32, meta: ((kind as u32) << LENGTH_BITS) | (end - start) as u32 }
    }

    #[inline]
    pub(crate) fn kind(self) -> Kind {
        // Only `new` and `MISSING` make spans, both with a kind below 10.
        KINDS[(self.meta >> LENGTH_BITS) as usize]
    }

    /// A JSON string's span with the quotes that stand around it.
    pub(crate) fn with_quotes(self) -> Span {
        let length = (self.meta & ((1 << LENGTH_BITS) - 1)) as usize;
        Span::new(Kind::String, self.start as usize - 1, self.start as usize + length + 1)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.meta & ((1 << LENGTH_BITS) - 1) == 0
    }

    #[inline]
    pub(crate) fn of(self, text: &[u8]) -> &[u8] {
        let start = self.start as usize;
        &text[start..start + (self.meta & ((1 << LENGTH_BITS) - 1)) as usize]
    }
}

/// Where a record stands in the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// What a tokeniser says of a record that is no row.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It cannot be read.
    Bad { reason: Reason, column: Option<usize> },
    /// It holds no row by rule.
    Filtered,
}

/// The records of one piece of text.
pub(crate) struct Tokens {
    columns: usize,
    most_records: usize,
    spans: Vec<Span>,
    records: Vec<Record>,
    verdicts: Vec<(u32, Verdict)>,
}

impl Tokens {
    /// For records of so many columns, as many as `bytes` hold.
    pub(crate) fn new(columns: usize, bytes: usize) -> Self {
        let most_records = (bytes / size_of::<Span>() / columns.max(1)).clamp(16, 16_384);
        Tokens {
            columns,
            most_records,
            spans: Vec::with_capacity(most_records * columns),
            records: Vec::new(),
            verdicts: Vec::new(),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.spans.clear();
        self.records.clear();
        self.verdicts.clear();
    }

    /// Whether the records so far are enough for one piece.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.records.len() >= self.most_records
    }

    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    /// Records that are no rows, in order; each is told once.
    pub(crate) fn take_verdicts(&mut self) -> impl Iterator<Item = (u32, Verdict)> + '_ {
        self.verdicts.drain(..)
    }

    /// The value of `column` in each record.
    #[inline]
    pub(crate) fn column(&self, column: usize) -> impl Iterator<Item = Span> + '_ {
        self.spans.iter().skip(column).step_by(self.columns.max(1)).copied()
    }

    #[inline]
    pub(crate) fn at(&self, record: usize, column: usize) -> Span {
        self.spans[record * self.columns + column]
    }

    /// Begins a record; its values are missing until they are set.
    #[inline]
    pub(crate) fn begin(&mut self) {
        self.spans.resize(self.spans.len() + self.columns, Span::MISSING);
    }

    /// Sets a value of the record that was begun.
    #[inline]
    pub(crate) fn set(&mut self, column: usize, span: Span) {
        let row = self.spans.len() - self.columns;
        self.spans[row + column] = span;
    }

    /// Whether a value of the record that was begun is set.
    #[inline]
    pub(crate) fn is_set(&self, column: usize) -> bool {
        let row = self.spans.len() - self.columns;
        self.spans[row + column].kind() != Kind::Missing
    }

    /// Ends the record that was begun.
    #[inline]
    pub(crate) fn end(&mut self, start: usize, end: usize) {
        self.records.push(Record { start: start as u32, end: end as u32 });
    }

    /// Forgets the record that was begun: there is not enough text for it yet.
    pub(crate) fn abandon(&mut self) {
        self.spans.truncate(self.records.len() * self.columns);
    }

    /// Ends the record, begun or not, as one that is no row; its values count as missing.
    pub(crate) fn end_with(&mut self, verdict: Verdict, start: usize, end: usize) {
        self.abandon();
        self.begin();
        self.verdicts.push((self.records.len() as u32, verdict));
        self.end(start, end);
    }
}
