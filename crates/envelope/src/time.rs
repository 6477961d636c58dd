//! Points in time as envelopes write them, and as lines do.

use weir_model::Timestamp;

const DAY_SECONDS: i64 = 86_400;

/// A number of micros inside the years 1 to 9999, which is what bronze reads.
pub(crate) fn in_range(micros: i64) -> Option<Timestamp> {
    (-62_135_596_800_000_000..=253_402_300_799_999_999).contains(&micros).then(|| Timestamp::from_micros(micros))
}

/// Reads RFC 3339 text with its offset; a space may stand for `T`. Digits below a microsecond are
/// cut off.
pub(crate) fn rfc_3339(text: &[u8]) -> Option<Timestamp> {
    let number = |from: usize, to: usize| {
        text.get(from..to)?
            .iter()
            .try_fold(0i64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
    };
    let days = days(number(0, 4)?, number(5, 7)?, number(8, 10)?)?;
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let marks = [text[4], text[7], text[10], text[13], text[16]];
    if !matches!(marks, [b'-', b'-', b'T' | b't' | b' ', b':', b':']) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut rest = &text[19..];
    let mut fraction = 0;
    if let [b'.', digits @ ..] = rest {
        let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=9).contains(&count) {
            return None;
        }
        for place in 0..6 {
            let digit = digits[..count].get(place).map_or(0, |byte| i64::from(byte - b'0'));
            fraction = fraction * 10 + digit;
        }
        rest = &digits[count..];
    }
    let zone = text.len() - rest.len() + 1;
    let offset = match rest {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (number(zone, zone + 2)?, number(zone + 3, zone + 5)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if *sign == b'-' { -60 } else { 60 }
        }
        _ => return None,
    };
    let seconds = days * DAY_SECONDS + hour * 3_600 + minute * 60 + second - offset;
    in_range(seconds * 1_000_000 + fraction)
}

/// Days since 1970-01-01 of a day that exists.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if year == 0 || !(1..=length).contains(&day) {
        return None;
    }
    // Years begin in March here, so that the leap day is a year's last; 400 years have 146,097 days.
    let shifted = year - i64::from(month <= 2);
    let (era, year_of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
}

/// Appends `2026-11-20T08:30:00.000001Z`.
pub(crate) fn append(time: Timestamp, out: &mut Vec<u8>) {
    let day_micros = DAY_SECONDS * 1_000_000;
    // From the year 1 on, which is all that `in_range` lets through, no number here is below 0; all fit
    // 32 bits, which divide faster.
    let shifted = (time.micros().div_euclid(day_micros) + 719_468) as u32;
    let micros = time.micros().rem_euclid(day_micros);
    let (seconds, fraction) = ((micros / 1_000_000) as u32, (micros % 1_000_000) as u32);
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u32::from(month <= 2);
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    for (at, two_digits) in [
        (0, year / 100),
        (2, year % 100),
        (5, month),
        (8, day),
        (11, seconds / 3_600),
        (14, seconds / 60 % 60),
        (17, seconds % 60),
        (20, fraction / 10_000),
        (22, fraction / 100 % 100),
        (24, fraction % 100),
    ] {
        text[at] = b'0' + (two_digits / 10) as u8;
        text[at + 1] = b'0' + (two_digits % 10) as u8;
    }
    out.extend_from_slice(&text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn times_are_read_and_written_as_the_model_does(micros in -62_135_596_800_000_000i64..=253_402_300_799_999_999) {
            let time = Timestamp::from_micros(micros);
            let mut text = Vec::new();
            append(time, &mut text);
            prop_assert_eq!(rfc_3339(&text), Some(time));
            prop_assert_eq!(Timestamp::parse(std::str::from_utf8(&text).unwrap()), Some(time));
            prop_assert_eq!(rfc_3339(time.to_string().as_bytes()), Some(time));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9TZ:+. -]{0,35}|20[0-9]{2}-0[1-9]-0[1-9]T0[0-9]:00:00[.Z0-9:+-]{0,9}") {
            let ours = rfc_3339(text.as_bytes());
            if ours.is_some() {
                prop_assert_eq!(ours, Timestamp::parse(&text));
            }
        }
    }

    #[test]
    fn offsets_are_applied_and_their_absence_is_refused() {
        let utc = rfc_3339(b"2026-01-01T00:00:00Z");
        assert!(utc.is_some());
        assert_eq!(rfc_3339(b"2026-01-01T02:00:00.000000+02:00"), utc);
        assert_eq!(rfc_3339(b"2025-12-31 19:30:00.000000999-04:30"), utc);
        for text in [
            "2026-01-01T00:00:00",
            "2026-02-29T00:00:00Z",
            "2026-01-01",
            "2026-01-01T24:00:00Z",
            "0000-01-01T00:00:00Z",
            "",
        ] {
            assert_eq!(rfc_3339(text.as_bytes()), None, "{text}");
        }
    }
}
