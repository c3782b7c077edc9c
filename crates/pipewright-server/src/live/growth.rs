//! How long the logs of running attempts are, for those who follow them.
//!
//! A follower reads the log's file from where it stands up to the length it is told, so a slow one costs nothing and is
//! never cut off. Logs written by another server are not seen growing here: a follower also looks again now and then.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use pipewright_core::ids::AttemptId;
use tokio::sync::watch;

/// How long a log is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogLength {
    /// Bytes.
    pub bytes: u64,
    /// Whole lines.
    pub lines: u64,
    /// True once nothing more will come.
    pub complete: bool,
}

/// The logs that grow, or are followed, in this process.
#[derive(Debug, Default)]
pub(crate) struct LogGrowth {
    logs: Mutex<HashMap<AttemptId, watch::Sender<LogLength>>>,
}

impl LogGrowth {
    /// Follows a log. The value begins with what is known, which is nothing for a log that does not grow here.
    pub(crate) fn follow(&self, attempt: AttemptId) -> watch::Receiver<LogLength> {
        let mut logs = self.lock();
        // Logs that nobody writes and nobody follows any more are forgotten on this occasion.
        logs.retain(|_, log| log.receiver_count() > 0 || *log.borrow() != LogLength::default());
        logs.entry(attempt)
            .or_insert_with(|| watch::channel(LogLength::default()).0)
            .subscribe()
    }

    /// A log has grown.
    pub(crate) fn grew(&self, attempt: AttemptId, bytes: u64, lines: u64) {
        let mut logs = self.lock();
        let log = logs
            .entry(attempt)
            .or_insert_with(|| watch::channel(LogLength::default()).0);
        log.send_replace(LogLength {
            bytes,
            lines,
            complete: false,
        });
    }

    /// A log is complete; its followers are told and it is forgotten.
    pub(crate) fn complete(&self, attempt: AttemptId, bytes: u64, lines: u64) {
        if let Some(log) = self.lock().remove(&attempt) {
            log.send_replace(LogLength {
                bytes,
                lines,
                complete: true,
            });
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AttemptId, watch::Sender<LogLength>>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use pipewright_core::ids::AttemptId;

    use super::{LogGrowth, LogLength};

    #[tokio::test]
    async fn a_follower_hears_of_growth_and_of_the_end() {
        let growth = LogGrowth::default();
        let attempt = AttemptId::new();
        let mut follower = growth.follow(attempt);
        growth.grew(attempt, 10, 1);
        follower.changed().await.expect("hears");
        assert_eq!(
            *follower.borrow_and_update(),
            LogLength {
                bytes: 10,
                lines: 1,
                complete: false
            }
        );
        growth.complete(attempt, 20, 2);
        follower.changed().await.expect("hears");
        assert_eq!(
            *follower.borrow_and_update(),
            LogLength {
                bytes: 20,
                lines: 2,
                complete: true
            }
        );
        assert!(growth.lock().is_empty(), "forgotten");
    }
}
