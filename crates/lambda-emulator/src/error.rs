//! What a caller of a function is told when it fails.

use serde::Deserialize;
use thiserror::Error;

/// A failed invocation, as Lambda reports it to whoever invoked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{error_type}: {message}")]
pub struct FunctionError {
    /// `errorType`: what Step Functions' `ErrorEquals` is compared with.
    pub error_type: String,
    /// `errorMessage`.
    pub message: String,
}

/// What a runtime posts to `…/error`
/// (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-invokeerror>).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    #[serde(default)]
    error_type: String,
    #[serde(default)]
    error_message: String,
}

impl FunctionError {
    pub(crate) fn new(error_type: &str, message: impl Into<String>) -> Self {
        FunctionError { error_type: error_type.to_owned(), message: message.into() }
    }

    /// Reads a runtime's error; `header` is `Lambda-Runtime-Function-Error-Type`, which speaks where
    /// the body does not.
    pub(crate) fn posted(body: &[u8], header: Option<&str>) -> Self {
        let posted = serde_json::from_slice(body)
            .unwrap_or_else(|_| Posted { error_type: String::new(), error_message: String::new() });
        let error_type = match (posted.error_type.as_str(), header) {
            ("", Some(header)) => header,
            ("", None) => "Runtime.Unknown",
            (named, _) => named,
        };
        FunctionError::new(error_type, posted.error_message)
    }

    /// The function took too long.
    pub(crate) fn timed_out(request_id: &str, seconds: f64) -> Self {
        let message = format!("RequestId: {request_id} Error: Task timed out after {seconds:.2} seconds");
        FunctionError::new("Sandbox.Timedout", message)
    }

    /// The process ended.
    pub(crate) fn exited(request_id: &str, status: std::process::ExitStatus) -> Self {
        let message = match status.success() {
            true => format!("RequestId: {request_id} Error: Runtime exited without providing a reason"),
            false => format!("RequestId: {request_id} Error: Runtime exited with error: {status}"),
        };
        FunctionError::new("Runtime.ExitError", message)
    }
}
