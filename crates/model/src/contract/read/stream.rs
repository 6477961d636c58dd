//! From a table's custom properties to its [`StreamSettings`].

use crate::change::Operation;
use crate::contract::stream::{BeforeImage, EnvelopeKind, EventTimeField, StreamSettings};
use crate::contract::{Column, ColumnType, TimeText, keys};
use crate::raw::Format;
use crate::reader::Reader;
use crate::sequence::SequenceRule;
use crate::yaml::{Node, Value};

/// Collects what a contract says about streams, with the place of each setting.
#[derive(Default)]
pub(super) struct StreamReader<'n> {
    settings: StreamSettings,
    places: Vec<(&'static str, &'n Node, String)>,
}

impl<'n> StreamReader<'n> {
    /// Reads the setting `name`; `node` is its value.
    pub(super) fn one(&mut self, reader: &mut Reader<'_>, name: &'static str, node: &'n Node, path: &str) {
        self.places.push((name, node, path.to_owned()));
        let flat = &mut self.settings.flat;
        match name {
            keys::table::ENVELOPE => self.settings.envelope = reader.choice(node, path, EnvelopeKind::WORDS),
            keys::table::SEQUENCE => self.settings.sequence = reader.choice(node, path, SequenceRule::WORDS),
            keys::table::DMS_BEFORE_IMAGE => {
                if let Some(name) = field_name(reader, node, path) {
                    self.settings.before_image = match name.strip_suffix('*') {
                        Some(prefix) => BeforeImage::Prefix(prefix.to_owned()),
                        None => BeforeImage::Field(name),
                    };
                }
            }
            keys::table::FLAT_OPERATION_FIELD => flat.operation_field = field_name(reader, node, path),
            keys::table::FLAT_SEQUENCE_FIELD => flat.sequence_field = field_name(reader, node, path),
            keys::table::FLAT_EVENT_TIME_FIELD => {
                flat.event_time =
                    field_name(reader, node, path).map(|name| EventTimeField { name, text: TimeText::Iso });
            }
            keys::table::FLAT_OPERATIONS => flat.operations = operations(reader, node, path),
            _ => {}
        }
    }

    fn place(&self, name: &str) -> Option<(&'n Node, String)> {
        self.places.iter().find(|(other, ..)| *other == name).map(|(_, node, path)| (*node, path.clone()))
    }

    /// The first setting whose name begins so.
    fn any(&self, prefix: &str) -> Option<(&'static str, &'n Node, String)> {
        self.places.iter().find(|(name, ..)| name.starts_with(prefix)).cloned()
    }

    /// What holds, after every contradiction has been reported.
    pub(super) fn finish(
        mut self,
        reader: &mut Reader<'_>,
        format: Option<Format>,
        columns: &[Column],
    ) -> StreamSettings {
        self.imply(reader);
        self.check_rule(reader, format);
        self.check_flat(reader, columns);
        self.settings
    }

    /// What a setting for one envelope says about the envelope.
    fn imply(&mut self, reader: &mut Reader<'_>) {
        for (prefix, kind) in [("weir.dms.", EnvelopeKind::Dms), ("weir.flat.", EnvelopeKind::Flat)] {
            let Some((name, node, path)) = self.any(prefix) else { continue };
            match self.settings.envelope {
                None => self.settings.envelope = Some(kind),
                Some(given) if given != kind => {
                    let word = given.as_str();
                    reader.problem(node, &path, format!("'{name}' contradicts 'weir.envelope: {word}'"));
                }
                Some(_) => {}
            }
        }
        if self.settings.flat.sequence_field.is_some() && self.place(keys::table::SEQUENCE).is_none() {
            self.settings.sequence = Some(SequenceRule::Field);
        }
    }

    fn check_rule(&self, reader: &mut Reader<'_>, format: Option<Format>) {
        let Some((node, path)) = self.place(keys::table::SEQUENCE) else {
            let streams = self.places.iter().find(|(name, ..)| *name != keys::table::SEQUENCE);
            if let (None, Some((name, node, path))) = (self.settings.sequence, streams) {
                reader.problem_with_help(
                    node,
                    path,
                    format!("'{name}' is for a stream, and 'weir.sequence' does not say what orders its changes"),
                    "docs/envelopes.md says which rule to choose",
                );
            }
            return;
        };
        let Some(rule) = self.settings.sequence else { return };
        let word = rule.as_str();
        let needs = match rule {
            SequenceRule::DmsTransaction => Some(EnvelopeKind::Dms),
            SequenceRule::DebeziumPostgres | SequenceRule::DebeziumMysql => Some(EnvelopeKind::Debezium),
            SequenceRule::Field => Some(EnvelopeKind::Flat),
            _ => None,
        };
        if let (Some(needed), Some(given)) = (needs, self.settings.envelope)
            && needed != given
        {
            let given = given.as_str();
            reader.problem(node, &path, format!("rule '{word}' contradicts the envelope '{given}'"));
        }
        if rule == SequenceRule::FileOrder {
            if self.settings.envelope.is_some() {
                reader.problem(node, &path, "'file-order' orders files; the other settings here are for a stream");
            }
        } else if format == Some(Format::Csv) {
            reader.problem(node, &path, "a rule for streams contradicts 'weir.format: csv'; streams arrive as JSON");
        }
        let flat = &self.settings.flat;
        match (rule, &flat.sequence_field) {
            (SequenceRule::Field, None) => {
                reader.problem(node, &path, "rule 'field' needs 'weir.flat.sequenceField'");
            }
            (SequenceRule::Field, Some(_)) | (_, None) => {}
            _ => reader.problem(node, &path, format!("rule '{word}' contradicts 'weir.flat.sequenceField'")),
        }
        let is_flat = self.settings.envelope == Some(EnvelopeKind::Flat);
        if rule == SequenceRule::EventTime && is_flat && flat.event_time.is_none() {
            reader.problem(node, &path, "rule 'event-time' needs 'weir.flat.eventTimeField' in flat JSON");
        }
    }

    fn check_flat(&mut self, reader: &mut Reader<'_>, columns: &[Column]) {
        let flat = &mut self.settings.flat;
        if flat.operation_field.is_none()
            && let Some((_, node, path)) = self.places.iter().find(|(name, ..)| *name == keys::table::FLAT_OPERATIONS)
        {
            reader.problem(node, path, "'weir.flat.operations' needs 'weir.flat.operationField'");
        }
        let fields = [
            flat.operation_field.as_ref(),
            flat.sequence_field.as_ref(),
            flat.event_time.as_ref().map(|field| &field.name),
        ];
        let given: Vec<&String> = fields.into_iter().flatten().collect();
        if let Some((_, node, path)) = self.places.iter().find(|(name, ..)| name.starts_with("weir.flat."))
            && (1..given.len()).any(|index| given[..index].contains(&given[index]))
        {
            reader.problem(node, path, "one field cannot be two of operation, sequence and event time");
        }
        let Some(field) = &mut flat.event_time else { return };
        let column = columns.iter().find(|column| column.source_name == field.name);
        field.text = match column.map(|column| &column.column_type) {
            Some(ColumnType::Timestamp { text: TimeText::Pattern(_), .. } | ColumnType::Date(_)) => {
                if let Some((node, path)) = self.place(keys::table::FLAT_EVENT_TIME_FIELD) {
                    reader.problem_with_help(
                        node,
                        &path,
                        "the column of the event time is a date, or written by a pattern",
                        "let the source write RFC 3339 with an offset, or a number and 'weir.epoch'",
                    );
                }
                return;
            }
            Some(ColumnType::Timestamp { text, .. }) => text.clone(),
            _ => TimeText::Iso,
        };
    }
}

fn field_name(reader: &mut Reader<'_>, node: &Node, path: &str) -> Option<String> {
    let name = reader.text(node, path)?;
    if matches!(name.as_str(), "" | "*") {
        reader.problem(node, path, "the name of a field is missing");
        return None;
    }
    Some(name)
}

fn operations(reader: &mut Reader<'_>, node: &Node, path: &str) -> Vec<(String, Operation)> {
    let letters: Vec<(&str, Operation)> = [Operation::Insert, Operation::Update, Operation::Delete, Operation::Load]
        .map(|operation| (operation.letter(), operation))
        .to_vec();
    let Value::Map(entries) = &node.value else {
        reader.problem(node, path, "give a map from the source's words to I, U, D and L");
        return Vec::new();
    };
    if entries.is_empty() {
        reader.problem(node, path, "no operation is given");
    }
    let mut operations = Vec::with_capacity(entries.len());
    for entry in entries {
        if let Some(operation) = reader.choice(&entry.node, &format!("{path}.{}", entry.key), &letters) {
            operations.push((entry.key.clone(), operation));
        }
    }
    operations
}
