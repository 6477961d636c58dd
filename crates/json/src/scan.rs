//! Passing over JSON values while checking them.

use crate::MAX_DEPTH;
use crate::span::{Kind, Span, Stop};

/// Reads forward through JSON text.
///
/// What comes back as [`Stop::Incomplete`] may be whole once more text is there; a number at the
/// very end of the text may go on too, which the caller has to consider.
#[derive(Debug, Clone)]
pub struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Of eight bytes the highest bit of each that ends a run of plain characters in a string: a quote, a
/// backslash or a control character. Bits above the lowest that is set may be set for nothing.
#[inline]
fn endings(eight: [u8; 8]) -> u64 {
    let word = u64::from_le_bytes(eight);
    // A byte's highest bit becomes set where it is below 0x20 or equal to one of the two. A borrow
    // can only touch bytes above a true hit.
    let below = word.wrapping_sub(ONES * 0x20) & !word;
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let equal = (quote.wrapping_sub(ONES) & !quote) | (backslash.wrapping_sub(ONES) & !backslash);
    (below | equal) & HIGHS
}

/// How many of 16 bytes come before the first that ends a run.
#[inline]
fn plain_bytes(sixteen: &[u8; 16]) -> usize {
    let [a, b, c, d, e, f, g, h, rest @ ..] = *sixteen;
    let (first, second) = (endings([a, b, c, d, e, f, g, h]), endings(rest));
    // Without a branch: most keys and many values end inside 16 bytes, and where cannot be foretold.
    let bits = if first == 0 { 64 + second.trailing_zeros() } else { first.trailing_zeros() };
    (bits / 8) as usize
}

impl<'t> Scanner<'t> {
    /// Begins at byte `at` of `text`.
    #[must_use]
    pub fn new(text: &'t [u8], at: usize) -> Self {
        Scanner { text, at }
    }

    /// Where reading has come to.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// The text that is read.
    #[must_use]
    pub fn text(&self) -> &'t [u8] {
        self.text
    }

    /// Passes `count` bytes that the caller has looked at.
    pub fn skip(&mut self, count: usize) {
        self.at += count;
    }

    /// A fault at this place.
    pub fn syntax<E: From<Stop>>(&self, what: &'static str) -> E {
        E::from(Stop::Syntax { what, at: self.at })
    }

    fn wrong<T>(&self, what: &'static str) -> Result<T, Stop> {
        Err(Stop::Syntax { what, at: self.at })
    }

    /// Passes white space and returns the byte after it, without passing that.
    ///
    /// # Errors
    /// [`Stop::Incomplete`] at the end of the text.
    #[inline]
    pub fn next_token(&mut self) -> Result<u8, Stop> {
        while let Some(byte) = self.text.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Ok(*byte);
            }
            self.at += 1;
        }
        Err(Stop::Incomplete)
    }

    /// Passes the value that begins here; `depth` is how many brackets are open around it.
    ///
    /// # Errors
    /// Why there is no value here.
    #[inline]
    pub fn value(&mut self, depth: usize) -> Result<Kind, Stop> {
        match self.text.get(self.at) {
            None => Err(Stop::Incomplete),
            Some(b'{') => self.nested(depth).map(|()| Kind::Object),
            Some(b'[') => self.nested(depth).map(|()| Kind::Array),
            Some(first) => self.scalar(*first),
        }
    }

    #[inline]
    fn scalar(&mut self, first: u8) -> Result<Kind, Stop> {
        match first {
            b'"' => self.string().map(Span::kind),
            b'-' | b'0'..=b'9' => self.number().map(|()| Kind::Number),
            b't' => self.literal(b"true").map(|()| Kind::Boolean),
            b'f' => self.literal(b"false").map(|()| Kind::Boolean),
            b'n' => self.literal(b"null").map(|()| Kind::Null),
            _ => self.wrong("expected a value"),
        }
    }

    /// Passes the string whose quote stands here; the span is what is between the quotes.
    ///
    /// # Errors
    /// Why there is no string here.
    // Always: handed back through memory, the span costs more than finding it.
    #[inline(always)]
    pub fn string(&mut self) -> Result<Span, Stop> {
        let start = self.at + 1;
        let end = self.plain_end(start);
        if self.text.get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok(Span::new(start, end, false));
        }
        self.unusual_string(start, end)
    }

    /// Where the run of plain characters ends that begins at `at`.
    #[inline(always)]
    fn plain_end(&self, mut at: usize) -> usize {
        // Sixteen bytes at a time: strings are most of what a row is.
        while let Some(sixteen) = self.text.get(at..).and_then(|rest| rest.first_chunk()) {
            let plain = plain_bytes(sixteen);
            at += plain;
            if plain < 16 {
                return at;
            }
        }
        while self.text.get(at).is_some_and(|byte| *byte >= 0x20 && !matches!(byte, b'"' | b'\\')) {
            at += 1;
        }
        at
    }

    /// Passes a string that holds an escape, or none that is whole; its plain run ends at `at`.
    fn unusual_string(&mut self, start: usize, mut at: usize) -> Result<Span, Stop> {
        let mut escaped = false;
        loop {
            match self.text.get(at) {
                None => return Err(Stop::Incomplete),
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(Span::new(start, at, escaped));
                }
                Some(b'\\') => {
                    escaped = true;
                    self.at = at;
                    at = self.plain_end(at + self.escape()?);
                }
                Some(_) => {
                    self.at = at;
                    return self.wrong("a control character in a string has to be escaped");
                }
            }
        }
    }

    /// The length of the escape whose backslash stands here.
    fn escape(&self) -> Result<usize, Stop> {
        match self.text.get(self.at + 1) {
            None => Err(Stop::Incomplete),
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
            Some(b'u') => match self.unit(self.at)? {
                0xd800..=0xdbff => match (self.text.get(self.at + 6), self.text.get(self.at + 7)) {
                    (None, _) | (Some(b'\\'), None) => Err(Stop::Incomplete),
                    (Some(b'\\'), Some(b'u')) if matches!(self.unit(self.at + 6)?, 0xdc00..=0xdfff) => Ok(12),
                    _ => self.wrong("half of a surrogate pair"),
                },
                0xdc00..=0xdfff => self.wrong("half of a surrogate pair"),
                _ => Ok(6),
            },
            Some(_) => self.wrong("an unknown escape in a string"),
        }
    }

    /// The four hexadecimal digits of the `\u` at `at`.
    fn unit(&self, at: usize) -> Result<u32, Stop> {
        let digits = &self.text[(at + 2).min(self.text.len())..(at + 6).min(self.text.len())];
        let mut unit = 0;
        for digit in digits {
            match (*digit as char).to_digit(16) {
                Some(value) => unit = unit * 16 + value,
                None => return self.wrong("an unknown escape in a string"),
            }
        }
        if digits.len() < 4 { Err(Stop::Incomplete) } else { Ok(unit) }
    }

    #[inline]
    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        self.at - start
    }

    #[inline]
    fn number(&mut self) -> Result<(), Stop> {
        if self.text.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        let first = self.text.get(self.at).copied();
        match (first, self.digits()) {
            (None, _) => return Err(Stop::Incomplete),
            (_, 0) => return self.wrong("expected a digit"),
            (Some(b'0'), 2..) => return self.wrong("a number does not begin with 0"),
            _ => {}
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.need_digits()?;
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.text.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.need_digits()?;
        }
        Ok(())
    }

    fn need_digits(&mut self) -> Result<(), Stop> {
        if self.at == self.text.len() {
            return Err(Stop::Incomplete);
        }
        if self.digits() == 0 { self.wrong("expected a digit") } else { Ok(()) }
    }

    fn literal(&mut self, word: &'static [u8]) -> Result<(), Stop> {
        let here = &self.text[self.at..(self.at + word.len()).min(self.text.len())];
        if here == word {
            self.at += word.len();
            return Ok(());
        }
        if word.starts_with(here) {
            return Err(Stop::Incomplete);
        }
        self.wrong("expected a value")
    }

    /// Passes the key and the colon of a member, and the space before its value.
    ///
    /// # Errors
    /// Why there is no member here.
    #[inline]
    pub fn key(&mut self) -> Result<Span, Stop> {
        if self.next_token()? != b'"' {
            return self.wrong("expected a key in quotes");
        }
        let key = self.string()?;
        if self.next_token()? != b':' {
            return self.wrong("expected ':' after a key");
        }
        self.at += 1;
        self.next_token()?;
        Ok(key)
    }

    /// Passes the object or array whose bracket stands here, without recursion: which brackets are
    /// open is kept as one bit each.
    fn nested(&mut self, depth: usize) -> Result<(), Stop> {
        let mut open = 0u128;
        let mut levels = 0;
        loop {
            if depth + levels >= MAX_DEPTH {
                return Err(Stop::TooDeep { at: self.at });
            }
            let is_object = self.text[self.at] == b'{';
            open = open << 1 | u128::from(is_object);
            levels += 1;
            self.at += 1;
            let mut closes = self.next_token()? == closing(open);
            loop {
                if closes {
                    self.at += 1;
                    open >>= 1;
                    levels -= 1;
                    if levels == 0 {
                        return Ok(());
                    }
                } else {
                    if open & 1 == 1 {
                        self.key()?;
                    }
                    match self.next_token()? {
                        b'{' | b'[' => break,
                        first => self.scalar(first)?,
                    };
                }
                closes = self.after_value(closing(open))?;
            }
        }
    }

    /// Passes the comma after a value; true before the closing bracket.
    #[inline]
    fn after_value(&mut self, close: u8) -> Result<bool, Stop> {
        match self.next_token()? {
            b',' => {
                self.at += 1;
                self.next_token()?;
                Ok(false)
            }
            byte if byte == close => Ok(true),
            _ if close == b'}' => self.wrong("expected ',' or '}' after a value"),
            _ => self.wrong("expected ',' or ']' after a value"),
        }
    }

    /// Passes the object whose brace stands here. `member` is called with the scanner at each value,
    /// which it has to pass, and the value's key; `depth` is how many brackets are open around the
    /// object.
    ///
    /// # Errors
    /// Why there is no object here, or what `member` returned.
    #[inline]
    pub fn members<E: From<Stop>>(
        &mut self,
        depth: usize,
        mut member: impl FnMut(&mut Self, Span) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.text.get(self.at) != Some(&b'{') {
            return Err(self.syntax("expected an object"));
        }
        if depth >= MAX_DEPTH {
            return Err(E::from(Stop::TooDeep { at: self.at }));
        }
        self.at += 1;
        let mut closes = self.next_token()? == b'}';
        while !closes {
            let key = self.key()?;
            member(self, key)?;
            closes = self.after_value(b'}')?;
        }
        self.at += 1;
        Ok(())
    }
}

fn closing(open: u128) -> u8 {
    if open & 1 == 1 { b'}' } else { b']' }
}
