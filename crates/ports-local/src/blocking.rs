//! Calls that wait for a disk, kept off the threads that run futures.

/// Why a blocking call gave no answer.
pub(crate) enum Lost {
    /// The runtime is shutting down.
    Stopped,
    /// The call panicked.
    Panicked,
}

impl Lost {
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Lost::Stopped => "the program is stopping",
            Lost::Panicked => "a call panicked, which is a defect of Weir; its message is on standard error",
        }
    }
}

/// Runs `call` on a thread that may wait.
pub(crate) async fn run<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> Result<T, Lost> {
    let joined = tokio::task::spawn_blocking(call).await;
    joined.map_err(|error| if error.is_panic() { Lost::Panicked } else { Lost::Stopped })
}
