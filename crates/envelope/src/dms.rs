//! Records of AWS Database Migration Service.
//!
//! `{"data": {…}, "before-image": {…}?, "metadata": {…}}`
//! (<https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.Kinesis.html>). The schema's name is
//! not read: two schemas with a table of one name do not go into one stream.

use weir_json::Text;
use weir_model::change::Operation;
use weir_model::contract::{BeforeImage, EnvelopeKind};
use weir_model::sequence::{DmsTransaction, EventTime, Load, Position, SequenceRule};

use crate::change::{Change, Changes, Keep};
use crate::control::{Control, ControlKind};
use crate::error::EnvelopeError;
use crate::fields::{self, need_number, need_text};
use crate::reader::{self, Source, Understood};
use crate::tables::{TableStream, Tables};
use crate::tape::{Field, Object};

const OPERATIONS: [(&[u8], Operation); 4] = [
    (b"insert", Operation::Insert),
    (b"update", Operation::Update),
    (b"delete", Operation::Delete),
    (b"load", Operation::Load),
];

/// What mappings with `add-before-image-columns` mostly put before a column's name.
const USUAL_PREFIX: &str = "BI_";

/// The fields of `metadata` that are read.
#[derive(Default)]
struct Metadata<'r> {
    timestamp: Option<Field<'r>>,
    record_type: Option<Field<'r>>,
    operation: Option<Field<'r>>,
    table: Option<Field<'r>>,
    commit: Option<Field<'r>>,
    transaction: Option<Field<'r>>,
    record: Option<Field<'r>>,
}

impl<'r> Metadata<'r> {
    fn of(root: Object<'r>) -> Result<Self, EnvelopeError> {
        let field = root.get("metadata").filter(|field| !field.is_null());
        let field = field.ok_or_else(|| EnvelopeError::missing("metadata", "it says what the record is"))?;
        let object = field.object().ok_or_else(|| EnvelopeError::value("metadata", "an object"))?;
        fields::unique(object, "metadata.")?;
        let mut metadata = Metadata::default();
        for field in object.fields().filter(|field| !field.is_null()) {
            let place = match &*field.key().resolved() {
                b"timestamp" => &mut metadata.timestamp,
                b"record-type" => &mut metadata.record_type,
                b"operation" => &mut metadata.operation,
                b"table-name" => &mut metadata.table,
                b"commit-timestamp" => &mut metadata.commit,
                b"transaction-id" => &mut metadata.transaction,
                b"transaction-record-id" => &mut metadata.record,
                _ => continue,
            };
            *place = Some(field);
        }
        Ok(metadata)
    }
}

pub(crate) fn read<'r>(
    root: Object<'r>,
    tables: &'r Tables,
    source: Source<'r>,
) -> Result<Understood<'r>, EnvelopeError> {
    let metadata = Metadata::of(root)?;
    let kind = need_text(metadata.record_type, "metadata.", "record-type", "it tells rows from control records")?;
    let operation = need_text(metadata.operation, "metadata.", "operation", "it says what happened")?;
    if kind.is(b"control") {
        return control(&metadata, operation).map(Understood::Control);
    }
    if !kind.is(b"data") {
        return Err(EnvelopeError::value("metadata.record-type", "'data' or 'control'"));
    }
    let known = OPERATIONS.iter().find(|(word, _)| operation.is(word));
    let operation = known.map(|(_, operation)| *operation).ok_or_else(|| unknown(operation))?;
    let stream = reader::table(metadata.table, "metadata.", "table-name", tables)?;
    changes(root, &metadata, operation, stream, source).map(Understood::Changes)
}

fn unknown(operation: Text<'_>) -> EnvelopeError {
    EnvelopeError::UnknownOperation { field: format!("metadata.operation '{}'", fields::shown(operation)) }
}

fn control<'r>(metadata: &Metadata<'r>, operation: Text<'r>) -> Result<Control<'r>, EnvelopeError> {
    let kind = ControlKind::of_dms(operation.raw).ok_or_else(|| unknown(operation))?;
    let table = fields::text(metadata.table, "metadata.")?.map(crate::debezium::name);
    Ok(Control { kind, table })
}

fn changes<'r>(
    root: Object<'r>,
    metadata: &Metadata<'r>,
    operation: Operation,
    stream: &'r TableStream,
    source: Source<'r>,
) -> Result<Changes<'r>, EnvelopeError> {
    let rule = stream.rule(EnvelopeKind::Dms)?;
    let (mut data, mut before) = (None, None);
    let before_image = &stream.settings().before_image;
    for field in root.fields() {
        let key = field.key();
        match before_image {
            _ if key.is(b"data") => data = Some(field),
            _ if key.is(b"metadata") || key.is(b"control") => {}
            BeforeImage::Field(name) if key.is(name.as_bytes()) => before = Some(field),
            _ => return Err(EnvelopeError::UnknownField { field: fields::path("", field) }),
        }
    }
    let data = data.ok_or_else(|| EnvelopeError::missing("data", "a record of type 'data' holds its row there"))?;
    let row = data.object().ok_or_else(|| EnvelopeError::value("data", "an object"))?;
    fields::row(row, "data.", |_| false)?;

    let at = match metadata.commit {
        Some(commit) => fields::time(commit, "metadata.commit-timestamp")?,
        None => match metadata.timestamp {
            Some(built) => fields::time(built, "metadata.timestamp")?,
            None => return Err(EnvelopeError::missing("metadata.timestamp", "nothing else says when it happened")),
        },
    };
    let position = if operation == Operation::Load && is_possible(rule) {
        Position::Load(Load { time: Some(at), arrival: source.kinesis })
    } else {
        match rule {
            SequenceRule::Kinesis => Position::Kinesis(reader::arrival(source)?),
            SequenceRule::DmsTransaction => {
                let why = "rule 'dms-transaction' orders by it; set IncludeTransactionDetails in the DMS endpoint";
                if metadata.commit.is_none() {
                    return Err(EnvelopeError::missing("metadata.commit-timestamp", why));
                }
                Position::DmsTransaction(DmsTransaction {
                    commit: at,
                    transaction: need_number(metadata.transaction, "metadata.", "transaction-id", why)?,
                    record: need_number(metadata.record, "metadata.", "transaction-record-id", why)?,
                })
            }
            SequenceRule::EventTime if metadata.commit.is_none() => {
                let why = "rule 'event-time' orders by it, and 'timestamp' only says when the record was built";
                return Err(EnvelopeError::missing("metadata.commit-timestamp", why));
            }
            SequenceRule::EventTime => Position::EventTime(EventTime { time: at, arrival: source.kinesis }),
            _ => return Err(stream.misfit(rule, EnvelopeKind::Dms)),
        }
    };
    let change = Change {
        table: stream.table(),
        operation,
        position,
        event_time: Some(at),
        row,
        keep: match before_image {
            BeforeImage::Prefix(prefix) => Keep::Without(prefix),
            BeforeImage::Field(_) => Keep::All,
        },
        key: stream.key(),
    };
    let old = match operation {
        Operation::Update => old_key(row, before, stream)?,
        _ => None,
    };
    Ok(Changes { change, old })
}

fn is_possible(rule: SequenceRule) -> bool {
    matches!(rule, SequenceRule::Kinesis | SequenceRule::DmsTransaction | SequenceRule::EventTime)
}

/// What the row had before, if an update took its key away.
fn old_key<'r>(
    row: Object<'r>,
    before: Option<Field<'r>>,
    stream: &'r TableStream,
) -> Result<Option<(Object<'r>, Keep<'r>)>, EnvelopeError> {
    match &stream.settings().before_image {
        BeforeImage::Field(name) => {
            let Some(field) = before.filter(|field| !field.is_null()) else {
                undeclared_columns(row, stream)?;
                return Ok(None);
            };
            let old = field.object().ok_or_else(|| EnvelopeError::value(fields::path("", field), "an object"))?;
            let prefix = |column: &str| format!("{name}.{column}");
            if !has_moved(row, |column| old.get(column), prefix, stream)? {
                return Ok(None);
            }
            // The path is only built where it is needed.
            fields::row(old, "", |_| false).or_else(|_| fields::row(old, &prefix(""), |_| false))?;
            Ok(Some((old, Keep::All)))
        }
        BeforeImage::Prefix(prefix) => {
            let old = |column: &str| {
                let name = |field: &Field<'_>| {
                    field.key().raw.strip_prefix(prefix.as_bytes()).is_some_and(|rest| rest == column.as_bytes())
                };
                row.fields().find(name)
            };
            if !has_moved(row, old, |column| format!("data.{prefix}{column}"), stream)? {
                return Ok(None);
            }
            Ok(Some((row, Keep::Only(prefix))))
        }
    }
}

/// Whether a column of the primary key has another value than before. Then all of the old key has to
/// be there, since half a key deletes nothing or the wrong row.
fn has_moved<'r>(
    row: Object<'r>,
    old: impl Fn(&str) -> Option<Field<'r>>,
    path: impl Fn(&str) -> String,
    stream: &TableStream,
) -> Result<bool, EnvelopeError> {
    let old = |column: &str| old(column).filter(|field| !field.is_null());
    let moved = stream.key().iter().any(|column| match (old(column), row.get(column)) {
        (Some(old), Some(new)) => !fields::same(old, new),
        _ => false,
    });
    if moved && let Some(column) = stream.key().iter().find(|column| old(column).is_none()) {
        let why = "the primary key changed, and its old value names the row to delete";
        return Err(EnvelopeError::missing(path(column), why));
    }
    Ok(moved)
}

/// The row has no `BI_` columns of the primary key that the contract says nothing about: they would
/// hide that the key changed.
fn undeclared_columns(row: Object<'_>, stream: &TableStream) -> Result<(), EnvelopeError> {
    for field in row.fields().filter(|field| field.key().raw.starts_with(USUAL_PREFIX.as_bytes())) {
        let name = field.key().resolved();
        let Ok(name) = std::str::from_utf8(&name) else { continue };
        let of_key = stream.key().iter().any(|column| name.strip_prefix(USUAL_PREFIX) == Some(column));
        if of_key && !stream.has_column(name) {
            return Err(EnvelopeError::BeforeImageColumn { field: fields::path("data.", field) });
        }
    }
    Ok(())
}
