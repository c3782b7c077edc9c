//! One attempt whose scripts a keeper runs. The order of work is that of [`super::attempt`]; between its parts stands the
//! spool, so that each part can end with this process and the rest be done by the next one.

use bytes::Bytes;
use pipewright_core::build::AttemptOutcome;
use pipewright_core::wire::{Assignment, AttemptReport, Timing};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::attempt::{Means, Prelude, Prepared, prepare, qualified, report, told_to_end};
use super::dispatcher::Resumed;
use super::place::Found;
use crate::artifacts::ArtifactPlace;
use crate::executor::{Control, RUNNER_STOPPED, StepEnd, StepRun, conclude};
use crate::keeper::{Followed, Following, KeeperConfig, KeptAttempt, KeptFolder, Order, append};
use crate::log::{LogWriter, Masker, QUEUE_CHUNKS};

/// How an attempt is kept.
pub(super) struct Keeping {
    pub(super) folder: KeptFolder,
    /// Says how long the spool is; dropped when nothing more comes.
    pub(super) lengths: watch::Sender<u64>,
    /// Cancelled when this process goes and keepers go on.
    pub(super) leave: CancellationToken,
}

/// How this process's part in an attempt ended.
#[derive(Debug)]
pub(super) enum Attempted {
    /// It is over.
    Reported(AttemptReport),
    /// It goes on without us.
    Left,
}

impl Keeping {
    /// Does what writes a log, which goes into the spool behind what is there.
    async fn write<T>(
        &self,
        masker: &Masker,
        limit: u64,
        work: impl AsyncFnOnce(LogWriter) -> T,
    ) -> T {
        let (chunks, coming) = mpsc::channel(QUEUE_CHUNKS);
        let log = LogWriter::continuing(chunks, masker, limit, self.folder.log_length());
        let (done, ()) = tokio::join!(work(log), self.spool(coming));
        done
    }

    /// Brings into the spool what comes, until nothing more does.
    async fn spool(&self, coming: mpsc::Receiver<Bytes>) {
        let told = |length| {
            self.lengths.send_replace(length);
        };
        if let Err(error) = append(&self.folder.log(), coming, told).await {
            tracing::error!(%error, folder = %self.folder.path().display(), "an attempt's log cannot be written");
        }
    }
}

/// Runs an attempt from its beginning.
pub(super) async fn execute<P: ArtifactPlace>(
    means: Means<'_, P>,
    config: &KeeperConfig,
    keeping: Keeping,
    assignment: &Assignment,
    mut control: watch::Receiver<Control>,
    started: oneshot::Sender<Vec<Timing>>,
) -> Attempted {
    let Prelude {
        environment,
        masker,
        mut timings,
        scope,
    } = Prelude::of(&means, assignment);
    let prepared = keeping
        .write(&masker, means.log_limit, async |mut log| {
            if let Some(note) = masker.note() {
                log.line(&note).await;
            }
            let prepared = tokio::select! {
                prepared = prepare(&means, assignment, &environment, &scope, &mut log, &mut timings) => prepared,
                end = told_to_end(&mut control) => Err(end),
                // It is begun anew by whoever comes next: nothing of the step ran.
                () = keeping.leave.cancelled() => Err(StepEnd::without_script(AttemptOutcome::Interrupted, Some(RUNNER_STOPPED.to_owned()))),
            };
            log.finish().await;
            prepared
        })
        .await;
    let Prepared {
        directories,
        ready,
        begun,
    } = match prepared {
        Ok(prepared) => prepared,
        Err(end) => return say(&means, &keeping, &masker, end, timings).await,
    };
    let order = Order {
        folder: keeping.folder.path().to_owned(),
        mark: means.mark.to_owned(),
        plan: assignment.plan.clone(),
        directories: directories.clone(),
        environment,
        masked: assignment
            .masked
            .iter()
            .map(|secret| secret.expose().to_owned())
            .collect(),
        max_time: assignment.max_time,
        limits: means.limits,
        log_limit: means.log_limit,
        host: config.host.clone(),
        engine: config.engine.clone(),
        begun: begun.clone(),
        alone: config.alone,
    };
    let kept = KeptAttempt {
        attempt: assignment.attempt,
        lease: assignment.lease,
        application: assignment.application,
        plan: assignment.plan.clone(),
        directories,
        begun,
        max_time: assignment.max_time,
        ready,
        timings,
    };
    let begun = match keeping.folder.write_attempt(&kept) {
        Ok(()) => Following::start(keeping.folder.clone(), &order).await,
        Err(error) => Err(error),
    };
    match begun {
        Ok(following) => follow(means, keeping, kept, masker, following, control, started).await,
        Err(error) => {
            let end = StepEnd::given_back(format!(
                "The process that keeps this step cannot be started: {error}; look at the runner's machine (disk, memory, process limit)."
            ));
            say(&means, &keeping, &masker, end, kept.timings).await
        }
    }
}

/// Goes on with an attempt that an earlier process left to its keeper.
pub(super) async fn resume<P: ArtifactPlace>(
    means: Means<'_, P>,
    keeping: Keeping,
    found: Found,
    resumed: Resumed,
    control: watch::Receiver<Control>,
    started: oneshot::Sender<Vec<Timing>>,
) -> Attempted {
    let masker = Masker::new(&resumed.masked, &[]);
    if let Err(error) = keeping.folder.forget_left() {
        tracing::warn!(%error, folder = %keeping.folder.path().display(), "a step that goes on is still noted as left");
    }
    follow(
        means,
        keeping,
        found.kept,
        masker,
        found.following,
        control,
        started,
    )
    .await
}

async fn follow<P: ArtifactPlace>(
    means: Means<'_, P>,
    keeping: Keeping,
    kept: KeptAttempt,
    masker: Masker,
    following: Following,
    mut control: watch::Receiver<Control>,
    started: oneshot::Sender<Vec<Timing>>,
) -> Attempted {
    let so_far = kept.timings.clone();
    let followed = following
        .follow(&keeping.lengths, &mut control, &keeping.leave, |spawn| {
            // The courier is gone only when the lease is.
            let _ = started.send(so_far.into_iter().chain([spawn]).collect());
        })
        .await;
    let Followed::Ended(end) = followed else {
        // Where the keeper is ended meanwhile as well (a container that stops ends all of its processes), that is a restart
        // and no fault of the step's.
        if let Err(error) = keeping.folder.note_left() {
            tracing::warn!(%error, folder = %keeping.folder.path().display(), "cannot note that a step was left to its keeper");
        }
        return Attempted::Left;
    };
    let scope = kept.application.to_string();
    let teardown = means.teardown(&scope, &kept.ready, &masker);
    let step = StepRun {
        mark: means.mark,
        plan: &kept.plan,
        begun: kept.begun.as_ref(),
        directories: &kept.directories,
        environment: &[],
        max_time: kept.max_time,
        limits: means.limits,
    };
    let end = keeping
        .write(&masker, means.log_limit, async |mut log| {
            let end = tokio::select! {
                end = teardown.run(step, end, &mut log, &mut control) => qualified(end),
                // All of it is done again by whoever comes next.
                () = keeping.leave.cancelled() => return None,
            };
            conclude(&end, &mut log).await;
            Some(end)
        })
        .await;
    match end {
        Some(end) => Attempted::Reported(report(end, kept.timings)),
        None => Attempted::Left,
    }
}

/// Ends an attempt whose scripts never began.
async fn say<P>(
    means: &Means<'_, P>,
    keeping: &Keeping,
    masker: &Masker,
    end: StepEnd,
    timings: Vec<Timing>,
) -> Attempted {
    keeping
        .write(masker, means.log_limit, async |mut log| {
            conclude(&end, &mut log).await;
        })
        .await;
    Attempted::Reported(report(end, timings))
}
