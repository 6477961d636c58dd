//! Passing over JSON values while checking them against RFC 8259.

use crate::settings::MAX_JSON_DEPTH;
use crate::tokens::{Kind, Span};

/// Why a value could not be passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The text ends inside it.
    Incomplete,
    /// It is not JSON.
    Syntax {
        /// What is wrong.
        what: &'static str,
        /// Where in the text.
        at: usize,
    },
}

/// Reads forward through JSON text.
pub(crate) struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
}

/// Bytes that end a run of plain characters in a string.
const ENDS_RUN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = true;
        byte += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

impl<'t> Scanner<'t> {
    pub(crate) fn new(text: &'t [u8], at: usize) -> Self {
        Scanner { text, at }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn skip(&mut self, count: usize) {
        self.at += count;
    }

    pub(crate) fn syntax<E: From<Stop>>(&self, what: &'static str) -> E {
        E::from(Stop::Syntax { what, at: self.at })
    }

    fn wrong<T>(&self, what: &'static str) -> Result<T, Stop> {
        Err(Stop::Syntax { what, at: self.at })
    }

    /// Passes white space and returns the byte after it, without passing that.
    #[inline]
    pub(crate) fn next_token(&mut self) -> Result<u8, Stop> {
        while let Some(byte) = self.text.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Ok(*byte);
            }
            self.at += 1;
        }
        Err(Stop::Incomplete)
    }

    /// Passes the value that begins here.
    pub(crate) fn value(&mut self, depth: usize) -> Result<Kind, Stop> {
        match self.text.get(self.at) {
            None => Err(Stop::Incomplete),
            Some(b'"') => self.string().map(Span::kind),
            Some(b'-' | b'0'..=b'9') => self.number().map(|()| Kind::Number),
            Some(b't') => self.literal(b"true").map(|()| Kind::Boolean),
            Some(b'f') => self.literal(b"false").map(|()| Kind::Boolean),
            Some(b'n') => self.literal(b"null").map(|()| Kind::Null),
            Some(b'{' | b'[') if depth >= MAX_JSON_DEPTH => self.wrong("nested too deep"),
            Some(b'{') => self.object(depth).map(|()| Kind::Nested),
            Some(b'[') => self.array(depth).map(|()| Kind::Nested),
            Some(_) => self.wrong("expected a value"),
        }
    }

    /// Passes the string whose quote stands here; the span is what is between the quotes.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Span, Stop> {
        let from = self.at + 1;
        let mut at = from;
        let mut kind = Kind::String;
        loop {
            match self.text.get(at) {
                None => return Err(Stop::Incomplete),
                Some(byte) if !ENDS_RUN[*byte as usize] => at += 1,
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(Span::new(kind, from, at));
                }
                Some(b'\\') => {
                    kind = Kind::StringEscaped;
                    self.at = at;
                    at += self.escape()?;
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
            Some(b'u') => {
                let first = self.unit(self.at)?;
                match first {
                    0xd800..=0xdbff => match (self.text.get(self.at + 6), self.text.get(self.at + 7)) {
                        (None, _) | (Some(b'\\'), None) => Err(Stop::Incomplete),
                        (Some(b'\\'), Some(b'u')) if matches!(self.unit(self.at + 6)?, 0xdc00..=0xdfff) => Ok(12),
                        _ => self.wrong("half of a surrogate pair"),
                    },
                    0xdc00..=0xdfff => self.wrong("half of a surrogate pair"),
                    _ => Ok(6),
                }
            }
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

    fn digits(&mut self) -> usize {
        let count = self.text[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    /// Passes a number. At the very end of the text it may go on, which the caller has to consider;
    /// inside an object something has to follow it.
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

    fn object(&mut self, depth: usize) -> Result<(), Stop> {
        self.at += 1;
        if self.next_token()? == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            if self.next_token()? != b'"' {
                return self.wrong("expected a key in quotes");
            }
            self.string()?;
            if self.next_token()? != b':' {
                return self.wrong("expected ':' after a key");
            }
            self.at += 1;
            if self.item(depth, b'}', "expected ',' or '}' after a value")? {
                return Ok(());
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), Stop> {
        self.at += 1;
        if self.next_token()? == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            if self.item(depth, b']', "expected ',' or ']' after a value")? {
                return Ok(());
            }
        }
    }

    /// Passes a value and what follows it; true after the closing bracket.
    fn item(&mut self, depth: usize, close: u8, what: &'static str) -> Result<bool, Stop> {
        self.next_token()?;
        self.value(depth + 1)?;
        let byte = self.next_token()?;
        if byte != b',' && byte != close {
            return self.wrong(what);
        }
        self.at += 1;
        Ok(byte == close)
    }
}

/// Checks that `text` is one JSON value and nothing else.
pub(crate) fn validate(text: &[u8]) -> Result<(), &'static str> {
    let mut scanner = Scanner::new(text, 0);
    let what = |stop| match stop {
        Stop::Incomplete => "the text ends inside a value",
        Stop::Syntax { what, .. } => what,
    };
    scanner.next_token().map_err(|_| "no value")?;
    scanner.value(0).map_err(what)?;
    match scanner.next_token() {
        Err(Stop::Incomplete) => Ok(()),
        _ => Err("something follows the value"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_judged_as_rfc_8259_does() {
        for good in [
            "null",
            "true",
            "false",
            "0",
            "-0",
            "10",
            "1.5e+10",
            "-2E-3",
            r#""""#,
            r#""a\u00e9\ud83d\ude00\n""#,
            "[]",
            "{}",
            r#"{"a":[1,{"b":null}],"a":2}"#,
            " [ 1 , 2 ] ",
        ] {
            assert_eq!(validate(good.as_bytes()), Ok(()), "{good}");
        }
        for bad in [
            "",
            "nul",
            "nulll",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "--1",
            r#"""#,
            r#""\x""#,
            r#""\ud800""#,
            r#""\ud800\u0041""#,
            r#""\udc00""#,
            "\"a\nb\"",
            "[1,]",
            "[1 2]",
            "{,}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            "{a:1}",
            "1 2",
            "[}",
            "NaN",
            "Infinity",
        ] {
            assert!(validate(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(validate(nested(MAX_JSON_DEPTH).as_bytes()), Ok(()));
        assert_eq!(validate(nested(MAX_JSON_DEPTH + 1).as_bytes()), Err("nested too deep"));
        assert_eq!(validate(nested(1_000_000).as_bytes()), Err("nested too deep"));
    }

    proptest! {
        #[test]
        fn the_answer_is_that_of_serde_json(text in r#"[ \[\]{}:,"\\a-fu0-9.eE+-]{0,12}|\PC{0,8}"#) {
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            // serde_json passes over the halves of surrogate pairs when it ignores a value.
            let ours = validate(text.as_bytes());
            if ours != Err("half of a surrogate pair") {
                prop_assert_eq!(ours.is_ok(), theirs, "{:?} {:?}", text, ours);
            }
        }

        #[test]
        fn a_cut_value_is_incomplete_or_wrong_but_never_whole(text in r#"\{("[a-z]{0,3}":(null|true|-?[1-9]{1,3}|"[a-z\\\\]{0,2}x"|\[1,2\]),?){0,3}\}"#, cut in 1usize..40) {
            prop_assume!(cut < text.len());
            let mut scanner = Scanner::new(&text.as_bytes()[..cut], 0);
            prop_assert!(scanner.value(0).is_err());
        }
    }
}
