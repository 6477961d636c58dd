//! What the function's environment says, read and checked once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use weir_model::{Contract, Problems};
use weir_pipeline::Contracts;

use crate::log::{self, Log};

const PREFIX: &str = "WEIR_";
const CONTRACTS_DIR: &str = "WEIR_CONTRACTS_DIR";
const LOG: &str = "WEIR_LOG";
const TABLE: &str = "WEIR_TABLE";
/// The folder of the contracts beside the binary, where `WEIR_CONTRACTS_DIR` is not set.
const CONTRACTS: &str = "contracts";
/// What a contract's file name ends in.
const CONTRACT_SUFFIX: &str = ".odcs.yaml";

/// What the function's environment says.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) contracts: Contracts,
    /// The one table of a stream whose records do not say it.
    pub(crate) table: Option<String>,
    pub(crate) log: Log,
}

/// Why the function cannot run.
#[derive(Debug, Error)]
pub(crate) enum SettingsError {
    #[error("{name} is no variable of this function; it knows {CONTRACTS_DIR}, {LOG} and {TABLE}")]
    Unknown { name: String },
    #[error("{LOG} is '{value}'; give {}", words())]
    Level { value: String },
    #[error("{name} is not UTF-8")]
    Encoding { name: String },
    #[error("{TABLE} names table '{table}', which has no contract in {}; it has: {known}", dir.display())]
    Table { table: String, dir: PathBuf, known: String },
    #[error("{} cannot be read: {source}; package the lake's contracts there, or set {CONTRACTS_DIR}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} holds no *{CONTRACT_SUFFIX}; package the lake's contracts there, or set {CONTRACTS_DIR}", dir.display())]
    NoContracts { dir: PathBuf },
    #[error("{first} and {second} are contracts of one table, '{table}'; keep one")]
    Twice { first: String, second: String, table: String },
    #[error("{0}")]
    Problems(#[from] Problems),
}

fn words() -> String {
    let words: Vec<String> = log::WORDS.iter().map(|(word, _)| format!("'{word}'")).collect();
    words.join(" or ")
}

impl SettingsError {
    /// A name that stays the same when the words change.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            SettingsError::Unknown { .. } => "Config.Variable",
            SettingsError::Level { .. } | SettingsError::Encoding { .. } | SettingsError::Table { .. } => {
                "Config.Value"
            }
            SettingsError::Read { .. }
            | SettingsError::NoContracts { .. }
            | SettingsError::Twice { .. }
            | SettingsError::Problems(_) => "Config.Contracts",
        }
    }
}

impl Settings {
    /// Reads the variables, then the contracts.
    pub(crate) fn read(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self, SettingsError> {
        let (mut dir, mut table, mut log) = (None, None, Log::default());
        for (name, value) in variables {
            let name = name.to_string_lossy().into_owned();
            match name.as_str() {
                CONTRACTS_DIR => dir = Some(PathBuf::from(value)),
                TABLE => table = Some(text(name, value)?),
                LOG => log = level(text(name, value)?)?,
                other if other.starts_with(PREFIX) => return Err(SettingsError::Unknown { name }),
                _ => {}
            }
        }
        let dir = match dir {
            Some(dir) => dir,
            None => beside_the_binary()?,
        };
        let contracts = contracts(&dir)?;
        if let Some(table) = table.as_ref().filter(|table| contracts.get(table).is_none()) {
            let known: Vec<&str> = contracts.iter().map(|contract| contract.table.as_str()).collect();
            return Err(SettingsError::Table { table: table.clone(), dir, known: known.join(", ") });
        }
        Ok(Settings { contracts, table, log })
    }
}

fn text(name: String, value: OsString) -> Result<String, SettingsError> {
    value.into_string().map_err(|_| SettingsError::Encoding { name })
}

fn level(value: String) -> Result<Log, SettingsError> {
    let known = log::WORDS.iter().find(|(word, _)| *word == value);
    known.map(|(_, log)| *log).ok_or(SettingsError::Level { value })
}

fn beside_the_binary() -> Result<PathBuf, SettingsError> {
    let binary = std::env::current_exe().map_err(|source| failed(Path::new("the binary's own path"), source))?;
    Ok(binary.with_file_name(CONTRACTS))
}

fn failed(path: &Path, source: io::Error) -> SettingsError {
    SettingsError::Read { path: path.to_owned(), source }
}

/// All contracts of a folder; every mistake in all of them at once.
fn contracts(dir: &Path) -> Result<Contracts, SettingsError> {
    let (mut problems, mut contracts, mut files) = (Vec::new(), Vec::new(), BTreeMap::new());
    for path in contract_files(dir)? {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).map_err(|source| failed(&path, source))?;
        match Contract::parse(&file, &text) {
            Ok(contract) => {
                if let Some(first) = files.insert(contract.table.clone(), file.clone()) {
                    return Err(SettingsError::Twice { first, second: file, table: contract.table });
                }
                contracts.push(contract);
            }
            Err(Problems(more)) => problems.extend(more),
        }
    }
    if !problems.is_empty() {
        return Err(Problems(problems).into());
    }
    if contracts.is_empty() {
        return Err(SettingsError::NoContracts { dir: dir.to_owned() });
    }
    Ok(contracts.into_iter().collect())
}

fn contract_files(dir: &Path) -> Result<Vec<PathBuf>, SettingsError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(|source| failed(dir, source))? {
        let path = entry.map_err(|source| failed(dir, source))?.path();
        if path.to_string_lossy().ends_with(CONTRACT_SUFFIX) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let contracts = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contracts");
        let all = [(CONTRACTS_DIR, contracts)]
            .into_iter()
            .chain(variables.iter().copied())
            .map(|(name, value)| (name.into(), value.into()));
        Settings::read(all.collect::<Vec<_>>())
    }

    fn wrong(variables: &[(&str, &str)]) -> (&'static str, String) {
        let error = read(variables).unwrap_err();
        (error.code(), error.to_string())
    }

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        dir
    }

    #[test]
    fn contracts_are_all_that_must_be_there() {
        let settings = read(&[("PATH", "/bin"), ("AWS_REGION", "eu-central-1")]).unwrap();
        assert_eq!((settings.log, settings.table), (Log::Info, None));
        let tables: Vec<&str> = settings.contracts.iter().map(|contract| contract.table.as_str()).collect();
        assert_eq!(tables, ["checkin", "customer", "review"]);
        assert_eq!(read(&[(LOG, "error")]).unwrap().log, Log::Error);
        assert_eq!(read(&[(TABLE, "checkin")]).unwrap().table.as_deref(), Some("checkin"));
    }

    #[test]
    fn a_variable_or_a_value_that_is_not_known_is_an_error() {
        let (code, message) = wrong(&[("WEIR_CONTRACT_DIR", "x")]);
        assert_eq!(code, "Config.Variable");
        assert!(message.starts_with("WEIR_CONTRACT_DIR is no variable of this function; it knows WEIR_CONTRACTS_DIR,"));
        let (code, message) = wrong(&[(LOG, "Info")]);
        assert_eq!((code, message.as_str()), ("Config.Value", "WEIR_LOG is 'Info'; give 'error' or 'info'"));
        let (code, message) = wrong(&[(TABLE, "checkins")]);
        assert_eq!(code, "Config.Value");
        assert!(message.ends_with("; it has: checkin, customer, review"), "{message}");
    }

    #[test]
    fn a_folder_without_contracts_is_an_error() {
        let empty = folder(&[("README.md", "")]);
        let dir = empty.path().display().to_string();
        let (code, message) = wrong(&[(CONTRACTS_DIR, &dir)]);
        assert_eq!(code, "Config.Contracts");
        assert!(message.contains("holds no *.odcs.yaml") && message.contains(&dir), "{message}");
        let (code, message) = wrong(&[(CONTRACTS_DIR, &format!("{dir}/none"))]);
        assert_eq!(code, "Config.Contracts");
        assert!(
            message.contains("/none cannot be read: ") && message.ends_with("or set WEIR_CONTRACTS_DIR"),
            "{message}"
        );
    }

    #[test]
    fn every_wrong_contract_is_named_at_once() {
        let dir = folder(&[("a.odcs.yaml", "kind: x\n"), ("b.odcs.yaml", "[")]);
        let (code, message) = wrong(&[(CONTRACTS_DIR, &dir.path().display().to_string())]);
        assert_eq!(code, "Config.Contracts");
        assert!(message.contains("a.odcs.yaml") && message.contains("b.odcs.yaml"), "{message}");
    }

    #[test]
    fn two_contracts_of_one_table_are_an_error() {
        let text = include_str!("../tests/contracts/review.odcs.yaml");
        let dir = folder(&[("one.odcs.yaml", text), ("two.odcs.yaml", text)]);
        let (code, message) = wrong(&[(CONTRACTS_DIR, &dir.path().display().to_string())]);
        let expected = "one.odcs.yaml and two.odcs.yaml are contracts of one table, 'review'; keep one";
        assert_eq!((code, message.as_str()), ("Config.Contracts", expected));
    }
}
