//! The key that personal data is masked with.

use std::fmt;

use async_trait::async_trait;
use thiserror::Error;

/// A key of 32 random bytes. Its `Debug` shows the id alone.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey {
    /// Names the key without telling it.
    pub id: String,
    /// The key itself; goes into no log, message or record.
    pub bytes: [u8; 32],
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why the key cannot be had. Holds no part of the key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SecretError {
    /// Trying again may help.
    #[error("the key for personal data cannot be reached ({reason}); run the same step again")]
    Unavailable {
        /// What the keeper of the key said.
        reason: String,
    },
    /// Trying again will not help.
    #[error("the key for personal data cannot be used: {reason}")]
    Unusable {
        /// What is wrong and what to do.
        reason: String,
    },
}

/// Keeps secrets.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The key that personal data is masked with; created when it is first asked for.
    ///
    /// It is the same for ever after, and the same for everybody who asks, however many ask first
    /// at once: two keys would mask one value in two ways, and joins over it would break.
    ///
    /// # Errors
    /// [`SecretError`], and no key is created in place of one that is there but cannot be read.
    async fn pii_key(&self) -> Result<SecretKey, SecretError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_tell_itself_when_printed() {
        let key = SecretKey { id: "k1".to_owned(), bytes: [0xab; 32] };
        for text in [format!("{key:?}"), format!("{key:#?}")] {
            assert!(text.contains("k1"));
            assert!(!text.contains("ab") && !text.contains("171"), "{text}");
        }
    }
}
