//! A dispatcher in memory: hands out what a test gives it and keeps what is said.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use pipewright_core::ids::{ApplicationId, AttemptId, BuildId, StepId};
use pipewright_core::plan::StepPlan;
use pipewright_core::wire::{
    Assignment, AttemptReport, Checkout, Directive, GivenArtifact, NewArtifact, StepSsh, Timing,
};
use pipewright_core::{Secret, Timestamp};
use pipewright_runner::artifacts::ArtifactStream;
use pipewright_runner::runner::{DispatchError, Dispatcher, Resumed};
use tokio::io::AsyncReadExt as _;
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

use super::PATIENCE;

/// What a test sees and steers.
pub(crate) struct Memory {
    state: Mutex<State>,
    changed: Notify,
    directives: tokio::sync::Mutex<mpsc::Receiver<(AttemptId, Directive)>>,
    direct: mpsc::Sender<(AttemptId, Directive)>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Assignment>,
    attempts: HashMap<AttemptId, Seen>,
    beats: usize,
    /// So many calls are answered with "unavailable".
    failures: usize,
    lease_gone: bool,
    running: usize,
    most_running: usize,
}

/// What was said of one attempt.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) started: Option<Vec<Timing>>,
    pub(crate) log: Vec<u8>,
    pub(crate) appends: usize,
    pub(crate) report: Option<AttemptReport>,
    /// With their contents.
    pub(crate) artifacts: Vec<(NewArtifact, Vec<u8>)>,
}

impl Seen {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.log).into_owned()
    }
}

impl Memory {
    pub(crate) fn new() -> Arc<Self> {
        let (direct, directives) = mpsc::channel(16);
        Arc::new(Self {
            state: Mutex::default(),
            changed: Notify::new(),
            directives: tokio::sync::Mutex::new(directives),
            direct,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic")
    }

    pub(crate) fn give(&self, assignment: Assignment) -> AttemptId {
        let attempt = assignment.attempt;
        self.lock().waiting.push_back(assignment);
        self.changed.notify_waiters();
        attempt
    }

    pub(crate) async fn direct(&self, attempt: AttemptId, directive: Directive) {
        self.direct
            .send((attempt, directive))
            .await
            .expect("the dispatcher lives");
    }

    pub(crate) fn fail_next(&self, calls: usize) {
        self.lock().failures = calls;
    }

    pub(crate) fn take_leases_away(&self) {
        self.lock().lease_gone = true;
    }

    pub(crate) fn beats(&self) -> usize {
        self.lock().beats
    }

    pub(crate) fn most_running(&self) -> usize {
        self.lock().most_running
    }

    pub(crate) fn seen(&self, attempt: AttemptId) -> Seen {
        self.lock()
            .attempts
            .get(&attempt)
            .cloned()
            .unwrap_or_default()
    }

    /// Waits until what was seen of an attempt is as wanted.
    pub(crate) async fn until(&self, attempt: AttemptId, wanted: impl Fn(&Seen) -> bool) -> Seen {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                let seen = self.seen(attempt);
                if wanted(&seen) {
                    return seen;
                }
                changed.await;
            }
        };
        let result = tokio::time::timeout(PATIENCE, wait).await;
        result.unwrap_or_else(|_| {
            panic!(
                "not in time; seen: {:?}, log: {}",
                self.seen(attempt),
                self.seen(attempt).text()
            )
        })
    }

    /// Waits for the end of an attempt.
    pub(crate) async fn report(&self, attempt: AttemptId) -> (AttemptReport, String) {
        let seen = self.until(attempt, |seen| seen.report.is_some()).await;
        (seen.report.clone().expect("just seen"), seen.text())
    }

    fn say(
        &self,
        attempt: AttemptId,
        change: impl FnOnce(&mut Seen, &mut usize),
    ) -> Result<(), DispatchError> {
        let mut state = self.lock();
        if state.lease_gone {
            return Err(DispatchError::LeaseGone);
        }
        if state.failures > 0 {
            state.failures -= 1;
            return Err(DispatchError::Unavailable("for a test".to_owned()));
        }
        let State {
            attempts, running, ..
        } = &mut *state;
        change(attempts.entry(attempt).or_default(), running);
        drop(state);
        self.changed.notify_waiters();
        Ok(())
    }
}

impl Dispatcher for Memory {
    async fn begin(&self, _: &[(AttemptId, Uuid)]) -> Result<Vec<Resumed>, DispatchError> {
        Ok(Vec::new())
    }

    async fn claim(&self, free_slots: usize) -> Result<Vec<Assignment>, DispatchError> {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                {
                    let mut state = self.lock();
                    let count = free_slots.min(state.waiting.len());
                    if count > 0 {
                        state.running += count;
                        state.most_running = state.most_running.max(state.running);
                        return state.waiting.drain(..count).collect();
                    }
                }
                changed.await;
            }
        };
        Ok(tokio::time::timeout(Duration::from_secs(5), wait)
            .await
            .unwrap_or_default())
    }

    async fn started(
        &self,
        attempt: AttemptId,
        _lease: Uuid,
        timings: Vec<Timing>,
    ) -> Result<(), DispatchError> {
        self.say(attempt, |seen, _| seen.started = Some(timings))
    }

    async fn heartbeat(
        &self,
        _attempts: &[(AttemptId, Uuid)],
    ) -> Result<Vec<(AttemptId, Directive)>, DispatchError> {
        self.lock().beats += 1;
        self.changed.notify_waiters();
        Ok(Vec::new())
    }

    async fn directive(&self) -> (AttemptId, Directive) {
        let next = self.directives.lock().await.recv().await;
        match next {
            Some(directive) => directive,
            None => std::future::pending().await,
        }
    }

    async fn append_log(
        &self,
        attempt: AttemptId,
        _lease: Uuid,
        offset: u64,
        bytes: Bytes,
    ) -> Result<(), DispatchError> {
        self.say(attempt, |seen, _| {
            assert_eq!(offset, seen.log.len() as u64, "chunks come in order");
            seen.log.extend_from_slice(&bytes);
            seen.appends += 1;
        })
    }

    async fn put_artifact(
        &self,
        attempt: AttemptId,
        _lease: Uuid,
        artifact: &NewArtifact,
        mut content: ArtifactStream,
    ) -> Result<(), DispatchError> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).await.expect("reads");
        assert_eq!(bytes.len() as u64, artifact.bytes, "as it was said");
        self.say(attempt, |seen, _| {
            seen.artifacts.retain(|(known, _)| known.id != artifact.id);
            seen.artifacts.push((artifact.clone(), bytes));
        })
    }

    async fn get_artifact(
        &self,
        _attempt: AttemptId,
        _lease: Uuid,
        artifact: &GivenArtifact,
    ) -> Result<ArtifactStream, DispatchError> {
        let state = self.lock();
        let mut all = state.attempts.values().flat_map(|seen| &seen.artifacts);
        match all.find(|(known, _)| known.id == artifact.id) {
            Some((_, bytes)) => Ok(Box::pin(std::io::Cursor::new(bytes.clone()))),
            None => Err(DispatchError::Refused("it is not there".to_owned())),
        }
    }

    async fn finished(
        &self,
        attempt: AttemptId,
        _lease: Uuid,
        report: AttemptReport,
    ) -> Result<(), DispatchError> {
        self.say(attempt, |seen, running| {
            *running -= 1;
            assert!(seen.report.is_none(), "reported once");
            seen.report = Some(report);
        })
    }
}

/// An assignment of this plan.
pub(crate) fn assignment(
    plan: StepPlan,
    checkout: Option<Checkout>,
    environment: &[(&str, &str)],
    masked: &[&str],
) -> Assignment {
    Assignment {
        attempt: AttemptId::new(),
        lease: Uuid::now_v7(),
        step: StepId::new(),
        build: BuildId::new(),
        application: ApplicationId::new(),
        application_name: "checkout-api".to_owned(),
        build_number: 1,
        attempt_number: 1,
        accepted_at: Timestamp::from_seconds(0),
        plan,
        checkout,
        environment: environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        output_variables: Vec::new(),
        artifacts: Vec::new(),
        ssh: StepSsh::default(),
        masked: masked.iter().map(|value| Secret::new(*value)).collect(),
        max_time: Duration::from_mins(5),
    }
}
