//! Nothing panics, whatever the bytes are, and every line that comes out is JSON on one line.

use proptest::prelude::*;
use weir_envelope::{Reader, Source, Tables, Understood};
use weir_model::change::columns;
use weir_model::sequence::Kinesis;

use crate::common::{PLACE, contract, event};

fn tables() -> Tables {
    let stream = |name: &str, settings: &str| contract(name, settings, &["review_id!", "text"]);
    Tables::new([
        &stream("review", "weir.sequence: kinesis"),
        &stream("columns", "weir.sequence: kinesis|weir.dms.beforeImage: BI_*"),
        &stream("customer", "weir.sequence: debezium-postgres"),
        &stream("toasted", "weir.sequence: debezium-postgres"),
        &stream("flat", "weir.flat.operationField: op|weir.flat.sequenceField: n|weir.flat.eventTimeField: at"),
    ])
}

fn check(record: &[u8], tables: &Tables, table: Option<&str>) -> Result<(), TestCaseError> {
    let mut reader = Reader::new();
    let source = Source { table, kinesis: Kinesis::new(PLACE, 0) };
    match reader.read(record, tables, source) {
        Ok(Understood::Changes(changes)) => {
            let mut out = Vec::new();
            let count = changes.write_lines(&mut out);
            let out = String::from_utf8(out).unwrap();
            prop_assert_eq!(out.matches('\n').count(), count);
            for line in out.lines() {
                let line: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| {
                    // Numbers that no float holds are JSON, and serde_json refuses them.
                    assert!(error.to_string().contains("number out of range"), "{error} {line}");
                    serde_json::json!({"_op": "I", "_seq": "1"})
                });
                prop_assert!(line[columns::OP].is_string() && line[columns::SEQ].is_string());
            }
            for change in changes.iter() {
                let _ = (change.is_key_only(), change.unchanged().count(), change.event_time());
            }
        }
        Ok(Understood::Control(_)) => {}
        Err(error) => prop_assert!(!error.to_string().is_empty() && error.code().starts_with("Envelope.")),
    }
    Ok(())
}

/// Records that are understood, of every shape.
fn samples() -> Vec<String> {
    let mut samples: Vec<String> =
        ["load", "update-before-image-key-change", "delete-with-nulls", "control-add-column"]
            .iter()
            .map(|name| event(&format!("dms/{name}.json")))
            .collect();
    samples.push(event("dms/update-before-image-columns.json").replace("\"review\"", "\"columns\""));
    samples.push(r#"{"op":"insert","n":7,"at":"2026-11-20T08:30:00Z","text":"x","data":{}}"#.to_owned());
    let recorded = event("debezium/postgres.jsonl");
    let values =
        recorded.lines().filter_map(|line| line.split_once("\"value\":")).map(|(_, value)| &value[..value.len() - 1]);
    samples.extend(values.filter(|value| value.contains("unavailable")).take(2).map(str::to_owned));
    samples.extend(recorded.lines().take(1).map(str::to_owned));
    samples
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..80), flat: bool) {
        check(&bytes, &tables(), flat.then_some("flat"))?;
    }

    #[test]
    fn any_json_is_answered(
        text in r#"\{("(data|metadata|op|source|before|after|payload|schema|control|status|id|ts_ms|ddl)":(null|1|"c"|\{\}|\[\]|\{"table":"review","operation":"insert","record-type":"data"\}),?){0,6}\}"#,
        flat: bool,
    ) {
        check(text.as_bytes(), &tables(), flat.then_some("flat"))?;
    }

    #[test]
    fn mutated_records_are_answered(
        which: prop::sample::Index,
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..6, any::<u8>(), 0usize..12), 1..6),
        flat: bool,
    ) {
        let samples = samples();
        let mut record = which.get(&samples).clone().into_bytes();
        for (at, edit, byte, length) in edits {
            if record.is_empty() {
                break;
            }
            let at = at.index(record.len());
            let end = (at + length).min(record.len());
            match edit {
                0 => record[at] = byte,
                1 => record.insert(at, byte),
                2 => drop(record.drain(at..end)),
                3 => record.truncate(at),
                4 => record[at] = b"{}[]\",:\\n0"[byte as usize % 10],
                _ => {
                    let copy = record[at..end].to_vec();
                    record.splice(at..at, copy);
                }
            }
        }
        check(&record, &tables(), flat.then_some("flat"))?;
    }
}

#[test]
fn every_sample_is_understood_before_it_is_mutated() {
    let tables = tables();
    for sample in samples().iter().rev().skip(1) {
        let source = Source { table: sample.contains("\"n\":7").then_some("flat"), kinesis: Kinesis::new(PLACE, 0) };
        Reader::new().read(sample.as_bytes(), &tables, source).unwrap_or_else(|error| panic!("{error}: {sample}"));
    }
}
