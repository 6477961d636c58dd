//! Progress on a terminal: rows, bytes a second, files. Silent where nobody watches.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use weir_convert::Progress;
use weir_local::{FileResult, Observer};
use weir_model::control::ControlRecord;

use crate::output::{count, size};

/// How often a line is drawn anew.
const PERIOD: Duration = Duration::from_millis(150);

fn bar(total: u64, template: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total).with_style(style)
}

/// A bar over a known number of bytes or rows.
pub(crate) fn total(total: u64) -> ProgressBar {
    bar(total, "{bar:30} {percent:>3}%  {msg}")
}

/// Draws the progress of one conversion until it is dropped.
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(crate) fn new(progress: Arc<Progress>, bytes_in: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let line = total(bytes_in);
        let stopped = Arc::clone(&stop);
        let started = Instant::now();
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                line.set_position(progress.bytes_in());
                line.set_message(speed(progress.rows_in(), progress.bytes_decompressed(), started));
                std::thread::sleep(PERIOD.min(Duration::from_millis(20)));
            }
            line.finish_and_clear();
        });
        Watch { stop, thread: Some(thread) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A line that could not be drawn is no reason to fail.
            let _ = thread.join();
        }
    }
}

/// `1,234,567 rows, 120.5 MB/s`.
pub(crate) fn speed(rows: u64, bytes: u64, since: Instant) -> String {
    let seconds = since.elapsed().as_secs_f64().max(0.001);
    format!("{} rows, {}/s", count(rows), size((bytes as f64 / seconds) as u64))
}

/// Draws a run.
pub(crate) struct RunLine {
    state: Mutex<RunState>,
}

struct RunState {
    line: ProgressBar,
    files: usize,
    done: usize,
    rows: u64,
    bytes: u64,
    started: Instant,
}

impl RunLine {
    pub(crate) fn new() -> Self {
        let line = bar(0, "{spinner} {msg}");
        line.enable_steady_tick(PERIOD);
        RunLine { state: Mutex::new(RunState { line, files: 0, done: 0, rows: 0, bytes: 0, started: Instant::now() }) }
    }

    fn with(&self, change: impl FnOnce(&mut RunState)) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        change(&mut state);
    }

    pub(crate) fn clear(&self) {
        self.with(|state| state.line.finish_and_clear());
    }
}

impl Observer for RunLine {
    fn registering(&self, files: usize) {
        self.with(|state| {
            state.files = files;
            state.line.set_message(format!("registering {} files", count(files as u64)));
        });
    }

    fn registered(&self) {
        self.with(|state| {
            state.done += 1;
            if state.done % 100 == 0 {
                state.line.set_message(format!(
                    "registered {} of {} files",
                    count(state.done as u64),
                    count(state.files as u64)
                ));
            }
        });
    }

    fn ingesting(&self, records: usize) {
        self.with(|state| {
            state.files = records;
            state.done = 0;
            state.started = Instant::now();
        });
    }

    fn started(&self, record: &ControlRecord, _progress: &Arc<Progress>) {
        self.with(|state| {
            let done = speed(state.rows, state.bytes, state.started);
            state.line.set_message(format!(
                "{} of {} files, {done}; now {}",
                count(state.done as u64),
                count(state.files as u64),
                record.key
            ));
        });
    }

    fn finished(&self, result: &FileResult) {
        self.with(|state| {
            state.done += 1;
            if let Some(outcome) = &result.record.outcome {
                state.rows += outcome.counts.rows_in;
                state.bytes += outcome.bytes_decompressed;
            }
        });
    }
}
