//! How states are shown: the class that colours a pill or a dot, and the words in it. One place, so that a build looks
//! alike wherever it is named.

use pipewright_core::build::{BuildOutcome, BuildState, NOT_SUPPORTED, StepOutcome, StepState};

/// A coloured word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pill {
    /// `ok`, `bad`, `warn`, `run`, `wait` or `off`.
    pub(crate) class: &'static str,
    /// The word.
    pub(crate) label: &'static str,
}

/// A build's state.
pub(crate) const fn of_build(state: BuildState) -> Pill {
    let (class, label) = match state {
        BuildState::Queued => ("wait", "Queued"),
        BuildState::Running => ("run", "Running"),
        BuildState::Paused => ("wait", "Waiting for a person"),
        BuildState::Stopping => ("run", "Stopping"),
        BuildState::Finished(BuildOutcome::Passed) => ("ok", "Passed"),
        BuildState::Finished(BuildOutcome::Failed) => ("bad", "Failed"),
        BuildState::Finished(BuildOutcome::Errored) => ("bad", "Could not run"),
        BuildState::Finished(BuildOutcome::Stopped) => ("off", "Stopped"),
        BuildState::Finished(BuildOutcome::Invalid) => ("bad", "Invalid file"),
        BuildState::Finished(BuildOutcome::Skipped) => ("off", "Skipped"),
    };
    Pill { class, label }
}

/// A build's state with what its message adds: that we cannot run it yet is another thing than that something broke.
pub(crate) fn of_build_that(state: BuildState, message: Option<&str>) -> Pill {
    let is_errored = state == BuildState::Finished(BuildOutcome::Errored);
    if is_errored && message.is_some_and(|message| message.starts_with(NOT_SUPPORTED)) {
        return Pill {
            class: "off",
            label: "Not supported yet",
        };
    }
    of_build(state)
}

/// A step's state.
pub(crate) const fn of_step(state: StepState) -> Pill {
    let (class, label) = match state {
        StepState::Waiting => ("off", "Waiting"),
        StepState::Manual => ("wait", "Waiting for a person"),
        StepState::Queued => ("wait", "Queued"),
        StepState::Running => ("run", "Running"),
        StepState::Finished(StepOutcome::Passed) => ("ok", "Passed"),
        StepState::Finished(StepOutcome::Failed) => ("bad", "Failed"),
        StepState::Finished(StepOutcome::FailedIgnored) => ("warn", "Failed, ignored"),
        StepState::Finished(StepOutcome::Errored) => ("bad", "Could not run"),
        StepState::Finished(StepOutcome::Stopped) => ("off", "Stopped"),
        StepState::Finished(StepOutcome::Skipped) => ("off", "Skipped"),
        StepState::Finished(StepOutcome::NotRun) => ("off", "Not run"),
    };
    Pill { class, label }
}

/// The picture beside a step, each of another shape: colour alone says nothing.
pub(crate) const fn icon_of_step(state: StepState) -> &'static str {
    match state {
        StepState::Waiting => "waiting",
        StepState::Manual => "manual",
        StepState::Queued => "queued",
        StepState::Running => "running",
        StepState::Finished(StepOutcome::Passed) => "passed",
        StepState::Finished(StepOutcome::Failed | StepOutcome::Errored) => "failed",
        StepState::Finished(StepOutcome::FailedIgnored) => "ignored",
        StepState::Finished(StepOutcome::Stopped) => "stopped",
        StepState::Finished(StepOutcome::Skipped) => "skipped",
        StepState::Finished(StepOutcome::NotRun) => "not-run",
    }
}

/// The word that narrows a list to a state: shorter than the state's own, because many stand in one row.
pub(crate) const fn filter_label(state: BuildState) -> &'static str {
    match state {
        BuildState::Paused => "Waiting",
        BuildState::Finished(BuildOutcome::Invalid) => "Invalid",
        other => of_build(other).label,
    }
}

/// The states that a list of builds can be narrowed to, in the order people look for them.
pub(crate) const FILTERS: &[BuildState] = &[
    BuildState::Running,
    BuildState::Finished(BuildOutcome::Failed),
    BuildState::Finished(BuildOutcome::Passed),
    BuildState::Queued,
    BuildState::Paused,
    BuildState::Finished(BuildOutcome::Errored),
    BuildState::Finished(BuildOutcome::Invalid),
    BuildState::Finished(BuildOutcome::Stopped),
    BuildState::Finished(BuildOutcome::Skipped),
];
