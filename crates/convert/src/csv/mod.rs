//! CSV records, as RFC 4180 has them: quoted fields may hold delimiters, quotes and line breaks.
//!
//! A record that cannot be read costs the physical line on which it begins and no other: reading
//! goes on at the next line break, so one stray quote does not swallow its neighbours.

mod header;

pub(crate) use header::Header;

use memchr::memchr;

use crate::bad_row::Reason;
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
        if self.skipping {
            match memchr(b'\n', text) {
                Some(line_break) => {
                    at = line_break + 1;
                    self.skipping = false;
                }
                None => return text.len(),
            }
        }
        while at < text.len() && !tokens.is_full() {
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
            tokens.begin();
            let header = &self.header;
            let found = split(text, at, self.delimiter, at_end, |field, span| {
                if let Some(column) = header.column_of(field) {
                    tokens.set(column, span);
                }
            });
            match found {
                Found::Record { next, .. } if next - at > self.max_record_bytes => {
                    at = self.give_up(text, at, None, tokens);
                }
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
                }
                Found::Incomplete if text.len() - at > self.max_record_bytes => {
                    at = self.give_up(text, at, None, tokens);
                }
                Found::Incomplete => {
                    tokens.abandon();
                    break;
                }
                Found::Malformed(reason) => {
                    let line_is_here = at_end || memchr(b'\n', &text[at..]).is_some();
                    if !line_is_here && text.len() - at <= self.max_record_bytes {
                        tokens.abandon();
                        break;
                    }
                    at = self.give_up(text, at, Some(reason), tokens);
                }
            }
        }
        at
    }

    /// Ends the record at `at` as a bad one, and returns where the next line begins.
    fn give_up(&mut self, text: &[u8], at: usize, reason: Option<Reason>, tokens: &mut Tokens) -> usize {
        let line = memchr(b'\n', &text[at..]).map(|line_break| line_break + 1);
        let too_long = line.is_none_or(|length| length > self.max_record_bytes);
        let next = match line {
            Some(length) => at + length,
            None => {
                self.skipping = true;
                text.len()
            }
        };
        let reason = match reason {
            Some(reason) if !(too_long && next - at > self.max_record_bytes) => reason,
            None if !too_long => Reason::OpenQuote,
            _ => Reason::TooLong { limit: self.max_record_bytes },
        };
        tokens.end_with(Verdict::Bad { reason, column: None }, at, next);
        next
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
