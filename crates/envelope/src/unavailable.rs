//! The value that Debezium writes where PostgreSQL did not say one.
//!
//! A value that is stored outside its row (TOAST) and did not change is not in PostgreSQL's log.
//! Debezium then writes a placeholder of the column's own type; these are the forms of its
//! `UnchangedToastedPlaceholder` with the default `unavailable.value.placeholder`.

use weir_json::{Kind, Scanner, Value};

const TEXT: &[u8] = b"__debezium_unavailable_value";
/// The same as base64, for `bytea`.
const BASE64: &[u8] = b"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==";
/// The same with `binary.handling.mode` hex.
const HEXADECIMAL: &[u8] = b"5f5f646562657a69756d5f756e617661696c61626c655f76616c7565";
/// The name-based UUID (version 3) of the same, for arrays of `uuid`.
const UUID: &[u8] = b"b68a35a7-17ad-35b3-af2a-ae46edb4545a";

/// Whether a value is the placeholder in any of its forms.
pub(crate) fn is_unavailable(value: Value<'_>) -> bool {
    match value.kind {
        Kind::String | Kind::StringEscaped => is_scalar(value) || is_map_text(value),
        Kind::Array => is_array(value.raw),
        Kind::Object => is_map(value.raw),
        Kind::Number | Kind::Boolean | Kind::Null => false,
    }
}

fn is_scalar(value: Value<'_>) -> bool {
    value.text().is_some_and(|text| {
        let base64 = text.raw.strip_suffix(b"==").unwrap_or(text.raw);
        text.is(TEXT) || base64 == BASE64.strip_suffix(b"==").unwrap_or(BASE64) || text.raw == HEXADECIMAL
    })
}

/// One element that is the placeholder, or its bytes as numbers.
fn is_array(raw: &[u8]) -> bool {
    // The longest form is that of numbers, with a comma and a space each.
    if raw.len() > 6 * TEXT.len() {
        return false;
    }
    let mut scanner = Scanner::new(raw, 1);
    let mut numbers = 0;
    let mut next = || -> Option<(Kind, &[u8])> {
        if scanner.next_token().ok()? == b',' {
            scanner.skip(1);
            scanner.next_token().ok()?;
        }
        let from = scanner.at();
        let kind = scanner.value(1).ok()?;
        Some((kind, &raw[from..scanner.at()]))
    };
    while let Some((kind, raw)) = next() {
        match kind {
            Kind::Number => {
                let expected = TEXT.get(numbers).copied();
                if expected != std::str::from_utf8(raw).ok().and_then(|digits| digits.parse().ok()) {
                    return false;
                }
                numbers += 1;
            }
            Kind::String | Kind::StringEscaped if numbers == 0 => {
                let value = Value { kind, raw };
                let is_uuid = value.text().is_some_and(|text| text.raw == UUID);
                return (is_scalar(value) || is_uuid) && next().is_none();
            }
            _ => return false,
        }
    }
    numbers == TEXT.len()
}

/// `hstore` as a map: the placeholder as key and value.
fn is_map(raw: &[u8]) -> bool {
    if raw.len() > 4 * TEXT.len() {
        return false;
    }
    let (mut members, mut hits) = (0, 0);
    let whole = weir_json::object::<weir_json::Stop>(raw, |key, value| {
        members += 1;
        hits += usize::from(key.is(TEXT) && value.text().is_some_and(|text| text.is(TEXT)));
        Ok(())
    });
    whole.is_ok() && (members, hits) == (1, 1)
}

/// `hstore` as JSON text: the same map inside a string.
fn is_map_text(value: Value<'_>) -> bool {
    value.kind == Kind::StringEscaped
        && value.raw.len() < 4 * TEXT.len()
        && value.text().is_some_and(|text| is_map(&text.resolved()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str) -> bool {
        let kind = weir_json::validate(json.as_bytes()).unwrap();
        is_unavailable(Value { kind, raw: json.as_bytes() })
    }

    #[test]
    fn every_form_of_the_placeholder_is_known() {
        let numbers: Vec<String> = TEXT.iter().map(u8::to_string).collect();
        for json in [
            r#""__debezium_unavailable_value""#.to_owned(),
            r#""\u005f_debezium_unavailable_value""#.to_owned(),
            r#""X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==""#.to_owned(),
            r#""X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ""#.to_owned(),
            r#""5f5f646562657a69756d5f756e617661696c61626c655f76616c7565""#.to_owned(),
            r#"["__debezium_unavailable_value"]"#.to_owned(),
            r#"[ "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==" ]"#.to_owned(),
            r#"["b68a35a7-17ad-35b3-af2a-ae46edb4545a"]"#.to_owned(),
            format!("[{}]", numbers.join(",")),
            format!("[{}]", numbers.join(", ")),
            r#"{"__debezium_unavailable_value":"__debezium_unavailable_value"}"#.to_owned(),
            r#""{\"__debezium_unavailable_value\":\"__debezium_unavailable_value\"}""#.to_owned(),
        ] {
            assert!(check(&json), "{json}");
        }
    }

    #[test]
    fn values_that_only_hold_it_are_values() {
        let numbers: Vec<String> = TEXT.iter().map(u8::to_string).collect();
        for json in [
            r#""x__debezium_unavailable_value""#.to_owned(),
            r#""b68a35a7-17ad-35b3-af2a-ae46edb4545a""#.to_owned(),
            r#"["__debezium_unavailable_value","b"]"#.to_owned(),
            r#"["b","__debezium_unavailable_value"]"#.to_owned(),
            format!("[{}]", numbers[1..].join(",")),
            format!("[{},1]", numbers.join(",")),
            "[]".to_owned(),
            "[1,\"__debezium_unavailable_value\"]".to_owned(),
            r#"{"__debezium_unavailable_value":1}"#.to_owned(),
            "{}".to_owned(),
            "null".to_owned(),
            "95".to_owned(),
        ] {
            assert!(!check(&json), "{json}");
        }
    }
}
