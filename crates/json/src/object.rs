//! One whole object: its members with their keys and the bytes of their values.

use std::borrow::Cow;

use crate::scan::Scanner;
use crate::span::{Kind, Span, Stop};
use crate::unescape::{equals, unescape};

/// The text of a key or a string, as it stands between its quotes.
#[derive(Debug, Clone, Copy)]
pub struct Text<'t> {
    /// The bytes between the quotes.
    pub raw: &'t [u8],
    /// Whether they hold escapes.
    pub escaped: bool,
}

impl<'t> Text<'t> {
    /// The text at a span.
    #[must_use]
    #[inline]
    pub fn at(text: &'t [u8], span: Span) -> Self {
        Text { raw: &text[span.start()..span.end()], escaped: span.is_escaped() }
    }

    /// Whether it means `other`, however it is spelled.
    #[must_use]
    #[inline]
    pub fn is(self, other: &[u8]) -> bool {
        if self.escaped { equals(self.raw, other) } else { self.raw == other }
    }

    /// What it means. Only a text with escapes is copied; one that the scanner would have refused
    /// comes back as it stands.
    #[must_use]
    #[inline]
    pub fn resolved(self) -> Cow<'t, [u8]> {
        if self.escaped { self.copied() } else { Cow::Borrowed(self.raw) }
    }

    #[cold]
    fn copied(self) -> Cow<'t, [u8]> {
        let mut out = Vec::with_capacity(self.raw.len());
        match unescape(self.raw, &mut out) {
            Ok(()) => Cow::Owned(out),
            Err(_) => Cow::Borrowed(self.raw),
        }
    }
}

/// One value: what it is, and its own bytes, quotes and brackets included.
#[derive(Debug, Clone, Copy)]
pub struct Value<'t> {
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub raw: &'t [u8],
}

impl<'t> Value<'t> {
    /// Its text if it is a string.
    #[must_use]
    #[inline]
    pub fn text(self) -> Option<Text<'t>> {
        let raw = self.raw.get(1..self.raw.len().checked_sub(1)?)?;
        self.kind.is_string().then_some(Text { raw, escaped: self.kind == Kind::StringEscaped })
    }
}

/// Visits the members of the one object that `text` is, in their order. A key that comes twice is
/// visited twice.
///
/// # Errors
/// Why `text` is not one object and nothing else, or what `member` returned; members before the
/// fault have been visited.
pub fn object<'t, E: From<Stop>>(
    text: &'t [u8],
    mut member: impl FnMut(Text<'t>, Value<'t>) -> Result<(), E>,
) -> Result<(), E> {
    let mut scanner = Scanner::new(text, 0);
    scanner.next_token()?;
    scanner.members(0, |scanner, key| {
        let from = scanner.at();
        let kind = scanner.value(1)?;
        member(Text::at(text, key), Value { kind, raw: &text[from..scanner.at()] })
    })?;
    match scanner.next_token() {
        Err(_) => Ok(()),
        Ok(_) => Err(scanner.syntax("something follows the object")),
    }
}
