//! One attempt of a step: its workspace, its environment, its script, its log.

use std::sync::Arc;
use std::time::Duration;

use pipewright_core::build::AttemptOutcome;
use pipewright_core::ids::AttemptId;
use pipewright_core::plan::StepPlan;
use pipewright_git::GitError;
use pipewright_runner::archive::ArchiveLimits;
use pipewright_runner::artifacts;
use pipewright_runner::caches::{self, CacheStore};
use pipewright_runner::executor::{
    Control, EitherExecutor, Executor, StepEnd, StepLimits, StepRun, begin, conclude,
    describe_variables, run_scripts,
};
use pipewright_runner::log::{DEFAULT_LIMIT, LogWriter, Masker, QUEUE_CHUNKS};
use pipewright_runner::teardown::Teardown;
use tokio::sync::{mpsc, watch};

use super::artifacts::RunArtifacts;
use super::env_file::EnvFile;
use super::steps::Place;
use super::variables::Defaults;
use super::workspace::Workspaces;

/// What all attempts of a run share.
#[derive(Debug)]
pub(super) struct Means {
    pub(super) executor: EitherExecutor,
    pub(super) workspaces: Workspaces,
    pub(super) defaults: Defaults,
    pub(super) env_file: EnvFile,
    pub(super) limits: StepLimits,
    pub(super) keep: bool,
    pub(super) artifacts: RunArtifacts,
    /// The files that changed, where a condition asks for them and it is known.
    pub(super) changed: Option<Vec<String>>,
    /// Where caches are, and whose; none where the person wants none.
    pub(super) caches: Option<(CacheStore, String)>,
}

/// The attempt to make.
#[derive(Debug)]
pub(super) struct Attempt {
    /// The step's position in the chosen plan.
    pub(super) step: usize,
    /// From 1.
    pub(super) number: u32,
    pub(super) place: Place,
    pub(super) plan: StepPlan,
    /// The values of a custom pipeline's variables.
    pub(super) variables: Vec<(String, String)>,
    /// What earlier steps of the run left.
    pub(super) output_variables: Vec<(String, String)>,
    /// How many steps of the chosen plan come before it, whose artifacts it is given.
    pub(super) steps_before: usize,
}

/// Output of a step, on its way to the display.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) step: usize,
    pub(super) bytes: Vec<u8>,
}

/// Runs the attempt to its end; all its output was sent when this returns.
pub(super) async fn execute(
    means: Arc<Means>,
    attempt: Attempt,
    mut control: watch::Receiver<Control>,
    output: mpsc::Sender<Output>,
) -> StepEnd {
    let mut environment = means
        .defaults
        .for_attempt(attempt.place, &attempt.plan, attempt.number);
    environment.extend(means.env_file.variables());
    environment.extend(
        attempt
            .variables
            .iter()
            .chain(&attempt.output_variables)
            .cloned(),
    );
    let masker = Masker::new(&means.env_file.secured(), &environment);
    let (sender, mut chunks) = mpsc::channel(QUEUE_CHUNKS);
    let mut log = LogWriter::new(sender, &masker, DEFAULT_LIMIT);
    let name = format!("{}-{}", attempt.place.number, attempt.number);
    let work = async {
        let end = run(
            &means,
            &attempt,
            &name,
            &environment,
            &masker,
            &mut log,
            &mut control,
        )
        .await;
        drop(log);
        end
    };
    let forward = async {
        while let Some(chunk) = chunks.recv().await {
            // Nobody listens only where the run itself is over.
            let _ = output
                .send(Output {
                    step: attempt.step,
                    bytes: chunk.to_vec(),
                })
                .await;
        }
    };
    let (end, ()) = tokio::join!(work, forward);
    if !means.keep {
        // The step is over: its directories go while others run. What is left of them goes at the end.
        let shared = Arc::clone(&means);
        drop(tokio::task::spawn_blocking(move || {
            shared.workspaces.remove(&name);
        }));
    }
    end
}

async fn run(
    means: &Means,
    attempt: &Attempt,
    name: &str,
    environment: &[(String, String)],
    masker: &Masker,
    log: &mut LogWriter,
    control: &mut watch::Receiver<Control>,
) -> StepEnd {
    let directories = match means
        .workspaces
        .make(name, &attempt.plan, &means.executor)
        .await
    {
        Ok(directories) => directories,
        Err(error) => {
            let end = match error.downcast_ref() {
                Some(conflict @ GitError::Conflict { .. }) => StepEnd::without_script(
                    AttemptOutcome::Failed,
                    Some(format!("The pull request cannot be merged: {conflict}.")),
                ),
                _ => StepEnd::errored(format!("The workspace cannot be made: {error:#}.")),
            };
            conclude(&end, log).await;
            return end;
        }
    };
    let place = means
        .artifacts
        .begin(attempt.step, attempt.place.number, &attempt.plan.name);
    let given = means.artifacts.given(
        attempt.steps_before,
        attempt.plan.artifact_downloads.as_deref(),
    );
    let limits = ArchiveLimits::default();
    let restored = tokio::select! {
        restored = artifacts::restore(&place, &attempt.plan, &given, &directories.build, limits, log) => restored,
        // What was restored in part is removed with the workspace.
        _ = control.wait_for(|word| *word > Control::Run) => Ok(()),
    };
    if let Err(sentence) = restored {
        let end = StepEnd::errored(sentence);
        conclude(&end, log).await;
        return end;
    }
    let caches = means
        .caches
        .as_ref()
        .map(|(store, scope)| (store, scope.as_str()));
    let ready = match caches.filter(|_| !attempt.plan.caches.is_empty()) {
        Some((store, scope)) => tokio::select! {
            ready = caches::restore(store, scope, &attempt.plan, &directories, limits, log) => ready,
            _ = control.wait_for(|word| *word > Control::Run) => Vec::new(),
        },
        None => Vec::new(),
    };
    if *control.borrow() > Control::Run {
        return StepEnd::without_script(AttemptOutcome::Stopped, None);
    }
    let variables = describe_variables(&attempt.output_variables);
    for notice in masker
        .note()
        .into_iter()
        .chain(means.executor.notices(&attempt.plan))
        .chain(variables)
    {
        log.line(&notice).await;
    }
    let mark = AttemptId::new().to_string();
    let run = StepRun {
        mark: &mark,
        plan: &attempt.plan,
        begun: None,
        directories: &directories,
        environment,
        max_time: Duration::from_secs(u64::from(attempt.plan.max_time_minutes) * 60),
        limits: means.limits,
    };
    let begun = tokio::select! {
        begun = begin(&means.executor, run, log) => begun,
        _ = control.wait_for(|word| *word > Control::Run) => {
            Err(StepEnd::without_script(AttemptOutcome::Stopped, None))
        }
    };
    let end = match begun {
        Ok(begun) => {
            let run = StepRun {
                begun: begun.as_ref(),
                ..run
            };
            run_scripts(&means.executor, run, log, control, |_spawned| {}).await
        }
        Err(end) => end,
    };
    means.executor.end_escaped(&mark).await;
    let end = Teardown {
        artifacts: &place,
        caches,
        ready: &ready,
        limits,
        masker,
    }
    .run(run, end, log, control)
    .await;
    let end = StepEnd {
        // On a laptop nobody tries again later: what the machine has no room for cannot be run, and what was killed was
        // stopped.
        outcome: match end.outcome {
            AttemptOutcome::Interrupted if *control.borrow() > Control::Run => {
                AttemptOutcome::Stopped
            }
            AttemptOutcome::Interrupted => AttemptOutcome::Errored,
            other => other,
        },
        ..end
    };
    conclude(&end, log).await;
    end
}
