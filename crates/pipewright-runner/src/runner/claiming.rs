//! The loop: claim, run, report, and end well.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use pipewright_core::build::AttemptOutcome;
use pipewright_core::ids::AttemptId;
use pipewright_core::wire::{Assignment, AttemptReport};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::attempt::{Means, execute};
use super::config::RunnerConfig;
use super::courier::{Courier, Output};
use super::dispatcher::{DispatchError, Dispatcher, Resumed};
use super::kept::{self, Attempted, Keeping};
use super::marks::Marks;
use super::place::{Found, Place, PlaceError, remove};
use super::registry::Registry;
use crate::executor::{Executor, HostExecutor, NotReady};
use crate::keeper::{KeeperConfig, KeptFolder, SpoolReader};
use crate::log::QUEUE_CHUNKS;
use pipewright_git::MirrorStore;

/// Pause after a claim that failed.
const CLAIM_PAUSE: Duration = Duration::from_secs(1);

/// Pause before an executor that is not ready is asked again: it may have been put right meanwhile.
const NOT_READY_PAUSE: Duration = Duration::from_secs(10);

/// How long reports of what was ended at shutdown may take.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What is to be done.
enum Job {
    New(Box<Assignment>),
    /// An earlier runner began it, and its keeper goes on.
    Found(Box<Found>, Resumed),
}

impl Job {
    /// The attempt, its lease, and how much of its log is stored.
    fn names(&self) -> (AttemptId, Uuid, u64) {
        match self {
            Self::New(assignment) => (assignment.attempt, assignment.lease, 0),
            Self::Found(_, resumed) => (resumed.attempt, resumed.lease, resumed.log),
        }
    }
}

/// How it is done, and with it how an attempt's log leaves it.
enum Work {
    /// In this process.
    Here(Box<Assignment>, mpsc::Sender<Bytes>),
    /// By a keeper.
    Keep(Box<Assignment>, KeeperConfig, Keeping),
    /// By a keeper that lives.
    Resume(Box<Found>, Resumed, Keeping),
}

/// A runner cannot work.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// Another process has the data directory.
    #[error("another runner works in {0}; stop it, or give this one a data directory of its own")]
    InUse(std::path::PathBuf),
    /// The data directory cannot be used.
    #[error("cannot {action}: {source}; give the runner a directory that it may write to")]
    File {
        /// What was tried, with the path.
        action: String,
        /// Why.
        source: std::io::Error,
    },
}

/// A runner. Making one opens nothing; [`Runner::run`] does.
#[derive(Debug)]
pub struct Runner<D> {
    shared: Arc<Shared<D>>,
}

#[derive(Debug)]
struct Shared<D> {
    config: RunnerConfig,
    mirrors: MirrorStore,
    dispatcher: Arc<D>,
    executor: Arc<dyn Executor>,
    registry: Arc<Registry>,
    tasks: TaskTracker,
    give_up: CancellationToken,
    /// Cancelled at shutdown: what keepers run is left to them.
    leave: CancellationToken,
    counter: AtomicU64,
    /// Whether the executor was ready once.
    was_ready: AtomicBool,
    /// The marks of all that runs here.
    marks: Marks,
}

impl<D: Dispatcher> Runner<D> {
    /// A runner that runs scripts on this machine, in sandboxes. `mirrors` may be shared with whoever else reads the repositories.
    pub fn new(config: RunnerConfig, mirrors: MirrorStore, dispatcher: Arc<D>) -> Self {
        Self::with_executor(
            config,
            mirrors,
            dispatcher,
            Arc::new(HostExecutor::default()),
        )
    }

    /// A runner with another executor.
    pub fn with_executor(
        config: RunnerConfig,
        mirrors: MirrorStore,
        dispatcher: Arc<D>,
        executor: Arc<dyn Executor>,
    ) -> Self {
        let shared = Shared {
            config,
            mirrors,
            dispatcher,
            executor,
            registry: Arc::default(),
            tasks: TaskTracker::new(),
            give_up: CancellationToken::new(),
            leave: CancellationToken::new(),
            counter: AtomicU64::new(0),
            was_ready: AtomicBool::new(false),
            marks: Marks::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// [`Runner::prepare`] and [`ReadyRunner::run`].
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), RunnerError> {
        self.prepare().await?.run(shutdown).await;
        Ok(())
    }

    /// Takes the data directory, and ends and removes what an earlier runner left there.
    pub async fn prepare(self) -> Result<ReadyRunner<D>, RunnerError> {
        let shared = self.shared;
        let (data_dir, caches) = (shared.config.data_dir.clone(), shared.config.caches.clone());
        let taken = tokio::task::spawn_blocking(move || {
            let taken = Place::take(&data_dir)?;
            if let Some(caches) = caches {
                caches.evict();
            }
            Ok(taken)
        })
        .await;
        match taken.unwrap_or_else(|error| {
            Err(PlaceError::File {
                action: "prepare the data directory".to_owned(),
                source: std::io::Error::other(error),
            })
        }) {
            Ok((place, found)) => Ok(ReadyRunner {
                shared,
                place: Arc::new(place),
                found,
            }),
            Err(PlaceError::InUse) => Err(RunnerError::InUse(shared.config.data_dir.clone())),
            Err(PlaceError::File { action, source }) => Err(RunnerError::File { action, source }),
        }
    }
}

/// A runner whose data directory is its own. Dropped, it gives it back.
#[derive(Debug)]
pub struct ReadyRunner<D> {
    shared: Arc<Shared<D>>,
    place: Arc<Place>,
    found: Vec<Found>,
}

/// Ends what a runner does beside its loop, also where the loop is ended by a bug: whoever begins a new runner must not
/// meet the old one's attempts.
struct Ending<'a> {
    registry: &'a Registry,
    leave: CancellationToken,
    ended: CancellationToken,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.ended.cancel();
        // Before the word that ends: what keepers run goes on, and is found again.
        self.leave.cancel();
        self.registry.kill_all();
    }
}

impl<D: Dispatcher> ReadyRunner<D> {
    /// Claims and runs until `shutdown` is cancelled; then claims nothing more, lets what runs go on for the drain
    /// time, ends the rest and gives it back. Returns when everything is reported and removed.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self {
            shared,
            place,
            found,
        } = self;
        let ended = CancellationToken::new();
        let _ending = Ending {
            registry: &shared.registry,
            leave: shared.leave.clone(),
            ended: ended.clone(),
        };
        for found in &found {
            shared.marks.add(&found.mark);
            if let Some(begun) = &found.kept.begun {
                shared.executor.adopt(&found.mark, begun);
            }
        }
        let heart = tokio::spawn(Arc::clone(&shared).beat(ended.clone()));
        let reaper = tokio::spawn({
            let (shared, ended) = (Arc::clone(&shared), ended.clone());
            async move { shared.marks.reap(&*shared.executor, &ended).await }
        });
        let ear = tokio::spawn(Arc::clone(&shared).listen(ended.clone()));
        let slots = Arc::new(Semaphore::new(shared.config.slots));
        if Arc::clone(&shared)
            .begin(&place, found, &slots, &shutdown)
            .await
        {
            Arc::clone(&shared).claim(&place, &slots, &shutdown).await;
        }
        // What keepers run goes on; the next runner finds it.
        shared.leave.cancel();
        if let (Some(keeper), running @ 1..) = (&shared.config.keeper, shared.registry.len()) {
            tracing::info!(
                running,
                minutes = keeper.alone.as_secs() / 60,
                "running steps go on without this process; the next start goes on with them, and without one they end after these minutes"
            );
        }
        shared.tasks.close();
        if tokio::time::timeout(shared.config.drain, shared.tasks.wait())
            .await
            .is_err()
        {
            shared.registry.kill_all();
            if tokio::time::timeout(LAST_WORDS, shared.tasks.wait())
                .await
                .is_err()
            {
                shared.give_up.cancel();
                shared.tasks.wait().await;
            }
        }
        ended.cancel();
        // Both only wait for the dispatcher and hold nothing.
        let _ = tokio::join!(heart, ear, reaper);
        shared.executor.leave().await;
    }
}

impl<D: Dispatcher> Shared<D> {
    /// Goes on with what an earlier runner left to keepers, as far as it is still this runner's. False at shutdown.
    async fn begin(
        self: Arc<Self>,
        place: &Arc<Place>,
        found: Vec<Found>,
        slots: &Arc<Semaphore>,
        shutdown: &CancellationToken,
    ) -> bool {
        let living: Vec<_> = found
            .iter()
            .map(|found| (found.kept.attempt, found.kept.lease))
            .collect();
        let resumed = loop {
            let answer = tokio::select! {
                biased;
                () = shutdown.cancelled() => return false,
                answer = self.dispatcher.begin(&living) => answer,
            };
            match answer {
                Ok(resumed) => break resumed,
                Err(error) => {
                    tracing::warn!(runner = self.config.name, %error, "cannot say what still runs here; trying again");
                    tokio::select! {
                        () = tokio::time::sleep(CLAIM_PAUSE) => {}
                        () = shutdown.cancelled() => return false,
                    }
                }
            }
        };
        for found in found {
            let known = resumed.iter().find(|resumed| {
                resumed.attempt == found.kept.attempt && resumed.lease == found.kept.lease
            });
            let (shared, place) = (Arc::clone(&self), Arc::clone(place));
            if let Some(resumed) = known {
                tracing::info!(attempt = %resumed.attempt, "going on with a step that outlived its runner");
                let mark = found.mark.clone();
                let slot = Arc::clone(slots).try_acquire_owned().ok();
                let job = Job::Found(Box::new(found), resumed.clone());
                self.tasks.spawn(shared.attempt(job, mark, place, slot));
            } else {
                self.tasks.spawn(async move {
                    tracing::info!(attempt = %found.kept.attempt, "ending a step that is not this runner's any more");
                    found.following.end().await;
                    shared.clear(&place, &found.mark).await;
                });
            }
        }
        true
    }

    /// Fills free slots until shutdown.
    async fn claim(
        self: Arc<Self>,
        place: &Arc<Place>,
        slots: &Arc<Semaphore>,
        shutdown: &CancellationToken,
    ) {
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                () = self.ready() => {}
            }
            let first = tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                slot = Arc::clone(slots).acquire_owned() => match slot { Ok(slot) => slot, Err(_) => return },
            };
            let free = 1 + slots.available_permits();
            let claimed = tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                claimed = self.dispatcher.claim(free) => claimed,
            };
            let mut first = Some(first);
            match claimed {
                Ok(assignments) => {
                    for assignment in assignments {
                        let slot = match first.take() {
                            Some(slot) => Some(slot),
                            None => Arc::clone(slots).acquire_owned().await.ok(),
                        };
                        let (shared, place) = (Arc::clone(&self), Arc::clone(place));
                        let mark = format!(
                            "{}-{}",
                            assignment.attempt,
                            self.counter.fetch_add(1, Ordering::Relaxed)
                        );
                        let job = Job::New(Box::new(assignment));
                        self.tasks.spawn(shared.attempt(job, mark, place, slot));
                    }
                }
                Err(error) => {
                    if let DispatchError::Unavailable(reason) = &error {
                        tracing::warn!(
                            runner = self.config.name,
                            reason,
                            "cannot claim; trying again"
                        );
                    }
                    tokio::select! {
                        () = tokio::time::sleep(CLAIM_PAUSE) => {}
                        () = shutdown.cancelled() => return,
                    }
                }
            }
        }
    }

    /// Waits until steps can be run here, and says meanwhile why not. What was well a moment ago is not tried again.
    async fn ready(&self) {
        let was_ready =
            self.config.trouble.borrow().is_none() && self.was_ready.load(Ordering::Relaxed);
        if was_ready && !self.executor.must_be_asked() {
            return;
        }
        while let Err(NotReady(why)) = self.executor.ready().await {
            let is_news = self.config.trouble.send_if_modified(|known| {
                let is_news = known.as_deref() != Some(&*why);
                *known = Some(why.clone());
                is_news
            });
            if is_news {
                tracing::error!(runner = self.config.name, "{why}");
            }
            tokio::time::sleep(NOT_READY_PAUSE).await;
        }
        self.was_ready.store(true, Ordering::Relaxed);
        if self.config.trouble.send_replace(None).is_some() {
            tracing::info!(runner = self.config.name, "steps can be run now");
        }
    }

    /// One attempt from its assignment to its removed directory.
    async fn attempt(
        self: Arc<Self>,
        job: Job,
        mark: String,
        place: Arc<Place>,
        slot: Option<OwnedSemaphorePermit>,
    ) {
        let (attempt, lease, from) = job.names();
        self.marks.add(&mark);
        let control = self.registry.add(attempt, lease);
        let (started, started_news) = oneshot::channel();
        let (todo, output) = self.plan(job, &place, &mark);
        let is_kept = !matches!(todo, Work::Here(..));
        let courier = Arc::new(Courier {
            dispatcher: Arc::clone(&self.dispatcher),
            registry: Arc::clone(&self.registry),
            attempt,
            lease,
            give_up: self.give_up.clone(),
        });
        let claimed_at = (self.config.now)();
        let work = tokio::spawn({
            let (shared, place, mark, courier) = (
                Arc::clone(&self),
                Arc::clone(&place),
                mark.clone(),
                Arc::clone(&courier),
            );
            async move {
                let means = Means {
                    executor: &*shared.executor,
                    mirrors: &shared.mirrors,
                    place: &place,
                    environment: &shared.config.environment,
                    limits: shared.config.limits,
                    log_limit: shared.config.log_limit,
                    mark: &mark,
                    claimed_at,
                    artifacts: &*courier,
                    archive_limits: shared.config.archive_limits,
                    caches: shared.config.caches.as_ref(),
                };
                match todo {
                    Work::Here(assignment, chunks) => Attempted::Reported(
                        execute(means, &assignment, control, started, chunks).await,
                    ),
                    Work::Keep(assignment, config, keeping) => {
                        kept::execute(means, &config, keeping, &assignment, control, started).await
                    }
                    Work::Resume(found, resumed, keeping) => {
                        kept::resume(means, keeping, *found, resumed, control, started).await
                    }
                }
            }
        });
        let (attempted, _) = tokio::join!(work, courier.carry(started_news, output, from));
        let report = match attempted {
            Ok(Attempted::Reported(report)) => report,
            Ok(Attempted::Left) => {
                self.registry.remove(lease);
                return;
            }
            Err(error) => {
                tracing::error!(%attempt, %error, "an attempt was ended by a bug in the runner");
                let message = "The runner has a bug that ended this attempt; its own log says more. Run the step again.".to_owned();
                AttemptReport::of(AttemptOutcome::Errored, None, Some(message))
            }
        };
        if report.outcome == AttemptOutcome::Interrupted {
            // The machine may be to blame: it is asked again before more is claimed.
            self.was_ready.store(false, Ordering::Relaxed);
        }
        let is_told = self.registry.is_abandoned(lease) || courier.finish(report).await;
        self.registry.remove(lease);
        if !is_told && is_kept {
            // The next runner finds how it ended, and tells it.
            return;
        }
        drop(slot);
        self.clear(&place, &mark).await;
    }

    /// Off the way of the next attempt: ends what escaped, removes the files.
    async fn clear(&self, place: &Place, mark: &str) {
        self.executor.end_escaped(mark).await;
        let directories = [place.of(mark), place.kept(mark)];
        let remove_all = move || directories.iter().for_each(|directory| remove(directory));
        let _ = tokio::task::spawn_blocking(remove_all).await;
        self.marks.remove(mark);
    }

    /// How an attempt is run, and where its log comes from. One that a keeper has is followed also where new ones get none.
    fn plan(&self, job: Job, place: &Place, mark: &str) -> (Work, Output) {
        let kept = || {
            let folder = KeptFolder::at(place.kept(mark));
            if let Err(error) = folder.make() {
                tracing::warn!(%error, folder = %folder.path().display(), "the folder of an attempt cannot be made");
            }
            let (lengths, known) = watch::channel(folder.log_length());
            let output = Output::Spool(SpoolReader::new(folder.log(), known));
            let keeping = Keeping {
                folder,
                lengths,
                leave: self.leave.clone(),
            };
            (keeping, output)
        };
        match (job, &self.config.keeper) {
            (Job::New(assignment), None) => {
                let (chunks, coming) = mpsc::channel(QUEUE_CHUNKS);
                (Work::Here(assignment, chunks), Output::Channel(coming))
            }
            (Job::New(assignment), Some(config)) => {
                let (keeping, output) = kept();
                (Work::Keep(assignment, config.clone(), keeping), output)
            }
            (Job::Found(found, resumed), _) => {
                let (keeping, output) = kept();
                (Work::Resume(found, resumed, keeping), output)
            }
        }
    }

    /// Renews leases.
    async fn beat(self: Arc<Self>, ended: CancellationToken) {
        loop {
            tokio::select! {
                () = ended.cancelled() => return,
                () = tokio::time::sleep(self.config.heartbeat) => {}
            }
            let leases = self.registry.leases();
            if leases.is_empty() {
                continue;
            }
            let beat = tokio::select! {
                () = ended.cancelled() => return,
                beat = self.dispatcher.heartbeat(&leases) => beat,
            };
            match beat {
                Ok(directives) => directives
                    .into_iter()
                    .for_each(|(attempt, directive)| self.registry.direct(attempt, directive)),
                Err(error) => {
                    tracing::warn!(runner = self.config.name, %error, "a heartbeat was not answered");
                }
            }
        }
    }

    /// Hears directives as they come.
    async fn listen(self: Arc<Self>, ended: CancellationToken) {
        loop {
            tokio::select! {
                () = ended.cancelled() => return,
                (attempt, directive) = self.dispatcher.directive() => self.registry.direct(attempt, directive),
            }
        }
    }
}
