//! JSON objects as records: one a line, one after another without any separator, or in one array.
//!
//! Values are checked against RFC 8259 as they are passed, but not copied: the tokens point into
//! the text. An object that cannot be read costs itself alone if its end can be told, else the lines
//! up to the next one on which an object can begin (`resync`).
//!
//! What becomes of an object depends on its first `max_record_bytes` bytes alone, and not on how
//! much of the text happens to be here.

mod resync;

use std::collections::{HashMap, HashSet};

use memchr::{memchr, memrchr};

use crate::error::ConvertError;
use crate::reason::Reason;
use crate::tokens::{Kind, Span, Tokens, Verdict};
use weir_json::{Scanner, Stop};

/// Names of unknown keys that are kept for the note.
const MAX_UNKNOWN: usize = 100;

/// Takes JSON objects from text.
pub(crate) struct JsonTokenizer {
    names: Vec<Vec<u8>>,
    by_name: HashMap<Vec<u8>, usize>,
    max_record_bytes: usize,
    array: Array,
    skipping: bool,
    /// Byte of the object at which the line begins that reading has come to.
    line_start: u64,
    /// In the order in which they came.
    unknown: Vec<String>,
    /// The same keys as they stand in the text, so that one that comes in each row costs little.
    unknown_texts: HashSet<Vec<u8>>,
    /// Unknown keys of the object that is being read, as places in the text: they count once it has
    /// been read to its end, so that it does not matter how often it was begun.
    pending: Vec<weir_json::Span>,
    scratch: Vec<u8>,
}

/// Whether the objects stand in one array.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Array {
    /// Nothing was read yet.
    Unknown,
    /// They stand by themselves.
    None,
    /// Inside the array; a comma is due before the next object or not.
    Open { comma: bool },
    /// After the closing bracket.
    Closed,
}

impl JsonTokenizer {
    /// `names` are the columns' names in the source.
    pub(crate) fn new(names: &[String], max_record_bytes: usize) -> Self {
        let names: Vec<Vec<u8>> = names.iter().map(|name| name.clone().into_bytes()).collect();
        JsonTokenizer {
            by_name: names.iter().cloned().enumerate().map(|(index, name)| (name, index)).collect(),
            names,
            max_record_bytes,
            array: Array::Unknown,
            skipping: false,
            line_start: 0,
            unknown: Vec::new(),
            unknown_texts: HashSet::new(),
            pending: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Keys that are no column of the contract, at most [`MAX_UNKNOWN`].
    pub(crate) fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Takes whole objects from the front of `text` until it or `tokens` is full; returns how many
    /// bytes were taken. `offset` is where `text` begins in the object.
    pub(crate) fn tokenize(
        &mut self,
        text: &[u8],
        offset: u64,
        at_end: bool,
        tokens: &mut Tokens,
    ) -> Result<usize, ConvertError> {
        let mut at = 0;
        while at < text.len() && !tokens.is_full() {
            if self.skipping {
                match memchr(b'\n', &text[at..]) {
                    Some(line_break) => {
                        at += line_break + 1;
                        self.skipping = false;
                    }
                    None => at = text.len(),
                }
                continue;
            }
            if self.separator(text[at], offset + at as u64)? {
                at += 1;
                continue;
            }
            let longest = (at + self.max_record_bytes).min(text.len());
            let view = View { text: &text[..longest], offset, is_cut: longest < text.len(), at_end };
            tokens.begin();
            match self.record(view.text, at, tokens) {
                Ok(next) => {
                    tokens.end(at, next);
                    at = next;
                }
                Err(Fault::Whole { reason, column, next }) => {
                    tokens.end_with(Verdict::Bad { reason, column }, at, next);
                    at = next;
                }
                // A number or word may go on in text that is not here yet, but not at the end.
                Err(Fault::Incomplete)
                    if view.is_last() && text[at] != b'{' && weir_json::validate(&view.text[at..]).is_ok() =>
                {
                    tokens.end_with(Verdict::Bad { reason: Reason::NotAnObject, column: None }, at, longest);
                    at = longest;
                }
                Err(Fault::Incomplete) => {
                    if !view.is_cut && !at_end {
                        tokens.abandon();
                        break;
                    }
                    let what = "the text ends inside a value";
                    at = self.give_up(&view, at, Reason::Syntax { what, at: offset + longest as u64 }, tokens);
                }
                Err(Fault::Syntax { what, place }) => {
                    let is_known = view.is_cut || at_end || self.resync(&view, at).is_some();
                    if !is_known {
                        tokens.abandon();
                        break;
                    }
                    at = self.give_up(&view, at, Reason::Syntax { what, at: offset + place as u64 }, tokens);
                }
            }
            if let Array::Open { comma } = &mut self.array {
                *comma = true;
            }
        }
        if at_end && at == text.len() && matches!(self.array, Array::Open { .. }) {
            return Err(ConvertError::Array {
                offset: offset + at as u64,
                detail: "the array of rows is not closed: the file was cut short; nothing of it was published, deliver it again",
            });
        }
        if let Some(line_break) = memrchr(b'\n', &text[..at]) {
            self.line_start = offset + line_break as u64 + 1;
        }
        Ok(at)
    }

    /// Where to go on after the broken value at `at`, if that can be told.
    fn resync(&self, view: &View<'_>, at: usize) -> Option<usize> {
        let column = match memrchr(b'\n', &view.text[..at]) {
            Some(line_break) => at - line_break - 1,
            // No longer than the object, which is far below what a usize holds.
            None => (view.offset + at as u64 - self.line_start) as usize,
        };
        resync::next(view.text, at, column)
    }

    /// Whether the byte stands between objects and belongs to none.
    fn separator(&mut self, byte: u8, offset: u64) -> Result<bool, ConvertError> {
        let wrong = |detail| Err(ConvertError::Array { offset, detail });
        match (byte, self.array) {
            (b' ' | b'\t' | b'\r' | b'\n', _) => Ok(true),
            (b'[', Array::Unknown | Array::Closed) => {
                self.array = Array::Open { comma: false };
                Ok(true)
            }
            (b',', Array::Open { comma: true }) => {
                self.array = Array::Open { comma: false };
                Ok(true)
            }
            (b',', Array::Open { comma: false }) => wrong("a comma stands where a row should begin"),
            (b']', Array::Open { .. }) => {
                self.array = Array::Closed;
                Ok(true)
            }
            (_, Array::Closed) => wrong("something follows the array of rows"),
            (_, Array::Unknown) => {
                self.array = Array::None;
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    /// Ends the record at `at` as a bad one and returns where to go on.
    fn give_up(&mut self, view: &View<'_>, at: usize, reason: Reason, tokens: &mut Tokens) -> usize {
        let text = view.text;
        let line = || memchr(b'\n', &text[at..]).map(|line_break| at + line_break + 1);
        let (reason, next) = match self.resync(view, at) {
            Some(next) => (reason, next),
            None if !view.is_cut => (reason, text.len()),
            None => {
                let next = line();
                self.skipping = next.is_none();
                (Reason::TooLong { limit: self.max_record_bytes }, next.unwrap_or(text.len()))
            }
        };
        tokens.end_with(Verdict::Bad { reason, column: None }, at, next);
        next
    }

    /// Reads the object at `start` and returns where it ends.
    fn record(&mut self, text: &[u8], start: usize, tokens: &mut Tokens) -> Result<usize, Fault> {
        let mut scanner = Scanner::new(text, start);
        if text[start] != b'{' {
            let kind = scanner.value(0)?;
            let next = scanner.at();
            // A number may go on in text that is not here yet.
            if kind == weir_json::Kind::Number && next == text.len() {
                return Err(Fault::Incomplete);
            }
            return Err(Fault::Whole { reason: Reason::NotAnObject, column: None, next });
        }
        scanner.skip(1);
        let mut twice = None;
        let mut expected = 0;
        self.pending.clear();
        if scanner.next_token()? == b'}' {
            return Ok(scanner.at() + 1);
        }
        loop {
            if scanner.next_token()? != b'"' {
                return Err(scanner.syntax("expected a key in quotes"));
            }
            let key = scanner.string()?;
            if scanner.next_token()? != b':' {
                return Err(scanner.syntax("expected ':' after a key"));
            }
            scanner.skip(1);
            scanner.next_token()?;
            let column = self.column(key, text, expected);
            let from = scanner.at();
            let kind = kind_of(scanner.value(1)?);
            match column {
                Some(column) => {
                    if tokens.is_set(column) {
                        twice = twice.or(Some(column));
                    }
                    let inner = usize::from(matches!(kind, Kind::String | Kind::StringEscaped));
                    tokens.set(column, Span::new(kind, from + inner, scanner.at() - inner));
                    expected = column + 1;
                }
                None => self.pend_unknown(key, text),
            }
            match scanner.next_token()? {
                b',' => {
                    scanner.skip(1);
                    scanner.next_token()?;
                }
                b'}' => break,
                _ => return Err(scanner.syntax("expected ',' or '}' after a value")),
            }
        }
        let next = scanner.at() + 1;
        self.note_unknown(text);
        match twice {
            Some(column) => Err(Fault::Whole { reason: Reason::DuplicateKey, column: Some(column), next }),
            None => Ok(next),
        }
    }

    /// Which column a key names. Objects mostly have their keys in one order, so the one after the
    /// last is tried first.
    #[inline]
    fn column(&mut self, key: weir_json::Span, text: &[u8], expected: usize) -> Option<usize> {
        let raw = &text[key.start()..key.end()];
        if !key.is_escaped() {
            if self.names.get(expected).is_some_and(|name| name == raw) {
                return Some(expected);
            }
            return self.by_name.get(raw).copied();
        }
        self.scratch.clear();
        weir_json::unescape(raw, &mut self.scratch).ok()?;
        self.by_name.get(&self.scratch).copied()
    }

    fn pend_unknown(&mut self, key: weir_json::Span, text: &[u8]) {
        let is_new = || !self.unknown_texts.contains(&text[key.start()..key.end()]);
        if self.unknown.len() + self.pending.len() < 2 * MAX_UNKNOWN && is_new() {
            self.pending.push(key);
        }
    }

    fn note_unknown(&mut self, text: &[u8]) {
        for key in self.pending.drain(..) {
            let raw = &text[key.start()..key.end()];
            if self.unknown.len() >= MAX_UNKNOWN {
                break;
            }
            if self.unknown_texts.len() < 2 * MAX_UNKNOWN {
                self.unknown_texts.insert(raw.to_vec());
            }
            self.scratch.clear();
            // The scanner has checked the key, so that its escapes are known ones.
            let known = weir_json::unescape(raw, &mut self.scratch).is_ok();
            let name = crate::names::shorten(if known { &self.scratch } else { raw });
            if !self.unknown.contains(&name) {
                self.unknown.push(name);
            }
        }
    }
}

/// What the column readers have to know of a value.
fn kind_of(kind: weir_json::Kind) -> Kind {
    match kind {
        weir_json::Kind::String => Kind::String,
        weir_json::Kind::StringEscaped => Kind::StringEscaped,
        weir_json::Kind::Number => Kind::Number,
        weir_json::Kind::Boolean => Kind::Boolean,
        weir_json::Kind::Null => Kind::Null,
        weir_json::Kind::Object | weir_json::Kind::Array => Kind::Nested,
    }
}

/// As much of the text as one object may have.
struct View<'t> {
    text: &'t [u8],
    offset: u64,
    /// The text goes on, and the object may not.
    is_cut: bool,
    at_end: bool,
}

impl View<'_> {
    fn is_last(&self) -> bool {
        self.at_end && !self.is_cut
    }
}

/// Why there is no object.
enum Fault {
    /// Not enough text.
    Incomplete,
    /// Not JSON, from this place on.
    Syntax { what: &'static str, place: usize },
    /// A whole value that is no row.
    Whole { reason: Reason, column: Option<usize>, next: usize },
}

impl From<Stop> for Fault {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Incomplete => Fault::Incomplete,
            Stop::Syntax { what, at } => Fault::Syntax { what, place: at },
            Stop::TooDeep { at } => Fault::Syntax { what: stop.what(), place: at },
        }
    }
}
