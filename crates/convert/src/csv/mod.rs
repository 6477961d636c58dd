//! CSV records, as RFC 4180 has them: quoted fields may hold delimiters, quotes and line breaks.
//!
//! A record whose quotes do not close as they should costs the physical line on which it begins and
//! no other: reading goes on at the next line break, so one stray quote does not swallow its
//! neighbours. A record whose quotes are right and whose number of fields is not is passed over as a
//! whole, because the lines inside its quotes are somebody's text and must not become rows.
//!
//! What becomes of a record depends on its first [`CsvTokenizer::max_record_bytes`] bytes alone, and
//! not on how much of the text happens to be here.

mod header;

pub(crate) use header::Header;

use memchr::memchr;

use crate::reason::Reason;
use crate::tokens::{Kind, Span, Tokens, Verdict};

/// Takes CSV records from text.
pub(crate) struct CsvTokenizer {
    delimiter: u8,
    max_record_bytes: usize,
    header: Header,
    /// The rest of a line that was too long is passed over.
    skipping: bool,
}

/// What stands at a place of the text.
enum Found {
    /// A whole record of so many fields, and where the next one begins.
    Record { fields: usize, next: usize },
    /// Not enough text.
    Incomplete,
    /// No record.
    Malformed(Reason),
}

impl CsvTokenizer {
    pub(crate) fn new(delimiter: u8, max_record_bytes: usize, header: Header) -> Self {
        CsvTokenizer { delimiter, max_record_bytes, header, skipping: false }
    }

    /// Takes whole records from the front of `text` until it or `tokens` is full; returns how many
    /// bytes were taken.
    pub(crate) fn tokenize(&mut self, text: &[u8], at_end: bool, tokens: &mut Tokens) -> usize {
        let mut at = 0;
        while at < text.len() && !tokens.is_full() {
            if self.skipping {
                match memchr(b'\n', &text[at..]) {
                    Some(line_break) => {
                        at += line_break + 1;
                        self.skipping = false;
                        continue;
                    }
                    None => return text.len(),
                }
            }
            match text[at] {
                b'\n' => {
                    at += 1;
                    continue;
                }
                b'\r' if text.get(at + 1) == Some(&b'\n') => {
                    at += 2;
                    continue;
                }
                b'\r' if at + 1 == text.len() => {
                    if !at_end {
                        break;
                    }
                    at += 1;
                    continue;
                }
                _ => {}
            }
            let longest = (at + self.max_record_bytes).min(text.len());
            let is_cut = longest < text.len();
            tokens.begin();
            let header = &self.header;
            let found = split(&text[..longest], at, self.delimiter, at_end && !is_cut, |field, span| {
                if let Some(column) = header.column_of(field) {
                    tokens.set(column, span);
                }
            });
            let reason = match found {
                Found::Record { fields, next } => {
                    let expected = self.header.fields();
                    if fields != expected {
                        let reason = Reason::FieldCount { found: fields, expected };
                        tokens.end_with(Verdict::Bad { reason, column: None }, at, next);
                    } else if self.header.is_repeated_by(&text[at..next]) {
                        tokens.end_with(Verdict::Filtered, at, next);
                    } else {
                        tokens.end(at, next);
                    }
                    at = next;
                    continue;
                }
                Found::Incomplete => None,
                Found::Malformed(reason) => Some(reason),
            };
            let line = memchr(b'\n', &text[at..longest]).map(|line_break| at + line_break + 1);
            let is_known = is_cut || at_end || reason.is_some() && line.is_some();
            if !is_known {
                tokens.abandon();
                break;
            }
            let (reason, next) = match line {
                Some(next) => (reason.unwrap_or(Reason::OpenQuote), next),
                None if is_cut => {
                    self.skipping = true;
                    (Reason::TooLong { limit: self.max_record_bytes }, longest)
                }
                None => (reason.unwrap_or(Reason::OpenQuote), text.len()),
            };
            tokens.end_with(Verdict::Bad { reason, column: None }, at, next);
            at = next;
        }
        at
    }
}

/// Takes the record that begins at `start` apart.
#[inline]
fn split(text: &[u8], start: usize, delimiter: u8, at_end: bool, mut put: impl FnMut(usize, Span)) -> Found {
    let mut at = start;
    let mut field = 0;
    loop {
        let (span, stop) = if text.get(at) == Some(&b'"') {
            match quoted(text, at + 1) {
                Quoted::Closed { end, escaped } => {
                    let kind = if escaped { Kind::QuotedEscaped } else { Kind::Quoted };
                    (Span::new(kind, at + 1, end), end + 1)
                }
                Quoted::Open if at_end => return Found::Malformed(Reason::OpenQuote),
                Quoted::Open => return Found::Incomplete,
            }
        } else {
            let length = text[at..].iter().take_while(|byte| **byte != delimiter && **byte != b'\n').count();
            let stop = at + length;
            let ends_line = text.get(stop) != Some(&delimiter);
            let end = if ends_line && length > 0 && text[stop - 1] == b'\r' { stop - 1 } else { stop };
            (Span::new(Kind::Text, at, end), stop)
        };
        put(field, span);
        field += 1;
        // What follows the field: a delimiter, a line break or the end.
        let next = match text.get(stop) {
            Some(byte) if *byte == delimiter => {
                at = stop + 1;
                if at == text.len() && !at_end {
                    return Found::Incomplete;
                }
                continue;
            }
            Some(b'\n') => stop + 1,
            Some(b'\r') => match text.get(stop + 1) {
                Some(b'\n') => stop + 2,
                None if at_end => stop + 1,
                None => return Found::Incomplete,
                Some(_) => return Found::Malformed(Reason::TextAfterQuote),
            },
            Some(_) => return Found::Malformed(Reason::TextAfterQuote),
            None if at_end => stop,
            None => return Found::Incomplete,
        };
        return Found::Record { fields: field, next };
    }
}

enum Quoted {
    /// `end` is the place of the closing quote.
    Closed {
        end: usize,
        escaped: bool,
    },
    Open,
}

/// Looks for the quote that closes a field which begins at `at`.
///
/// A quote at the very end of the text may be the first of two, so the caller's text has to go on
/// or to be at its end.
fn quoted(text: &[u8], mut at: usize) -> Quoted {
    let mut escaped = false;
    while let Some(distance) = text.get(at..).and_then(|rest| memchr(b'"', rest)) {
        let quote = at + distance;
        if text.get(quote + 1) == Some(&b'"') {
            escaped = true;
            at = quote + 2;
        } else {
            return Quoted::Closed { end: quote, escaped };
        }
    }
    Quoted::Open
}
