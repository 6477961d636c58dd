//! Taking values from the fields of an envelope, and naming the field that is at fault.

use weir_json::{Kind, Text};
use weir_model::Timestamp;
use weir_model::change::columns;

use crate::error::EnvelopeError;
use crate::tape::{Field, Object};
use crate::time;

/// How much of a name from a record is shown.
const MAX_SHOWN: usize = 80;

/// The columns that a line adds.
const ADDED: [&str; 4] = [columns::OP, columns::SEQ, columns::EVENT_TIME, columns::UNCHANGED];

/// A name from a record as a person may see it.
pub(crate) fn shown(text: Text<'_>) -> String {
    let resolved = text.resolved();
    let name = String::from_utf8_lossy(&resolved);
    let mut shown: String = name.chars().take(MAX_SHOWN).flat_map(char::escape_debug).collect();
    if name.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// The path of a field: `prefix` with its dot, then the field's name.
pub(crate) fn path(prefix: &str, field: Field<'_>) -> String {
    format!("{prefix}{}", shown(field.key()))
}

/// No key stands twice in `object`.
pub(crate) fn unique(object: Object<'_>, prefix: &str) -> Result<(), EnvelopeError> {
    match object.repeated() {
        None => Ok(()),
        Some(field) => Err(EnvelopeError::DuplicateKey { field: path(prefix, field) }),
    }
}

/// The object can be a row: no key twice, no column that a line adds. `is_known` says which of those
/// the caller takes out.
pub(crate) fn row(object: Object<'_>, prefix: &str, is_known: impl Fn(&str) -> bool) -> Result<(), EnvelopeError> {
    unique(object, prefix)?;
    for field in object.fields() {
        let key = field.key();
        if (key.escaped || key.raw.first() == Some(&b'_'))
            && ADDED.iter().any(|added| key.is(added.as_bytes()) && !is_known(added))
        {
            return Err(EnvelopeError::ReservedColumn { field: path(prefix, field) });
        }
    }
    Ok(())
}

/// The text of a field that may be absent; null counts as absent.
pub(crate) fn text<'r>(field: Option<Field<'r>>, prefix: &str) -> Result<Option<Text<'r>>, EnvelopeError> {
    match field.filter(|field| !field.is_null()) {
        None => Ok(None),
        Some(field) => match field.value().text() {
            Some(text) => Ok(Some(text)),
            None => Err(EnvelopeError::value(path(prefix, field), "text")),
        },
    }
}

/// A field that has to be text; its path is `prefix` and `name`.
pub(crate) fn need_text<'r>(
    field: Option<Field<'r>>,
    prefix: &str,
    name: &str,
    why: &'static str,
) -> Result<Text<'r>, EnvelopeError> {
    match field.filter(|field| !field.is_null()) {
        None => Err(EnvelopeError::missing(format!("{prefix}{name}"), why)),
        Some(field) => field.value().text().ok_or_else(|| EnvelopeError::value(format!("{prefix}{name}"), "text")),
    }
}

/// A field that has to be a whole number of 64 bits, not below 0; its path is `prefix` and `name`.
pub(crate) fn need_number(
    field: Option<Field<'_>>,
    prefix: &str,
    name: &str,
    why: &'static str,
) -> Result<u64, EnvelopeError> {
    match field.filter(|field| !field.is_null()) {
        None => Err(EnvelopeError::missing(format!("{prefix}{name}"), why)),
        Some(field) => integer(field).and_then(|number| u64::try_from(number).ok()).ok_or_else(|| {
            let expected = "a whole number from 0 to 18446744073709551615, written in digits";
            EnvelopeError::value(format!("{prefix}{name}"), expected)
        }),
    }
}

/// The whole number that a field holds, written in digits alone; `None` above 28 of them.
pub(crate) fn integer(field: Field<'_>) -> Option<i128> {
    let raw = field.raw();
    if field.kind() != Kind::Number {
        return None;
    }
    let (sign, digits) = match raw {
        [b'-', digits @ ..] => (-1, digits),
        digits => (1, digits),
    };
    // Two halves of at most 14 digits: what 64 bits hold is multiplied faster.
    let (upper, lower) = digits.split_at(digits.len().saturating_sub(14));
    let half = |digits: &[u8]| {
        if digits.len() > 14 {
            return None;
        }
        digits.iter().try_fold(0i64, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
    };
    let lower = i128::from(half(lower)?);
    let upper = if upper.is_empty() { 0 } else { i128::from(half(upper)?) };
    Some(sign * (upper * 100_000_000_000_000 + lower))
}

/// A field that has to be RFC 3339 text; `name` is its whole path.
pub(crate) fn time(field: Field<'_>, name: &str) -> Result<Timestamp, EnvelopeError> {
    field
        .value()
        .text()
        .and_then(|text| time::rfc_3339(&text.resolved()))
        .ok_or_else(|| EnvelopeError::value(name, "RFC 3339 text with an offset, of the years 1 to 9999"))
}

/// Whether two values of one column are the same, as they are written.
pub(crate) fn same(a: Field<'_>, b: Field<'_>) -> bool {
    match (a.value().text(), b.value().text()) {
        (Some(a), Some(b)) if a.escaped || b.escaped => a.resolved() == b.resolved(),
        _ => a.raw() == b.raw(),
    }
}
