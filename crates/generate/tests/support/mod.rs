//! Contracts to generate from, and small readers of what was generated.

// Each test file uses some of it, and a helper of tests may fail as a test does.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

pub(crate) mod changes;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use weir_generate::{Options, Plan, PlanError, TablePlan};
use weir_model::Contract;
use weir_model::raw::Compression;

/// A contract of the table `table` with these properties and table settings.
pub(crate) fn contract(table: &str, custom: &str, properties: &str) -> Contract {
    let custom: String = custom.lines().map(|line| format!("      {}\n", line.trim())).collect();
    let custom = if custom.is_empty() { custom } else { format!("    customProperties:\n{custom}") };
    let text = format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: t\nversion: 1.0.0\nstatus: active\nschema:\n  - name: {table}\n    \
         logicalType: object\n{custom}    properties:\n{properties}"
    );
    Contract::parse(&format!("{table}.odcs.yaml"), &text).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

/// A property: its name, its other keys as a flow map's inside, and its hint (or nothing).
pub(crate) fn property(name: &str, keys: &str, hint: &str) -> String {
    let keys: String = keys.split('|').map(|key| format!("        {key}\n")).collect();
    let hint = if hint.is_empty() {
        String::new()
    } else {
        format!("        customProperties:\n          - {{property: weir.generate, value: {hint}}}\n")
    };
    format!("      - name: {name}\n{keys}{hint}")
}

/// The contracts of the lake `examples/<name>`, in the order of their names.
pub(crate) fn lake(name: &str) -> Vec<Contract> {
    let mut files = contract_files(&examples().join(name));
    files.sort();
    files.iter().map(|file| read(file)).collect()
}

pub(crate) fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

pub(crate) fn contract_files(lake: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(lake.join("contracts")).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect()
}

pub(crate) fn read(file: &Path) -> Contract {
    let text = std::fs::read_to_string(file).unwrap();
    Contract::parse(&file.display().to_string(), &text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Options for plain files.
pub(crate) fn plain(seed: u64) -> Options {
    Options { seed, compression: Compression::None, ..Options::default() }
}

pub(crate) fn plan(contracts: &[Contract], rows: u64, options: &Options) -> Plan {
    Plan::new(contracts, rows, options).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn error(contracts: &[Contract]) -> String {
    let error: PlanError = Plan::new(contracts, 10, &plain(1)).unwrap_err();
    error.to_string()
}

pub(crate) fn table<'p>(plan: &'p Plan, name: &str) -> &'p TablePlan {
    plan.tables.iter().find(|table| table.contract.table == name).unwrap()
}

/// A writer whose bytes can be read after it is gone.
#[derive(Clone, Default)]
pub(crate) struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The files of a table, by key.
pub(crate) fn files(table: &TablePlan) -> BTreeMap<String, Vec<u8>> {
    let mut shared: BTreeMap<String, Shared> = BTreeMap::new();
    let mut open = |key: &str| Ok(shared.entry(key.to_owned()).or_default().clone());
    table.write(&mut open, &mut |_| {}).unwrap();
    shared.into_iter().map(|(key, shared)| (key, shared.0.borrow().clone())).collect()
}

/// The text of a table in one file.
pub(crate) fn text(table: &TablePlan) -> String {
    let files = files(table);
    assert!(files.len() <= 1, "one file at most");
    files.into_values().next().map(|bytes| String::from_utf8(bytes).unwrap()).unwrap_or_default()
}

/// The records of CSV text (RFC 4180 with line feeds); `None` is an unquoted empty field.
pub(crate) fn csv(text: &str) -> Vec<Vec<Option<String>>> {
    let mut records = Vec::new();
    let mut chars = text.chars().peekable();
    while chars.peek().is_some() {
        let mut record = Vec::new();
        loop {
            let mut field = String::new();
            let quoted = chars.next_if_eq(&'"').is_some();
            let end = loop {
                match (chars.next(), quoted) {
                    (Some('"'), true) if chars.next_if_eq(&'"').is_some() => field.push('"'),
                    (Some('"'), true) => break chars.next(),
                    (Some(end @ (',' | '\n')), false) => break Some(end),
                    (Some(char), _) => {
                        assert!(quoted || char != '"', "a quote in an unquoted field");
                        field.push(char);
                    }
                    (None, _) => panic!("the text ends inside a record"),
                }
            };
            record.push((quoted || !field.is_empty()).then_some(field));
            match end {
                Some(',') => {}
                Some('\n') => break,
                other => panic!("{other:?} after a field"),
            }
        }
        records.push(record);
    }
    records
}

/// The values of one column of CSV text with a header.
pub(crate) fn column(text: &str, name: &str) -> Vec<Option<String>> {
    let mut records = csv(text).into_iter();
    let header = records.next().unwrap();
    let at = header.iter().position(|field| field.as_deref() == Some(name)).unwrap();
    records.map(|record| record[at].clone()).collect()
}
