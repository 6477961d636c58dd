//! The commands, one module each. Each returns how it went; only `dispatch` ends the program.

mod check;
mod convert;
mod generate;
mod init;
mod retry;
mod run;
mod show;
mod status;
mod stream;

use std::process::ExitCode;

use serde_json::json;
use weir_local::OpenError;
use weir_model::Problems;

use crate::arguments::{Arguments, Command, LakeArgument, Output};
use crate::output;

/// How a command went.
pub(crate) enum Done {
    /// All well.
    Well,
    /// Done, and something was rejected, quarantined or failed.
    WithTrouble,
}

/// A failure with a stable name.
#[derive(Debug)]
pub(crate) struct Coded {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl std::fmt::Display for Coded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Coded {}

pub(crate) fn dispatch(arguments: Arguments) -> ExitCode {
    let (output, result) = match arguments.command {
        Command::Init(command) => (command.output.output, init::run(&command)),
        Command::Check(command) => (command.output.output, check::run(&command)),
        Command::Generate(command) => (command.output.output, generate::run(&command)),
        Command::Run(command) => (command.output.output, run::run(&command)),
        Command::Stream(command) => (command.output.output, stream::run(&command)),
        Command::Status(command) => (command.output.output, status::run(&command)),
        Command::Show(command) => (command.output.output, show::run(&command)),
        Command::Retry(command) => (command.output.output, retry::run(&command)),
        Command::Convert(command) => (command.output.output, convert::run(&command)),
    };
    match result {
        Ok(Done::Well) => ExitCode::SUCCESS,
        Ok(Done::WithTrouble) => ExitCode::from(3),
        Err(error) => {
            let message = explain(&error);
            if output == Output::Json {
                let answer = json!({"error": {"code": code(&error), "message": message}});
                // Standard error says it all the same, should standard output be closed.
                let _ = output::json(&answer);
            }
            eprintln!("weir: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes, each said once: many an error repeats its cause in its own words.
fn explain(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// A stable name for scripts.
fn code(error: &anyhow::Error) -> &'static str {
    if let Some(coded) = error.downcast_ref::<Coded>() {
        return coded.code;
    }
    match error.downcast_ref::<OpenError>() {
        Some(OpenError::NoLake { .. }) => return "Lake.Missing",
        Some(OpenError::Problems(_)) => return "Lake.Problems",
        _ => {}
    }
    if error.downcast_ref::<Problems>().is_some() {
        return "Contract.Problems";
    }
    match error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>()) {
        Some(cause) if cause.kind() == std::io::ErrorKind::NotFound => "Io.NotFound",
        Some(_) => "Io.Failed",
        None => "Failed",
    }
}

/// Runs a use case to its end.
fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(future)
}

/// What a person types to reach this lake again.
fn lake_option(lake: &LakeArgument) -> String {
    if lake.lake.as_os_str() == "." { String::new() } else { format!(" --lake {}", lake.lake.display()) }
}
