//! Brings an attempt's news to the dispatcher: in order, one at a time, again and again until it is taken.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pipewright_core::ids::AttemptId;
use pipewright_core::wire::{AttemptReport, GivenArtifact, NewArtifact, Timing};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::dispatcher::{DispatchError, Dispatcher};
use super::registry::Registry;
use crate::artifacts::{ArtifactPlace, ArtifactStream};
use crate::keeper::SpoolReader;

/// The first pause before a call is tried again; each pause doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Where an attempt's log comes from.
#[derive(Debug)]
pub(super) enum Output {
    /// From this process.
    Channel(mpsc::Receiver<Bytes>),
    /// From the file that a keeper writes.
    Spool(SpoolReader),
}

impl Output {
    /// The next bytes from `offset` on; `None` at the end. May be dropped and called again.
    async fn next(&mut self, offset: u64) -> Option<Bytes> {
        match self {
            Self::Channel(chunks) => chunks.recv().await,
            Self::Spool(spool) => spool.next(offset).await,
        }
    }
}

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
    /// Carries from byte `offset` on until the output ends: first that the attempt started, if it did, then its log. False where
    /// the lease is gone.
    pub(super) async fn carry(
        &self,
        started: oneshot::Receiver<Vec<Timing>>,
        mut output: Output,
        mut offset: u64,
    ) -> bool {
        let mut started = Some(started);
        loop {
            let next = match &mut started {
                Some(news) => tokio::select! {
                    biased;
                    timings = news => {
                        started = None;
                        let Ok(timings) = timings else { continue };
                        if self.insist(|| self.dispatcher.started(self.attempt, self.lease, timings.clone())).await.is_err() {
                            return false;
                        }
                        continue;
                    }
                    chunk = output.next(offset) => chunk,
                },
                None => output.next(offset).await,
            };
            let Some(chunk) = next else { return true };
            if self
                .insist(|| {
                    self.dispatcher
                        .append_log(self.attempt, self.lease, offset, chunk.clone())
                })
                .await
                .is_err()
            {
                return false;
            }
            offset += chunk.len() as u64;
        }
    }

    /// Says how it ended. False where the runner gave up before anybody heard it.
    pub(super) async fn finish(&self, report: AttemptReport) -> bool {
        let told = self
            .insist(|| {
                self.dispatcher
                    .finished(self.attempt, self.lease, report.clone())
            })
            .await;
        told.is_ok() || !self.give_up.is_cancelled()
    }

    /// Calls until it is done or refused, or the lease is gone, or the runner gives up; then the error is a sentence.
    async fn insist<T, F: Future<Output = Result<T, DispatchError>>>(
        &self,
        call: impl Fn() -> F,
    ) -> Result<T, String> {
        let mut pause = FIRST_PAUSE;
        loop {
            match call().await {
                Ok(done) => return Ok(done),
                Err(DispatchError::LeaseGone) => {
                    self.registry.abandon(self.lease);
                    return Err(DispatchError::LeaseGone.to_string());
                }
                Err(DispatchError::Refused(sentence)) => return Err(sentence),
                Err(DispatchError::Unavailable(reason)) => {
                    tracing::warn!(attempt = %self.attempt, reason, pause_ms = pause.as_millis() as u64, "the server cannot be reached; trying again");
                    tokio::select! {
                        () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
                        () = self.give_up.cancelled() => return Err(format!("the server cannot be reached: {reason}")),
                    }
                }
            }
        }
    }
}

impl<D: Dispatcher> ArtifactPlace for Courier<D> {
    async fn put(&self, artifact: &NewArtifact, file: &Path) -> Result<(), String> {
        self.insist(|| async {
            // Opened anew for each try.
            let opened = tokio::fs::File::open(file).await;
            let opened = opened.map_err(|error| {
                DispatchError::Refused(format!("its archive cannot be read: {error}"))
            })?;
            self.dispatcher
                .put_artifact(self.attempt, self.lease, artifact, Box::pin(opened))
                .await
        })
        .await
    }

    async fn get(&self, artifact: &GivenArtifact) -> Result<ArtifactStream, String> {
        self.insist(|| {
            self.dispatcher
                .get_artifact(self.attempt, self.lease, artifact)
        })
        .await
    }
}
