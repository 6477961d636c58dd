//! The function's environment.

use std::fs;
use std::path::Path;

use lambda_emulator::{Builder, Emulator};
use serde_json::Value;

use crate::common::{bare, contracts, function, sample};

/// A function that does not start says why in one line, and Lambda reports that it ended.
fn refused(function: Builder) -> (String, String) {
    let function = function.start().unwrap();
    let error = function.invoke(&sample("empty-batch.json")).unwrap_err();
    assert_eq!(error.error_type, "Runtime.ExitError");
    assert!(!function.status().unwrap().success());
    let lines = function.stdout(1);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(line["level"], "ERROR");
    let field = |name: &str| line[name].as_str().unwrap().to_owned();
    (field("error_type"), field("error"))
}

#[test]
fn a_wrong_environment_is_said_before_the_first_event() {
    let (code, error) = refused(function().env("WEIR_LOG", "loud"));
    assert_eq!((code.as_str(), error.as_str()), ("Config.Value", "WEIR_LOG is 'loud'; give 'error' or 'info'"));
    assert_eq!(refused(function().env("WEIR_TABEL", "review")).0, "Config.Variable");
    assert_eq!(refused(function().env("WEIR_TABLE", "reviews")).0, "Config.Value");
    assert_eq!(refused(bare().env("WEIR_CONTRACTS_DIR", "nowhere")).0, "Config.Contracts");
}

#[test]
fn contracts_are_found_beside_the_binary() {
    let task = tempfile::tempdir().unwrap();
    let bootstrap = task.path().join("bootstrap");
    fs::copy(env!("CARGO_BIN_EXE_firehose-transformer"), &bootstrap).unwrap();
    let (code, error) = refused(Emulator::builder(&bootstrap));
    assert_eq!(code, "Config.Contracts");
    assert!(error.contains("contracts cannot be read: "), "{error}");
    copy(&contracts(), &task.path().join("contracts"));
    let function = Emulator::builder(&bootstrap).start().unwrap();
    assert_eq!(function.invoke(&sample("empty-batch.json")).unwrap(), br#"{"records":[]}"#);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
