//! Telling people what they should know.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use weir_model::Timestamp;

/// How soon somebody should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing to do.
    Info,
    /// Something waits for a person; nothing is lost.
    Warning,
    /// Something failed and stays failed until a person acts.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

/// What happened, for a person. Holds no value of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// When it happened.
    pub at: Timestamp,
    /// How soon somebody should look.
    pub severity: Severity,
    /// A stable name such as `Register.NoContract`.
    pub code: String,
    /// One line, such as the subject of a mail.
    pub subject: String,
    /// What happened, where, and what to do next.
    pub message: String,
    /// The table that it is about, if one.
    pub table: Option<String>,
    /// The control record that it is about, if one.
    pub control_id: Option<String>,
}

/// Why a notice was not delivered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a notice could not be delivered to {to}: {reason}")]
pub struct NotifyError {
    /// The file, topic or address.
    pub to: String,
    /// What went wrong.
    pub reason: String,
}

/// Delivers notices.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Delivers the notice at least once; a retried step may deliver it again.
    ///
    /// # Errors
    /// [`NotifyError`] where it was not delivered. The work that it tells of stands all the same.
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError>;
}

/// Keeps the notices in memory, for tests.
#[derive(Debug, Default)]
pub struct MemoryNotifier(Mutex<Vec<Notice>>);

impl MemoryNotifier {
    /// The notices so far, oldest first.
    #[must_use]
    pub fn notices(&self) -> Vec<Notice> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Notifier for MemoryNotifier {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(notice.clone());
        Ok(())
    }
}

/// Delivers each notice to every one of several notifiers.
pub struct Tee(pub Vec<Arc<dyn Notifier>>);

#[async_trait]
impl Notifier for Tee {
    /// Tries them all, whichever fails.
    ///
    /// # Errors
    /// The first failure.
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError> {
        let mut result = Ok(());
        for notifier in &self.0 {
            result = result.and(notifier.notify(notice).await);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Unreachable;

    #[async_trait]
    impl Notifier for Unreachable {
        async fn notify(&self, _: &Notice) -> Result<(), NotifyError> {
            Err(NotifyError { to: "nowhere".to_owned(), reason: "unreachable".to_owned() })
        }
    }

    fn notice() -> Notice {
        Notice {
            at: Timestamp::from_micros(0),
            severity: Severity::Warning,
            code: "Register.NoContract".to_owned(),
            subject: "No contract for review".to_owned(),
            message: "Write contracts/review.odcs.yaml.".to_owned(),
            table: Some("review".to_owned()),
            control_id: None,
        }
    }

    #[tokio::test]
    async fn one_notifier_that_fails_does_not_keep_the_notice_from_the_others() {
        let memory = Arc::new(MemoryNotifier::default());
        let tee = Tee(vec![Arc::new(Unreachable), memory.clone()]);
        assert_eq!(tee.notify(&notice()).await.unwrap_err().to, "nowhere");
        assert_eq!(memory.notices(), [notice()]);
    }

    #[test]
    fn a_notice_survives_as_json() {
        let text = serde_json::to_string(&notice()).unwrap();
        assert!(text.contains(r#""severity":"warning""#) && text.contains("1970-01-01T00:00:00Z"), "{text}");
        assert_eq!(serde_json::from_str::<Notice>(&text).unwrap(), notice());
    }
}
