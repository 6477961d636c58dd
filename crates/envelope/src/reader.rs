//! One record: what it is, and who reads it.

use weir_model::contract::EnvelopeKind;
use weir_model::keys::is_table_name;
use weir_model::sequence::Kinesis;

use crate::change::Changes;
use crate::control::{Control, ControlKind};
use crate::error::EnvelopeError;
use crate::fields;
use crate::tables::{TableStream, Tables};
use crate::tape::{Field, Object, Root, Tape};
use crate::{debezium, dms, flat};

/// The longest record that is read: well above the 1,000 KiB that Firehose takes
/// (<https://docs.aws.amazon.com/firehose/latest/dev/limits.html>).
pub const MAX_RECORD_BYTES: usize = 64 << 20;

/// Where a record came from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Source<'r> {
    /// The table of a stream that carries one table; flat JSON needs it, the others say their own.
    pub table: Option<&'r str>,
    /// Where Kinesis put the record.
    pub kinesis: Option<Kinesis<'r>>,
}

/// What a record says.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "it lives for one record; a box would be an allocation for each")]
pub enum Understood<'r> {
    /// What happened to a row.
    Changes(Changes<'r>),
    /// Something about the stream or the schema; no row changes.
    Control(Control<'r>),
}

/// Reads records one after another, with the same memory.
#[derive(Debug, Default)]
pub struct Reader {
    tape: Tape,
}

impl Reader {
    /// A reader that has read nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one record. Its bytes are passed once; nothing is allocated for a record that is
    /// understood, once the reader has met one as large.
    ///
    /// # Errors
    /// Why the record is not understood.
    pub fn read<'r>(
        &'r mut self,
        record: &'r [u8],
        tables: &'r Tables,
        source: Source<'r>,
    ) -> Result<Understood<'r>, EnvelopeError> {
        let record = record.trim_ascii();
        if record.is_empty() {
            return Err(EnvelopeError::Empty);
        }
        if record.len() > MAX_RECORD_BYTES {
            return Err(EnvelopeError::TooLong { bytes: record.len() });
        }
        if let Err(error) = std::str::from_utf8(record) {
            return Err(EnvelopeError::Encoding { at: error.valid_up_to() });
        }
        let root = self.tape.scan(record).map_err(|stop| EnvelopeError::stopped(stop, record.len()))?;
        let flat = source.table.and_then(|table| tables.get(table)).filter(|stream| is_flat(stream));
        match (root, flat) {
            (Root::Object(root), Some(stream)) => flat::read(root, stream, source).map(Understood::Changes),
            (Root::Object(root), None) => by_content(root, tables, source),
            (Root::Null, None) => Ok(tombstone()),
            _ => Err(EnvelopeError::NotAnObject),
        }
    }
}

fn is_flat(stream: &TableStream) -> bool {
    stream.settings().envelope == Some(EnvelopeKind::Flat)
}

fn tombstone<'r>() -> Understood<'r> {
    Understood::Control(Control { kind: ControlKind::Tombstone, table: None })
}

fn by_content<'r>(root: Object<'r>, tables: &'r Tables, source: Source<'r>) -> Result<Understood<'r>, EnvelopeError> {
    fields::unique(root, "")?;
    let (mut dms, mut others, mut payload) = (false, false, None);
    for field in root.fields() {
        match &*field.key().resolved() {
            b"metadata" | b"data" | b"control" => dms = true,
            b"payload" => payload = Some(field),
            b"schema" => {}
            _ => others = true,
        }
    }
    match payload {
        _ if dms => dms::read(root, tables, source),
        Some(payload) if !others => wrapped(payload, tables, source),
        _ if debezium::is_likely(root) => debezium::read(root, "", tables, source),
        _ => Err(no_shape(tables, source)),
    }
}

/// `{"schema": …, "payload": …}`, as Kafka's JSON converter writes it.
fn wrapped<'r>(payload: Field<'r>, tables: &'r Tables, source: Source<'r>) -> Result<Understood<'r>, EnvelopeError> {
    if payload.is_null() {
        return Ok(tombstone());
    }
    let Some(root) = payload.object() else { return Err(EnvelopeError::value("payload", "an object")) };
    fields::unique(root, "payload.")?;
    if debezium::is_likely(root) {
        debezium::read(root, "payload.", tables, source)
    } else {
        Err(no_shape(tables, source))
    }
}

/// A contract that calls for flat JSON is only heard for the stream's own table.
fn no_shape(tables: &Tables, source: Source<'_>) -> EnvelopeError {
    match source.table {
        None => EnvelopeError::UnknownShape,
        Some(table) if tables.get(table).is_none() => EnvelopeError::NoContract { table: table.to_owned() },
        Some(_) => EnvelopeError::UnknownShape,
    }
}

/// The table that a field of an envelope names; the field's path is `prefix` and `name`.
pub(crate) fn table<'r>(
    field: Option<Field<'r>>,
    prefix: &str,
    name: &str,
    tables: &'r Tables,
) -> Result<&'r TableStream, EnvelopeError> {
    let text = fields::need_text(field, prefix, name, "nothing else says which table the row belongs to")?;
    let resolved = text.resolved();
    let known = std::str::from_utf8(&resolved).ok().filter(|name| is_table_name(name));
    let Some(known) = known else {
        return Err(EnvelopeError::TableName { field: format!("{prefix}{name} '{}'", fields::shown(text)) });
    };
    tables.get(known).ok_or_else(|| EnvelopeError::NoContract { table: known.to_owned() })
}

/// The place in Kinesis, which the table's rule orders by.
pub(crate) fn arrival(source: Source<'_>) -> Result<Kinesis<'_>, EnvelopeError> {
    source.kinesis.ok_or_else(|| {
        EnvelopeError::missing("kinesisRecordMetadata.sequenceNumber", "the table's rule 'kinesis' orders by it")
    })
}
