//! Patterns for dates and times: the fixed-width numeric part of Java's `DateTimeFormatter`.

use std::fmt;

/// A part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternField {
    /// `yyyy`: four digits.
    Year,
    /// `MM`: two digits.
    Month,
    /// `dd`: two digits.
    Day,
    /// `HH`: two digits, 00 to 23.
    Hour,
    /// `mm`: two digits.
    Minute,
    /// `ss`: two digits.
    Second,
    /// `S` to `SSSSSS`: so many digits of a second's fraction.
    Fraction(u8),
    /// `XXX`: `Z` or an offset such as `+02:00`.
    Offset,
    /// One ASCII character that stands for itself.
    Literal(u8),
}

/// A pattern such as `dd/MM/yyyy HH:mm:ss`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimePattern {
    text: String,
    fields: Vec<PatternField>,
}

impl TimePattern {
    /// Reads a pattern; the error says which part is not understood.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut fields = Vec::new();
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let letter = bytes[at];
            if letter == b'\'' {
                let end = bytes[at + 1..].iter().position(|b| *b == b'\'').ok_or("a quote is not closed")?;
                fields.extend(bytes[at + 1..at + 1 + end].iter().map(|b| PatternField::Literal(*b)));
                at += end + 2;
                continue;
            }
            let run = bytes[at..].iter().take_while(|b| **b == letter).count();
            match (letter, run) {
                (b'y' | b'u', 4) => fields.push(PatternField::Year),
                (b'M', 2) => fields.push(PatternField::Month),
                (b'd', 2) => fields.push(PatternField::Day),
                (b'H', 2) => fields.push(PatternField::Hour),
                (b'm', 2) => fields.push(PatternField::Minute),
                (b's', 2) => fields.push(PatternField::Second),
                (b'S', 1..=6) => fields.push(PatternField::Fraction(run as u8)),
                (b'X', 3) => fields.push(PatternField::Offset),
                (b, _) if b.is_ascii_alphabetic() || !b.is_ascii() || b == b'[' || b == b']' => {
                    return Err(format!(
                        "'{}' is not understood; use yyyy MM dd HH mm ss S…SSSSSS XXX, other letters in 'quotes'",
                        &text[at..].chars().take(run).collect::<String>()
                    ));
                }
                (b, run) => fields.extend(std::iter::repeat_n(PatternField::Literal(b), run)),
            }
            at += run;
        }
        for needed in [PatternField::Year, PatternField::Month, PatternField::Day] {
            if fields.iter().filter(|field| **field == needed).count() != 1 {
                return Err("a pattern needs yyyy, MM and dd once each".to_owned());
            }
        }
        Ok(TimePattern { text: text.to_owned(), fields })
    }

    /// The parts, in order.
    #[must_use]
    pub fn fields(&self) -> &[PatternField] {
        &self.fields
    }

    /// Whether the text tells its offset from UTC.
    #[must_use]
    pub fn has_offset(&self) -> bool {
        self.fields.contains(&PatternField::Offset)
    }

    /// Whether it has parts of a day.
    #[must_use]
    pub fn has_time(&self) -> bool {
        use PatternField::{Fraction, Hour, Minute, Second};
        self.fields.iter().any(|field| matches!(field, Hour | Minute | Second | Fraction(_)))
    }
}

impl fmt::Display for TimePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_part_by_part() {
        let pattern = TimePattern::parse("dd/MM/yyyy'T'HH:mm:ss.SSSXXX").unwrap();
        assert_eq!(pattern.fields().len(), 14);
        assert!(pattern.has_offset() && pattern.has_time());
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert!(TimePattern::parse("dd MMM yyyy").unwrap_err().contains("'MMM'"));
        assert!(TimePattern::parse("yyyy-MM").unwrap_err().contains("dd"));
        assert!(TimePattern::parse("yyyy-MM-dd'T").unwrap_err().contains("quote"));
    }
}
