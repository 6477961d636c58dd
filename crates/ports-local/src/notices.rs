//! Notices as lines of a file.

use std::io::Write;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use weir_ports::notifier::{Notice, Notifier, NotifyError};

use crate::blocking;

/// Appends each notice to a file, as one line of JSON.
#[derive(Debug, Clone)]
pub struct FileNotifier {
    path: PathBuf,
}

impl FileNotifier {
    /// Appends to this file; it and its folder are created with the first notice.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        FileNotifier { path: path.as_ref().to_owned() }
    }
}

#[async_trait]
impl Notifier for FileNotifier {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError> {
        let to = self.path.display().to_string();
        let failed = |reason: String| NotifyError { to: to.clone(), reason };
        // JSON escapes line feeds, so a notice is one line whatever its message holds.
        let mut line = serde_json::to_vec(notice).map_err(|error| failed(error.to_string()))?;
        line.push(b'\n');
        let path = self.path.clone();
        match blocking::run(move || append(&path, &line)).await {
            Ok(written) => written.map_err(|error| failed(error.to_string())),
            Err(lost) => Err(failed(lost.reason().to_owned())),
        }
    }
}

/// In one write at the end of the file, so that the lines of several processes do not mix.
fn append(path: &Path, line: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_model::Timestamp;
    use weir_ports::Severity;

    fn notice(n: i64) -> Notice {
        Notice {
            at: Timestamp::from_micros(n),
            severity: Severity::Error,
            code: "Ingest.Dead".to_owned(),
            subject: "raw/review/a.csv failed".to_owned(),
            message: "first line\nsecond line ".repeat(200),
            table: Some("review".to_owned()),
            control_id: None,
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn notices_of_many_at_once_are_one_whole_line_each() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/notices.jsonl");
        let tasks: Vec<_> = (0..32)
            .map(|n| {
                let notifier = FileNotifier::new(&path);
                tokio::spawn(async move { notifier.notify(&notice(n)).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let mut times: Vec<i64> =
            text.lines().map(|line| serde_json::from_str::<Notice>(line).unwrap().at.micros()).collect();
        times.sort_unstable();
        assert_eq!(times, (0..32).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_notice_that_cannot_be_written_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = FileNotifier::new(folder.path()).notify(&notice(0)).await.unwrap_err();
        assert_eq!(error.to, folder.path().display().to_string());
    }
}
