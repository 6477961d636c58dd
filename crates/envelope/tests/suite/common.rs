//! Contracts, and reading one record.

use std::path::PathBuf;

use weir_envelope::{Control, EnvelopeError, Reader, Source, Tables, Understood};
use weir_model::Contract;
use weir_model::sequence::Kinesis;

/// A place in Kinesis.
pub(crate) const PLACE: &str = "49590338271490256608559692538361571095921575989136588898";

/// A contract with custom properties `settings`, divided by `|`, and columns `name: type`, of which
/// those with `!` are the key.
pub(crate) fn contract(table: &str, settings: &str, columns: &[&str]) -> Contract {
    let mut text = format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: {table}\nversion: 1.0.0\nstatus: active\nschema:\n  \
         - name: {table}\n    logicalType: object\n"
    );
    if !settings.is_empty() {
        text.push_str("    customProperties:\n");
    }
    for setting in settings.split('|').filter(|setting| !setting.is_empty()) {
        let (name, value) = setting.split_once(": ").unwrap();
        text.push_str(&format!("      - {{property: {name}, value: {value}}}\n"));
    }
    text.push_str("    properties:\n");
    for column in columns {
        let (name, is_key) = column.strip_suffix('!').map_or((*column, false), |name| (name, true));
        text.push_str(&format!("      - {{name: \"{name}\", logicalType: string, primaryKey: {is_key}}}\n"));
    }
    Contract::parse("test", &text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The table `review` with key `review_id`.
pub(crate) fn review(settings: &str) -> Tables {
    Tables::new([&contract("review", settings, &["review_id!", "overall", "text"])])
}

/// What a record says, written down.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Lines(Vec<String>),
    Control(&'static str, Option<String>),
}

pub(crate) fn source() -> Source<'static> {
    Source { table: None, kinesis: Kinesis::new(PLACE, 0) }
}

pub(crate) fn read_from(record: &[u8], tables: &Tables, source: Source<'_>) -> Result<Said, EnvelopeError> {
    Ok(match Reader::new().read(record, tables, source)? {
        Understood::Changes(changes) => {
            let mut out = Vec::new();
            let count = changes.write_lines(&mut out);
            let lines: Vec<String> = String::from_utf8(out).unwrap().lines().map(str::to_owned).collect();
            assert_eq!((lines.len(), changes.iter().count()), (count, count));
            Said::Lines(lines)
        }
        Understood::Control(Control { kind, table }) => {
            Said::Control(kind.as_str(), table.map(|table| table.into_owned()))
        }
    })
}

pub(crate) fn read(record: &str, tables: &Tables) -> Result<Said, EnvelopeError> {
    read_from(record.as_bytes(), tables, source())
}

/// The lines of a record that is understood.
pub(crate) fn lines(record: &str, tables: &Tables) -> Vec<String> {
    match read(record, tables) {
        Ok(Said::Lines(lines)) => lines,
        other => panic!("{record}: {other:?}"),
    }
}

/// The code and the words of a record that is not.
pub(crate) fn fault(record: &str, tables: &Tables) -> (&'static str, String) {
    match read(record, tables) {
        Err(error) => (error.code(), error.to_string()),
        Ok(said) => panic!("{record}: {said:?}"),
    }
}

/// A file under `events/`.
pub(crate) fn event(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A member of a line.
pub(crate) fn member(line: &str, name: &str) -> serde_json::Value {
    serde_json::from_str::<serde_json::Value>(line).unwrap()[name].clone()
}
