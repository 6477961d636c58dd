//! The Runtime API itself (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).

use std::io::{self, BufReader, BufWriter};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::FunctionError;
use crate::http::{self, Request};
use crate::invocation::Invocation;

/// The largest event of a synchronous invocation: 6 MB
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
pub const MAX_REQUEST_BYTES: usize = 6 << 20;

/// The largest response: AWS's own emulator, whose limit this is, allows 100 bytes more
/// (`MaxPayloadSize` in <https://github.com/aws/aws-lambda-runtime-interface-emulator>).
pub const MAX_RESPONSE_BYTES: usize = MAX_REQUEST_BYTES + 100;

const PREFIX: &str = "/2018-06-01/runtime/";
/// How often a waiting caller looks whether the function is still there.
const LOOK: Duration = Duration::from_millis(20);

/// The Runtime API on a free port of this machine, for a function that runs elsewhere: a thread of the
/// test, or a program that the test starts itself.
#[derive(Debug)]
pub struct RuntimeApi {
    address: SocketAddr,
    function_name: String,
    timeout: Duration,
    shared: Arc<Shared>,
    /// Held by the invocation whose turn it is.
    turn: Mutex<()>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    waiting: Option<Invocation>,
    /// The id of what the function works on.
    running: Option<String>,
    outcome: Option<Result<Vec<u8>, FunctionError>>,
    init_error: Option<FunctionError>,
    times: Times,
    stopping: bool,
}

/// When the function did something for the first time.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) next: Option<Instant>,
    pub(crate) answer: Option<Instant>,
}

impl Shared {
    /// A thread that panicked has left nothing half done: every change is one assignment.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn wait<'s>(&'s self, state: MutexGuard<'s, State>, at_most: Duration) -> MutexGuard<'s, State> {
        self.changed.wait_timeout(state, at_most).unwrap_or_else(PoisonError::into_inner).0
    }
}

impl RuntimeApi {
    /// Listens on a free port of 127.0.0.1. An invocation may take as long as `timeout`.
    ///
    /// # Errors
    /// If there is no free port.
    pub fn start(function_name: &str, timeout: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let served = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &served));
        Ok(RuntimeApi { address, function_name: function_name.to_owned(), timeout, shared, turn: Mutex::new(()) })
    }

    /// Host and port: the value of `AWS_LAMBDA_RUNTIME_API`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Hands the event to the function and waits for what becomes of it. Several callers wait for
    /// their turn.
    ///
    /// # Errors
    /// What the function, or Lambda in its place, reports.
    pub fn invoke(&self, payload: &[u8]) -> Result<Vec<u8>, FunctionError> {
        self.invoke_unless(payload, |_| None)
    }

    /// As `invoke`, and asks again and again whether the function, given the invocation's id, has
    /// ended.
    pub(crate) fn invoke_unless(
        &self,
        payload: &[u8],
        ended: impl Fn(&str) -> Option<FunctionError>,
    ) -> Result<Vec<u8>, FunctionError> {
        if payload.len() > MAX_REQUEST_BYTES {
            let message = format!(
                "{} byte payload is too large for the RequestResponse invocation type (limit {MAX_REQUEST_BYTES} bytes)",
                payload.len()
            );
            return Err(FunctionError::new("RequestTooLargeException", message));
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let invocation = Invocation::new(payload, &self.function_name, self.timeout);
        let id = invocation.id.clone();
        self.shared.change(|state| {
            state.outcome = None;
            state.waiting = Some(invocation);
        });
        let deadline = Instant::now() + self.timeout;
        let (mut state, mut end) = (self.shared.lock(), None);
        loop {
            if let Some(outcome) = state.outcome.take() {
                return outcome;
            }
            let failed = match (&state.init_error, end) {
                (Some(error), _) => Some(error.clone()),
                // It ended, and for as long as a look takes nothing more came from it.
                (None, Some(end)) => Some(end),
                (None, None) if Instant::now() >= deadline => {
                    Some(FunctionError::timed_out(&id, self.timeout.as_secs_f64()))
                }
                (None, None) => None,
            };
            if let Some(failed) = failed {
                state.waiting = None;
                state.running = None;
                return Err(failed);
            }
            end = ended(&id);
            state = self.shared.wait(state, LOOK);
        }
    }

    /// What the function reported instead of asking for its first event.
    #[must_use]
    pub fn init_error(&self) -> Option<FunctionError> {
        self.shared.lock().init_error.clone()
    }

    pub(crate) fn times(&self) -> Times {
        self.shared.lock().times
    }

    /// Waits until the function has asked for its first event, at most for `at_most`.
    pub(crate) fn wait_for_next(&self, at_most: Duration) -> Times {
        let deadline = Instant::now() + at_most;
        let mut state = self.shared.lock();
        while state.times.next.is_none() && state.init_error.is_none() && Instant::now() < deadline {
            state = self.shared.wait(state, LOOK);
        }
        state.times
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.shared.change(|state| state.stopping = true);
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for connection in listener.incoming() {
        if shared.lock().stopping {
            return;
        }
        let Ok(connection) = connection else { continue };
        let shared = Arc::clone(shared);
        // A connection that breaks is the function's matter: it opens another, or has ended.
        thread::spawn(move || serve(&connection, &shared));
    }
}

fn serve(connection: &TcpStream, shared: &Shared) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut from = BufReader::with_capacity(64 << 10, connection);
    let mut to = BufWriter::with_capacity(64 << 10, connection);
    while let Some(request) = http::read(&mut from, MAX_RESPONSE_BYTES)? {
        let last = request.is_last();
        let is = |method: &str, path: &str| request.method == method && request.path == path;
        if is("GET", "/2018-06-01/runtime/invocation/next") {
            let Some(invocation) = next(shared) else { return Ok(()) };
            let headers = invocation.headers();
            http::write(&mut to, "200 OK", &headers, &invocation.payload)?;
        } else {
            let (status, body) = post(shared, request);
            http::write(&mut to, status, &[], body.to_string().as_bytes())?;
        }
        if last {
            return Ok(());
        }
    }
    Ok(())
}

/// Waits for the next invocation. `None`: it is over.
fn next(shared: &Shared) -> Option<Invocation> {
    shared.change(|state| {
        state.times.next.get_or_insert_with(Instant::now);
    });
    let mut state = shared.lock();
    loop {
        if state.stopping {
            return None;
        }
        if let Some(invocation) = state.waiting.take() {
            state.running = Some(invocation.id.clone());
            return Some(invocation);
        }
        state = shared.wait(state, Duration::from_secs(1));
    }
}

type Answer = (&'static str, serde_json::Value);

fn refusal(status: &'static str, error_type: &str, message: impl Into<String>) -> Answer {
    (status, serde_json::json!({"errorType": error_type, "errorMessage": message.into()}))
}

fn accepted() -> Answer {
    ("202 Accepted", serde_json::json!({"status": "OK"}))
}

/// What a runtime posts.
fn post(shared: &Shared, request: Request) -> Answer {
    let error_type = request.header("lambda-runtime-function-error-type").map(str::to_owned);
    let (method, body) = (request.method, request.body);
    let path = request.path.strip_prefix(PREFIX).unwrap_or_default();
    let mut parts = path.split('/');
    match (method.as_str(), parts.next(), parts.next(), parts.next(), parts.next()) {
        ("POST", Some("init"), Some("error"), None, None) => {
            let error = FunctionError::posted(&body.bytes, error_type.as_deref());
            shared.change(|state| state.init_error = Some(error));
            accepted()
        }
        ("POST", Some("invocation"), Some(id), Some("response"), None) if body.length > MAX_RESPONSE_BYTES => {
            let message = format!(
                "Response payload size ({} bytes) exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes).",
                body.length
            );
            let outcome = Err(FunctionError::new("Function.ResponseSizeTooLarge", message));
            let message = format!("Exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes).");
            finish(shared, id, outcome, || refusal("413 Payload Too Large", "RequestEntityTooLarge", message))
        }
        ("POST", Some("invocation"), Some(id), Some("response"), None) => finish(shared, id, Ok(body.bytes), accepted),
        ("POST", Some("invocation"), Some(id), Some("error"), None) => {
            let error = FunctionError::posted(&body.bytes, error_type.as_deref());
            finish(shared, id, Err(error), accepted)
        }
        _ => refusal("404 Not Found", "NotFound", "the Runtime API has no such resource"),
    }
}

fn finish(
    shared: &Shared,
    id: &str,
    outcome: Result<Vec<u8>, FunctionError>,
    answer: impl FnOnce() -> Answer,
) -> Answer {
    let mut known = false;
    shared.change(|state| {
        known = state.running.as_deref() == Some(id);
        if known {
            state.running = None;
            state.outcome = Some(outcome);
            state.times.answer.get_or_insert_with(Instant::now);
        }
    });
    if known { answer() } else { refusal("400 Bad Request", "InvalidRequestID", "Invalid request ID") }
}
