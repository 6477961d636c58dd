//! Points in time as Weir stores them: microseconds since 1970-01-01T00:00:00Z.

use std::fmt;

use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Microseconds since the Unix epoch, in UTC. Written and read as RFC 3339 text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The last microsecond of the year 9999, the end of what RFC 3339 can write.
const MAX_MICROS: i64 = 253_402_300_799_999_999;
/// The first microsecond of the year 0.
const MIN_MICROS: i64 = -62_167_219_200_000_000;

impl Timestamp {
    /// From microseconds since the epoch; values outside the years 0 to 9999 are moved to the nearer end.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Timestamp(micros.clamp(MIN_MICROS, MAX_MICROS))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 text such as `2026-11-20T08:30:00Z`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let time = DateTime::parse_from_rfc3339(text).ok()?;
        Some(Self::from_micros(time.timestamp_micros()))
    }

    /// This point moved by `seconds`.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_micros(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Year, month and day in UTC.
    #[must_use]
    pub fn date(self) -> (i32, u32, u32) {
        let time = self.to_chrono();
        (time.year(), time.month(), time.day())
    }

    fn to_chrono(self) -> DateTime<Utc> {
        // The clamp in `from_micros` keeps the value inside chrono's range.
        DateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_chrono().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("not an RFC 3339 time: {text}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_and_back_is_the_same_instant(micros in MIN_MICROS..=MAX_MICROS) {
            let time = Timestamp::from_micros(micros);
            prop_assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
        }
    }

    #[test]
    fn out_of_range_instants_stay_writable() {
        assert_eq!(Timestamp::from_micros(i64::MAX).to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(Timestamp::from_micros(i64::MIN).date().0, 0);
    }
}
