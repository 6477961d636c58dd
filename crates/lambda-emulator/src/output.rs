//! What a process writes, line by line, while it runs.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

#[derive(Default)]
struct Lines {
    lines: Vec<String>,
    ended: bool,
}

/// The lines of one of a process's outputs.
#[derive(Clone, Default)]
pub(crate) struct Output {
    shared: Arc<(Mutex<Lines>, Condvar)>,
}

impl Output {
    /// Collects what comes.
    pub(crate) fn of(from: impl Read + Send + 'static) -> Self {
        let output = Output::default();
        let filled = output.clone();
        thread::spawn(move || filled.fill(BufReader::new(from)));
        output
    }

    fn fill(&self, mut from: impl BufRead) {
        loop {
            let mut line = Vec::new();
            let read = from.read_until(b'\n', &mut line);
            let (lines, changed) = &*self.shared;
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            if matches!(read, Ok(0) | Err(_)) {
                lines.ended = true;
                changed.notify_all();
                return;
            }
            lines.lines.push(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned());
            changed.notify_all();
        }
    }

    /// All lines so far, after waiting, at most for `at_most`, until there are `at_least` or no more
    /// can come.
    pub(crate) fn lines(&self, at_least: usize, at_most: Duration) -> Vec<String> {
        let deadline = Instant::now() + at_most;
        let (lines, changed) = &*self.shared;
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if lines.lines.len() >= at_least || lines.ended || left.is_zero() {
                return lines.lines.clone();
            }
            lines = changed.wait_timeout(lines, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
