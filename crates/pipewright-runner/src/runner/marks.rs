//! The marks of all that runs here, and the removal of what belongs to none of them.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::executor::Executor;

/// How often is looked for what was left behind.
const REAP: Duration = Duration::from_mins(1);

/// The marks.
#[derive(Debug, Default)]
pub(super) struct Marks(Mutex<HashSet<String>>);

impl Marks {
    /// Something of this mark begins.
    pub(super) fn add(&self, mark: &str) {
        self.lock().insert(mark.to_owned());
    }

    /// Nothing of it is left.
    pub(super) fn remove(&self, mark: &str) {
        self.lock().remove(mark);
    }

    /// Removes, now and from time to time, what earlier runners and ended keepers left behind.
    pub(super) async fn reap(&self, executor: &dyn Executor, ended: &CancellationToken) {
        loop {
            let living = self.lock().clone();
            tokio::select! {
                () = ended.cancelled() => return,
                () = executor.reap(&living) => {}
            }
            tokio::select! {
                () = ended.cancelled() => return,
                () = tokio::time::sleep(REAP) => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
