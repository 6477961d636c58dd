//! One value: from its text to its type, exactly or not at all.
//!
//! Nothing is rounded, clipped or replaced: what does not fit its column is a [`ValueError`].

pub(crate) mod number;
pub(crate) mod time;
mod unescape;

pub(crate) use unescape::unescaped;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use weir_model::contract::{ColumnType, TimeText};

use crate::json;

/// Why a text is no value of its column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueError {
    /// It is not written as the type is.
    Form,
    /// It is written so, but does not fit.
    Range,
    /// It has more digits after the point than the column keeps.
    Scale,
    /// It has digits below a microsecond.
    Nanoseconds,
    /// A time with an offset, in a column without time zone.
    Offset,
    /// A date with a time of day.
    TimeOfDay,
    /// A JSON object or array.
    Nested,
    /// Not UTF-8.
    Utf8,
    /// `_op` is none of I, U, D, L.
    Operation,
}

impl ValueError {
    /// A stable name.
    pub(crate) fn code(self) -> &'static str {
        match self {
            ValueError::Form => "not_of_type",
            ValueError::Range => "out_of_range",
            ValueError::Scale => "too_many_decimals",
            ValueError::Nanoseconds => "nanoseconds",
            ValueError::Offset => "unexpected_offset",
            ValueError::TimeOfDay => "unexpected_time",
            ValueError::Nested => "nested_value",
            ValueError::Utf8 => "not_utf8",
            ValueError::Operation => "unknown_operation",
        }
    }

    /// What is wrong with a value of a column of `column_type`; does not repeat the value.
    pub(crate) fn message(self, column_type: &ColumnType) -> String {
        match self {
            ValueError::Form => format!("the value is no {column_type}{}", form(column_type)),
            ValueError::Range => format!("the value does not fit {column_type}"),
            ValueError::Scale => {
                format!("the value has more digits after the point than {column_type} keeps; nothing is rounded here")
            }
            ValueError::Nanoseconds => {
                "the value has digits below a microsecond; declare the column as string to keep them".to_owned()
            }
            ValueError::Offset => {
                "the value has an offset from UTC and the column no time zone; set logicalTypeOptions.timezone: true"
                    .to_owned()
            }
            ValueError::TimeOfDay => {
                "the value has a time of day; declare the column as timestamp to keep it".to_owned()
            }
            ValueError::Nested => {
                format!(
                    "the value is a JSON object or array, the column {column_type}; declare it as logicalType object"
                )
            }
            ValueError::Utf8 => "the value is not UTF-8 text".to_owned(),
            ValueError::Operation => "the operation is none of I, U, D and L".to_owned(),
        }
    }
}

/// How a type is written, where its name does not say it.
fn form(column_type: &ColumnType) -> String {
    match column_type {
        ColumnType::Date(TimeText::Pattern(pattern))
        | ColumnType::Timestamp { text: TimeText::Pattern(pattern), .. } => {
            format!(" as {pattern}")
        }
        ColumnType::Date(TimeText::Epoch { per_second })
        | ColumnType::Timestamp { text: TimeText::Epoch { per_second }, .. } => {
            format!(" as a number of 1/{per_second} seconds since 1970")
        }
        ColumnType::Date(TimeText::Iso) => " as YYYY-MM-DD".to_owned(),
        ColumnType::Timestamp { text: TimeText::Iso, .. } => " as YYYY-MM-DDTHH:MM:SS".to_owned(),
        ColumnType::Boolean => " as true or false".to_owned(),
        ColumnType::Binary => " as base64".to_owned(),
        _ => String::new(),
    }
}

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
    json::validate(text).map_err(|_| ValueError::Form)
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
