//! What a runner needs from whoever hands out the work: the server in the same process, or far away.

use std::future::Future;

use bytes::Bytes;
use pipewright_core::Secret;
use pipewright_core::ids::AttemptId;
use pipewright_core::wire::{
    Assignment, AttemptReport, Directive, GivenArtifact, NewArtifact, Timing,
};
use uuid::Uuid;

use crate::artifacts::ArtifactStream;

/// Why the dispatcher did not do as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DispatchError {
    /// The lease is not this runner's any more: the attempt is ended at once and nothing more is said of it.
    #[error("the lease of the attempt is gone; another runner may hold it now")]
    LeaseGone,
    /// It cannot be done now; the runner tries again, with growing pauses, for as long as it lives.
    #[error("the server cannot be reached: {0}; the runner keeps trying")]
    Unavailable(String),
    /// It will not be done, however often it is asked for.
    #[error("{0}")]
    Refused(String),
}

/// An attempt that goes on after its runner was restarted.
#[derive(Debug, Clone)]
pub struct Resumed {
    /// Which.
    pub attempt: AttemptId,
    /// Its lease.
    pub lease: Uuid,
    /// Bytes of its log that are stored.
    pub log: u64,
    /// Values that must not appear in the rest of its log.
    pub masked: Vec<Secret>,
}

/// Hands out attempts and takes what is said of them. For one attempt the runner calls in this order and never two at
/// a time: `started` (at most once, when its first command runs), `append_log` (any number), `finished` (once). A call
/// that answers [`DispatchError::Unavailable`] is repeated, so each must be harmless when done twice. Artifacts are got
/// before `started` and put before `finished`, beside what is appended to the log.
pub trait Dispatcher: Send + Sync + 'static {
    /// Called once when a runner begins, before anything is claimed: of everything that it may have held before, only these
    /// attempts still live. Answers which of them go on; the rest are ended, and nothing more is said of them. What the
    /// dispatcher knows of as this runner's and is not named is lost.
    fn begin(
        &self,
        living: &[(AttemptId, Uuid)],
    ) -> impl Future<Output = Result<Vec<Resumed>, DispatchError>> + Send;

    /// Claims up to `free_slots` attempts. Waits until there is work or about a poll interval has passed, then answers
    /// with an empty list. The future may be dropped at shutdown; what it claimed and did not return must come back
    /// to the queue when its lease expires.
    fn claim(
        &self,
        free_slots: usize,
    ) -> impl Future<Output = Result<Vec<Assignment>, DispatchError>> + Send;

    /// The first command of the attempt runs. `timings` are `claim`, `fetch`, `checkout`, `spawn`, as far as they apply.
    fn started(
        &self,
        attempt: AttemptId,
        lease: Uuid,
        timings: Vec<Timing>,
    ) -> impl Future<Output = Result<(), DispatchError>> + Send;

    /// Renews the leases of everything that runs here and answers what each should do. An attempt that is missing in
    /// the answer goes on.
    fn heartbeat(
        &self,
        attempts: &[(AttemptId, Uuid)],
    ) -> impl Future<Output = Result<Vec<(AttemptId, Directive)>, DispatchError>> + Send;

    /// Waits for the next directive to one of this runner's attempts, so that a stop need not wait for a heartbeat.
    /// May be dropped and called again at any time without losing one; directives to unknown attempts are ignored.
    /// A dispatcher that cannot push waits for ever.
    fn directive(&self) -> impl Future<Output = (AttemptId, Directive)> + Send;

    /// Appends to the attempt's log. `offset` is the number of bytes before; a chunk that was stored already is
    /// answered with success.
    fn append_log(
        &self,
        attempt: AttemptId,
        lease: Uuid,
        offset: u64,
        bytes: Bytes,
    ) -> impl Future<Output = Result<(), DispatchError>> + Send;

    /// Takes an artifact of the attempt. It is kept for good only with `finished`; one that was taken already is answered
    /// with success.
    fn put_artifact(
        &self,
        attempt: AttemptId,
        lease: Uuid,
        artifact: &NewArtifact,
        content: ArtifactStream,
    ) -> impl Future<Output = Result<(), DispatchError>> + Send;

    /// Gives the content of an artifact that the assignment names.
    fn get_artifact(
        &self,
        attempt: AttemptId,
        lease: Uuid,
        artifact: &GivenArtifact,
    ) -> impl Future<Output = Result<ArtifactStream, DispatchError>> + Send;

    /// The attempt is over. The log is complete by then. Repeated until it is accepted or the lease is gone.
    fn finished(
        &self,
        attempt: AttemptId,
        lease: Uuid,
        report: AttemptReport,
    ) -> impl Future<Output = Result<(), DispatchError>> + Send;
}
