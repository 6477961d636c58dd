//! Texts that are one value, and where a broken one ends.

use crate::scan::Scanner;
use crate::span::{Kind, Stop};

/// Checks that `text` is one JSON value and nothing else.
///
/// # Errors
/// Why it is not.
pub fn validate(text: &[u8]) -> Result<Kind, Stop> {
    let mut scanner = Scanner::new(text, 0);
    scanner.next_token()?;
    let kind = scanner.value(0)?;
    match scanner.next_token() {
        Err(_) => Ok(kind),
        Ok(_) => Err(scanner.syntax("something follows the value")),
    }
}

/// Where the bracket that opens at `start` is closed: the byte after it. Strings are respected and
/// nothing else is checked, so that the end of a broken object can be told.
#[must_use]
pub fn balanced_end(text: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = start;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => loop {
                at += 1 + memchr::memchr2(b'"', b'\\', text.get(at + 1..)?)?;
                match text[at] {
                    b'"' => break,
                    _ => at += 1,
                }
            },
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}
