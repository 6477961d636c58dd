//! Records of Debezium, from PostgreSQL, MySQL and MariaDB.
//!
//! `{"before": {…}, "after": {…}, "source": {…}, "op": "u", …}`
//! (<https://debezium.io/documentation/reference/stable/connectors/postgresql.html>), bare or as the
//! payload of Kafka's JSON converter. Schema and database of a table are not read. A change of the
//! primary key comes as a delete and a create, which are read as what they are.

use std::borrow::Cow;

use weir_json::Text;
use weir_model::Timestamp;
use weir_model::change::Operation;
use weir_model::contract::EnvelopeKind;
use weir_model::sequence::{DebeziumMysql, DebeziumPostgres, EventTime, Load, Position, SequenceRule};

use crate::change::{Change, Changes, Keep};
use crate::control::{Control, ControlKind};
use crate::error::EnvelopeError;
use crate::fields::{self, need_number, need_text};
use crate::reader::{self, Source, Understood};
use crate::tables::{TableStream, Tables};
use crate::tape::{Field, Object};
use crate::time;
use crate::unavailable::is_unavailable;

/// Whether an object has enough of an envelope's fields to be one, perhaps a broken one.
pub(crate) fn is_likely(root: Object<'_>) -> bool {
    let (mut row, mut transaction, mut times) = (0, 0, 0);
    for field in root.fields() {
        match field.key() {
            key if key.escaped => {}
            key => match key.raw {
                b"op" | b"source" | b"before" | b"after" | b"ddl" => row += 1,
                b"status" | b"event_count" | b"data_collections" => transaction += 1,
                b"ts_ms" | b"ts_us" | b"ts_ns" => times += 1,
                _ => {}
            },
        }
    }
    row >= 2 || transaction == 3 || (times > 0 && times == root.len())
}

/// The fields of the envelope that are read.
#[derive(Default)]
struct Envelope<'r> {
    op: Option<Field<'r>>,
    source: Option<Field<'r>>,
    before: Option<Field<'r>>,
    after: Option<Field<'r>>,
    status: Option<Field<'r>>,
    id: Option<Field<'r>>,
    ddl: Option<Field<'r>>,
    /// Whether there is nothing but times.
    is_heartbeat: bool,
}

impl<'r> Envelope<'r> {
    fn of(root: Object<'r>) -> Self {
        let mut envelope = Envelope { is_heartbeat: true, ..Envelope::default() };
        for field in root.fields() {
            let place = match &*field.key().resolved() {
                b"ts_ms" | b"ts_us" | b"ts_ns" => continue,
                b"before" => &mut envelope.before,
                b"after" => &mut envelope.after,
                b"source" => &mut envelope.source,
                b"op" => &mut envelope.op,
                b"status" => &mut envelope.status,
                b"id" => &mut envelope.id,
                b"ddl" => &mut envelope.ddl,
                _ => {
                    envelope.is_heartbeat = false;
                    continue;
                }
            };
            envelope.is_heartbeat = false;
            if !field.is_null() {
                *place = Some(field);
            }
        }
        envelope
    }
}

/// The fields of `source` that are read.
#[derive(Default)]
struct Origin<'r> {
    connector: Option<Field<'r>>,
    table: Option<Field<'r>>,
    ts_ms: Option<Field<'r>>,
    ts_us: Option<Field<'r>>,
    ts_ns: Option<Field<'r>>,
    sequence: Option<Field<'r>>,
    file: Option<Field<'r>>,
    pos: Option<Field<'r>>,
    row: Option<Field<'r>>,
}

impl<'r> Origin<'r> {
    fn of(field: Option<Field<'r>>, prefix: &str) -> Result<Self, EnvelopeError> {
        let path = || format!("{prefix}source");
        let field = field.ok_or_else(|| EnvelopeError::missing(path(), "it says where the change comes from"))?;
        let object = field.object().ok_or_else(|| EnvelopeError::value(path(), "an object"))?;
        fields::unique(object, source_of(prefix))?;
        let mut origin = Origin::default();
        for field in object.fields().filter(|field| !field.is_null()) {
            let place = match &*field.key().resolved() {
                b"connector" => &mut origin.connector,
                b"table" => &mut origin.table,
                b"ts_ms" => &mut origin.ts_ms,
                b"ts_us" => &mut origin.ts_us,
                b"ts_ns" => &mut origin.ts_ns,
                b"sequence" => &mut origin.sequence,
                b"file" => &mut origin.file,
                b"pos" => &mut origin.pos,
                b"row" => &mut origin.row,
                _ => continue,
            };
            *place = Some(field);
        }
        Ok(origin)
    }

    /// When the change was made, as exactly as the record says it.
    fn time(&self, prefix: &str) -> Result<Timestamp, EnvelopeError> {
        for (field, name, multiply, divide) in
            [(self.ts_ns, "ts_ns", 1, 1_000), (self.ts_us, "ts_us", 1, 1), (self.ts_ms, "ts_ms", 1_000, 1)]
        {
            let Some(field) = field else { continue };
            let micros = fields::integer(field).map(|value| (value * multiply).div_euclid(divide));
            return micros.and_then(|micros| time::in_range(i64::try_from(micros).ok()?)).ok_or_else(|| {
                EnvelopeError::value(
                    format!("{prefix}source.{name}"),
                    "a whole number for a time of the years 1 to 9999",
                )
            });
        }
        Err(EnvelopeError::missing(format!("{prefix}source.ts_ms"), "nothing else says when it happened"))
    }
}

/// A name of the source.
pub(crate) fn name(text: Text<'_>) -> Cow<'_, str> {
    match text.resolved() {
        Cow::Borrowed(name) => String::from_utf8_lossy(name),
        Cow::Owned(name) => Cow::Owned(String::from_utf8_lossy(&name).into_owned()),
    }
}

/// `prefix` is what the path of each field begins with.
pub(crate) fn read<'r>(
    root: Object<'r>,
    prefix: &'static str,
    tables: &'r Tables,
    source: Source<'r>,
) -> Result<Understood<'r>, EnvelopeError> {
    let envelope = Envelope::of(root);
    let control = |kind, table| Ok(Understood::Control(Control { kind, table }));
    if envelope.is_heartbeat {
        return control(ControlKind::Heartbeat, None);
    }
    let Some(op) = envelope.op else {
        return match (envelope.status, envelope.id, envelope.source, envelope.ddl) {
            (Some(status), Some(_), None, _) => control(transaction(status, prefix)?, None),
            (None, _, Some(_), Some(_)) => {
                let origin = Origin::of(envelope.source, prefix)?;
                let table = fields::text(origin.table, source_of(prefix))?.map(name);
                control(ControlKind::SchemaChange, table)
            }
            _ => Err(EnvelopeError::missing(format!("{prefix}op"), "it says what happened")),
        };
    };
    let origin = Origin::of(envelope.source, prefix)?;
    let op = op.value().text().ok_or_else(|| EnvelopeError::value(format!("{prefix}op"), "text"))?;
    let operation = match op.raw {
        b"c" => Operation::Insert,
        b"u" => Operation::Update,
        b"d" => Operation::Delete,
        b"r" => Operation::Load,
        b"t" | b"m" => {
            let kind = if op.raw == b"t" { ControlKind::TruncateTable } else { ControlKind::Message };
            let table = fields::text(origin.table, source_of(prefix))?.filter(|name| !name.raw.is_empty());
            return control(kind, table.map(name));
        }
        _ => {
            return Err(EnvelopeError::UnknownOperation { field: format!("{prefix}op '{}'", fields::shown(op)) });
        }
    };
    let stream = reader::table(origin.table, source_of(prefix), "table", tables)?;
    change(&envelope, &origin, operation, stream, prefix, source)
        .map(|change| Understood::Changes(Changes { change, old: None }))
}

fn transaction(status: Field<'_>, prefix: &str) -> Result<ControlKind, EnvelopeError> {
    match status.value().text() {
        Some(word) if word.is(b"BEGIN") => Ok(ControlKind::TransactionBegin),
        Some(word) if word.is(b"END") => Ok(ControlKind::TransactionEnd),
        _ => Err(EnvelopeError::UnknownOperation { field: format!("{prefix}status") }),
    }
}

fn change<'r>(
    envelope: &Envelope<'r>,
    origin: &Origin<'r>,
    operation: Operation,
    stream: &'r TableStream,
    prefix: &str,
    source: Source<'r>,
) -> Result<Change<'r>, EnvelopeError> {
    let rule = stream.rule(EnvelopeKind::Debezium)?;
    let (field, name, why) = match operation {
        Operation::Delete => (envelope.before, "before", "a delete names its row there; set REPLICA IDENTITY"),
        _ => (envelope.after, "after", "the row as it now is stands there"),
    };
    let field = field.ok_or_else(|| EnvelopeError::missing(format!("{prefix}{name}"), why))?;
    let row = field.object().ok_or_else(|| EnvelopeError::value(format!("{prefix}{name}"), "an object"))?;
    fields::row(row, name_of(prefix, operation), |_| false)?;
    let time = origin.time(prefix)?;
    Ok(Change {
        table: stream.table(),
        operation,
        position: position(rule, operation, origin, time, stream, prefix, source)?,
        event_time: Some(time),
        row,
        keep: keep(row, operation, origin, stream),
        key: stream.key(),
    })
}

/// What the paths of the fields of `source` begin with.
fn source_of(prefix: &str) -> &'static str {
    if prefix.is_empty() { "source." } else { "payload.source." }
}

fn name_of(prefix: &str, operation: Operation) -> &'static str {
    match (prefix.is_empty(), operation) {
        (true, Operation::Delete) => "before.",
        (true, _) => "after.",
        (false, Operation::Delete) => "payload.before.",
        (false, _) => "payload.after.",
    }
}

/// Which members of the row are true.
fn keep<'r>(row: Object<'r>, operation: Operation, origin: &Origin<'r>, stream: &TableStream) -> Keep<'r> {
    let text = |field: Option<Field<'r>>| field.and_then(|field| field.value().text());
    // MySQL logs the whole row that it deletes. PostgreSQL mostly logs the key, and Debezium fills the
    // columns that cannot be null with values of its own making.
    let is_whole = text(origin.connector).is_some_and(|name| name.is(b"mysql") || name.is(b"mariadb"));
    if operation == Operation::Delete && !is_whole && !stream.key().is_empty() {
        Keep::Key
    } else if row.fields().any(|field| is_unavailable(field.value())) {
        Keep::Available
    } else {
        Keep::All
    }
}

fn position<'r>(
    rule: SequenceRule,
    operation: Operation,
    origin: &Origin<'r>,
    time: Timestamp,
    stream: &TableStream,
    prefix: &str,
    source: Source<'r>,
) -> Result<Position<'r>, EnvelopeError> {
    let is_possible = !matches!(rule, SequenceRule::DmsTransaction | SequenceRule::Field | SequenceRule::FileOrder);
    if operation == Operation::Load && is_possible {
        return Ok(Position::Load(Load { time: Some(time), arrival: source.kinesis }));
    }
    let prefix = source_of(prefix);
    match rule {
        SequenceRule::Kinesis => Ok(Position::Kinesis(reader::arrival(source)?)),
        SequenceRule::EventTime => Ok(Position::EventTime(EventTime { time, arrival: source.kinesis })),
        SequenceRule::DebeziumPostgres => {
            let why = "rule 'debezium-postgres' orders by it; only the PostgreSQL connector writes it";
            let text = need_text(origin.sequence, prefix, "sequence", why)?;
            let expected = "two positions of the log, as [\"24023119\",\"24023128\"] in text, of which one may be null";
            lsn_pair(text)
                .map(Position::DebeziumPostgres)
                .ok_or_else(|| EnvelopeError::value(format!("{prefix}sequence"), expected))
        }
        SequenceRule::DebeziumMysql => {
            let why = "rule 'debezium-mysql' orders by it; only the MySQL and MariaDB connectors write it";
            let file = need_text(origin.file, prefix, "file", why)?;
            let pos = need_number(origin.pos, prefix, "pos", why)?;
            let row = need_number(origin.row, prefix, "row", why)?;
            let place = std::str::from_utf8(file.raw).ok().and_then(|file| DebeziumMysql::new(file, pos, row));
            let expected = "the name of a log file, which ends in '.' and a number";
            place.map(Position::DebeziumMysql).ok_or_else(|| EnvelopeError::value(format!("{prefix}file"), expected))
        }
        _ => Err(stream.misfit(rule, EnvelopeKind::Debezium)),
    }
}

/// Reads `["24023119","24023128"]`, a JSON array that is itself text. Nothing in it needs an escape
/// but its quotes, so those are read and every other escape is refused.
fn lsn_pair(text: Text<'_>) -> Option<DebeziumPostgres> {
    let inside = text.raw.strip_prefix(b"[")?.strip_suffix(b"]")?;
    let comma = memchr::memchr(b',', inside)?;
    let lsn = |item: &[u8]| match item.trim_ascii() {
        b"null" => Some(None),
        item => {
            let digits = item.strip_prefix(br#"\""#)?.strip_suffix(br#"\""#)?;
            let plain = digits.iter().all(u8::is_ascii_digit);
            std::str::from_utf8(digits).ok().filter(|_| plain)?.parse::<u64>().ok().map(Some)
        }
    };
    let (last_commit_lsn, lsn) = (lsn(&inside[..comma])?, lsn(&inside[comma + 1..])?);
    (last_commit_lsn.is_some() || lsn.is_some()).then_some(DebeziumPostgres { last_commit_lsn, lsn })
}
