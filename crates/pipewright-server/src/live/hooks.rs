//! Webhooks by their path, with their secrets opened: receiving a delivery asks the database nothing it asked a moment
//! ago.
//!
//! An entry is used for a few seconds; whoever removes a webhook forgets it at once here, and other servers follow within
//! that time. A signature that does not fit is checked once more against the database before it is refused.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pipewright_bitbucket::facade::Product;
use pipewright_core::Secret;
use pipewright_core::ids::{AccountId, RepositoryId, WebhookId};

/// How long an entry is used.
const USED_FOR: Duration = Duration::from_secs(5);

/// How many are kept; beyond, all are forgotten.
const KEPT: usize = 10_000;

/// A webhook as receiving needs it.
#[derive(Debug)]
pub(crate) struct Hook {
    pub(crate) id: WebhookId,
    pub(crate) account: AccountId,
    pub(crate) repository: RepositoryId,
    pub(crate) product: Product,
    pub(crate) secret: Secret,
    /// When it was read, by [`Clock::elapsed`](crate::Clock::elapsed).
    pub(crate) read_at: Duration,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Hooks {
    by_path: Mutex<HashMap<String, Arc<Hook>>>,
}

impl Hooks {
    /// The webhook of this path, if it was read a moment ago.
    pub(crate) fn get(&self, path: &str, now: Duration) -> Option<Arc<Hook>> {
        let hooks = self.by_path.lock().unwrap_or_else(PoisonError::into_inner);
        hooks
            .get(path)
            .filter(|hook| now.saturating_sub(hook.read_at) < USED_FOR)
            .map(Arc::clone)
    }

    /// Keeps a webhook that was just read.
    pub(crate) fn keep(&self, path: &str, hook: &Arc<Hook>) {
        let mut hooks = self.by_path.lock().unwrap_or_else(PoisonError::into_inner);
        if hooks.len() >= KEPT {
            hooks.clear();
        }
        hooks.insert(path.to_owned(), Arc::clone(hook));
    }

    /// Forgets a webhook that was removed or given another secret.
    pub(crate) fn forget(&self, path: &str) {
        self.by_path
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(path);
    }
}
