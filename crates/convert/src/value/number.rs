//! Numbers: exact, in range, or refused.

use super::ValueError;

/// A whole number. `5.0` is one too; `5.5` and `5e3` are not.
#[inline]
pub(crate) fn int64(text: &[u8]) -> Result<i64, ValueError> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    // Up to 18 digits cannot overflow 64 bits.
    if digits.is_empty() || digits.len() > 18 {
        return int64_slow(negative, digits);
    }
    let mut value = 0i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return int64_slow(negative, digits);
        }
        value = value * 10 + i64::from(digit);
    }
    Ok(if negative { -value } else { value })
}

#[cold]
fn int64_slow(negative: bool, text: &[u8]) -> Result<i64, ValueError> {
    let (digits, fraction) = match text.iter().position(|byte| *byte == b'.') {
        Some(point) => (&text[..point], Some(&text[point + 1..])),
        None => (text, None),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(ValueError::Form);
    }
    if fraction.is_some_and(|fraction| fraction.is_empty() || fraction.iter().any(|byte| *byte != b'0')) {
        return Err(ValueError::Form);
    }
    let mut value = 0i64;
    for byte in digits {
        let digit = i64::from(byte - b'0');
        let next = value
            .checked_mul(10)
            .and_then(|value| if negative { value.checked_sub(digit) } else { value.checked_add(digit) });
        value = next.ok_or(ValueError::Range)?;
    }
    Ok(value)
}

/// A whole number of 32 bits.
#[inline]
pub(crate) fn int32(text: &[u8]) -> Result<i32, ValueError> {
    i32::try_from(int64(text)?).map_err(|_| ValueError::Range)
}

/// The nearest binary number. `NaN` and the infinities are values; a number too large for the type
/// is not made infinite, and one too small is not made 0: both are refused.
#[inline]
pub(crate) fn float64(text: &[u8]) -> Result<f64, ValueError> {
    let value: f64 = fast_float2::parse(text).map_err(|_| ValueError::Form)?;
    if value.is_infinite() && text.iter().any(u8::is_ascii_digit) || value == 0.0 && !is_zero(text) {
        return Err(ValueError::Range);
    }
    Ok(value)
}

/// Whether a number's text has no digit but 0 before its exponent.
fn is_zero(text: &[u8]) -> bool {
    let mantissa = text.iter().take_while(|byte| !matches!(byte, b'e' | b'E'));
    !mantissa.into_iter().any(|byte| matches!(byte, b'1'..=b'9'))
}

/// As [`float64`], of 32 bits.
#[inline]
pub(crate) fn float32(text: &[u8]) -> Result<f32, ValueError> {
    let value: f32 = fast_float2::parse(text).map_err(|_| ValueError::Form)?;
    if value.is_infinite() && text.iter().any(u8::is_ascii_digit) || value == 0.0 && !is_zero(text) {
        return Err(ValueError::Range);
    }
    Ok(value)
}

/// A decimal as the whole number of its last digit: `1.50` of scale 2 is 150. `1.5e0` is read too.
pub(crate) fn decimal(text: &[u8], precision: u8, scale: u8) -> Result<i128, ValueError> {
    let (negative, unsigned) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&unsigned[..at], exponent(&unsigned[at + 1..])?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = match mantissa.iter().position(|byte| *byte == b'.') {
        Some(point) => (&mantissa[..point], &mantissa[point + 1..]),
        None => (mantissa, &[][..]),
    };
    if whole.is_empty() && fraction.is_empty() || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return Err(ValueError::Form);
    }
    // The place of each digit is its power of ten; those below the scale have to be zero.
    let digits = whole.iter().chain(fraction).map(|byte| byte - b'0');
    let mut place = whole.len() as i64 - 1 + exponent + i64::from(scale);
    let mut value = 0i128;
    for digit in digits {
        if place >= 0 && (digit > 0 || value > 0) {
            if place >= i64::from(precision) && value == 0 {
                return Err(ValueError::Range);
            }
            value = value * 10 + i128::from(digit);
        } else if digit > 0 {
            return Err(ValueError::Scale);
        }
        place -= 1;
    }
    // Digits that the text leaves out: 1.5 of scale 2, or 15e3.
    if value > 0 {
        for _ in 0..=place {
            value *= 10;
        }
    }
    Ok(if negative { -value } else { value })
}

fn exponent(text: &[u8]) -> Result<i64, ValueError> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(ValueError::Form);
    }
    let value = digits.iter().fold(0i64, |value, digit| (value * 10 + i64::from(digit - b'0')).min(1_000_000));
    Ok(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_int64_comes_back(value in any::<i64>()) {
            prop_assert_eq!(int64(value.to_string().as_bytes()), Ok(value));
            prop_assert_eq!(int64(format!("{value}.000").as_bytes()), Ok(value));
        }

        #[test]
        fn whole_numbers_agree_with_the_standard_library(text in "[+-]?[0-9]{0,25}|[ -~]{0,6}") {
            let ours = int64(text.as_bytes());
            match text.parse::<i64>() {
                Ok(value) => prop_assert_eq!(ours, Ok(value)),
                Err(_) => prop_assert!(ours.is_err() || text.contains('.')),
            }
        }

        #[test]
        fn every_float_comes_back(value in any::<f64>()) {
            let back = float64(format!("{value:?}").as_bytes()).unwrap();
            prop_assert!(back == value || back.is_nan() && value.is_nan());
            let narrow = value as f32;
            if narrow.is_finite() {
                prop_assert_eq!(float32(format!("{narrow:?}").as_bytes()), Ok(narrow));
            }
        }

        #[test]
        fn every_decimal_comes_back(value in -99_999_999_999_999_999_999_999_999_999_999_999_999i128..=99_999_999_999_999_999_999_999_999_999_999_999_999, scale in 0u8..=38, shift in -5i32..5) {
            let digits = format!("{:039}", value.unsigned_abs());
            let (whole, fraction) = digits.split_at(39 - usize::from(scale));
            let sign = if value < 0 { "-" } else { "" };
            let text = format!("{sign}{whole}.{fraction}");
            prop_assert_eq!(decimal(text.as_bytes(), 38, scale), Ok(value));
            // The same number with the point moved and an exponent that moves it back.
            let plain = format!("{sign}{digits}e{}", i32::from(scale).wrapping_neg());
            prop_assert_eq!(decimal(plain.as_bytes(), 38, scale), Ok(value));
            let shifted = format!("{sign}{digits}{}e{}", "0".repeat(shift.max(0) as usize), -i32::from(scale) - shift.max(0));
            prop_assert_eq!(decimal(shifted.as_bytes(), 38, scale), Ok(value));
        }
    }

    #[test]
    fn nothing_is_rounded_or_clipped() {
        assert_eq!(int64(b"9223372036854775808"), Err(ValueError::Range));
        assert_eq!(int64(b"-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(int64(b"1.5"), Err(ValueError::Form));
        assert_eq!(int64(b"1."), Err(ValueError::Form));
        assert_eq!(int64(b""), Err(ValueError::Form));
        assert_eq!(int64(b"-"), Err(ValueError::Form));
        assert_eq!(int64(b"--1"), Err(ValueError::Form));
        assert_eq!(int32(b"2147483648"), Err(ValueError::Range));
        assert_eq!(float64(b"1e999"), Err(ValueError::Range));
        assert_eq!(float32(b"1e39"), Err(ValueError::Range));
        assert_eq!(float64(b"1e-999"), Err(ValueError::Range));
        assert_eq!(float32(b"-0.1e-60"), Err(ValueError::Range));
        assert_eq!(float64(b"0e-999"), Ok(0.0));
        assert_eq!(float64(b"0.000"), Ok(0.0));
        assert_eq!(float64(b"-inf"), Ok(f64::NEG_INFINITY));
        assert!(float64(b"NaN").unwrap().is_nan());
        assert_eq!(float64(b"0x10"), Err(ValueError::Form));
        assert_eq!(decimal(b"1.005", 10, 2), Err(ValueError::Scale));
        assert_eq!(decimal(b"1.500", 10, 2), Ok(150));
        assert_eq!(decimal(b".5", 10, 2), Ok(50));
        assert_eq!(decimal(b"5.", 10, 2), Ok(500));
        assert_eq!(decimal(b"0e99", 3, 0), Ok(0));
        assert_eq!(decimal(b"1e2", 3, 0), Ok(100));
        assert_eq!(decimal(b"1e3", 3, 0), Err(ValueError::Range));
        assert_eq!(decimal(b"100000000.00", 10, 2), Err(ValueError::Range));
        assert_eq!(decimal(b"00099999999.99", 10, 2), Ok(9_999_999_999));
        assert_eq!(decimal(b".", 10, 2), Err(ValueError::Form));
        assert_eq!(decimal(b"1.2.3", 10, 2), Err(ValueError::Form));
        assert_eq!(decimal(b"1e999999999999", 38, 2), Err(ValueError::Range));
        assert_eq!(decimal(b"1e-999999999999", 38, 2), Err(ValueError::Scale));
    }
}
