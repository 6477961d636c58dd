//! A change record, and the line that it becomes.

use std::borrow::Cow;

use weir_model::Timestamp;
use weir_model::change::{Operation, columns};
use weir_model::sequence::Position;

use crate::tape::{Field, Object};
use crate::time;
use crate::unavailable::is_unavailable;

/// What happened to one row.
#[derive(Debug, Clone)]
pub struct Change<'r> {
    pub(crate) table: &'r str,
    pub(crate) operation: Operation,
    pub(crate) position: Position<'r>,
    pub(crate) event_time: Option<Timestamp>,
    pub(crate) row: Object<'r>,
    pub(crate) keep: Keep<'r>,
    /// The columns of the table's primary key.
    pub(crate) key: &'r [String],
}

/// Which members of the row's object are the row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keep<'r> {
    /// All.
    All,
    /// Those that are not Debezium's placeholder, where one at least is.
    Available,
    /// The primary key; the others are made up.
    Key,
    /// Those whose names do not begin so.
    Without(&'r str),
    /// Those whose names begin so, under the rest of their names.
    Only(&'r str),
    /// Those that do not say operation, sequence or time under a name that the line gives anew.
    NotFields,
}

impl<'r> Change<'r> {
    /// The table, as its contract names it.
    #[must_use]
    pub fn table(&self) -> &'r str {
        self.table
    }

    /// What happened.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// What orders it among the changes of its key.
    #[must_use]
    pub fn position(&self) -> Position<'r> {
        self.position
    }

    /// When it happened in the source; `None` where flat JSON does not say.
    #[must_use]
    pub fn event_time(&self) -> Option<Timestamp> {
        self.event_time
    }

    /// The object of the record that holds the row, as it stands.
    #[must_use]
    pub fn row(&self) -> &'r [u8] {
        self.row.raw()
    }

    /// Whether the row holds columns of the primary key alone, as most deletes do.
    #[must_use]
    pub fn is_key_only(&self) -> bool {
        let is_key = |field: Field<'_>| self.key.iter().any(|column| field.key().is(column.as_bytes()));
        match self.keep {
            Keep::Key => true,
            Keep::Only(prefix) => self.row.fields().filter(|field| self.keeps(*field)).all(|field| {
                let raw = field.key().raw;
                self.key.iter().any(|column| raw.get(prefix.len()..) == Some(column.as_bytes()))
            }),
            _ => !self.key.is_empty() && self.row.fields().filter(|field| self.keeps(*field)).all(is_key),
        }
    }

    /// The columns that did not change and whose values the source left out.
    pub fn unchanged(&self) -> impl Iterator<Item = Cow<'r, str>> + use<'r> {
        self.left_out().map(|field| match field.key().resolved() {
            // The record is UTF-8, and escapes resolve to it.
            Cow::Borrowed(name) => String::from_utf8_lossy(name),
            Cow::Owned(name) => Cow::Owned(String::from_utf8_lossy(&name).into_owned()),
        })
    }

    fn left_out(&self) -> impl Iterator<Item = Field<'r>> + use<'r> {
        let some = matches!(self.keep, Keep::Available);
        self.row.fields().filter(move |field| some && is_unavailable(field.value()))
    }

    fn keeps(&self, field: Field<'_>) -> bool {
        let key = field.key();
        match self.keep {
            Keep::All => true,
            Keep::Available => !is_unavailable(field.value()),
            Keep::Key => self.key.iter().any(|column| key.is(column.as_bytes())),
            Keep::Without(prefix) => !key.raw.starts_with(prefix.as_bytes()),
            Keep::Only(prefix) => key.raw.starts_with(prefix.as_bytes()) && !field.is_null(),
            Keep::NotFields => ![columns::OP, columns::SEQ, columns::EVENT_TIME, columns::UNCHANGED]
                .iter()
                .any(|added| key.is(added.as_bytes())),
        }
    }

    /// Appends `{<the row's members as they stand>,"_op":"U","_seq":"…","_event_time":"…"}` and a line
    /// break; `"_unchanged":["…"]` follows where the source left columns out. The members keep their
    /// order, their spelling and the space around them, but for line breaks.
    pub fn write_line(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        let start = out.len();
        if let Keep::All = self.keep {
            if self.row.len() > 0 {
                let raw = self.row.raw();
                on_one_line(&raw[1..raw.len() - 1], out);
            }
        } else {
            for field in self.row.fields().filter(|field| self.keeps(*field)) {
                if out.len() > start {
                    out.push(b',');
                }
                let whole = field.whole();
                if let Keep::Only(prefix) = self.keep {
                    out.push(b'"');
                    on_one_line(&whole[1 + prefix.len()..], out);
                } else {
                    on_one_line(whole, out);
                }
            }
        }
        if out.len() > start {
            out.push(b',');
        }
        out.extend_from_slice(b"\"_op\":\"");
        out.extend_from_slice(self.operation.letter().as_bytes());
        out.extend_from_slice(b"\",\"_seq\":\"");
        self.position.append_to(out);
        out.push(b'"');
        if let Some(event_time) = self.event_time {
            out.extend_from_slice(b",\"_event_time\":\"");
            time::append(event_time, out);
            out.push(b'"');
        }
        if let Keep::Available = self.keep {
            out.extend_from_slice(b",\"_unchanged\":[");
            for (index, field) in self.left_out().enumerate() {
                out.extend_from_slice(if index == 0 { b"\"" } else { b",\"" });
                out.extend_from_slice(field.key().raw);
                out.push(b'"');
            }
            out.push(b']');
        }
        out.extend_from_slice(b"}\n");
    }
}

/// Appends JSON without its line breaks, which can only stand between tokens.
fn on_one_line(mut json: &[u8], out: &mut Vec<u8>) {
    while let Some(line_break) = memchr::memchr2(b'\n', b'\r', json) {
        out.extend_from_slice(&json[..line_break]);
        json = &json[line_break + 1..];
    }
    out.extend_from_slice(json);
}

/// The change records of one record: one, or two where a row moved to another key.
#[derive(Debug, Clone)]
pub struct Changes<'r> {
    pub(crate) change: Change<'r>,
    /// What the row had before, where it moved: its key names the row to delete.
    pub(crate) old: Option<(Object<'r>, Keep<'r>)>,
}

impl<'r> Changes<'r> {
    /// The table that all of them belong to.
    #[must_use]
    pub fn table(&self) -> &'r str {
        self.change.table
    }

    /// The delete of the row's old key, where the row moved to another.
    #[must_use]
    pub fn moved_from(&self) -> Option<Change<'r>> {
        let (row, keep) = self.old?;
        Some(Change { operation: Operation::Delete, row, keep, ..self.change.clone() })
    }

    /// What happened to the row.
    #[must_use]
    pub fn change(&self) -> &Change<'r> {
        &self.change
    }

    /// All of them; the delete of an old key comes first.
    pub fn iter(&self) -> impl Iterator<Item = Change<'r>> {
        self.moved_from().into_iter().chain(std::iter::once(self.change.clone()))
    }

    /// Appends a line for each, and returns how many.
    pub fn write_lines(&self, out: &mut Vec<u8>) -> usize {
        let old = self.moved_from();
        if let Some(old) = &old {
            old.write_line(out);
        }
        self.change.write_line(out);
        1 + usize::from(old.is_some())
    }
}
