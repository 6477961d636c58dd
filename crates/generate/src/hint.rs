//! The vocabulary of `weir.generate` on a column, read from its map.

use serde_json::{Map, Value};
use weir_model::{Column, ColumnType};

use crate::calendar;
use crate::decimal::Decimal;
use crate::problem::{Report, known_words};

/// What a column's values are made of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Sequence { from: u64, prefix: String, digits: u32 },
    Uuid,
    Reference { table: String, column: Option<String>, skew: f64 },
    Lookup { via: String, column: String },
    Choice { of: Vec<Value>, weights: Vec<f64> },
    Number { from: Option<Decimal>, to: Option<Decimal>, by: Option<Decimal>, peak: Option<Decimal> },
    Date { from: i64, to: i64 },
    Time { from: i64, to: i64 },
    Words { least: u64, most: u64, ends: Vec<String> },
    Text { least: u64, most: u64, empty: f64 },
    FirstName,
    LastName,
    Username,
    Email,
    Phone,
    City,
    Bytes { least: u64, most: u64 },
    Json,
}

/// A column's hint, or what stands for a missing one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hint {
    pub(crate) kind: Kind,
    /// The share of nulls; `None` where the hint does not say.
    pub(crate) nulls: Option<f64>,
    /// The share of rows that repeat an earlier row.
    pub(crate) repeats: Option<f64>,
}

/// A kind's word, the keys that it has beside [`COMMON`], and the columns that it fits.
struct Rule {
    word: &'static str,
    keys: &'static [&'static str],
    fits: fn(&ColumnType) -> bool,
}

const COMMON: &[&str] = &["kind", "nulls", "repeats"];

const RULES: &[Rule] = &[
    Rule { word: "sequence", keys: &["from", "prefix", "digits"], fits: is_sequence },
    Rule { word: "uuid", keys: &[], fits: is_text },
    Rule { word: "reference", keys: &["table", "column", "skew"], fits: is_any },
    Rule { word: "lookup", keys: &["via", "column"], fits: is_any },
    Rule { word: "choice", keys: &["of", "weights"], fits: is_any },
    Rule { word: "number", keys: &["from", "to", "by", "peak"], fits: is_number },
    Rule { word: "date", keys: &["from", "to"], fits: |column| matches!(column, ColumnType::Date(_)) },
    Rule { word: "time", keys: &["from", "to"], fits: |column| matches!(column, ColumnType::Timestamp { .. }) },
    Rule { word: "words", keys: &["least", "most", "ends"], fits: is_text },
    Rule { word: "text", keys: &["least", "most", "empty"], fits: is_text },
    Rule { word: "first_name", keys: &[], fits: is_text },
    Rule { word: "last_name", keys: &[], fits: is_text },
    Rule { word: "username", keys: &[], fits: is_text },
    Rule { word: "email", keys: &[], fits: is_text },
    Rule { word: "phone", keys: &[], fits: is_text },
    Rule { word: "city", keys: &[], fits: is_text },
    Rule { word: "bytes", keys: &["least", "most"], fits: |column| matches!(column, ColumnType::Binary) },
    Rule { word: "json", keys: &[], fits: |column| matches!(column, ColumnType::Json) },
];

fn is_any(_: &ColumnType) -> bool {
    true
}

fn is_text(column: &ColumnType) -> bool {
    matches!(column, ColumnType::String)
}

fn is_number(column: &ColumnType) -> bool {
    use ColumnType::{Decimal, Float32, Float64, Int32, Int64};
    matches!(column, Int32 | Int64 | Float32 | Float64 | Decimal { .. })
}

/// Whether a column can hold a running number.
pub(crate) fn is_sequence(column: &ColumnType) -> bool {
    use ColumnType::{Decimal, Int32, Int64, String};
    matches!(column, Int32 | Int64 | String | Decimal { scale: 0, .. })
}

/// The days between which dates and times lie where a hint does not say.
const FIRST_DAY: &str = "2015-01-01";
const LAST_DAY: &str = "2024-12-31";
/// The share of nulls in a column that may be null and has no hint.
const DEFAULT_NULLS: f64 = 0.02;

impl Hint {
    /// What stands for a missing hint; `key` where the column should tell rows apart.
    pub(crate) fn for_type(column: &Column, key: bool) -> Hint {
        let (from, to) = days();
        let kind = match &column.column_type {
            ColumnType::String if key => Kind::Uuid,
            column if key && is_sequence(column) => Kind::Sequence { from: 1, prefix: String::new(), digits: 0 },
            ColumnType::String => Kind::Words { least: 1, most: 3, ends: Vec::new() },
            column if is_number(column) => Kind::Number { from: None, to: None, by: None, peak: None },
            ColumnType::Boolean => Kind::Choice { of: vec![true.into(), false.into()], weights: Vec::new() },
            ColumnType::Date(_) => Kind::Date { from, to },
            ColumnType::Timestamp { .. } => Kind::Time { from, to },
            ColumnType::Binary => Kind::Bytes { least: 0, most: 24 },
            _ => Kind::Json,
        };
        Hint { kind, nulls: (!column.required).then_some(DEFAULT_NULLS), repeats: None }
    }

    /// Reads a hint; `None` after a problem that leaves nothing to go on with.
    pub(crate) fn read(table: &str, column: &Column, hint: &Value, report: &mut Report) -> Option<Hint> {
        let mut say = |message: String, help: Option<String>| report.add(table, Some(&column.name), message, help);
        let words: Vec<&str> = RULES.iter().map(|rule| rule.word).collect();
        let Value::Object(map) = hint else {
            say("'weir.generate' of a column is a map".to_owned(), Some("write {kind: …}".to_owned()));
            return None;
        };
        let Some(Value::String(word)) = map.get("kind") else {
            say("'kind' is missing".to_owned(), Some(format!("known here: {}", words.join(", "))));
            return None;
        };
        let Some(rule) = RULES.iter().find(|rule| rule.word == word) else {
            say(format!("unknown kind '{word}'"), Some(known_words(word, &words)));
            return None;
        };
        let keys: Vec<&str> = COMMON.iter().chain(rule.keys).copied().collect();
        for key in map.keys().filter(|key| !keys.contains(&key.as_str())) {
            say(format!("unknown key '{key}' of kind '{word}'"), Some(known_words(key, &keys)));
        }
        if !(rule.fits)(&column.column_type) {
            let fit: Vec<&str> =
                RULES.iter().filter(|rule| (rule.fits)(&column.column_type)).map(|rule| rule.word).collect();
            say(
                format!("kind '{word}' does not fit a column of type {}", column.column_type),
                Some(format!("kinds that fit: {}", fit.join(", "))),
            );
            return None;
        }
        let mut args = Args { map, say: &mut say };
        let nulls = args.fraction("nulls");
        let repeats = args.fraction("repeats");
        let kind = args.kind(rule.word)?;
        if column.required && nulls.is_some_and(|nulls| nulls > 0.0) {
            say("'nulls' contradicts 'required: true'".to_owned(), None);
        }
        Some(Hint { kind, nulls, repeats })
    }
}

fn days() -> (i64, i64) {
    let micros = |text| calendar::parse_micros(text).unwrap_or_default();
    (micros(FIRST_DAY), micros(LAST_DAY))
}

/// The keys of one hint.
struct Args<'a> {
    map: &'a Map<String, Value>,
    say: &'a mut dyn FnMut(String, Option<String>),
}

impl Args<'_> {
    fn kind(&mut self, word: &str) -> Option<Kind> {
        Some(match word {
            "sequence" => Kind::Sequence {
                from: self.whole("from", 0, i64::MAX as u64).unwrap_or(1),
                prefix: self.text("prefix").unwrap_or_default(),
                digits: self.whole("digits", 0, 19).unwrap_or(0) as u32,
            },
            "uuid" => Kind::Uuid,
            "reference" => Kind::Reference {
                table: self.need("table")?,
                column: self.text("column"),
                skew: self.number_between("skew", 1.0, crate::skew::Skew::MOST).unwrap_or(1.0),
            },
            "lookup" => Kind::Lookup { via: self.need("via")?, column: self.need("column")? },
            "choice" => self.choice()?,
            "number" => Kind::Number {
                from: self.decimal("from"),
                to: self.decimal("to"),
                by: self.decimal("by"),
                peak: self.decimal("peak"),
            },
            "date" | "time" => {
                let (from, to) = days();
                let (from, to) = (self.time("from").unwrap_or(from), self.time("to").unwrap_or(to));
                if to < from {
                    (self.say)("'to' is before 'from'".to_owned(), None);
                }
                if word == "date" { Kind::Date { from, to } } else { Kind::Time { from, to } }
            }
            "words" => {
                let (least, most) = self.range((1, 3), 1, 100);
                Kind::Words { least, most, ends: self.texts("ends") }
            }
            "text" => {
                let (least, most) = self.range((1, 4), 1, 1_000);
                Kind::Text { least, most, empty: self.fraction("empty").unwrap_or(0.02) }
            }
            "first_name" => Kind::FirstName,
            "last_name" => Kind::LastName,
            "username" => Kind::Username,
            "email" => Kind::Email,
            "phone" => Kind::Phone,
            "city" => Kind::City,
            "bytes" => {
                let (least, most) = self.range((0, 24), 0, 100_000);
                Kind::Bytes { least, most }
            }
            _ => Kind::Json,
        })
    }

    fn choice(&mut self) -> Option<Kind> {
        let of = match self.map.get("of") {
            Some(Value::Array(items)) if !items.is_empty() => items.clone(),
            _ => {
                (self.say)("'of' is missing".to_owned(), Some("give a list of at least one value".to_owned()));
                return None;
            }
        };
        let weights: Vec<f64> = match self.map.get("weights") {
            None => Vec::new(),
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_f64).collect(),
            Some(_) => vec![-1.0],
        };
        let good =
            weights.iter().all(|weight| (0.0..=1e6).contains(weight)) && weights.iter().any(|weight| *weight > 0.0);
        if !weights.is_empty() && (weights.len() != of.len() || !good) {
            let help = format!("give {} numbers from 0 to 1,000,000, one for each value, not all 0", of.len());
            (self.say)("'weights' do not fit 'of'".to_owned(), Some(help));
            return None;
        }
        Some(Kind::Choice { of, weights })
    }

    fn wrong(&mut self, key: &str, wanted: &str) {
        let found = self.map.get(key).map(Value::to_string).unwrap_or_default();
        (self.say)(format!("'{key}' is {wanted}, found {found}"), None);
    }

    fn need(&mut self, key: &str) -> Option<String> {
        if !self.map.contains_key(key) {
            (self.say)(format!("'{key}' is missing"), None);
        }
        self.text(key)
    }

    fn text(&mut self, key: &str) -> Option<String> {
        let text = self.map.get(key)?.as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong(key, "text");
        }
        text
    }

    fn texts(&mut self, key: &str) -> Vec<String> {
        let Some(value) = self.map.get(key) else { return Vec::new() };
        let list =
            value.as_array().and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect());
        if list.is_none() {
            self.wrong(key, "a list of texts");
        }
        list.unwrap_or_default()
    }

    fn whole(&mut self, key: &str, least: u64, most: u64) -> Option<u64> {
        let number = self.map.get(key)?.as_u64().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.wrong(key, &format!("a whole number from {least} to {most}"));
        }
        number
    }

    fn range(&mut self, default: (u64, u64), lowest: u64, highest: u64) -> (u64, u64) {
        let (least, most) = (self.whole("least", lowest, highest), self.whole("most", lowest, highest));
        let low = least.unwrap_or(default.0.min(most.unwrap_or(u64::MAX)));
        let high = most.unwrap_or(default.1.max(low));
        if high < low {
            (self.say)("'most' is below 'least'".to_owned(), None);
        }
        (low, high.max(low))
    }

    fn number_between(&mut self, key: &str, least: f64, most: f64) -> Option<f64> {
        let number = self.map.get(key)?.as_f64().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.wrong(key, &format!("a number from {least} to {most}"));
        }
        number
    }

    fn fraction(&mut self, key: &str) -> Option<f64> {
        self.number_between(key, 0.0, 1.0)
    }

    fn decimal(&mut self, key: &str) -> Option<Decimal> {
        let decimal = match self.map.get(key)? {
            Value::Number(number) => Decimal::parse(&number.to_string()),
            Value::String(text) => Decimal::parse(text),
            _ => None,
        };
        if decimal.is_none() {
            self.wrong(key, "a number without exponent (in quotes if it has more than 15 digits)");
        }
        decimal
    }

    fn time(&mut self, key: &str) -> Option<i64> {
        let micros = self.map.get(key)?.as_str().and_then(calendar::parse_micros);
        if micros.is_none() {
            self.wrong(key, "a day such as \"2024-05-01\" or a time such as \"2024-05-01T08:30:00Z\"");
        }
        micros
    }
}
