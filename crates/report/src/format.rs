//! Numbers, sizes and times as people read them.

use weir_model::Timestamp;

/// `1234567` as `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The word that goes with a number.
pub(crate) fn plural<'a>(number: u64, one: &'a str, many: &'a str) -> &'a str {
    if number == 1 { one } else { many }
}

/// `1 row`, `2 rows`.
pub(crate) fn counted(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", count(number), plural(number, "", "s"))
}

/// Bytes in the unit that leaves at most four digits.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if bytes < 1000 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// `2026-11-20 08:30 UTC`.
pub(crate) fn when(time: Timestamp) -> String {
    let text = time.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute} UTC"),
        _ => text,
    }
}

/// How long before `now` a time was, in its largest unit.
pub(crate) fn ago(time: Timestamp, now: Timestamp) -> String {
    let seconds = (now.micros() - time.micros()) / 1_000_000;
    let (number, unit) = match u64::try_from(seconds) {
        // Clocks of two machines differ a little.
        Err(_) if seconds > -120 => return "just now".to_owned(),
        Err(_) => return "in the future".to_owned(),
        Ok(0..60) => return "just now".to_owned(),
        Ok(s @ 60..3600) => (s / 60, "minute"),
        Ok(s @ 3600..172_800) => (s / 3600, "hour"),
        Ok(s) => (s / 86_400, "day"),
    };
    format!("{} ago", counted(number, unit))
}

/// `340 ms`, `2.5 s`, `3 min 20 s`.
pub(crate) fn took(milliseconds: u64) -> String {
    match milliseconds {
        0..1000 => format!("{milliseconds} ms"),
        1000..120_000 => format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100),
        _ => format!("{} min {} s", count(milliseconds / 60_000), milliseconds % 60_000 / 1000),
    }
}

/// The first digits of a control id, enough to type.
pub(crate) fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_sizes_have_units() {
        assert_eq!([count(12), count(123), count(1_234_567)], ["12", "123", "1,234,567"]);
        assert_eq!([size(999), size(1_500_000), size(u64::MAX)], ["999 B", "1.5 MB", "18446744.1 TB"]);
        assert_eq!([took(340), took(2_590), took(200_000)], ["340 ms", "2.5 s", "3 min 20 s"]);
        assert_eq!([counted(1, "row"), counted(0, "row")], ["1 row", "0 rows"]);
    }

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        let now = Timestamp::from_micros(1_800_000_000_000_000);
        let of = |seconds: i64| ago(now.plus_seconds(-seconds), now);
        assert_eq!([of(0), of(59), of(-60)], ["just now"; 3]);
        assert_eq!(
            [of(60), of(7200), of(86_400), of(172_800)],
            ["1 minute ago", "2 hours ago", "24 hours ago", "2 days ago"]
        );
        assert_eq!(of(-86_400), "in the future");
        assert_eq!(when(now), "2027-01-15 08:00 UTC");
    }
}
