//! Dates and times: ISO 8601 forms, a contract's pattern, or a count since 1970.
//!
//! Accepted ISO forms: `YYYY-MM-DD`, then `T` or one space and `HH:MM`, `:SS`, a fraction of up to
//! nine digits of which those below a microsecond are zero, and `Z` or `±HH`, `±HHMM`, `±HH:MM`.
//! Years run from 0001 to 9999 in the proleptic Gregorian calendar. There is no 24:00 and no second 60.

use weir_model::contract::{EpochUnit, PatternField, TimePattern, TimeText};

use super::{ValueError, number};

const DAY_MICROS: i64 = 86_400_000_000;

/// Days since 1970-01-01.
pub(crate) fn date(text: &[u8], form: &TimeText) -> Result<i32, ValueError> {
    let (micros, has_time) = match form {
        TimeText::Iso => match text {
            // The usual form, without a detour.
            [_, _, _, _, b'-', _, _, b'-', _, _] => return iso_date(text).map(|days| days as i32),
            _ => iso(text, true).map(|micros| (micros, true))?,
        },
        TimeText::Pattern(pattern) => (by_pattern(text, pattern, true)?, false),
        TimeText::Epoch(unit) => (epoch(text, *unit)?, true),
    };
    if has_time && micros % DAY_MICROS != 0 {
        return Err(ValueError::TimeOfDay);
    }
    // Years 1 to 9999 are far fewer days than 32 bits hold.
    Ok(micros.div_euclid(DAY_MICROS) as i32)
}

/// Microseconds since 1970-01-01T00:00:00; of a point in time (`zoned`, in UTC) or of a wall clock.
pub(crate) fn timestamp(text: &[u8], form: &TimeText, zoned: bool) -> Result<i64, ValueError> {
    match form {
        TimeText::Iso => iso(text, zoned),
        TimeText::Pattern(pattern) => by_pattern(text, pattern, zoned),
        TimeText::Epoch(unit) => epoch(text, *unit),
    }
}

/// Whether a text is an ISO timestamp, and if so whether it names an offset.
pub(crate) fn iso_offset(text: &[u8]) -> Option<bool> {
    iso(text, true).ok()?;
    let time = text.get(10..).unwrap_or_default();
    Some(time.iter().any(|byte| matches!(byte, b'Z' | b'z' | b'+' | b'-')))
}

fn two(text: &[u8]) -> Result<i64, ValueError> {
    match text {
        [a @ b'0'..=b'9', b @ b'0'..=b'9'] => Ok(i64::from(a - b'0') * 10 + i64::from(b - b'0')),
        _ => Err(ValueError::Form),
    }
}

fn iso_date(text: &[u8]) -> Result<i64, ValueError> {
    if text.len() != 10 || text[4] != b'-' || text[7] != b'-' {
        return Err(ValueError::Form);
    }
    days(two(&text[..2])? * 100 + two(&text[2..4])?, two(&text[5..7])?, two(&text[8..])?)
}

/// Days since 1970-01-01 of a day that exists.
fn days(year: i64, month: i64, day: i64) -> Result<i64, ValueError> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return Err(ValueError::Range),
    };
    if year == 0 || day == 0 || day > length {
        return Err(ValueError::Range);
    }
    // Years begin in March here, so that the leap day is a year's last; 400 years have 146,097 days.
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let month_of_year = (month + 9) % 12;
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * month_of_year + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Ok(era * 146_097 + day_of_era - 719_468)
}

fn clock(hour: i64, minute: i64, second: i64) -> Result<i64, ValueError> {
    if hour > 23 || minute > 59 || second > 59 {
        return Err(ValueError::Range);
    }
    Ok(((hour * 60 + minute) * 60 + second) * 1_000_000)
}

fn iso(text: &[u8], zoned: bool) -> Result<i64, ValueError> {
    let Some((date, mut rest)) = text.split_at_checked(10) else { return Err(ValueError::Form) };
    let mut micros = iso_date(date)? * DAY_MICROS;
    if rest.is_empty() {
        return Ok(micros);
    }
    rest = match rest {
        [b'T' | b't' | b' ', hour @ ..] if hour.len() >= 5 && hour[2] == b':' => hour,
        _ => return Err(ValueError::Form),
    };
    let (hour, minute) = (two(&rest[..2])?, two(&rest[3..5])?);
    rest = &rest[5..];
    let mut second = 0;
    if let [b':', a, b, tail @ ..] = rest {
        second = two(&[*a, *b])?;
        rest = tail;
        if let [b'.' | b',', tail @ ..] = rest {
            let length = tail.iter().take_while(|byte| byte.is_ascii_digit()).count();
            micros += fraction(&tail[..length])?;
            rest = &tail[length..];
        }
    }
    micros += clock(hour, minute, second)?;
    // Some databases put a space before the offset.
    if let [b' ', tail @ ..] = rest {
        rest = tail;
        if rest.is_empty() {
            return Err(ValueError::Form);
        }
    }
    in_range(micros - offset(rest, zoned)?)
}

/// The years that RFC 3339 can write.
fn in_range(micros: i64) -> Result<i64, ValueError> {
    const FIRST: i64 = -719_162 * DAY_MICROS;
    const LAST: i64 = 2_932_897 * DAY_MICROS - 1;
    if (FIRST..=LAST).contains(&micros) { Ok(micros) } else { Err(ValueError::Range) }
}

/// Microseconds of the digits after a second's point.
fn fraction(digits: &[u8]) -> Result<i64, ValueError> {
    if digits.is_empty() || digits.len() > 9 {
        return Err(ValueError::Form);
    }
    if digits.iter().skip(6).any(|digit| *digit != b'0') {
        return Err(ValueError::Nanoseconds);
    }
    let kept = &digits[..digits.len().min(6)];
    let value = kept.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    Ok(value * 10i64.pow(6 - kept.len() as u32))
}

/// Microseconds by which a clock is ahead of UTC.
fn offset(text: &[u8], zoned: bool) -> Result<i64, ValueError> {
    let (sign, digits) = match text {
        [] | [b'Z' | b'z'] => return Ok(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return Err(ValueError::Form),
    };
    let (hours, minutes) = match digits {
        [_, _] => (two(digits)?, 0),
        [_, _, _, _] => (two(&digits[..2])?, two(&digits[2..])?),
        [_, _, b':', _, _] => (two(&digits[..2])?, two(&digits[3..])?),
        _ => return Err(ValueError::Form),
    };
    if hours > 18 || minutes > 59 {
        return Err(ValueError::Range);
    }
    let micros = sign * (hours * 60 + minutes) * 60_000_000;
    // A wall clock at UTC is one; at another offset it would have to be moved, silently.
    if micros != 0 && !zoned { Err(ValueError::Offset) } else { Ok(micros) }
}

fn epoch(text: &[u8], unit: EpochUnit) -> Result<i64, ValueError> {
    // Digits after the point that are whole microseconds; a part of a day is no count of days.
    let scale = match unit {
        EpochUnit::Seconds => 6,
        EpochUnit::Milliseconds => 3,
        EpochUnit::Microseconds => 0,
        EpochUnit::Days => {
            let days = number::int64(text)?;
            return in_range(days.checked_mul(unit.micros()).ok_or(ValueError::Range)?);
        }
    };
    // Whole numbers are the usual case.
    let micros = match number::int64(text) {
        Ok(value) => value.checked_mul(unit.micros()).ok_or(ValueError::Range)?,
        Err(_) => match number::decimal(text, 18, scale) {
            Ok(value) => i64::try_from(value).map_err(|_| ValueError::Range)?,
            Err(ValueError::Scale) => return Err(ValueError::Nanoseconds),
            Err(other) => return Err(other),
        },
    };
    in_range(micros)
}

fn by_pattern(text: &[u8], pattern: &TimePattern, zoned: bool) -> Result<i64, ValueError> {
    let mut rest = text;
    let mut take = |count: usize| {
        let (front, back) = rest.split_at_checked(count).ok_or(ValueError::Form)?;
        rest = back;
        Ok::<&[u8], ValueError>(front)
    };
    let (mut year, mut month, mut day) = (0, 0, 0);
    let (mut hour, mut minute, mut second, mut micros) = (0, 0, 0, 0);
    for field in pattern.fields() {
        match field {
            PatternField::Year => year = two(take(2)?)? * 100 + two(take(2)?)?,
            PatternField::Month => month = two(take(2)?)?,
            PatternField::Day => day = two(take(2)?)?,
            PatternField::Hour => hour = two(take(2)?)?,
            PatternField::Minute => minute = two(take(2)?)?,
            PatternField::Second => second = two(take(2)?)?,
            PatternField::Fraction(digits) => {
                let digits = take(usize::from(*digits))?;
                if !digits.iter().all(u8::is_ascii_digit) {
                    return Err(ValueError::Form);
                }
                micros += fraction(digits)?;
            }
            PatternField::Offset => {
                let first = take(1)?;
                let mut whole = first.to_vec();
                if !matches!(first, b"Z") {
                    whole.extend_from_slice(take(5)?);
                }
                micros -= offset(&whole, zoned)?;
            }
            PatternField::Literal(byte) => {
                if take(1)? != [*byte] {
                    return Err(ValueError::Form);
                }
            }
        }
    }
    if !rest.is_empty() {
        return Err(ValueError::Form);
    }
    in_range(days(year, month, day)? * DAY_MICROS + clock(hour, minute, second)? + micros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use weir_model::Timestamp;

    const ISO: &TimeText = &TimeText::Iso;

    proptest! {
        #[test]
        fn every_microsecond_comes_back(micros in -62_135_596_800_000_000i64..253_402_300_800_000_000) {
            let text = Timestamp::from_micros(micros).to_string();
            prop_assert_eq!(timestamp(text.as_bytes(), ISO, true), Ok(micros));
            prop_assert_eq!(timestamp(text.as_bytes(), ISO, false), Ok(micros));
            let spaced = text.replace('T', " ").replace('Z', "");
            prop_assert_eq!(timestamp(spaced.as_bytes(), ISO, false), Ok(micros));
            prop_assert_eq!(date(&text.as_bytes()[..10], ISO), Ok(micros.div_euclid(DAY_MICROS) as i32));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9TZ:+. -]{0,35}") {
            let _ = timestamp(text.as_bytes(), ISO, true);
            let _ = date(text.as_bytes(), ISO);
            let pattern = TimePattern::parse("dd/MM/yyyy HH:mm:ss.SSSXXX").unwrap();
            let _ = timestamp(text.as_bytes(), &TimeText::Pattern(pattern), true);
            let _ = timestamp(text.as_bytes(), &TimeText::Epoch(EpochUnit::Milliseconds), true);
        }
    }

    #[test]
    fn offsets_are_applied_to_points_in_time_and_refused_on_wall_clocks() {
        let utc = timestamp(b"2026-01-01T00:00:00Z", ISO, true).unwrap();
        for text in [
            "2026-01-01T02:00:00+02:00",
            "2025-12-31 19:30-0430",
            "2026-01-01T01:00+01",
            "2026-01-01 00:00:00.000000 +00",
        ] {
            assert_eq!(timestamp(text.as_bytes(), ISO, true), Ok(utc), "{text}");
        }
        assert_eq!(timestamp(b"2026-01-01T02:00:00+02:00", ISO, false), Err(ValueError::Offset));
        assert_eq!(timestamp(b"2026-01-01T00:00:00+00:00", ISO, false), Ok(utc));
    }

    #[test]
    fn days_that_do_not_exist_and_lost_digits_are_refused() {
        for (text, error) in [
            ("2025-02-29", ValueError::Range),
            ("1900-02-29", ValueError::Range),
            ("2026-13-01", ValueError::Range),
            ("2026-00-01", ValueError::Range),
            ("0000-01-01", ValueError::Range),
            ("2026-1-1", ValueError::Form),
            ("01/02/2026", ValueError::Form),
            ("2026-01-01T24:00:00", ValueError::Range),
            ("2026-01-01T23:59:60", ValueError::Range),
            ("2026-01-01T00:00:00.1234567", ValueError::Nanoseconds),
            ("2026-01-01T00:00:00.", ValueError::Form),
            ("2026-01-01T00:00:00x", ValueError::Form),
            ("2026-01-01 ", ValueError::Form),
            ("9999-12-31T23:59:59-18:00", ValueError::Range),
            ("", ValueError::Form),
        ] {
            assert_eq!(timestamp(text.as_bytes(), ISO, true), Err(error), "{text}");
        }
        assert_eq!(timestamp(b"2024-02-29T00:00:00.123456000", ISO, true).unwrap() % 1_000_000, 123_456);
        assert_eq!(date(b"2026-01-01T00:00:00.000Z", ISO), Ok(20_454));
        assert_eq!(date(b"2026-01-01T00:00:01Z", ISO), Err(ValueError::TimeOfDay));
    }

    #[test]
    fn patterns_and_epochs_are_exact() {
        let pattern = |text: &str| TimeText::Pattern(TimePattern::parse(text).unwrap());
        assert_eq!(date(b"31/12/2026", &pattern("dd/MM/yyyy")), Ok(20_818));
        assert_eq!(date(b"20261231", &pattern("yyyyMMdd")), Ok(20_818));
        assert_eq!(date(b"31/12/26", &pattern("dd/MM/yyyy")), Err(ValueError::Form));
        assert_eq!(date(b"31/12/2026 ", &pattern("dd/MM/yyyy")), Err(ValueError::Form));
        let stamp = pattern("yyyy-MM-dd'T'HH:mm:ss.SSSXXX");
        assert_eq!(timestamp(b"1970-01-01T01:00:00.001+01:00", &stamp, true), Ok(1_000));
        let seconds = &TimeText::Epoch(EpochUnit::Seconds);
        assert_eq!(timestamp(b"1254186384", seconds, true), Ok(1_254_186_384_000_000));
        assert_eq!(timestamp(b"-1.5", seconds, true), Ok(-1_500_000));
        assert_eq!(timestamp(b"1.0000001", seconds, true), Err(ValueError::Nanoseconds));
        assert_eq!(timestamp(b"99999999999999999", seconds, true), Err(ValueError::Range));
        assert_eq!(
            timestamp(b"1254186384000", &TimeText::Epoch(EpochUnit::Milliseconds), true),
            Ok(1_254_186_384_000_000)
        );
        assert_eq!(date(b"86400", seconds), Ok(1));
        // As Debezium writes dates by default.
        let days = &TimeText::Epoch(EpochUnit::Days);
        assert_eq!(date(b"20818", days), Ok(20_818));
        assert_eq!(date(b"-1", days), Ok(-1));
        assert_eq!(timestamp(b"1", days, true), Ok(86_400_000_000));
        assert_eq!(date(b"1.5", days), Err(ValueError::Form));
        assert_eq!(date(b"9999999", days), Err(ValueError::Range));
    }
}
