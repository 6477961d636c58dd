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
            weir_json::unescape(raw, scratch).map_err(|_| ValueError::Form)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn doubled_quotes_become_one(value in "[a\",\\n]{0,12}") {
            let mut out = Vec::new();
            doubled_quotes(value.replace('"', "\"\"").as_bytes(), &mut out);
            prop_assert_eq!(out, value.as_bytes());
        }
    }
}
