//! The transformation function of the Firehose stream: change streams become lines of changed rows.
//!
//! Never reads or writes anything but its event, its answer and one line of log, and never logs a row.
//! Start with `answer`; what it does to a record is `weir_pipeline::transform`, which knows no Lambda.

mod event;
mod log;
mod settings;

use std::future::ready;
use std::process::ExitCode;
use std::time::Instant;

use event::Event;
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use log::Log;
use serde_json::value::RawValue;
use settings::Settings;
use weir_pipeline::transform::Transformer;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let settings = match Settings::read(std::env::vars_os()) {
        Ok(settings) => settings,
        Err(error) => {
            Log::default().not_started(error.code(), &error.to_string());
            return ExitCode::FAILURE;
        }
    };
    let log = settings.log;
    let mut transformer = Transformer::new(&settings.contracts, settings.table);
    let serve = service_fn(move |event| ready(answer(&mut transformer, log, event)));
    match Runtime::new(serve).run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log.not_started("Runtime.Api", &error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// One invocation: a batch of records and its answer.
fn answer(transformer: &mut Transformer, log: Log, event: LambdaEvent<Event>) -> Result<Box<RawValue>, Diagnostic> {
    let (begun, request_id) = (Instant::now(), event.context.request_id);
    let transformed = event.payload.batch().and_then(|batch| transformer.transform(batch.get()));
    let transformed = transformed.map_err(|error| (error.code(), error.to_string()));
    // Moves the text, and checks once more that what leaves is JSON.
    let transformed = transformed.and_then(|transformed| match RawValue::from_string(transformed.answer) {
        Ok(answer) => Ok((answer, transformed.counters)),
        Err(error) => Err(("Bug.Answer", format!("the answer is not JSON: {error}"))),
    });
    log.invocation(&request_id, begun.elapsed(), transformed.as_ref().map(|(_, counters)| counters));
    let (answer, _) =
        transformed.map_err(|(code, error_message)| Diagnostic { error_type: code.to_owned(), error_message })?;
    Ok(answer)
}
