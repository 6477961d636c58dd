//! The text of a value without its quoting.

use crate::tokens::{Kind, Span};
use crate::value::ValueError;

/// The bytes that a span stands for; `scratch` holds them where they do not stand in the text.
pub(crate) fn unescaped<'t>(span: Span, text: &'t [u8], scratch: &'t mut Vec<u8>) -> Result<&'t [u8], ValueError> {
    let raw = span.of(text);
    match span.kind() {
        Kind::QuotedEscaped => {
            scratch.clear();
            doubled_quotes(raw, scratch);
            Ok(scratch)
        }
        Kind::StringEscaped => {
            scratch.clear();
            json_escapes(raw, scratch)?;
            Ok(scratch)
        }
        _ => Ok(raw),
    }
}

/// Appends a quoted CSV field with each pair of quotes as one.
fn doubled_quotes(mut raw: &[u8], out: &mut Vec<u8>) {
    while let Some(quote) = memchr::memchr(b'"', raw) {
        out.extend_from_slice(&raw[..=quote]);
        raw = raw.get(quote + 2..).unwrap_or_default();
    }
    out.extend_from_slice(raw);
}

/// Appends a JSON string with its escapes resolved. The scanner has checked it; an escape that it
/// would have refused is an error here too.
fn json_escapes(mut raw: &[u8], out: &mut Vec<u8>) -> Result<(), ValueError> {
    while let Some(backslash) = memchr::memchr(b'\\', raw) {
        out.extend_from_slice(&raw[..backslash]);
        let (byte, length) = match raw.get(backslash + 1).ok_or(ValueError::Form)? {
            b'n' => (b'\n', 2),
            b't' => (b'\t', 2),
            b'r' => (b'\r', 2),
            b'b' => (8, 2),
            b'f' => (12, 2),
            b'u' => {
                let (letter, length) = unicode(&raw[backslash..])?;
                out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                raw = &raw[backslash + length..];
                continue;
            }
            other => (*other, 2),
        };
        out.push(byte);
        raw = &raw[backslash + length..];
    }
    out.extend_from_slice(raw);
    Ok(())
}

/// The character of the `\uXXXX` or `\uXXXX\uXXXX` at the front, and its length.
fn unicode(raw: &[u8]) -> Result<(char, usize), ValueError> {
    let unit = |at: usize| {
        let digits = raw.get(at + 2..at + 6).and_then(|digits| std::str::from_utf8(digits).ok());
        digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).ok_or(ValueError::Form)
    };
    let first = unit(0)?;
    if let Some(letter) = char::from_u32(first) {
        return Ok((letter, 6));
    }
    let pair = char::decode_utf16([first as u16, unit(6)? as u16]).next();
    match pair {
        Some(Ok(letter)) => Ok((letter, 12)),
        _ => Err(ValueError::Form),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn json_strings_come_back_as_serde_json_wrote_them(value in "\\PC{0,20}|[\\x00-\\x7f]{0,20}") {
            let text = serde_json::to_string(&value).unwrap();
            let mut out = Vec::new();
            json_escapes(&text.as_bytes()[1..text.len() - 1], &mut out).unwrap();
            prop_assert_eq!(out, value.as_bytes());
        }

        #[test]
        fn ascii_escapes_of_any_character_are_resolved(value in any::<Vec<char>>()) {
            let mut text = String::new();
            for unit in value.iter().collect::<String>().encode_utf16() {
                text.push_str(&format!("\\u{unit:04X}"));
            }
            let mut out = Vec::new();
            json_escapes(text.as_bytes(), &mut out).unwrap();
            prop_assert_eq!(String::from_utf8(out).unwrap(), value.iter().collect::<String>());
        }

        #[test]
        fn doubled_quotes_become_one(value in "[a\",\\n]{0,12}") {
            let mut out = Vec::new();
            doubled_quotes(value.replace('"', "\"\"").as_bytes(), &mut out);
            prop_assert_eq!(out, value.as_bytes());
        }
    }
}
