//! When this process last heard of the attempts that its own runner holds, whether or not the database could be told.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pipewright_core::ids::AttemptId;

/// See the module. Moments are [`Clock::elapsed`](crate::Clock::elapsed)'s.
#[derive(Debug, Default)]
pub(crate) struct Beats(Mutex<HashMap<AttemptId, Duration>>);

impl Beats {
    /// The runner spoke of an attempt.
    pub(crate) fn heard(&self, attempt: AttemptId, now: Duration) {
        self.lock().insert(attempt, now);
    }

    /// The runner speaks of an attempt, and waits until the database was told: however long that takes, it is no silence.
    pub(crate) fn speaks(&self, attempt: AttemptId) {
        self.heard(attempt, Duration::MAX);
    }

    /// The runner spoke of an attempt, if it still holds it.
    pub(crate) fn spoke(&self, attempt: AttemptId, now: Duration) {
        if let Some(heard) = self.lock().get_mut(&attempt) {
            *heard = now;
        }
    }

    /// An attempt has ended, or is somebody else's.
    pub(crate) fn forget(&self, attempt: AttemptId) {
        self.lock().remove(&attempt);
    }

    /// When the runner last spoke of it.
    pub(crate) fn last(&self, attempt: AttemptId) -> Option<Duration> {
        self.lock().get(&attempt).copied()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AttemptId, Duration>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
