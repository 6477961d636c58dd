//! Exact decimal numbers of hints, and their text.

/// A number with so many digits after the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal {
    /// The number without its point.
    pub(crate) units: i128,
    /// Digits after the point.
    pub(crate) scale: u32,
}

impl Decimal {
    /// Reads `-12.50`: digits with at most one point, at most 38 of them.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let fits = !whole.is_empty()
            && whole.len() + fraction.len() <= 38
            && whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
        if !fits {
            return None;
        }
        let fraction = fraction.trim_end_matches('0');
        let mut units: i128 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            units = units * 10 + i128::from(digit - b'0');
        }
        Some(Decimal { units: if negative { -units } else { units }, scale: fraction.len() as u32 })
    }

    /// The number in units of `10^-scale`; `None` where it has more digits, or does not fit.
    pub(crate) fn at_scale(self, scale: u32) -> Option<i128> {
        let shift = scale.checked_sub(self.scale)?;
        self.units.checked_mul(10_i128.checked_pow(shift)?)
    }
}

const PAIRS: &[u8; 200] =
    b"0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
    5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

/// Writes a whole number.
pub(crate) fn write_u64(out: &mut Vec<u8>, mut number: u64) {
    let mut text = [0_u8; 20];
    let mut at = text.len();
    while number >= 100 {
        let pair = (number % 100) as usize * 2;
        number /= 100;
        at -= 2;
        text[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    }
    if number >= 10 {
        at -= 2;
        text[at..at + 2].copy_from_slice(&PAIRS[number as usize * 2..number as usize * 2 + 2]);
    } else {
        at -= 1;
        text[at] = b'0' + number as u8;
    }
    out.extend_from_slice(&text[at..]);
}

/// Writes a whole number with zeros before it, so that it has at least `digits` digits.
pub(crate) fn write_padded(out: &mut Vec<u8>, number: u64, digits: u32) {
    let has = number.checked_ilog10().map_or(1, |log| log + 1);
    out.extend(std::iter::repeat_n(b'0', digits.saturating_sub(has) as usize));
    write_u64(out, number);
}

/// Writes `units * 10^-scale`; with `trim`, without the zeros at the end of its fraction.
pub(crate) fn write_decimal(out: &mut Vec<u8>, units: i128, scale: u32, trim: bool) {
    if units < 0 {
        out.push(b'-');
    }
    let magnitude = units.unsigned_abs();
    match u64::try_from(magnitude) {
        Ok(magnitude) if scale <= 19 => {
            let whole = 10_u64.pow(scale);
            write_u64(out, magnitude / whole);
            if scale > 0 {
                out.push(b'.');
                write_padded(out, magnitude % whole, scale);
            }
        }
        _ => {
            let text = magnitude.to_string();
            let text = format!("{text:0>width$}", width = scale as usize + 1);
            let (whole, fraction) = text.split_at(text.len() - scale as usize);
            out.extend_from_slice(whole.as_bytes());
            if scale > 0 {
                out.push(b'.');
                out.extend_from_slice(fraction.as_bytes());
            }
        }
    }
    if trim && scale > 0 {
        while out.last() == Some(&b'0') {
            out.pop();
        }
        if out.last() == Some(&b'.') {
            out.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn whole_numbers_are_written_as_the_standard_library_writes_them() {
        for number in [0, 7, 10, 99, 100, 101, 12_345, 999_999, u64::MAX] {
            assert_eq!(text(|out| write_u64(out, number)), number.to_string());
        }
        assert_eq!(text(|out| write_padded(out, 42, 5)), "00042");
        assert_eq!(text(|out| write_padded(out, 0, 3)), "000");
        assert_eq!(text(|out| write_padded(out, 1_234, 2)), "1234");
    }

    #[test]
    fn decimals_keep_their_scale_unless_trimmed() {
        assert_eq!(text(|out| write_decimal(out, 450, 2, false)), "4.50");
        assert_eq!(text(|out| write_decimal(out, 450, 2, true)), "4.5");
        assert_eq!(text(|out| write_decimal(out, 400, 2, true)), "4");
        assert_eq!(text(|out| write_decimal(out, 100, 0, true)), "100");
        assert_eq!(text(|out| write_decimal(out, -5, 2, false)), "-0.05");
        assert_eq!(text(|out| write_decimal(out, 10_i128.pow(37), 38, false)), format!("0.1{}", "0".repeat(37)));
    }

    #[test]
    fn only_plain_decimals_are_read() {
        assert_eq!(Decimal::parse("-12.50"), Some(Decimal { units: -125, scale: 1 }));
        assert_eq!(Decimal::parse("5").and_then(|d| d.at_scale(2)), Some(500));
        assert_eq!(Decimal::parse("0.125").and_then(|d| d.at_scale(2)), None);
        for wrong in ["", ".", "1e3", "+1", "1.2.3", "nan"] {
            assert_eq!(Decimal::parse(wrong), None, "{wrong}");
        }
    }
}
