//! The text of a string without its escapes.

use std::fmt;

/// An escape that JSON does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadEscape;

impl fmt::Display for BadEscape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an escape that JSON does not know")
    }
}

impl std::error::Error for BadEscape {}

/// Appends what stands between a string's quotes with its escapes resolved.
///
/// # Errors
/// An escape that the scanner would have refused.
pub fn unescape(raw: &[u8], out: &mut Vec<u8>) -> Result<(), BadEscape> {
    let mut pieces = Pieces { raw };
    while let Some(piece) = pieces.next()? {
        match piece {
            Piece::Plain(bytes) => out.extend_from_slice(bytes),
            Piece::Character(letter) => out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Ok(())
}

/// Whether what stands between a string's quotes means `text`. Nothing is copied.
#[must_use]
pub fn equals(raw: &[u8], text: &[u8]) -> bool {
    let mut pieces = Pieces { raw };
    let mut rest = text;
    loop {
        let mut letters = [0; 4];
        let piece = match pieces.next() {
            Ok(Some(Piece::Plain(bytes))) => bytes,
            Ok(Some(Piece::Character(letter))) => letter.encode_utf8(&mut letters).as_bytes(),
            Ok(None) => return rest.is_empty(),
            Err(BadEscape) => return false,
        };
        match rest.strip_prefix(piece) {
            Some(after) => rest = after,
            None => return false,
        }
    }
}

/// A run of bytes that stand for themselves, or one escape.
enum Piece<'t> {
    Plain(&'t [u8]),
    Character(char),
}

struct Pieces<'t> {
    raw: &'t [u8],
}

impl<'t> Pieces<'t> {
    fn next(&mut self) -> Result<Option<Piece<'t>>, BadEscape> {
        match memchr::memchr(b'\\', self.raw) {
            None if self.raw.is_empty() => Ok(None),
            Some(0) => self.escape().map(Some),
            plain => {
                let (run, rest) = self.raw.split_at(plain.unwrap_or(self.raw.len()));
                self.raw = rest;
                Ok(Some(Piece::Plain(run)))
            }
        }
    }

    /// The escape at the front.
    fn escape(&mut self) -> Result<Piece<'t>, BadEscape> {
        let (letter, length) = match self.raw.get(1).ok_or(BadEscape)? {
            b'n' => ('\n', 2),
            b't' => ('\t', 2),
            b'r' => ('\r', 2),
            b'b' => ('\u{8}', 2),
            b'f' => ('\u{c}', 2),
            b'u' => unicode(self.raw)?,
            other @ (b'"' | b'\\' | b'/') => (char::from(*other), 2),
            _ => return Err(BadEscape),
        };
        self.raw = &self.raw[length..];
        Ok(Piece::Character(letter))
    }
}

/// The character of the `\uXXXX` or `\uXXXX\uXXXX` at the front, and its length.
fn unicode(raw: &[u8]) -> Result<(char, usize), BadEscape> {
    let unit = |at: usize| {
        let escape = raw.get(at..at + 6).filter(|escape| escape.starts_with(b"\\u")).ok_or(BadEscape)?;
        escape[2..].iter().try_fold(0u32, |unit, digit| {
            char::from(*digit).to_digit(16).map(|value| unit * 16 + value).ok_or(BadEscape)
        })
    };
    let first = unit(0)?;
    if let Some(letter) = char::from_u32(first) {
        return Ok((letter, 6));
    }
    // A unit has four hexadecimal digits, so it fits 16 bits.
    match char::decode_utf16([first as u16, unit(6)? as u16]).next() {
        Some(Ok(letter)) => Ok((letter, 12)),
        _ => Err(BadEscape),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn strings_come_back_as_serde_json_wrote_them(value in "\\PC{0,20}|[\\x00-\\x7f]{0,20}", other in "\\PC{0,3}") {
            let text = serde_json::to_string(&value).unwrap();
            let raw = &text.as_bytes()[1..text.len() - 1];
            let mut out = Vec::new();
            unescape(raw, &mut out).unwrap();
            prop_assert_eq!(&out, value.as_bytes());
            prop_assert!(equals(raw, value.as_bytes()));
            prop_assert_eq!(equals(raw, other.as_bytes()), value == other);
        }

        #[test]
        fn ascii_escapes_of_any_character_are_resolved(value in any::<Vec<char>>()) {
            let value: String = value.into_iter().collect();
            let text: String = value.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
            let mut out = Vec::new();
            unescape(text.as_bytes(), &mut out).unwrap();
            prop_assert_eq!(String::from_utf8(out).unwrap(), value.clone());
            prop_assert!(equals(text.as_bytes(), value.as_bytes()));
        }

        #[test]
        fn no_bytes_make_it_panic(raw in prop::collection::vec(any::<u8>(), 0..24), escapes in "[\\\\ud8c0-9]{0,16}") {
            for raw in [&raw[..], escapes.as_bytes()] {
                let _ = unescape(raw, &mut Vec::new());
                let _ = equals(raw, b"x");
            }
        }
    }
}
