//! The lower part of a build's page: the chosen step's log, or why there is none yet.

use askama::Template;
use pipewright_core::Right;
use pipewright_core::build::{AttemptOutcome, BuildOutcome, BuildState, StepState};
use pipewright_core::ids::AttemptId;
use pipewright_store::attempts::{Attempt, AttemptState};

use super::super::logs::{LogPanel, LogRequest};
use super::again;
use super::diagnostics::{self, ShownDiagnostic};
use super::head::{Looked, is_said};
use crate::app::App;
use crate::web::states::{self, Pill};
use crate::web::{MemberOf, Page, PageError, format};

/// The lower part.
#[derive(Debug, Clone, Template)]
#[template(path = "builds/log.html")]
pub(in crate::pages) struct LogPart {
    pub(in crate::pages) page: Page,
    /// The build's address, with the sub-path.
    pub(in crate::pages) path: String,
    /// The step's number, from 1.
    pub(in crate::pages) step: usize,
    pub(in crate::pages) name: String,
    pub(in crate::pages) pill: Pill,
    /// Where this part draws itself anew from, while there is no log.
    pub(in crate::pages) live: Option<String>,
    /// Where this part is asked for again once its log has ended, to show the step that runs then.
    pub(in crate::pages) next: Option<String>,
    /// Why there is no log, where there is none.
    pub(in crate::pages) sentence: String,
    pub(in crate::pages) diagnostics: Vec<ShownDiagnostic>,
    pub(in crate::pages) attempt: Option<String>,
    pub(in crate::pages) attempt_number: i64,
    pub(in crate::pages) attempts: Vec<Choice>,
    /// What the runner says of the attempt.
    pub(in crate::pages) message: Option<String>,
    pub(in crate::pages) message_is_bad: bool,
    pub(in crate::pages) runner: Option<String>,
    pub(in crate::pages) exit: Option<String>,
    /// Whether the build may be run again from this step on.
    pub(in crate::pages) may_rerun: bool,
    /// Whether the visitor may start this step now.
    pub(in crate::pages) may_run: bool,
    /// Whether lines may still come.
    pub(in crate::pages) is_growing: bool,
    pub(in crate::pages) size: String,
    pub(in crate::pages) log: Option<LogPanel>,
}

/// One of a step's attempts, to choose from.
#[derive(Debug, Clone)]
pub(in crate::pages) struct Choice {
    pub(in crate::pages) number: i64,
    pub(in crate::pages) is_current: bool,
    pub(in crate::pages) what: String,
}

impl LogPart {
    /// Reads the part that was asked for.
    pub(super) async fn of(
        app: &App,
        member: &MemberOf,
        looked: &Looked,
        path: &str,
        request: LogRequest,
    ) -> Result<Self, PageError> {
        let build = &looked.build;
        let chosen = if looked.was_chosen {
            format!("&step={}", looked.current)
        } else {
            String::new()
        };
        let again = (!build.state.is_finished()).then(|| format!("{path}?part=log{chosen}"));
        let mut part = Self {
            page: member.page("Log"),
            path: path.to_owned(),
            step: looked.current,
            name: String::new(),
            pill: states::of_build_that(build.seen(), build.state_message.as_deref()),
            live: again.clone(),
            next: if looked.was_chosen { None } else { again },
            sentence: String::new(),
            diagnostics: Vec::new(),
            attempt: None,
            attempt_number: 0,
            attempts: Vec::new(),
            message: None,
            message_is_bad: false,
            runner: None,
            exit: None,
            may_rerun: member.may(Right::Build)
                && looked
                    .current
                    .checked_sub(1)
                    .and_then(|step| {
                        again::from_each(build.state, looked.plan.as_ref(), &looked.steps)
                            .get(step)
                            .copied()
                    })
                    .unwrap_or(false),
            may_run: member.may(Right::Build)
                && looked
                    .step()
                    .is_some_and(|step| step.state == StepState::Manual),
            is_growing: false,
            size: String::new(),
            log: None,
        };
        let Some(step) = looked.step() else {
            part.sentence = without_steps(build.state);
            part.diagnostics = diagnostics::of(app, member, build).await?;
            return Ok(part);
        };
        part.name.clone_from(&step.name);
        part.pill = states::of_step(step.state);
        let of_step: Vec<&Attempt> = looked
            .attempts
            .iter()
            .filter(|attempt| attempt.step_id == step.id)
            .collect();
        let current = request
            .attempt
            .and_then(|id| of_step.iter().position(|attempt| attempt.id == id))
            .or(of_step.len().checked_sub(1));
        let Some(attempt) = current.and_then(|index| of_step.get(index).copied()) else {
            part.sentence = step
                .message
                .clone()
                .unwrap_or_else(|| without_attempt(step.state));
            return Ok(part);
        };
        if attempt.state == AttemptState::Queued {
            part.sentence = without_attempt(StepState::Queued);
            return Ok(part);
        }
        part.attempts = choices(&of_step, attempt.id);
        part.show(app, attempt, request).await?;
        part.message = part
            .message
            .filter(|message| !is_said(looked.plan.as_ref(), message));
        Ok(part)
    }

    async fn show(
        &mut self,
        app: &App,
        attempt: &Attempt,
        mut request: LogRequest,
    ) -> Result<(), PageError> {
        self.live = None;
        self.is_growing = attempt.state != AttemptState::Finished;
        self.attempt = Some(attempt.id.to_string());
        self.attempt_number = attempt.number;
        self.message.clone_from(&attempt.message);
        self.message_is_bad = !matches!(
            attempt.outcome,
            Some(AttemptOutcome::Stopped | AttemptOutcome::Passed) | None
        );
        self.runner.clone_from(&attempt.runner_name);
        self.exit = attempt
            .exit_code
            .filter(|code| *code != 0)
            .map(|code| format!("exit status {code}"));
        self.size = format::bytes(u64::try_from(attempt.log_bytes).unwrap_or(0));
        request.from_end = attempt.outcome != Some(AttemptOutcome::Passed);
        if let Some(removed_at) = attempt.log_removed_at {
            self.sentence = format!(
                "This log was removed {}: it was kept long enough.",
                format::ago(self.page.now, removed_at)
            );
            return Ok(());
        }
        self.log = Some(LogPanel::read(app, attempt.id, &request).await?);
        Ok(())
    }

    /// The address of another part of this log: `?step=2&attempt=…`.
    pub(in crate::pages) fn here(&self) -> String {
        format!(
            "{}?step={}&attempt={}",
            self.path, self.step, self.attempt_number
        )
    }

    /// The address of the page that shows the pipeline file.
    pub(in crate::pages) fn file_path(&self) -> String {
        format!("{}/pipeline-file", self.path)
    }

    /// What the script calls this log where all tabs share a connection.
    pub(in crate::pages) fn live_key(&self) -> String {
        format!(
            "log:{}:{}",
            self.page
                .account
                .as_ref()
                .map_or("", |account| account.slug.as_str()),
            self.attempt.as_deref().unwrap_or_default()
        )
    }

    /// Where the script reads lines from: `…/lines`, `…/commands`, `…/matches`, `…/raw`.
    pub(in crate::pages) fn log_path(&self, what: &str) -> String {
        self.page.own(&format!(
            "/logs/{}/{what}",
            self.attempt.as_deref().unwrap_or_default()
        ))
    }
}

/// The attempt that an address means: its number in the chosen step, from 1.
pub(super) fn attempt_of(looked: &Looked, number: Option<i64>) -> Option<AttemptId> {
    let (number, step) = (number?, looked.step()?);
    looked
        .attempts
        .iter()
        .find(|attempt| attempt.step_id == step.id && attempt.number == number)
        .map(|attempt| attempt.id)
}

fn choices(attempts: &[&Attempt], current: AttemptId) -> Vec<Choice> {
    if attempts.len() < 2 {
        return Vec::new();
    }
    let choice = |attempt: &&Attempt| Choice {
        number: attempt.number,
        is_current: attempt.id == current,
        what: attempt
            .outcome
            .map_or("running", AttemptOutcome::as_str)
            .replace('_', " "),
    };
    attempts.iter().map(choice).collect()
}

fn without_steps(state: BuildState) -> String {
    match state {
        BuildState::Finished(BuildOutcome::Invalid) => "The pipeline file cannot be run as it is.",
        BuildState::Finished(BuildOutcome::Skipped) => "There was nothing to run for this trigger.",
        BuildState::Finished(BuildOutcome::Errored) => "It could not be run; the reason is above.",
        BuildState::Finished(_) => "It ended before anything ran.",
        BuildState::Queued | BuildState::Running | BuildState::Paused | BuildState::Stopping => {
            "The steps are shown here once the pipeline file is read."
        }
    }
    .to_owned()
}

fn without_attempt(state: StepState) -> String {
    use pipewright_core::build::StepOutcome::{Errored, NotRun, Skipped, Stopped};
    match state {
        StepState::Waiting => "Waits for the steps before it.",
        StepState::Manual => "Waits for a person: press Run to continue.",
        StepState::Queued | StepState::Running => "Queued: the next free runner will run it.",
        StepState::Finished(Skipped) => "Skipped: its condition was not met.",
        StepState::Finished(NotRun) => "Not run, because an earlier step failed.",
        StepState::Finished(Stopped) => "Stopped before it began.",
        StepState::Finished(Errored) => "It could not be run; the reason is above.",
        StepState::Finished(_) => {
            "It passed in the build that this one repeats, and was not run again."
        }
    }
    .to_owned()
}
