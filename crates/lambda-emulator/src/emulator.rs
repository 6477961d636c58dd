//! A function's process, from exec to kill.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::api::RuntimeApi;
use crate::error::FunctionError;
use crate::output::Output;

/// How long output may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is run, and how.
#[derive(Debug, Clone)]
pub struct Builder {
    binary: PathBuf,
    variables: Vec<(OsString, OsString)>,
    memory_mb: u32,
    timeout: Duration,
}

impl Builder {
    /// Sets a variable of the function's environment; of two of one name the last holds. Nothing else
    /// than this and what Lambda sets is in it.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// The memory that the function is told to have; it is not limited to it. 512 unless set.
    #[must_use]
    pub fn memory_mb(mut self, memory_mb: u32) -> Self {
        self.memory_mb = memory_mb;
        self
    }

    /// How long an invocation may take, the start of the function included. 60 seconds unless set.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Starts the function. It begins to initialise, as under provisioned concurrency.
    ///
    /// # Errors
    /// If the binary cannot be run.
    pub fn start(self) -> io::Result<Emulator> {
        let binary = self.binary.canonicalize()?;
        let name = binary.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let api = RuntimeApi::start(&name, self.timeout)?;
        let mut command = Command::new(&binary);
        self.environment(&mut command, &binary, &name);
        command.env("AWS_LAMBDA_RUNTIME_API", api.address().to_string()).envs(self.variables);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = Instant::now();
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().map(Output::of).unwrap_or_default();
        let stderr = child.stderr.take().map(Output::of).unwrap_or_default();
        Ok(Emulator { api, child: Mutex::new(child), started, stdout, stderr })
    }

    /// What Lambda defines, but for credentials
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>).
    fn environment(&self, command: &mut Command, binary: &Path, name: &str) {
        let root = binary.parent().unwrap_or(Path::new("/"));
        command.env_clear().current_dir(root).env("LAMBDA_TASK_ROOT", root);
        command.envs([
            ("_HANDLER", "bootstrap"),
            ("AWS_DEFAULT_REGION", "eu-central-1"),
            ("AWS_LAMBDA_FUNCTION_NAME", name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/20/[$LATEST]0123456789abcdef0123456789abcdef"),
            ("AWS_REGION", "eu-central-1"),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
            ("LANG", "en_US.UTF-8"),
            ("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
            ("TZ", ":UTC"),
        ]);
        command.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", self.memory_mb.to_string());
        command.env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}"));
    }
}

/// A running function. Dropping it kills the process.
pub struct Emulator {
    api: RuntimeApi,
    child: Mutex<Child>,
    started: Instant,
    stdout: Output,
    stderr: Output,
}

/// How long the function took from exec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartUp {
    /// Until it asked for its first event; `None` if it has not.
    pub init: Option<Duration>,
    /// Until its first answer had arrived, waiting for an invocation included; `None` if there was none.
    pub first_answer: Option<Duration>,
}

impl Emulator {
    /// A function's binary.
    pub fn builder(binary: impl Into<PathBuf>) -> Builder {
        Builder { binary: binary.into(), variables: Vec::new(), memory_mb: 512, timeout: Duration::from_secs(60) }
    }

    /// Invokes the function and waits. Several callers wait for their turn.
    ///
    /// # Errors
    /// What the function reports; `Function.ResponseSizeTooLarge`, `RequestTooLargeException`,
    /// `Sandbox.Timedout` and `Runtime.ExitError` as Lambda does. A function that timed out is killed;
    /// it is not started again.
    pub fn invoke(&self, payload: &[u8]) -> Result<Vec<u8>, FunctionError> {
        let outcome =
            self.api.invoke_unless(payload, |id| self.status().map(|status| FunctionError::exited(id, status)));
        if matches!(&outcome, Err(error) if error.error_type == "Sandbox.Timedout") {
            self.kill();
        }
        outcome
    }

    /// How long the function took to start. Waits until it has asked for its first event or ended.
    #[must_use]
    pub fn start_up(&self) -> StartUp {
        let mut times = self.api.times();
        let deadline = Instant::now() + PATIENCE;
        while times.next.is_none() && self.status().is_none() && Instant::now() < deadline {
            times = self.api.wait_for_next(Duration::from_millis(20));
        }
        let since = |at: Option<Instant>| at.map(|at| at.duration_since(self.started));
        StartUp { init: since(times.next), first_answer: since(times.answer) }
    }

    /// What the function reported instead of asking for its first event.
    #[must_use]
    pub fn init_error(&self) -> Option<FunctionError> {
        self.api.init_error()
    }

    /// The lines of its standard output so far, after waiting until there are `at_least`.
    #[must_use]
    pub fn stdout(&self, at_least: usize) -> Vec<String> {
        self.stdout.lines(at_least, PATIENCE)
    }

    /// The lines of its standard error so far, after waiting until there are `at_least`.
    #[must_use]
    pub fn stderr(&self, at_least: usize) -> Vec<String> {
        self.stderr.lines(at_least, PATIENCE)
    }

    /// The operating system's id of the process.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.child().id()
    }

    /// How it ended; `None` while it runs.
    #[must_use]
    pub fn status(&self) -> Option<ExitStatus> {
        self.child().try_wait().ok().flatten()
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kill(&self) {
        let mut child = self.child();
        // It may have ended by itself, which is as good.
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.kill();
    }
}
