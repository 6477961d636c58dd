//! One value: from its text to its type, exactly or not at all.
//!
//! Nothing is rounded, clipped or replaced: what does not fit its column is a [`ValueError`].

pub(crate) mod number;
pub(crate) mod time;
mod unescape;

pub(crate) use unescape::unescaped;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

pub(crate) use crate::reason::ValueError;

/// A boolean, as databases and spreadsheets write it; case does not matter.
#[inline]
pub(crate) fn boolean(text: &[u8]) -> Result<bool, ValueError> {
    match text {
        b"true" | b"t" | b"1" => return Ok(true),
        b"false" | b"f" | b"0" => return Ok(false),
        _ => {}
    }
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()));
    if is(&["true", "t", "yes", "y"]) {
        Ok(true)
    } else if is(&["false", "f", "no", "n"]) {
        Ok(false)
    } else {
        Err(ValueError::Form)
    }
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Appends the bytes that base64 text (standard alphabet, padded or not) stands for.
pub(crate) fn base64(text: &[u8], out: &mut Vec<u8>) -> Result<(), ValueError> {
    let before = out.len();
    BASE64.decode_vec(text, out).map_err(|_| {
        out.truncate(before);
        ValueError::Form
    })
}

/// Checks that a text is one JSON value.
pub(crate) fn json(text: &[u8]) -> Result<(), ValueError> {
    weir_json::validate(text).map(|_| ()).map_err(|_| ValueError::Form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_words_and_never_other_numbers() {
        for (text, expected) in
            [("true", true), ("T", true), ("YES", true), ("1", true), ("False", false), ("n", false)]
        {
            assert_eq!(boolean(text.as_bytes()), Ok(expected), "{text}");
        }
        for text in ["", "2", "-1", "tru", "on", "1.0"] {
            assert_eq!(boolean(text.as_bytes()), Err(ValueError::Form), "{text}");
        }
    }

    #[test]
    fn base64_is_exact() {
        let mut out = Vec::new();
        base64(b"AAEC", &mut out).unwrap();
        base64(b"/w==", &mut out).unwrap();
        base64(b"/w", &mut out).unwrap();
        assert_eq!(out, [0, 1, 2, 255, 255]);
        for bad in ["A", "_w==", "/x==", "AAEC\n", "A A="] {
            assert_eq!(base64(bad.as_bytes(), &mut out), Err(ValueError::Form), "{bad}");
        }
        assert_eq!(out.len(), 5);
    }
}
