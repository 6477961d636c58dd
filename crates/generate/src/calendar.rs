//! Days and times as text, in every form that a contract can ask for.

use weir_model::Timestamp;
use weir_model::contract::{PatternField, TimeText};

use crate::decimal::{write_padded, write_u64};

pub(crate) const MICROS_A_DAY: i64 = 86_400_000_000;

/// Microseconds since 1970 of `2024-05-01` or of RFC 3339 text.
pub(crate) fn parse_micros(text: &str) -> Option<i64> {
    let date = text.len() == 10;
    let time = if date { Timestamp::parse(&format!("{text}T00:00:00Z")) } else { Timestamp::parse(text) };
    time.map(Timestamp::micros)
}

/// The least step between two times that the text can tell apart, in microseconds.
pub(crate) fn resolution(text: &TimeText) -> i64 {
    match text {
        TimeText::Iso => 1_000_000,
        TimeText::Epoch(unit) => unit.micros(),
        TimeText::Pattern(pattern) => {
            let places = pattern.fields().iter().map(|field| match field {
                PatternField::Fraction(places) => u32::from(*places),
                _ => 0,
            });
            10_i64.pow(6_u32.saturating_sub(places.max().unwrap_or(0)))
        }
    }
}

/// Writes a point in time; `zoned` adds `Z` to ISO text.
pub(crate) fn write_time(out: &mut Vec<u8>, text: &TimeText, zoned: bool, micros: i64) {
    match text {
        TimeText::Epoch(unit) => write_epoch(out, micros.div_euclid(unit.micros())),
        TimeText::Iso => {
            let parts = Parts::of(micros);
            parts.iso_date(out);
            for (mark, part) in [(b'T', parts.hour), (b':', parts.minute), (b':', parts.second)] {
                out.push(mark);
                write_padded(out, part, 2);
            }
            if zoned {
                out.push(b'Z');
            }
        }
        TimeText::Pattern(pattern) => pattern_parts(out, pattern.fields(), &Parts::of(micros)),
    }
}

/// Writes the day that holds `micros`.
pub(crate) fn write_date(out: &mut Vec<u8>, text: &TimeText, micros: i64) {
    match text {
        TimeText::Epoch(unit) => write_epoch(out, (micros - micros.rem_euclid(MICROS_A_DAY)) / unit.micros()),
        TimeText::Iso => Parts::of(micros).iso_date(out),
        TimeText::Pattern(pattern) => pattern_parts(out, pattern.fields(), &Parts::of(micros)),
    }
}

/// Writes `2024-05-01T08:30:00.000001Z`.
pub(crate) fn write_instant(out: &mut Vec<u8>, micros: i64) {
    write_time(out, &TimeText::Iso, false, micros);
    out.push(b'.');
    write_padded(out, micros.rem_euclid(1_000_000) as u64, 6);
    out.push(b'Z');
}

fn write_epoch(out: &mut Vec<u8>, number: i64) {
    if number < 0 {
        out.push(b'-');
    }
    write_u64(out, number.unsigned_abs());
}

fn pattern_parts(out: &mut Vec<u8>, fields: &[PatternField], parts: &Parts) {
    for field in fields {
        match field {
            PatternField::Year => write_padded(out, parts.year, 4),
            PatternField::Month => write_padded(out, parts.month, 2),
            PatternField::Day => write_padded(out, parts.day, 2),
            PatternField::Hour => write_padded(out, parts.hour, 2),
            PatternField::Minute => write_padded(out, parts.minute, 2),
            PatternField::Second => write_padded(out, parts.second, 2),
            PatternField::Fraction(places) => {
                let places = u32::from(*places).min(6);
                write_padded(out, parts.micros / 10_u64.pow(6 - places), places);
            }
            PatternField::Offset => out.push(b'Z'),
            PatternField::Literal(byte) => out.push(*byte),
        }
    }
}

struct Parts {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    micros: u64,
}

impl Parts {
    fn of(micros: i64) -> Self {
        let (year, month, day) = civil(micros.div_euclid(MICROS_A_DAY));
        let within = micros.rem_euclid(MICROS_A_DAY) as u64;
        let seconds = within / 1_000_000;
        Parts {
            year,
            month,
            day,
            hour: seconds / 3_600,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            micros: within % 1_000_000,
        }
    }

    fn iso_date(&self, out: &mut Vec<u8>) {
        write_padded(out, self.year, 4);
        out.push(b'-');
        write_padded(out, self.month, 2);
        out.push(b'-');
        write_padded(out, self.day, 2);
    }
}

/// Year, month and day of a day since 1970, from the year 0 on
/// (Hinnant, <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>).
fn civil(days: i64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year.max(0) as u64, month as u64, day as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_model::contract::EpochUnit;
    use weir_model::contract::TimePattern;

    fn time(text: &TimeText, zoned: bool, micros: i64) -> String {
        let mut out = Vec::new();
        write_time(&mut out, text, zoned, micros);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn days_are_those_of_the_model() {
        for day in (-719_000..2_900_000).step_by(97) {
            let micros = day * MICROS_A_DAY;
            let (year, month, dom) = Timestamp::from_micros(micros).date();
            assert_eq!(civil(day), (year as u64, u64::from(month), u64::from(dom)));
        }
    }

    #[test]
    fn each_text_form_writes_the_same_instant() {
        let micros = parse_micros("2024-02-29T23:59:58.123456Z").unwrap();
        assert_eq!(time(&TimeText::Iso, true, micros), "2024-02-29T23:59:58Z");
        assert_eq!(time(&TimeText::Iso, false, micros), "2024-02-29T23:59:58");
        assert_eq!(time(&TimeText::Epoch(EpochUnit::Seconds), false, micros), "1709251198");
        assert_eq!(time(&TimeText::Epoch(EpochUnit::Milliseconds), false, micros), "1709251198123");
        let pattern = TimeText::Pattern(TimePattern::parse("dd/MM/yyyy HH:mm:ss.SSSXXX").unwrap());
        assert_eq!(time(&pattern, true, micros), "29/02/2024 23:59:58.123Z");
        assert_eq!(resolution(&pattern), 1_000);
        let mut out = Vec::new();
        write_date(&mut out, &TimeText::Epoch(EpochUnit::Milliseconds), micros);
        assert_eq!(out, b"1709164800000");
        assert_eq!(time(&TimeText::Epoch(EpochUnit::Seconds), false, -1_500_000), "-2");
    }
}
