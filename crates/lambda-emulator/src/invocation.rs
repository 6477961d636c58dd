//! One invocation on its way to the function.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An event that waits for the function to ask for it.
pub(crate) struct Invocation {
    pub(crate) id: String,
    trace_id: String,
    arn: String,
    deadline_ms: String,
    pub(crate) payload: Vec<u8>,
}

impl Invocation {
    pub(crate) fn new(payload: &[u8], function_name: &str, timeout: Duration) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let random = || RandomState::new().hash_one(now);
        let (a, b) = (random(), random());
        // The shape of a random UUID (RFC 9562, 5.4).
        let id = format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xfff,
            0x8000 | b >> 48 & 0x3fff,
            b & 0xffff_ffff_ffff
        );
        let trace_id =
            format!("Root=1-{:08x}-{:08x}{:016x};Parent={:016x};Sampled=0", now.as_secs(), a as u32, b, random());
        Invocation {
            id,
            trace_id,
            arn: format!("arn:aws:lambda:eu-central-1:123456789012:function:{function_name}"),
            deadline_ms: (now + timeout).as_millis().to_string(),
            payload: payload.to_vec(),
        }
    }

    /// What the runtime is told beside the event
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-next>).
    pub(crate) fn headers(&self) -> [(&'static str, &str); 4] {
        [
            ("Lambda-Runtime-Aws-Request-Id", &self.id),
            ("Lambda-Runtime-Deadline-Ms", &self.deadline_ms),
            ("Lambda-Runtime-Invoked-Function-Arn", &self.arn),
            ("Lambda-Runtime-Trace-Id", &self.trace_id),
        ]
    }
}
