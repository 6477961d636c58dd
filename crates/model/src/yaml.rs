//! YAML into nodes that remember their line, so that a mistake can be shown where it stands.
//!
//! Bounded on purpose: a contract comes from whoever can write to the repository, and aliases can
//! make a small file expand without end.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use crate::problem::{Problem, Problems};

/// The longest document that is read, in bytes.
const MAX_BYTES: usize = 1 << 20;
/// How many nodes a document may hold, aliases expanded.
const MAX_NODES: usize = 200_000;
/// How deep lists and maps may nest.
const MAX_DEPTH: usize = 64;

/// One YAML value and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: Value,
    /// Counted from 1.
    pub(crate) line: usize,
    /// Counted from 1.
    pub(crate) column: usize,
}

/// A value of YAML's core schema; numbers keep their own spelling.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a map with its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) node: Node,
}

impl Value {
    /// What a person would call this kind of value.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

/// Reads the one document in `text`.
pub(crate) fn parse(file: &str, text: &str) -> Result<Node, Problems> {
    if text.len() > MAX_BYTES {
        return Err(one(file, 1, 1, format!("the document has {} bytes, at most {MAX_BYTES} are read", text.len())));
    }
    Builder { file, parser: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0 }.document()
}

struct Builder<'a> {
    file: &'a str,
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl<'a> Builder<'a> {
    fn document(&mut self) -> Result<Node, Problems> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                Event::DocumentStart(_) => {
                    if root.is_some() {
                        return Err(self.error(&span, "a second document begins here; one is allowed"));
                    }
                    let (event, span) = self.next()?;
                    root = Some(self.node(event, &span, 0)?);
                }
                Event::StreamEnd => break,
                _ => return Err(self.error(&span, "expected a document")),
            }
        }
        root.ok_or_else(|| one(self.file, 1, 1, "the document is empty".to_owned()))
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Problems> {
        match self.parser.next() {
            Some(Ok(pair)) => Ok(pair),
            Some(Err(error)) => Err(one(
                self.file,
                error.marker().line(),
                error.marker().col() + 1,
                format!("not valid YAML: {}", error.info()),
            )),
            None => Err(one(self.file, 1, 1, "the document ends too early".to_owned())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: &Span, depth: usize) -> Result<Node, Problems> {
        self.count(span, 1)?;
        if depth > MAX_DEPTH {
            return Err(self.error(span, &format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                if tag.is_some() {
                    return Err(self.error(span, "YAML tags are not read here; write the plain value"));
                }
                (scalar(text, style), anchor)
            }
            Event::SequenceStart(anchor, _) => {
                let mut items = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if matches!(event, Event::SequenceEnd) {
                        break;
                    }
                    items.push(self.node(event, &span, depth + 1)?);
                }
                (Value::List(items), anchor)
            }
            Event::MappingStart(anchor, _) => (self.map(depth)?, anchor),
            Event::Alias(id) => {
                let mut node = self
                    .anchors
                    .get(&id)
                    .cloned()
                    .ok_or_else(|| self.error(span, "this alias names an anchor that is not complete"))?;
                self.count(span, size(&node))?;
                node.line = span.start.line();
                node.column = span.start.col() + 1;
                return Ok(node);
            }
            _ => return Err(self.error(span, "expected a value")),
        };
        let node = Node { value, line: span.start.line(), column: span.start.col() + 1 };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn map(&mut self, depth: usize) -> Result<Value, Problems> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(Value::Map(entries)),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(self.error(&span, "a key must be plain text")),
            };
            if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                let message = format!("key '{key}' stands here again; it was first given on line {}", first.line);
                return Err(self.error(&span, &message));
            }
            let (event, value_span) = self.next()?;
            let node = self.node(event, &value_span, depth + 1)?;
            entries.push(Entry { key, line: span.start.line(), column: span.start.col() + 1, node });
        }
    }

    fn count(&mut self, span: &Span, more: usize) -> Result<(), Problems> {
        self.nodes += more;
        if self.nodes > MAX_NODES {
            return Err(self.error(span, &format!("more than {MAX_NODES} values, aliases counted")));
        }
        Ok(())
    }

    fn error(&self, span: &Span, message: &str) -> Problems {
        one(self.file, span.start.line(), span.start.col() + 1, message.to_owned())
    }
}

fn one(file: &str, line: usize, column: usize, message: String) -> Problems {
    Problems(vec![Problem { file: file.to_owned(), line, column, path: String::new(), message, help: None }])
}

fn size(node: &Node) -> usize {
    1 + match &node.value {
        Value::List(items) => items.iter().map(size).sum(),
        Value::Map(entries) => entries.iter().map(|entry| size(&entry.node)).sum(),
        _ => 0,
    }
}

/// YAML 1.2's core schema, for what contracts need: no octal, no hexadecimal, no `yes`.
fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::String(text.into_owned());
    }
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        other if is_number(other) => Value::Number(other.to_owned()),
        _ => Value::String(text.into_owned()),
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.bytes().any(|b| b.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-' | b'+'))
        && digits.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_remembers_where_it_stands() {
        let root = parse("f", "a: 1\nb:\n  - x\n  - 'y'\n").unwrap();
        let Value::Map(entries) = root.value else { panic!() };
        assert_eq!((entries[1].line, entries[1].column), (2, 1));
        let Value::List(items) = &entries[1].node.value else { panic!() };
        assert_eq!((items[1].line, items[1].column), (4, 5));
        assert_eq!(entries[0].node.value, Value::Number("1".to_owned()));
    }

    #[test]
    fn a_key_given_twice_is_refused_with_both_lines() {
        let problems = parse("f", "a: 1\na: 2\n").unwrap_err();
        assert_eq!(problems.0[0].line, 2);
        assert!(problems.0[0].message.contains("first given on line 1"));
    }

    #[test]
    fn aliases_are_followed_but_cannot_grow_without_end() {
        let root = parse("f", "a: &x [1, 2]\nb: *x\n").unwrap();
        let Value::Map(entries) = root.value else { panic!() };
        assert_eq!(entries[0].node.value, entries[1].node.value);

        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let inner = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
        }
        let problems = parse("f", &bomb).unwrap_err();
        assert!(problems.0[0].message.contains("values"), "{problems}");
    }

    #[test]
    fn deep_nesting_and_broken_yaml_are_errors_with_a_line() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert!(parse("f", &deep).is_err());
        let problems = parse("f", "a: b\n  c: [1\n").unwrap_err();
        assert!(problems.0[0].line >= 2);
    }
}
