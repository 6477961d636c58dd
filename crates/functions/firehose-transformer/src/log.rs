//! The log: one line of JSON for each invocation, for CloudWatch Logs Insights and metric filters.

use std::time::Duration;

use serde::Serialize;
use weir_pipeline::transform::Counters;

/// Which lines are written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Log {
    /// Those of invocations that failed as a whole.
    Error,
    /// All.
    #[default]
    Info,
}

/// The words of `WEIR_LOG`.
pub(crate) const WORDS: &[(&str, Log)] = &[("error", Log::Error), ("info", Log::Info)];

/// A line. Counters and messages hold no value of a row.
#[derive(Serialize)]
struct Line<'a> {
    level: &'static str,
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counters: Option<&'a Counters>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl<'a> Line<'a> {
    fn transformed(request_id: &'a str, took: Duration, counters: &'a Counters) -> Self {
        let (request_id, seconds) = (Some(request_id), Some(seconds(took)));
        let (level, message) = ("INFO", "transformed");
        Line { level, message, request_id, seconds, counters: Some(counters), error_type: None, error: None }
    }

    fn failed(request_id: &'a str, took: Duration, code: &'a str, error: &'a str) -> Self {
        let (request_id, seconds) = (Some(request_id), Some(seconds(took)));
        let line = Line::not_started(code, error);
        Line { message: "the invocation failed", request_id, seconds, ..line }
    }

    fn not_started(code: &'a str, error: &'a str) -> Self {
        let (level, message) = ("ERROR", "the function cannot run");
        let (error_type, error) = (Some(code), Some(error));
        Line { level, message, request_id: None, seconds: None, counters: None, error_type, error }
    }

    fn print(&self) {
        // A line is made of texts and numbers only, so it can be written as JSON.
        if let Ok(line) = serde_json::to_string(self) {
            println!("{line}");
        }
    }
}

/// To the microsecond.
fn seconds(took: Duration) -> f64 {
    took.as_micros() as f64 / 1e6
}

impl Log {
    /// The line of an invocation: what was done, or the code and the words of an error.
    pub(crate) fn invocation(
        self,
        request_id: &str,
        took: Duration,
        outcome: Result<&Counters, &(&'static str, String)>,
    ) {
        match outcome {
            Ok(counters) if self == Log::Info => Line::transformed(request_id, took, counters).print(),
            Ok(_) => {}
            Err((code, error)) => Line::failed(request_id, took, code, error).print(),
        }
    }

    /// The line of a function that cannot run.
    pub(crate) fn not_started(self, code: &str, error: &str) {
        Line::not_started(code, error).print();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_documented_fields_and_no_other() {
        let counters = Counters::default();
        let line = Line::transformed("r-1", Duration::from_nanos(21_000_999), &counters);
        let line = serde_json::to_value(line).unwrap();
        let counters = serde_json::to_value(counters).unwrap();
        let fields = serde_json::json!({
            "level": "INFO", "message": "transformed", "request_id": "r-1", "seconds": 0.021, "counters": counters,
        });
        assert_eq!(line, fields);

        let line = serde_json::to_value(Line::not_started("Config.Value", "why")).unwrap();
        let fields = serde_json::json!({
            "level": "ERROR", "message": "the function cannot run", "error_type": "Config.Value", "error": "why",
        });
        assert_eq!(line, fields);
    }
}
