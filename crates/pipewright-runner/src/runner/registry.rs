//! What runs here now, and the words that reach it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use pipewright_core::ids::AttemptId;
use pipewright_core::wire::Directive;
use tokio::sync::watch;
use uuid::Uuid;

use crate::executor::{Control, tell};

/// The running attempts by lease. Guards are held for a few lines only.
#[derive(Debug, Default)]
pub(super) struct Registry {
    running: Mutex<HashMap<Uuid, Running>>,
}

#[derive(Debug)]
struct Running {
    attempt: AttemptId,
    control: watch::Sender<Control>,
    /// The lease is gone: nothing is reported any more.
    abandoned: bool,
}

impl Registry {
    /// Adds an attempt; its words come out of the receiver.
    pub(super) fn add(&self, attempt: AttemptId, lease: Uuid) -> watch::Receiver<Control> {
        let (control, words) = watch::channel(Control::Run);
        self.lock().insert(
            lease,
            Running {
                attempt,
                control,
                abandoned: false,
            },
        );
        words
    }

    pub(super) fn remove(&self, lease: Uuid) {
        self.lock().remove(&lease);
    }

    /// How many attempts run.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// What runs, for a heartbeat.
    pub(super) fn leases(&self) -> Vec<(AttemptId, Uuid)> {
        self.lock()
            .iter()
            .filter(|(_, running)| !running.abandoned)
            .map(|(lease, running)| (running.attempt, *lease))
            .collect()
    }

    /// Passes a directive on; one to an attempt that does not run here is ignored.
    pub(super) fn direct(&self, attempt: AttemptId, directive: Directive) {
        for running in self
            .lock()
            .values_mut()
            .filter(|running| running.attempt == attempt)
        {
            match directive {
                Directive::Continue => {}
                Directive::Stop => tell(&running.control, Control::Stop),
                Directive::Abandon => running.abandon(),
            }
        }
    }

    /// Ends an attempt whose lease is gone.
    pub(super) fn abandon(&self, lease: Uuid) {
        if let Some(running) = self.lock().get_mut(&lease) {
            running.abandon();
        }
    }

    /// Whether an attempt was abandoned.
    pub(super) fn is_abandoned(&self, lease: Uuid) -> bool {
        self.lock()
            .get(&lease)
            .is_some_and(|running| running.abandoned)
    }

    /// Ends everything, to be reported as lost.
    pub(super) fn kill_all(&self) {
        for running in self.lock().values() {
            tell(&running.control, Control::Kill);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn abandon(&mut self) {
        self.abandoned = true;
        tell(&self.control, Control::Kill);
    }
}
