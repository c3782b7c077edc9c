//! One attempt: workspace, repository, what earlier steps left, script, what it leaves.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use pipewright_core::Timestamp;
use pipewright_core::build::AttemptOutcome;
use pipewright_core::plan::{CloneDepth, StepPlan};
use pipewright_core::wire::{Assignment, AttemptReport, Checkout, Timing};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::place::Place;
use crate::archive::ArchiveLimits;
use crate::artifacts::{self, ArtifactPlace};
use crate::caches::{self, CacheStore, ReadyCache};
use crate::executor::{
    BeginStart, Begun, Boundary, Control, Executor, Images, RUNNER_STOPPED, StartError,
    StepDirectories, StepEnd, StepLimits, StepRun, conclude, describe_variables, place_ssh,
    run_scripts, sterner, timing,
};
use crate::log::{LogWriter, Masker};
use crate::teardown::Teardown;
use pipewright_git::{CheckoutTarget, Ensured, GitError, MirrorStore};

/// How often a fetch is tried where the network or the other side may recover, and the pause between.
const FETCH_TRIES: u32 = 3;
const FETCH_PAUSE: Duration = Duration::from_secs(1);

/// What an attempt runs with.
pub(super) struct Means<'a, P> {
    pub(super) executor: &'a dyn Executor,
    pub(super) mirrors: &'a MirrorStore,
    pub(super) place: &'a Place,
    pub(super) environment: &'a [(String, String)],
    pub(super) limits: StepLimits,
    pub(super) log_limit: u64,
    pub(super) mark: &'a str,
    pub(super) claimed_at: Timestamp,
    /// Where artifacts are.
    pub(super) artifacts: &'a P,
    pub(super) archive_limits: ArchiveLimits,
    /// Where caches are; none keeps none.
    pub(super) caches: Option<&'a CacheStore>,
}

impl<'a, P> Means<'a, P> {
    /// What is done with what the scripts leave; `scope` says whose caches they use.
    pub(super) fn teardown<'b>(
        &self,
        scope: &'b str,
        ready: &'b [ReadyCache],
        masker: &'b Masker,
    ) -> Teardown<'b, P>
    where
        'a: 'b,
    {
        Teardown {
            artifacts: self.artifacts,
            caches: self.caches.zip(Some(scope)),
            ready,
            limits: self.archive_limits,
            masker,
        }
    }
}

/// Runs an attempt to its end. Whatever goes wrong becomes a report; the log is complete when this returns.
pub(super) async fn execute<P: ArtifactPlace>(
    means: Means<'_, P>,
    assignment: &Assignment,
    mut control: watch::Receiver<Control>,
    started: oneshot::Sender<Vec<Timing>>,
    chunks: mpsc::Sender<Bytes>,
) -> AttemptReport {
    let Prelude {
        environment,
        masker,
        mut timings,
        scope,
    } = Prelude::of(&means, assignment);
    let mut log = LogWriter::new(chunks, &masker, means.log_limit);
    if let Some(note) = masker.note() {
        log.line(&note).await;
    }
    let prepared = tokio::select! {
        prepared = prepare(&means, assignment, &environment, &scope, &mut log, &mut timings) => prepared,
        end = told_to_end(&mut control) => Err(end),
    };
    let end = match prepared {
        Ok(Prepared {
            directories,
            ready,
            begun,
        }) => {
            let run = StepRun {
                mark: means.mark,
                plan: &assignment.plan,
                begun: begun.as_ref(),
                directories: &directories,
                environment: &environment,
                max_time: assignment.max_time,
                limits: means.limits,
            };
            let so_far = timings.clone();
            let end = run_scripts(means.executor, run, &mut log, &mut control, |spawn| {
                // The courier is gone only when the lease is.
                let _ = started.send(so_far.into_iter().chain([spawn]).collect());
            })
            .await;
            let teardown = means.teardown(&scope, &ready, &masker);
            teardown.run(run, end, &mut log, &mut control).await
        }
        Err(end) => end,
    };
    let end = qualified(end);
    conclude(&end, &mut log).await;
    report(end, timings)
}

/// Says in the result what a step passed without.
pub(super) fn qualified(mut end: StepEnd) -> StepEnd {
    if let Some(without) = &end.qualification
        && end.outcome == AttemptOutcome::Passed
        && end.message.is_none()
    {
        end.message = Some(format!("Passed, {without}."));
    }
    end
}

/// What is known of an attempt before anything is done for it.
pub(super) struct Prelude {
    /// Of its scripts.
    pub(super) environment: Vec<(String, String)>,
    pub(super) masker: Masker,
    pub(super) timings: Vec<Timing>,
    /// Whose caches it uses.
    pub(super) scope: String,
}

impl Prelude {
    pub(super) fn of<P>(means: &Means<'_, P>, assignment: &Assignment) -> Self {
        let of_machine = means.executor.is_of_machine(&assignment.plan);
        let environment: Vec<_> = means
            .environment
            .iter()
            .filter(|_| of_machine)
            .chain(&assignment.environment)
            .chain(&assignment.output_variables)
            .cloned()
            .collect();
        let waited = means.claimed_at.since(assignment.accepted_at);
        Self {
            masker: Masker::new(&assignment.masked, &environment),
            environment,
            timings: vec![Timing {
                part: "claim".to_owned(),
                micros: u64::try_from(waited.as_micros()).unwrap_or(u64::MAX),
            }],
            scope: assignment.application.to_string(),
        }
    }
}

/// What the dispatcher is told of an end.
pub(super) fn report(end: StepEnd, mut timings: Vec<Timing>) -> AttemptReport {
    timings.extend(end.timings);
    AttemptReport {
        outcome: end.outcome,
        exit_code: end.exit_code,
        message: end.message,
        timings,
        output_variables: end.output_variables,
        tests: end.tests,
    }
}

/// Waits for a word that ends an attempt before its script began.
pub(super) async fn told_to_end(control: &mut watch::Receiver<Control>) -> StepEnd {
    let (outcome, message) = if sterner(control, Control::Run).await == Control::Stop {
        (
            AttemptOutcome::Stopped,
            Some("Stopped before the script began.".to_owned()),
        )
    } else {
        (AttemptOutcome::Interrupted, Some(RUNNER_STOPPED.to_owned()))
    };
    StepEnd::without_script(outcome, message)
}

/// What a step's scripts find.
pub(super) struct Prepared {
    pub(super) directories: StepDirectories,
    /// Caches that may be saved.
    pub(super) ready: Vec<ReadyCache>,
    /// What the step runs in, where that was begun ahead.
    pub(super) begun: Option<Begun>,
}

/// Makes the directories and puts the repository into them, while what the step runs in begins.
pub(super) async fn prepare<P: ArtifactPlace>(
    means: &Means<'_, P>,
    assignment: &Assignment,
    environment: &[(String, String)],
    scope: &str,
    log: &mut LogWriter,
    timings: &mut Vec<Timing>,
) -> Result<Prepared, StepEnd> {
    let plan = &assignment.plan;
    let root = means.place.of(means.mark);
    let mut directories = StepDirectories::create(&root).map_err(|error| {
        StepEnd::given_back(format!(
            "The workspace {} cannot be made: {error}; look at the runner's disk and its rights there.",
            root.display()
        ))
    })?;
    directories.has_own_root = means.executor.boundary(plan) == Boundary::Container;
    let seen = means.executor.seen_as(plan, &directories);
    place_ssh(&assignment.ssh, &directories, &seen).map_err(|error| {
        StepEnd::given_back(format!(
            "The SSH key of this application cannot be written to {}: {error}; look at the runner's disk.",
            root.display()
        ))
    })?;
    let begin = Instant::now();
    let images = means
        .executor
        .bring(plan, environment, log)
        .await
        .map_err(|error| StepEnd::refused(&error))?;
    if images.is_some() {
        timings.push(timing("images", begin));
    }
    let seen_at = seen.objects;
    let lent = assignment.checkout.as_ref().zip(seen_at.as_deref());
    if let Some((checkout, seen_at)) = lent {
        // They are there before the container that sees them, also where nothing was fetched yet.
        let objects = means.mirrors.objects(checkout.repository);
        if objects.is_dir() {
            directories.lend_objects(&objects, seen_at);
        }
    }
    let is_lent = !directories.lent.is_empty() || lent.is_none();
    let (begun, cloned) = if is_lent {
        tokio::join!(
            begin_step(means, plan, &directories, environment, images.as_ref()),
            clone_into(means, assignment, &directories, seen_at.as_deref(), log)
        )
    } else {
        let cloned = clone_into(means, assignment, &directories, seen_at.as_deref(), log).await;
        if let (Ok(_), Some((checkout, seen_at))) = (&cloned, lent) {
            let objects = means.mirrors.objects(checkout.repository);
            directories.lend_objects(&objects, seen_at);
        }
        let begun = match &cloned {
            Ok(_) => begin_step(means, plan, &directories, environment, images.as_ref()).await,
            Err(_) => Ok((None, None)),
        };
        (begun, cloned)
    };
    timings.extend(cloned?);
    let (begun, took) = begun.map_err(|error| StepEnd::refused(&error))?;
    timings.extend(took);
    for remark in begun.iter().flat_map(|begun| &begun.remarks) {
        log.line(remark).await;
    }
    let begin = Instant::now();
    artifacts::restore(
        means.artifacts,
        &assignment.plan,
        &assignment.artifacts,
        &directories.build,
        means.archive_limits,
        log,
    )
    .await
    .map_err(StepEnd::errored)?;
    if !assignment.artifacts.is_empty() {
        timings.push(timing("artifacts", begin));
    }
    let mut ready = Vec::new();
    if let Some(store) = means.caches.filter(|_| !assignment.plan.caches.is_empty()) {
        let begin = Instant::now();
        ready = caches::restore(
            store,
            scope,
            &assignment.plan,
            &directories,
            means.archive_limits,
            log,
        )
        .await;
        timings.push(timing("caches", begin));
    }
    for notice in means
        .executor
        .notices(&assignment.plan)
        .into_iter()
        .chain(describe_variables(&assignment.output_variables))
    {
        log.line(&notice).await;
    }
    Ok(Prepared {
        directories,
        ready,
        begun,
    })
}

/// Begins what the step runs in.
async fn begin_step<P>(
    means: &Means<'_, P>,
    plan: &StepPlan,
    directories: &StepDirectories,
    environment: &[(String, String)],
    images: Option<&Images>,
) -> Result<(Option<Begun>, Option<Timing>), StartError> {
    let Some(images) = images else {
        return Ok((None, None));
    };
    let begin = Instant::now();
    let start = BeginStart {
        mark: means.mark,
        plan,
        directories,
        environment,
        images,
    };
    let begun = means.executor.begin(start).await?;
    Ok((begun, Some(timing("container", begin))))
}

/// Puts the repository into the workspace, where the step wants it there.
async fn clone_into<P>(
    means: &Means<'_, P>,
    assignment: &Assignment,
    directories: &StepDirectories,
    objects_seen_at: Option<&Path>,
    log: &mut LogWriter,
) -> Result<Vec<Timing>, StepEnd> {
    let mut timings = Vec::new();
    let Some(checkout) = &assignment.checkout else {
        return Ok(timings);
    };
    let target = CheckoutTarget {
        directory: &directories.build,
        objects_seen_at,
    };
    clone(
        means.mirrors,
        &assignment.application_name,
        checkout,
        target,
        assignment.plan.clone.depth,
        log,
        &mut timings,
    )
    .await
    .map_err(|error| match error {
        GitError::Conflict { .. } => StepEnd::without_script(
            AttemptOutcome::Failed,
            Some(format!("The pull request cannot be merged: {error}.")),
        ),
        error => {
            let words = format!("The repository could not be cloned: {error}.");
            if error.is_of_machine() {
                StepEnd::given_back(words)
            } else {
                StepEnd::errored(words)
            }
        }
    })?;
    Ok(timings)
}

async fn clone(
    mirrors: &MirrorStore,
    application: &str,
    checkout: &Checkout,
    target: CheckoutTarget<'_>,
    depth: CloneDepth,
    log: &mut LogWriter,
    timings: &mut Vec<Timing>,
) -> Result<(), GitError> {
    let begin = Instant::now();
    let mut ensured = fetch(mirrors, checkout, log).await?;
    let fetched = begin.elapsed();
    let checked_out = match mirrors.check_out(checkout, target).await {
        Err(GitError::Damaged { detail }) => {
            log.line(&format!(
                "The mirror is damaged ({detail}) and is fetched anew."
            ))
            .await;
            let git = target.directory.join(".git");
            std::fs::remove_dir_all(&git)
                .map_err(|source| GitError::file(format!("remove {}", git.display()), source))?;
            ensured = fetch(mirrors, checkout, log).await?;
            mirrors.check_out(checkout, target).await?
        }
        other => other?,
    };
    let merge_begin = Instant::now();
    if let Some(merge) = &checkout.merge {
        mirrors.ensure_merge(checkout).await?;
        mirrors
            .merge_into(checkout.repository, merge, target)
            .await?;
        timings.push(timing("merge", merge_begin));
    }
    // After the merge, which needs the history that both sides share.
    let limit_begin = Instant::now();
    if let CloneDepth::Commits(depth) = depth {
        mirrors.limit_history(checkout, depth, target).await?;
    }
    let checked_out = checked_out.elapsed + limit_begin.elapsed();
    for (part, time) in [("fetch", fetched), ("checkout", checked_out)] {
        timings.push(Timing {
            part: part.to_owned(),
            micros: u64::try_from(time.as_micros()).unwrap_or(u64::MAX),
        });
    }
    log.line(&format!(
        "Cloned {application} at {} in {} ms ({})",
        checkout.commit.short(),
        begin.elapsed().as_millis(),
        describe(&ensured)
    ))
    .await;
    if let Some(merge) = &checkout.merge {
        log.line(&format!(
            "Merged {} at {} into it",
            merge.ref_name.short(),
            merge.commit.short()
        ))
        .await;
    }
    Ok(())
}

async fn fetch(
    mirrors: &MirrorStore,
    checkout: &Checkout,
    log: &mut LogWriter,
) -> Result<Ensured, GitError> {
    let mut tries = 1;
    loop {
        match mirrors.ensure(checkout).await {
            Err(error) if tries < FETCH_TRIES && error.is_transient() => {
                log.line(&format!(
                    "Fetching failed ({error}); trying again in {} s.",
                    (FETCH_PAUSE * tries).as_secs()
                ))
                .await;
                tokio::time::sleep(FETCH_PAUSE * tries).await;
                tries += 1;
            }
            other => return other,
        }
    }
}

fn describe(ensured: &Ensured) -> String {
    let objects = if ensured.new_objects == 1 {
        "object"
    } else {
        "objects"
    };
    match (ensured.warm, ensured.fetched) {
        (true, false) => "mirror warm, nothing to fetch".to_owned(),
        (true, true) => format!("mirror warm, {} new {objects}", ensured.new_objects),
        (false, _) => format!("new mirror, {} {objects}", ensured.new_objects),
    }
}
