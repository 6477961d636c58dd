//! `weir`, the command line of Weir.

mod arguments;
mod arguments_models;
mod arguments_query;
mod arguments_report;
mod commands;
mod output;
mod peak_memory;
mod progress;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = arguments::parse();
    commands::dispatch(arguments)
}
