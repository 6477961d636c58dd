//! `_carried`: the columns of a stored row whose values are older than the row itself.
//!
//! A JSON object of column names and sequences. `*` stands for all columns that are not named; a
//! column that no record has set yet has the empty sequence. Null says that all values came with
//! the record that `_seq` names.

use std::borrow::Cow;

use serde_json::Value;

/// The name that stands for every column.
pub(crate) const ALL: &str = "*";

/// What `_carried` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Carried<'t> {
    all: Option<Cow<'t, str>>,
    named: Vec<(String, String)>,
}

impl<'t> Carried<'t> {
    /// Reads the text of a stored row. What is no object of texts says nothing: another engine wrote
    /// it, and its row counts as one record.
    pub(crate) fn parse(text: Option<&'t str>) -> Self {
        let mut carried = Carried::default();
        let Some(Ok(Value::Object(object))) = text.map(serde_json::from_str::<Value>) else {
            return carried;
        };
        for (name, sequence) in object {
            let Value::String(sequence) = sequence else { continue };
            if name == ALL {
                carried.all = Some(Cow::Owned(sequence));
            } else {
                carried.named.push((name, sequence));
            }
        }
        carried
    }

    /// The sequence of a column's value, `None`: the row's own.
    pub(crate) fn sequence(&self, is_column: impl Fn(&str) -> bool) -> Option<&str> {
        let named = self.named.iter().find(|(name, _)| is_column(name)).map(|(_, sequence)| sequence.as_str());
        named.or(self.all.as_deref())
    }
}

/// The text for a row of sequence `own` whose data columns, the key left out, have these sequences.
pub(crate) fn format<'t>(own: &str, columns: impl Iterator<Item = (&'t str, &'t str)> + Clone) -> Option<String> {
    let mut sequences = columns.clone().map(|(_, sequence)| sequence);
    let first = sequences.next()?;
    let uniform = sequences.all(|sequence| sequence == first);
    if uniform {
        return (first != own).then(|| object(std::iter::once((ALL, first))));
    }
    Some(object(columns.filter(|(_, sequence)| *sequence != own)))
}

fn object<'t>(entries: impl Iterator<Item = (&'t str, &'t str)>) -> String {
    let map: serde_json::Map<String, Value> =
        entries.map(|(name, sequence)| (name.to_owned(), Value::from(sequence))).collect();
    Value::Object(map).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequence<'c>(carried: &'c Carried<'_>, column: &str) -> Option<&'c str> {
        carried.sequence(|name| name == column)
    }

    #[test]
    fn what_is_written_is_read_again() {
        for (own, columns) in [
            ("5", vec![("a", "5"), ("b", "5")]),
            ("5", vec![("a", "3"), ("b", "3")]),
            ("5", vec![("a", "5"), ("b", "3"), ("c", "")]),
            ("5", vec![("a", ""), ("b", "")]),
        ] {
            let text = format(own, columns.iter().copied());
            let carried = Carried::parse(text.as_deref());
            for (name, expected) in columns {
                assert_eq!(sequence(&carried, name).unwrap_or(own), expected, "{text:?}");
            }
        }
    }

    #[test]
    fn a_row_of_one_record_carries_nothing() {
        assert_eq!(format("5", [("a", "5")].into_iter()), None);
        assert_eq!(format("5", std::iter::empty()), None);
        assert_eq!(format("5", [("a", "3"), ("b", "3")].into_iter()).as_deref(), Some(r#"{"*":"3"}"#));
        assert_eq!(format("5", [("b", "3"), ("a", "5")].into_iter()).as_deref(), Some(r#"{"b":"3"}"#));
    }

    #[test]
    fn what_another_engine_wrote_counts_as_nothing() {
        for text in ["", "[]", "null", "{\"a\":1}", "x"] {
            assert_eq!(sequence(&Carried::parse(Some(text)), "a"), None, "{text}");
        }
    }
}
