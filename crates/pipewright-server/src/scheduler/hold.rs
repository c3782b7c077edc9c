//! What the embedded runner holds: leases and open logs, by attempt.
//!
//! A word about an attempt is accepted while it is held here, which is known without asking the database: a lease is never
//! taken from this process for its own silence, and where another server took it, the next heartbeat finds out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, ArtifactId, AttemptId, BuildId};
use pipewright_core::wire::{NewArtifact, Timing};
use pipewright_store::logs::{LogAppender, LogSize};
use uuid::Uuid;

/// An attempt that runs here.
#[derive(Debug, Clone)]
pub(super) struct Holding {
    pub(super) lease: Uuid,
    pub(super) account: AccountId,
    pub(super) build: BuildId,
    pub(super) position: usize,
    pub(super) number: u32,
    /// Its log, once something was written.
    pub(super) log: Arc<Mutex<Option<LogAppender>>>,
    /// How large its log is.
    pub(super) size: LogSize,
    /// Its first command ran then, with these timings; and whether the database knows.
    pub(super) begun: Option<(Timestamp, Vec<Timing>)>,
    /// What the disk lacked while it ran, where it did.
    pub(super) lacked: Option<String>,
    /// The artifacts that it may read.
    pub(super) given: Vec<ArtifactId>,
    /// What it left so far; the database knows of it with its end.
    pub(super) artifacts: Vec<NewArtifact>,
}

impl Holding {
    /// An attempt of which nothing came yet.
    pub(super) fn new(
        lease: Uuid,
        account: AccountId,
        build: BuildId,
        position: usize,
        number: u32,
    ) -> Self {
        Self {
            lease,
            account,
            build,
            position,
            number,
            log: Arc::default(),
            size: LogSize::default(),
            begun: None,
            lacked: None,
            given: Vec::new(),
            artifacts: Vec::new(),
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Holdings(Mutex<HashMap<AttemptId, Holding>>);

impl Holdings {
    pub(super) fn add(&self, attempt: AttemptId, holding: Holding) {
        self.lock().insert(attempt, holding);
    }

    /// The attempt, while it is held under this lease.
    pub(super) fn get(&self, attempt: AttemptId, lease: Uuid) -> Option<Holding> {
        self.lock()
            .get(&attempt)
            .filter(|holding| holding.lease == lease)
            .cloned()
    }

    /// Every attempt that is held.
    pub(super) fn all(&self) -> Vec<AttemptId> {
        self.lock().keys().copied().collect()
    }

    /// Changes what is known of an attempt; nothing happens where it is not held.
    pub(super) fn update(&self, attempt: AttemptId, change: impl FnOnce(&mut Holding)) {
        if let Some(holding) = self.lock().get_mut(&attempt) {
            change(holding);
        }
    }

    pub(super) fn remove(&self, attempt: AttemptId) -> Option<Holding> {
        self.lock().remove(&attempt)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AttemptId, Holding>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
