//! Reading a map of known keys, and saying what is wrong with every other.

use crate::contract::SilverSettings;
use crate::problem::{Problem, Problems};
use crate::yaml::{Entry, Node, Value};

/// Collects what is wrong while a document is read, so that a person sees all of it at once.
pub(crate) struct Reader<'a> {
    file: &'a str,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(file: &'a str) -> Self {
        Reader { file, problems: Vec::new() }
    }

    /// `value` if nothing was wrong.
    pub(crate) fn finish<T>(mut self, value: Option<T>) -> Result<T, Problems> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => {
                self.problems.sort_by_key(|problem| (problem.line, problem.column));
                Err(Problems(self.problems))
            }
        }
    }

    pub(crate) fn problem(&mut self, node: &Node, path: &str, message: impl Into<String>) {
        self.push(node.line, node.column, path, message.into(), None);
    }

    pub(crate) fn problem_with_help(
        &mut self,
        node: &Node,
        path: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(node.line, node.column, path, message.into(), Some(help.into()));
    }

    fn push(&mut self, line: usize, column: usize, path: &str, message: String, help: Option<String>) {
        self.problems.push(Problem { file: self.file.to_owned(), line, column, path: path.to_owned(), message, help });
    }

    /// The entries of a map, after every key outside `known` has been reported.
    pub(crate) fn map<'n>(&mut self, node: &'n Node, path: &str, known: &[&str]) -> Fields<'n> {
        let Value::Map(entries) = &node.value else {
            self.problem(node, path, format!("expected a map, found {}", node.value.kind()));
            return Fields::empty(node, path);
        };
        for entry in entries {
            if !known.contains(&entry.key.as_str()) {
                self.unknown(entry.line, entry.column, path, "key", &entry.key, known);
            }
        }
        Fields { entries, node, path: path.to_owned() }
    }

    /// Reports a word that is not one of `known`, with the nearest that is.
    pub(crate) fn unknown(&mut self, line: usize, column: usize, path: &str, what: &str, word: &str, known: &[&str]) {
        let help = match nearest(word, known) {
            Some(near) => format!("did you mean '{near}'?"),
            None => format!("known here: {}", known.join(", ")),
        };
        self.push(line, column, path, format!("unknown {what} '{word}'"), Some(help));
    }

    pub(crate) fn text(&mut self, node: &Node, path: &str) -> Option<String> {
        match &node.value {
            Value::String(text) => Some(text.clone()),
            other => {
                let help = match other {
                    Value::Number(text) => format!("put it in quotes: \"{text}\""),
                    Value::Bool(_) | Value::Null => "put it in quotes".to_owned(),
                    _ => "write it as text".to_owned(),
                };
                self.problem_with_help(node, path, format!("expected text, found {}", other.kind()), help);
                None
            }
        }
    }

    pub(crate) fn boolean(&mut self, node: &Node, path: &str) -> Option<bool> {
        if let Value::Bool(value) = node.value {
            return Some(value);
        }
        self.problem(node, path, format!("expected true or false, found {}", node.value.kind()));
        None
    }

    /// A whole number between `least` and `most`.
    pub(crate) fn whole(&mut self, node: &Node, path: &str, least: u64, most: u64) -> Option<u64> {
        if let Value::Number(text) = &node.value
            && let Ok(value) = text.parse::<u64>()
            && (least..=most).contains(&value)
        {
            return Some(value);
        }
        let found = match &node.value {
            Value::Number(text) => text.clone(),
            other => other.kind().to_owned(),
        };
        self.problem(node, path, format!("expected a whole number from {least} to {most}, found {found}"));
        None
    }

    /// The size of a data file, in bytes: a number, or a number with its unit.
    pub(crate) fn file_size(&mut self, node: &Node, path: &str) -> Option<u64> {
        const UNITS: &[(&str, u64)] = &[
            ("kib", 1 << 10),
            ("mib", 1 << 20),
            ("gib", 1 << 30),
            ("kb", 1_000),
            ("mb", 1_000_000),
            ("gb", 1_000_000_000),
        ];
        let bytes = match &node.value {
            Value::Number(text) => text.parse::<u64>().ok(),
            Value::String(text) => {
                let text = text.trim().to_ascii_lowercase();
                UNITS.iter().find_map(|(unit, bytes)| {
                    text.strip_suffix(unit)?.trim_end().parse::<u64>().ok()?.checked_mul(*bytes)
                })
            }
            _ => None,
        };
        let bounds = SilverSettings::LEAST_FILE_BYTES..=SilverSettings::MOST_FILE_BYTES;
        if bytes.is_none_or(|bytes| !bounds.contains(&bytes)) {
            self.problem_with_help(
                node,
                path,
                "a file size is from 1 MiB to 2 GiB",
                "write a number of bytes, or a whole number with its unit, as 128MiB or 100MB",
            );
            return None;
        }
        bytes
    }

    /// One of the words of `choices`.
    pub(crate) fn choice<T: Copy>(&mut self, node: &Node, path: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(node, path)?;
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        self.unknown(node.line, node.column, path, "value", &text, &words);
        None
    }

    pub(crate) fn list<'n>(&mut self, node: &'n Node, path: &str) -> &'n [Node] {
        if let Value::List(items) = &node.value {
            return items;
        }
        self.problem(node, path, format!("expected a list, found {}", node.value.kind()));
        &[]
    }
}

/// The entries of one map, by key.
pub(crate) struct Fields<'n> {
    entries: &'n [Entry],
    node: &'n Node,
    path: String,
}

impl<'n> Fields<'n> {
    fn empty(node: &'n Node, path: &str) -> Self {
        Fields { entries: &[], node, path: path.to_owned() }
    }

    /// The value of `key`; an empty value counts as absent.
    pub(crate) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entries
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.node)
            .filter(|node| node.value != Value::Null)
    }

    pub(crate) fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The value of `key`, or a problem that it is missing.
    pub(crate) fn need(&self, reader: &mut Reader<'_>, key: &str) -> Option<&'n Node> {
        let found = self.get(key);
        if found.is_none() {
            reader.problem(self.node, &self.path, format!("'{key}' is missing"));
        }
        found
    }

    pub(crate) fn text(&self, reader: &mut Reader<'_>, key: &str) -> Option<String> {
        let node = self.get(key)?;
        reader.text(node, &self.path(key))
    }

    pub(crate) fn need_text(&self, reader: &mut Reader<'_>, key: &str) -> Option<String> {
        let node = self.need(reader, key)?;
        reader.text(node, &self.path(key))
    }

    pub(crate) fn boolean(&self, reader: &mut Reader<'_>, key: &str) -> Option<bool> {
        let node = self.get(key)?;
        reader.boolean(node, &self.path(key))
    }

    pub(crate) fn whole(&self, reader: &mut Reader<'_>, key: &str, least: u64, most: u64) -> Option<u64> {
        let node = self.get(key)?;
        reader.whole(node, &self.path(key), least, most)
    }

    pub(crate) fn choice<T: Copy>(&self, reader: &mut Reader<'_>, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let node = self.get(key)?;
        reader.choice(node, &self.path(key), choices)
    }
}

/// The word of `known` that a person most likely meant.
#[must_use]
pub fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let lower = word.to_lowercase();
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), *candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= candidate.len().max(word.len()) / 3 + 1)
        .map(|(_, candidate)| candidate)
}
