//! How often and how fast a commit is tried.

use std::time::Duration;

use rand::Rng;

/// Settings of commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitSettings {
    /// How often a commit is tried in all. At least once.
    pub max_attempts: u32,
    /// The longest wait before the second try; it doubles with each one more.
    pub min_backoff: Duration,
    /// The longest wait of all.
    pub max_backoff: Duration,
    /// Above how many manifests of one content small ones are merged.
    pub max_manifests: usize,
    /// How large a manifest may become by merging, in bytes.
    pub manifest_bytes: u64,
}

impl Default for CommitSettings {
    fn default() -> Self {
        CommitSettings {
            max_attempts: 20,
            min_backoff: Duration::from_millis(10),
            max_backoff: Duration::from_secs(1),
            max_manifests: 100,
            manifest_bytes: 8 << 20,
        }
    }
}

impl CommitSettings {
    /// Waits before try `attempt` (the second is 1), for a random part of the longest wait: those that lost
    /// one race together do not meet in the next.
    pub(crate) async fn wait(&self, attempt: u32) {
        let longest = self.min_backoff.saturating_mul(1 << attempt.saturating_sub(1).min(20)).min(self.max_backoff);
        let wait = longest.mul_f64(rand::rng().random_range(0.0..=1.0));
        tokio::time::sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_grow_up_to_a_second_and_differ() {
        let settings = CommitSettings::default();
        for (attempt, longest) in [(1, 10), (2, 20), (5, 160), (8, 1000), (30, 1000)] {
            let mut waits = Vec::new();
            for _ in 0..100 {
                let begun = tokio::time::Instant::now();
                settings.wait(attempt).await;
                waits.push(begun.elapsed());
            }
            let most = *waits.iter().max().unwrap();
            assert!(most <= Duration::from_millis(longest + 1), "{attempt}: {most:?}");
            assert!(most >= Duration::from_millis(longest / 2), "{attempt}: {most:?}");
            waits.sort_unstable();
            waits.dedup();
            assert!(waits.len() > 3, "{attempt}: waits differ");
        }
    }
}
