//! The models of a lake in a folder: their files, what they are planned against, their fixtures and tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use walkdir::WalkDir;
use weir_gold::audit::{self, AuditResult};
use weir_gold::fixtures::{self, CaseResult};
use weir_gold::models::schema::{self, Planned, Schemas};
use weir_gold::models::{FIXTURE_SUFFIX, FOLDER, Model, Models, SILVER, SUFFIX};
use weir_model::contract::SilverKind;
use weir_model::sql_model::{self, Case, Place};
use weir_model::{Problem, Problems};
use weir_ports::catalog::TableName;
use weir_query::{QueryError, QueryLake};
use weir_silver::shape::Shape;

use crate::open::{LocalLake, OpenError};

/// The fixtures of one model.
#[derive(Debug, Clone)]
pub struct FixtureFile {
    /// The file within the lake.
    pub file: String,
    /// The model.
    pub model: Arc<Model>,
    /// Its cases.
    pub cases: Vec<Case>,
}

/// What the data tests of one model found.
#[derive(Debug, Serialize)]
pub struct DataTests {
    /// The model.
    pub model: String,
    /// Whether its table is there; if not, nothing was tested.
    pub built: bool,
    /// What each test found.
    pub results: Vec<AuditResult>,
    /// Why a test could not be asked.
    pub failure: Option<String>,
}

impl LocalLake {
    /// Reads the models. Files under `models/` that end neither in `.sql` nor in `.test.yaml` are notes of their
    /// authors, and are left alone.
    ///
    /// # Errors
    /// [`OpenError`]; all that is wrong with all models at once, as far as it shows without planning them.
    pub fn models(&self) -> Result<Models, OpenError> {
        let mut files = Vec::new();
        for file in self.model_files(SUFFIX)? {
            let text = self.text(&file)?;
            files.push((file, text));
        }
        Ok(Models::parse(&files, &self.known_tables())?)
    }

    /// Plans the models against the columns that the contracts give silver. Needs no data.
    ///
    /// # Errors
    /// All that is wrong with all models.
    pub async fn plan_models(&self, models: &Models) -> Result<Planned, Problems> {
        schema::plan_all(models, &self.silver_schemas()?).await
    }

    /// Reads the fixtures of the models.
    ///
    /// # Errors
    /// [`OpenError`]; all that is wrong with all files at once, a file that belongs to no model included.
    pub fn fixtures(&self, models: &Models) -> Result<Vec<FixtureFile>, OpenError> {
        let mut fixtures = Vec::new();
        let mut problems = Vec::new();
        for file in self.model_files(FIXTURE_SUFFIX)? {
            let model = format!("{}{SUFFIX}", file.strip_suffix(FIXTURE_SUFFIX).unwrap_or(&file));
            let Some(model) = models.iter().find(|known| known.file == model) else {
                let help = format!("call the file as the model that it tests, or write {model}");
                problems.push(Place::START.problem(&file, "", "there is no model to these fixtures", Some(help)));
                continue;
            };
            match sql_model::fixtures(&file, &self.text(&file)?) {
                Ok(cases) => fixtures.push(FixtureFile { file, model: Arc::clone(model), cases }),
                Err(Problems(more)) => problems.extend(more),
            }
        }
        if problems.is_empty() { Ok(fixtures) } else { Err(Problems(problems).into()) }
    }

    /// The tables that contracts make in silver.
    fn known_tables(&self) -> BTreeSet<TableName> {
        self.silver_tables().into_iter().map(|table| TableName::new(SILVER, table)).collect()
    }

    /// The columns of those tables.
    fn silver_schemas(&self) -> Result<Schemas, Problems> {
        let mut schemas = Schemas::new();
        let mut problems = Vec::new();
        for contract in self.contracts.iter().filter(|contract| contract.silver.kind != SilverKind::None) {
            match Shape::of(contract) {
                Ok(shape) => {
                    schemas.insert(TableName::new(SILVER, &contract.table), shape.arrow);
                }
                Err(error) => problems.push(Problem {
                    file: format!("contract of {}", contract.table),
                    line: 1,
                    column: 1,
                    path: String::new(),
                    message: error.to_string(),
                    help: None,
                }),
            }
        }
        if problems.is_empty() { Ok(schemas) } else { Err(Problems(problems)) }
    }

    /// The files under `models/` that end so, as paths within the lake, in their order.
    fn model_files(&self, suffix: &str) -> Result<Vec<String>, OpenError> {
        let root = self.dir.join(FOLDER);
        let mut files = Vec::new();
        if !root.is_dir() {
            return Ok(files);
        }
        // Editors keep hidden files beside those that they have open.
        let hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
        let entries = WalkDir::new(&root).follow_links(true).max_depth(8).into_iter();
        for entry in entries.filter_entry(|entry| entry.depth() == 0 || !hidden(entry.file_name())) {
            let entry = entry.map_err(|error| OpenError::Read {
                path: error.path().unwrap_or(&root).to_owned(),
                source: error.into(),
            })?;
            let name = entry.file_name().to_string_lossy().to_lowercase();
            if entry.file_type().is_file() && name.ends_with(suffix) {
                files.push(within(&self.dir, entry.path()));
            }
        }
        files.sort();
        Ok(files)
    }

    fn text(&self, file: &str) -> Result<String, OpenError> {
        let path = self.dir.join(file);
        fs::read_to_string(&path).map_err(|source| OpenError::Read { path, source })
    }
}

/// The path within the lake, with `/` between its parts.
fn within(dir: &Path, path: &Path) -> String {
    let parts = path.strip_prefix(dir).unwrap_or(path).components();
    parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect::<Vec<_>>().join("/")
}

/// Runs fixtures.
///
/// # Errors
/// All that is wrong with the files: tables, columns and variables that are none, and values that do not fit.
pub async fn run_fixtures(files: &[FixtureFile], planned: &Planned) -> Result<Vec<CaseResult>, Problems> {
    let mut results = Vec::new();
    let mut problems = Vec::new();
    for file in files {
        match Box::pin(fixtures::run(&file.model, &file.file, &file.cases, &planned.schemas)).await {
            Ok(cases) => results.extend(cases),
            Err(Problems(more)) => problems.extend(more),
        }
    }
    if problems.is_empty() { Ok(results) } else { Err(Problems(problems)) }
}

/// Asks the data tests of models of their tables as they are now.
///
/// # Errors
/// [`QueryError`] where the lake's tables cannot be listed. What goes wrong with one test is part of the result.
pub async fn run_data_tests(lake: &QueryLake, models: &[Arc<Model>]) -> Result<Vec<DataTests>, QueryError> {
    let mut all = Vec::new();
    for model in models {
        let built = lake.tables(&model.name.namespace).await?.contains(&model.name.name);
        let mut tests = DataTests { model: model.name.to_string(), built, results: Vec::new(), failure: None };
        for test in model.header.tests.iter().filter(|_| built) {
            let sql = audit::count(model, test, &model.name.to_string());
            match count(lake, &sql).await {
                Ok(failed) => tests.results.push(audit::result(model, test, failed)),
                Err(error) => {
                    // What fails on a value names it, and a value may be personal data.
                    let reason = match error {
                        QueryError::Execution(_) => {
                            format!("a value cannot be computed; see which by `weir query \"{sql}\"`")
                        }
                        other => other.to_string(),
                    };
                    let place = format!("{}:{}", model.file, test.place.line);
                    tests.failure = Some(format!("{place}: '{}' could not be run: {reason}", test.name));
                    break;
                }
            }
        }
        all.push(tests);
    }
    Ok(all)
}

async fn count(lake: &QueryLake, sql: &str) -> Result<u64, QueryError> {
    let batches = lake.query(sql, None).await?.collect().await?;
    audit::read_count(&batches).ok_or_else(|| QueryError::Defect("a count came back without a number".to_owned()))
}
