//! Damaged and random input: no panic, no endless loop, no row lost, and the same answer wherever
//! blocks begin.

use proptest::prelude::*;
use weir_convert::{ConvertError, Layout, Settings};
use weir_model::Contract;

use crate::common::{Outcome, bronze, gzip, table, try_with, with_memory};

const CSV: &str = "a,b,c\n1,x,1.5\n2,\"y, \"\"z\"\"\n\",\n3,,-1e3\n4,\"\",0\r\n5,é,7\n6,u,8\n";
const JSON: &str = "{\"a\":1,\"b\":\"x\",\"c\":1.5}\n{\"a\":2,\"b\":\"\\u00e9\\\"\",\"c\":null}\n[1]\n{\"b\":{\"a\":[1,{}]}}\n{\n \"a\": 3\n}{\"a\":4}\n";

fn contract(settings: &[&str]) -> Contract {
    let mut all = vec!["weir.badRowLimit=100%"];
    all.extend(settings);
    table("a:int64 b:string c:float64", &all)
}

/// Converts with one block for all and with small ones; both have to agree.
fn both(contract: &Contract, bytes: &[u8], block: usize, longest: usize) -> Result<Outcome, ConvertError> {
    let settings = |memory| Settings { max_record_bytes: longest, ..with_memory(memory) };
    let whole = try_with(contract, bronze(), settings(64 << 20), bytes);
    let parts = try_with(contract, bronze(), settings(block * 64), bytes);
    match (&whole, &parts) {
        (Ok(whole), Ok(parts)) => {
            assert_eq!(whole.lines(), parts.lines());
            assert_eq!(String::from_utf8_lossy(&whole.quarantine), String::from_utf8_lossy(&parts.quarantine));
            assert_eq!(whole.counts(), parts.counts());
            assert_eq!(whole.report.notes, parts.report.notes);
        }
        (Err(whole), Err(parts)) => assert_eq!(whole.to_string(), parts.to_string()),
        _ => panic!("{whole:?}\n{parts:?}"),
    }
    whole
}

#[derive(Debug, Clone)]
enum Change {
    Set(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    Copy(usize, usize, usize),
    Cut(usize),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let byte = || prop_oneof![4 => prop::sample::select(&b"\",\n\r{}[]:\\ 0x"[..]), 1 => any::<u8>()];
    let change = prop_oneof![
        (0usize..200, byte()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (0usize..200, byte()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        (0usize..200).prop_map(Change::Remove),
        (0usize..200, 0usize..40, 0usize..200).prop_map(|(from, count, to)| Change::Copy(from, count, to)),
        (0usize..200).prop_map(Change::Cut),
    ];
    prop::collection::vec(change, 1..6)
}

/// Changes everything behind the first `keep` bytes.
fn changed(text: &str, keep: usize, changes: &[Change]) -> Vec<u8> {
    let mut bytes = text.as_bytes()[keep..].to_vec();
    for change in changes {
        let length = bytes.len();
        let place = |at: usize| at % (length + 1);
        match *change {
            Change::Set(at, byte) => {
                if let Some(old) = bytes.get_mut(at % length.max(1)) {
                    *old = byte;
                }
            }
            Change::Insert(at, byte) => bytes.insert(place(at), byte),
            Change::Remove(at) => drop(bytes.drain(place(at)..(place(at) + 1).min(length))),
            Change::Copy(from, count, to) => {
                let part = bytes[place(from)..(place(from) + count).min(length)].to_vec();
                bytes.splice(place(to)..place(to), part);
            }
            Change::Cut(at) => bytes.truncate(length - at % 20.min(length.max(1))),
        }
    }
    [&text.as_bytes()[..keep], &bytes].concat()
}

/// The fields of a record, and whether each was quoted.
type Fields = Vec<(Vec<u8>, bool)>;

/// What a plain reading of RFC 4180 with resynchronisation at line breaks finds: for each record its
/// fields, or `None` for a bad one.
fn naive(mut text: &[u8]) -> Vec<Option<Fields>> {
    let mut records = Vec::new();
    while !text.is_empty() {
        if let Some(rest) = text.strip_prefix(b"\n").or(text.strip_prefix(b"\r\n")) {
            text = rest;
            continue;
        }
        if text == b"\r" {
            break;
        }
        match naive_record(text) {
            Some((fields, next)) => {
                records.push(Some(fields).filter(|fields| fields.len() == 3));
                text = &text[next..];
            }
            None => {
                records.push(None);
                let line = text.iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| at + 1);
                text = &text[line..];
            }
        }
    }
    records
}

fn naive_record(text: &[u8]) -> Option<(Fields, usize)> {
    let mut fields = Vec::new();
    let mut at = 0;
    loop {
        let mut field = Vec::new();
        let quoted = text.get(at) == Some(&b'"');
        if quoted {
            at += 1;
            loop {
                match (text.get(at)?, text.get(at + 1)) {
                    (b'"', Some(b'"')) => {
                        field.push(b'"');
                        at += 2;
                    }
                    (b'"', _) => break,
                    (byte, _) => {
                        field.push(*byte);
                        at += 1;
                    }
                }
            }
            at += 1;
        } else {
            while at < text.len() && !matches!(text[at], b',' | b'\n') {
                field.push(text[at]);
                at += 1;
            }
            if text.get(at) != Some(&b',') && field.last() == Some(&b'\r') {
                field.pop();
                at -= 1;
            }
        }
        fields.push((field, quoted));
        match &text[at..] {
            [b',', ..] => at += 1,
            [] | [b'\r'] => return Some((fields, text.len())),
            [b'\n', ..] => return Some((fields, at + 1)),
            [b'\r', b'\n', ..] => return Some((fields, at + 2)),
            _ => return None,
        }
    }
}

/// The rows that the naive reader accepts, as [`Outcome::lines`] shows them.
fn accepted(records: &[Option<Fields>]) -> Vec<String> {
    let mut lines = Vec::new();
    for fields in records.iter().flatten() {
        let texts: Option<Vec<&str>> = fields.iter().map(|(field, _)| std::str::from_utf8(field).ok()).collect();
        let Some(texts) = texts else { continue };
        let is_null = |index: usize| fields[index].0.is_empty() && !fields[index].1;
        let mut line = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let trimmed = text.trim_ascii();
            line.push(match index {
                _ if is_null(index) => Some("-".to_owned()),
                0 => trimmed.parse::<i64>().ok().map(|n| n.to_string()),
                1 => Some((*text).to_owned()),
                // A number too large for the type is none, and no infinity.
                _ => trimmed
                    .parse::<f64>()
                    .ok()
                    .filter(|n| n.is_finite() || !trimmed.contains(|c: char| c.is_ascii_digit()))
                    .map(|n| format!("{n:?}")),
            });
        }
        if let Some(line) = line.into_iter().collect::<Option<Vec<_>>>() {
            lines.push(line.join("|"));
        }
    }
    lines
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn changed_csv_is_read_as_a_naive_reader_reads_it(changes in changes(), block in 1usize..50) {
        let bytes = changed(CSV, 6, &changes);
        let contract = contract(&["weir.format=csv"]);
        let found = both(&contract, &bytes, block, 1 << 20).unwrap();
        let records = naive(&bytes[6..]);
        prop_assert_eq!(found.counts()[0] as usize, records.len());
        // Rust reads "5.0" as no integer, this crate does; such numbers are not among the changes often.
        let whole_number = |record: &Fields| record[0].0.contains(&b'.');
        prop_assume!(!records.iter().flatten().any(whole_number));
        // The header again is filtered.
        let is_header = |record: &Fields| record[0].0 == b"a" && record[1].0 == b"b" && record[2].0 == b"c";
        prop_assume!(!records.iter().flatten().any(is_header));
        let lines: Vec<String> = found.rows().iter().map(|row| {
            row[..3].iter().map(|cell| cell.clone().unwrap_or("-".to_owned())).collect::<Vec<_>>().join("|")
        }).collect();
        prop_assert_eq!(lines, accepted(&records));
    }

    #[test]
    fn changed_json_never_panics_and_adds_up(changes in changes(), block in 1usize..50, in_array: bool) {
        let text = if in_array { format!("[{}]", JSON.replace("}\n", "},\n").replace("]\n", "],\n").replace("}{", "},{")) } else { JSON.to_owned() };
        let _ = both(&contract(&["weir.format=json"]), &changed(&text, 0, &changes), block, 1 << 20);
    }

    #[test]
    fn records_too_long_are_told_apart_the_same_wherever_blocks_begin(changes in changes(), block in 1usize..50, longest in 6usize..40, json: bool) {
        let format = if json { "weir.format=json" } else { "weir.format=csv" };
        let bytes = if json { changed(JSON, 0, &changes) } else { changed(CSV, 6, &changes) };
        let _ = both(&contract(&[format]), &bytes, block, longest);
    }

    #[test]
    fn columns_left_out_are_told_the_same_wherever_blocks_begin(keys in prop::collection::vec("[a-dé]{0,3}", 1..6), cut in 0usize..60, block in 1usize..50, longest in 6usize..60) {
        let mut bytes = keys.iter().map(|key| format!("{{\"a\":1,\"{key}\":2}}\n")).collect::<String>().into_bytes();
        bytes.remove(cut % bytes.len());
        let _ = both(&contract(&["weir.format=json"]), &bytes, block, longest);
    }

    #[test]
    fn random_bytes_never_panic_and_add_up(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[\",\\n\\r{}\\[\\]:a-c0-2 \\\\]{0,60}", header: bool, block in 1usize..50) {
        let header = if header { "weir.csv.header=true" } else { "weir.csv.header=false" };
        let _ = both(&contract(&[header]), &bytes, block, 50);
        let _ = both(&contract(&[header]), text.as_bytes(), block, 50);
        let _ = both(&contract(&[header]), format!("a,b,c\n{text}").as_bytes(), block, 50);
        let _ = both(&contract(&["weir.format=json"]), text.as_bytes(), block, 50);
        let _ = weir_convert::sample(&bytes, bytes.len() as u64, None);
        let _ = weir_convert::sample(text.as_bytes(), 1000, None);
        let _ = weir_convert::infer(|| Ok(text.as_bytes()), "t", with_memory(block * 64), None);
    }

    #[test]
    fn a_changed_gzip_file_never_panics_and_never_passes_for_the_whole(changes in changes()) {
        let whole = gzip(CSV.as_bytes());
        let bytes = changed_bytes(&whole, &changes);
        if let Ok(found) = try_with(&contract(&[]), Layout::Table, Settings::default(), &bytes[..]) {
            // What passes has its checksum: it is the file, or it is no gzip at all.
            prop_assert!(found.counts()[0] == 6 || found.report.compression != weir_model::raw::Compression::Gzip || bytes.len() > whole.len(), "{:?}", found.counts());
        }
    }
}

fn changed_bytes(bytes: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for change in changes {
        match *change {
            Change::Set(at, byte) | Change::Insert(at, byte) => {
                let at = at % bytes.len().max(1);
                if let Some(old) = bytes.get_mut(at) {
                    *old = byte;
                }
            }
            Change::Remove(at) | Change::Cut(at) => {
                let length = bytes.len();
                bytes.truncate(length - at % length.clamp(1, 9));
            }
            Change::Copy(..) => {}
        }
    }
    bytes
}
