//! The pipeline, drawn: one column a group, one box a step.

use pipewright_core::build::StepState;
use pipewright_core::plan::{Group, GroupKind};
use pipewright_core::{Plan, Timestamp};
use pipewright_store::attempts::Attempt;
use pipewright_store::steps::Step;

use crate::http::format;
use crate::http::states;

/// A group of the plan.
#[derive(Debug, Clone)]
pub(in crate::pages) struct Column {
    /// What stands above it: the name of a stage, or "always last".
    pub(in crate::pages) title: Option<String>,
    pub(in crate::pages) steps: Vec<FlowStep>,
}

/// A step of the plan.
#[derive(Debug, Clone)]
pub(in crate::pages) struct FlowStep {
    /// From 1, as in addresses.
    pub(in crate::pages) number: usize,
    pub(in crate::pages) name: String,
    pub(in crate::pages) class: &'static str,
    pub(in crate::pages) label: &'static str,
    /// How long it took so far, or why it does not run.
    pub(in crate::pages) time: String,
    pub(in crate::pages) is_current: bool,
}

/// The plan's columns with where each step stands. `current` counts from 1.
pub(super) fn columns(plan: &Plan, steps: &[Step], attempts: &[Attempt], current: usize, now: Timestamp) -> Vec<Column> {
    let mut position = 0;
    plan.groups
        .iter()
        .map(|group| Column {
            title: title(group),
            steps: group
                .steps
                .iter()
                .map(|planned| {
                    let stored = steps.get(position);
                    position += 1;
                    let state = stored.map_or(StepState::Waiting, |step| step.state);
                    let pill = states::of_step(state);
                    FlowStep {
                        number: position,
                        name: planned.name.clone(),
                        class: pill.class,
                        label: pill.label,
                        time: stored.map_or_else(|| "–".to_owned(), |step| time(step, attempts, now)),
                        is_current: position == current,
                    }
                })
                .collect(),
        })
        .collect()
}

fn title(group: &Group) -> Option<String> {
    match group.kind {
        GroupKind::Stage => Some(group.name.clone().unwrap_or_else(|| "Stage".to_owned())),
        GroupKind::Final => Some("Always last".to_owned()),
        GroupKind::Step | GroupKind::Parallel { .. } => None,
    }
}

/// How long the step's newest attempt took; a rerun begins anew.
fn time(step: &Step, attempts: &[Attempt], now: Timestamp) -> String {
    let newest =
        attempts.iter().rfind(|attempt| attempt.step_id == step.id).and_then(|attempt| Some((attempt.claimed_at?, attempt.finished_at)));
    match (step.state, newest) {
        (StepState::Finished(_) | StepState::Running, Some((claimed, finished))) => {
            format::duration(finished.unwrap_or(now).since(claimed))
        }
        (StepState::Manual, _) => "manual".to_owned(),
        (StepState::Queued, _) => "queued".to_owned(),
        _ => "–".to_owned(),
    }
}

/// The step that a visitor wants to see first, from 1: what runs, else what failed, else what waits for a person, else
/// the last that ran.
pub(super) fn first_look(steps: &[Step]) -> usize {
    use pipewright_core::build::StepOutcome::{Errored, Failed, NotRun, Passed, Skipped, Stopped};
    let wanted: [&[StepState]; 6] = [
        &[StepState::Running],
        &[StepState::Finished(Failed), StepState::Finished(Errored)],
        &[StepState::Queued],
        &[StepState::Manual],
        &[StepState::Finished(Stopped)],
        &[],
    ];
    let position = wanted.iter().find_map(|states| steps.iter().position(|step| states.contains(&step.state)));
    let ran = |step: &Step| !matches!(step.state, StepState::Finished(NotRun | Skipped) | StepState::Waiting);
    let last = || steps.iter().rposition(|step| step.state == StepState::Finished(Passed) || ran(step));
    position.or_else(last).unwrap_or(0) + 1
}

#[cfg(test)]
mod tests {
    use pipewright_core::Timestamp;
    use pipewright_core::build::{StepOutcome, StepState};
    use pipewright_core::ids::{BuildId, StepId};
    use pipewright_store::steps::Step;

    use super::first_look;

    fn steps(states: &[StepState]) -> Vec<Step> {
        let step = |(position, state): (usize, &StepState)| Step {
            id: StepId::new(),
            build_id: BuildId::new(),
            position: position as i64,
            name: format!("Step {position}"),
            state: *state,
            attempts: 1,
            lost: 0,
            started_at: Some(Timestamp::from_seconds(1)),
            finished_at: None,
        };
        states.iter().enumerate().map(step).collect()
    }

    #[test]
    fn what_matters_most_is_shown_first() {
        let passed = StepState::Finished(StepOutcome::Passed);
        let failed = StepState::Finished(StepOutcome::Failed);
        let not_run = StepState::Finished(StepOutcome::NotRun);
        for (states, expected) in [
            (&[passed, StepState::Running, StepState::Waiting][..], 2),
            (&[passed, failed, not_run], 2),
            (&[failed, StepState::Running], 2),
            (&[passed, StepState::Manual], 2),
            (&[passed, passed, passed], 3),
            (&[StepState::Queued, StepState::Waiting], 1),
            (&[], 1),
        ] {
            assert_eq!(first_look(&steps(states)), expected, "{states:?}");
        }
    }
}
