//! Records as AWS DMS writes them to a stream, one a line
//! (<https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.Kinesis.html>).

use weir_model::change::Operation;
use weir_model::contract::TimeText;
use weir_model::{ColumnType, Contract};

use super::history::Change;
use crate::calendar::write_instant;
use crate::decimal::write_u64;
use crate::row::json_string;

/// The schema that every table is in.
const SCHEMA: &str = "public";
/// What control records are partitioned by.
const TASK: &str = "7QBLNBTPCNDEBG7CHI3WA73YFA";

/// The word for an operation of a row.
fn word(operation: Operation) -> &'static str {
    match operation {
        Operation::Insert => "insert",
        Operation::Update => "update",
        Operation::Delete => "delete",
        Operation::Load => "load",
    }
}

/// Appends the record of a change that was built at `built`, in microseconds since 1970.
pub(super) fn change(change: &Change<'_>, built: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"data\":");
    out.extend_from_slice(&change.data);
    if let Some(before) = &change.before {
        out.extend_from_slice(b",\"before-image\":");
        out.extend_from_slice(before);
    }
    row_metadata(change.operation, change.table, &change.key_text, built, out);
    let (transaction, record) = change.previous;
    for (name, number) in [
        ("transaction-id", change.transaction),
        ("transaction-record-id", change.record),
        ("prev-transaction-id", transaction),
        ("prev-transaction-record-id", record),
    ] {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        write_u64(out, number);
    }
    out.extend_from_slice(b",\"commit-timestamp\":\"");
    write_instant(out, change.commit.micros());
    let (high, low) = (change.log_position >> 32, change.log_position & 0xffff_ffff);
    let position = format!("\",\"stream-position\":\"{high:08X}/{low:08X}.{}.{high:08X}/{low:08X}\"", change.record);
    out.extend_from_slice(position.as_bytes());
    out.extend_from_slice(b"}}\n");
}

/// Appends a record of the full load: its row is a JSON object. It is of no transaction.
pub(super) fn load(table: &str, row: &[u8], key_text: &[u8], built: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"data\":");
    out.extend_from_slice(row);
    row_metadata(Operation::Load, table, key_text, built, out);
    out.extend_from_slice(b"}}\n");
}

/// `,"metadata":{…`, as far as records with and without a transaction have it.
fn row_metadata(operation: Operation, table: &str, key_text: &[u8], built: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"metadata\":{\"timestamp\":\"");
    write_instant(out, built);
    out.extend_from_slice(b"\",\"record-type\":\"data\",\"operation\":\"");
    out.extend_from_slice(word(operation).as_bytes());
    out.extend_from_slice(b"\",\"partition-key-type\":\"primary-key\",\"partition-key-value\":");
    let mut partition = Vec::with_capacity(64);
    for part in [SCHEMA.as_bytes(), b".", table.as_bytes(), b".", key_text] {
        partition.extend_from_slice(part);
    }
    json_string(out, &partition);
    out.extend_from_slice(b",\"schema-name\":\"");
    out.extend_from_slice(SCHEMA.as_bytes());
    out.extend_from_slice(b"\",\"table-name\":");
    json_string(out, table.as_bytes());
}

/// What a control record says of which table.
#[derive(Debug, Clone, Copy)]
pub(super) enum Control<'c> {
    /// The table where DMS notes what it could not apply; it is in no schema.
    CreateExceptions,
    /// With the definition of the table, to which a column may have been added: its name and type.
    Table(&'static str, &'c Contract, Option<(&'static str, &'static str)>),
    /// Of a table that is none of the lake's.
    Unrelated(&'static str, &'static str),
}

/// Appends a control record, built at `built`.
pub(super) fn control(control: &Control<'_>, built: i64, out: &mut Vec<u8>) {
    let (operation, schema, table) = match control {
        Control::CreateExceptions => {
            out.extend_from_slice(
                b"{\"control\":{\"table-def\":{\"columns\":{\"TASK_NAME\":{\"type\":\"STRING\",\"length\":128,\
                  \"nullable\":false},\"ERROR\":{\"type\":\"STRING\",\"nullable\":false}}}},",
            );
            ("create-table", "", "awsdms_apply_exceptions")
        }
        Control::Table(operation, contract, added) => {
            out.extend_from_slice(b"{\"control\":{\"table-def\":");
            definition(contract, *added, out);
            out.extend_from_slice(b"},");
            (*operation, SCHEMA, contract.table.as_str())
        }
        Control::Unrelated(operation, table) => {
            let definition: &[u8] = match *operation {
                "rename-table" => {
                    b"{\"control\":{\"table-def\":{\"columns\":{\"id\":{\"type\":\"INT64\",\"nullable\":false}},\
                      \"primary-key\":[\"id\"]}},"
                }
                "drop-table" => b"{\"control\":{},",
                // A truncate says nothing but its table.
                _ => b"{",
            };
            out.extend_from_slice(definition);
            (*operation, SCHEMA, *table)
        }
    };
    out.extend_from_slice(b"\"metadata\":{\"timestamp\":\"");
    write_instant(out, built);
    out.extend_from_slice(b"\",\"record-type\":\"control\",\"operation\":\"");
    out.extend_from_slice(operation.as_bytes());
    out.extend_from_slice(b"\",\"partition-key-type\":\"task-id\"");
    if !operation.starts_with(['T', 't']) {
        out.extend_from_slice(format!(",\"partition-key-value\":\"{TASK}\"").as_bytes());
    }
    out.extend_from_slice(b",\"schema-name\":\"");
    out.extend_from_slice(schema.as_bytes());
    out.extend_from_slice(b"\",\"table-name\":");
    json_string(out, table.as_bytes());
    out.extend_from_slice(b"}}\n");
}

fn definition(contract: &Contract, added: Option<(&str, &str)>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"columns\":{");
    for (index, column) in contract.columns.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json_string(out, column.source_name.as_bytes());
        let text = format!(":{{\"type\":{},\"nullable\":{}}}", dms_type(&column.column_type), !column.required);
        out.extend_from_slice(text.as_bytes());
    }
    if let Some((name, dms_type)) = added {
        out.extend_from_slice(format!(",\"{name}\":{{\"type\":\"{dms_type}\",\"nullable\":true}}").as_bytes());
    }
    out.extend_from_slice(b"},\"primary-key\":[");
    for (index, column) in contract.key_columns().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json_string(out, column.source_name.as_bytes());
    }
    out.extend_from_slice(b"]}");
}

/// The type as DMS names it, with what belongs to it.
fn dms_type(column: &ColumnType) -> String {
    match column {
        ColumnType::Int32 => "\"INT32\"".to_owned(),
        ColumnType::Float32 => "\"REAL4\"".to_owned(),
        ColumnType::Float64 => "\"REAL8\"".to_owned(),
        ColumnType::Decimal { precision, scale } => {
            format!("\"NUMERIC\",\"precision\":{precision},\"scale\":{scale}")
        }
        ColumnType::Boolean => "\"BOOLEAN\"".to_owned(),
        ColumnType::Binary => "\"BYTES\"".to_owned(),
        ColumnType::Json => "\"NCLOB\"".to_owned(),
        ColumnType::Int64
        | ColumnType::Date(TimeText::Epoch { .. })
        | ColumnType::Timestamp { text: TimeText::Epoch { .. }, .. } => "\"INT64\"".to_owned(),
        ColumnType::Date(TimeText::Iso) => "\"DATE\"".to_owned(),
        ColumnType::Timestamp { text: TimeText::Iso, .. } => "\"DATETIME\"".to_owned(),
        _ => "\"STRING\"".to_owned(),
    }
}
