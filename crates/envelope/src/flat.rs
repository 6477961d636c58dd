//! Flat JSON: the record is the row, and fields of it say what happened.

use weir_json::Kind;
use weir_model::Timestamp;
use weir_model::change::Operation;
use weir_model::contract::{EnvelopeKind, EventTimeField, FlatSettings, TimeText};
use weir_model::sequence::{Digits, EventTime, Field as FieldPosition, Load, Position, SequenceRule};

use crate::change::{Change, Changes, Keep};
use crate::error::EnvelopeError;
use crate::fields;
use crate::reader::{self, Source};
use crate::tables::TableStream;
use crate::tape::{Field, Object};
use crate::time;

pub(crate) fn read<'r>(
    root: Object<'r>,
    stream: &'r TableStream,
    source: Source<'r>,
) -> Result<Changes<'r>, EnvelopeError> {
    let rule = stream.rule(EnvelopeKind::Flat)?;
    let flat = &stream.settings().flat;
    let is_field = |name: &str| names(flat).any(|field| field == name);
    fields::row(root, "", is_field)?;
    let operation = match &flat.operation_field {
        Some(name) => operation(root, name, flat)?,
        None => Operation::Insert,
    };
    let event_time = match &flat.event_time {
        Some(field) => Some(event_time(root, field)?),
        None => None,
    };
    let position = match (rule, operation) {
        (SequenceRule::Field, _) => {
            let name = flat.sequence_field.as_deref().unwrap_or_default();
            let number = number(root, name)?;
            Position::Field(FieldPosition { is_change: operation != Operation::Load, number })
        }
        (SequenceRule::Kinesis | SequenceRule::EventTime, Operation::Load) => {
            Position::Load(Load { time: event_time, arrival: source.kinesis })
        }
        (SequenceRule::Kinesis, _) => Position::Kinesis(reader::arrival(source)?),
        (SequenceRule::EventTime, _) => {
            let why = "rule 'event-time' orders by it; set it in the contract";
            let time = event_time.ok_or_else(|| EnvelopeError::missing("weir.flat.eventTimeField", why))?;
            Position::EventTime(EventTime { time, arrival: source.kinesis })
        }
        _ => return Err(stream.misfit(rule, EnvelopeKind::Flat)),
    };
    let change = Change {
        table: stream.table(),
        operation,
        position,
        event_time,
        row: root,
        // A field that has the name of one of the line's own gives way to it.
        keep: if names(flat).any(|name| name.starts_with('_')) { Keep::NotFields } else { Keep::All },
        key: stream.key(),
    };
    Ok(Changes { change, old: None })
}

fn names(flat: &FlatSettings) -> impl Iterator<Item = &str> {
    let event_time = flat.event_time.as_ref().map(|field| &field.name);
    [flat.operation_field.as_ref(), flat.sequence_field.as_ref(), event_time].into_iter().flatten().map(String::as_str)
}

fn need<'r>(root: Object<'r>, name: &str, why: &'static str) -> Result<Field<'r>, EnvelopeError> {
    let field = root.get(name).filter(|field| !field.is_null());
    field.ok_or_else(|| EnvelopeError::missing(name, why))
}

fn operation(root: Object<'_>, name: &str, flat: &FlatSettings) -> Result<Operation, EnvelopeError> {
    let field = need(root, name, "it says what happened ('weir.flat.operationField')")?;
    let is = |word: &str| match field.value().text() {
        Some(text) => text.is(word.as_bytes()),
        None => field.kind() != Kind::Object && field.kind() != Kind::Array && field.raw() == word.as_bytes(),
    };
    let known = flat.operations.iter().find(|(word, _)| is(word));
    // The word is a value of the row, so it is not repeated.
    known.map(|(_, operation)| *operation).ok_or_else(|| EnvelopeError::UnknownOperation { field: name.to_owned() })
}

fn number<'r>(root: Object<'r>, name: &str) -> Result<Digits<'r>, EnvelopeError> {
    let field = need(root, name, "it orders the changes ('weir.flat.sequenceField')")?;
    let digits = match field.value().text() {
        Some(text) => text.raw,
        None => field.raw(),
    };
    let digits = std::str::from_utf8(digits).ok().and_then(Digits::new);
    digits.ok_or_else(|| EnvelopeError::value(name, "a whole number of at most 129 digits, not below 0"))
}

fn event_time(root: Object<'_>, of: &EventTimeField) -> Result<Timestamp, EnvelopeError> {
    let field = need(root, &of.name, "it says when it happened ('weir.flat.eventTimeField')")?;
    let TimeText::Epoch(unit) = of.text else { return fields::time(field, &of.name) };
    let scale = i128::from(unit.micros());
    let micros = fields::integer(field).and_then(|value| i64::try_from(value * scale).ok());
    micros.and_then(time::in_range).ok_or_else(|| {
        EnvelopeError::value(of.name.as_str(), "a whole number in the unit of 'weir.epoch', of the years 1 to 9999")
    })
}
