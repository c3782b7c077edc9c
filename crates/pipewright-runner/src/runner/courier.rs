//! Brings an attempt's news to the dispatcher: in order, one at a time, again and again until it is taken.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pipewright_core::ids::AttemptId;
use pipewright_core::wire::{AttemptReport, Timing};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::dispatcher::{DispatchError, Dispatcher};
use super::registry::Registry;

/// The first pause before a call is tried again; each pause doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// One attempt's way to the dispatcher.
pub(super) struct Courier<D> {
    pub(super) dispatcher: Arc<D>,
    pub(super) registry: Arc<Registry>,
    pub(super) attempt: AttemptId,
    pub(super) lease: Uuid,
    /// Cancelled when the runner cannot wait for the dispatcher any longer.
    pub(super) give_up: CancellationToken,
}

impl<D: Dispatcher> Courier<D> {
    /// Carries until `chunks` is closed and empty: first that the attempt started, if it did, then its log. False where
    /// the lease is gone.
    pub(super) async fn carry(&self, started: oneshot::Receiver<Vec<Timing>>, mut chunks: mpsc::Receiver<Bytes>) -> bool {
        let mut offset = 0;
        let mut started = Some(started);
        loop {
            let next = match &mut started {
                Some(news) => tokio::select! {
                    biased;
                    timings = news => {
                        started = None;
                        let Ok(timings) = timings else { continue };
                        if !self.insist(|| self.dispatcher.started(self.attempt, self.lease, timings.clone())).await {
                            return false;
                        }
                        continue;
                    }
                    chunk = chunks.recv() => chunk,
                },
                None => chunks.recv().await,
            };
            let Some(chunk) = next else { return true };
            if !self.insist(|| self.dispatcher.append_log(self.attempt, self.lease, offset, chunk.clone())).await {
                return false;
            }
            offset += chunk.len() as u64;
        }
    }

    /// Says how it ended.
    pub(super) async fn finish(&self, report: AttemptReport) {
        self.insist(|| self.dispatcher.finished(self.attempt, self.lease, report.clone())).await;
    }

    /// Calls until it is done (true), or the lease is gone or the runner gives up (false).
    async fn insist<F: Future<Output = Result<(), DispatchError>>>(&self, call: impl Fn() -> F) -> bool {
        let mut pause = FIRST_PAUSE;
        loop {
            match call().await {
                Ok(()) => return true,
                Err(DispatchError::LeaseGone) => {
                    self.registry.abandon(self.lease);
                    return false;
                }
                Err(DispatchError::Unavailable(reason)) => {
                    tracing::warn!(attempt = %self.attempt, reason, pause_ms = pause.as_millis() as u64, "the server cannot be reached; trying again");
                    tokio::select! {
                        () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
                        () = self.give_up.cancelled() => return false,
                    }
                }
            }
        }
    }
}
