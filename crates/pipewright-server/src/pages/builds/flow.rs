//! The pipeline, drawn: one column a group, one box a step. What each box says in words is in `step_words`.

use pipewright_core::build::StepState;
use pipewright_core::plan::{Group, GroupKind, StepPlan};
use pipewright_core::{Plan, Timestamp};
use pipewright_store::attempts::Attempt;
use pipewright_store::steps::Step;

use super::diagnostics::{Piece, pieces};
use super::step_words::{self, Stands};
use crate::web::states::{self, Pill};

/// A group with more steps is drawn in several rows of boxes.
const MANY: usize = 8;

/// A group of the plan.
#[derive(Debug, Clone)]
pub(in crate::pages) struct Column {
    /// `one`, `parallel`, `stage` or `final`.
    pub(in crate::pages) class: &'static str,
    /// What stands above it: "Parallel", the name of a stage, "Always last".
    pub(in crate::pages) title: Option<String>,
    /// What is said of the group as a whole: that its first failure stops the others, where it deploys to.
    pub(in crate::pages) notes: Vec<String>,
    pub(in crate::pages) is_many: bool,
    pub(in crate::pages) steps: Vec<FlowStep>,
}

/// A step of the plan.
#[derive(Debug, Clone)]
pub(in crate::pages) struct FlowStep {
    /// From 1, as in addresses.
    pub(in crate::pages) number: usize,
    pub(in crate::pages) name: String,
    pub(in crate::pages) icon: &'static str,
    pub(in crate::pages) pill: Pill,
    /// How long it took so far.
    pub(in crate::pages) time: Option<String>,
    /// Whether the state is written out: that it passed or waits for its turn, the picture says well enough.
    pub(in crate::pages) is_told: bool,
    /// `attempt 2 of 3`, `deploys to staging`, `one at a time: deploy`.
    pub(in crate::pages) marks: Vec<String>,
    /// Why it stands where it stands.
    pub(in crate::pages) reason: Option<Vec<Piece>>,
    pub(in crate::pages) is_current: bool,
    /// Whether the visitor may start it now.
    pub(in crate::pages) may_run: bool,
    /// Whether the visitor may have the build run again from here on.
    pub(in crate::pages) may_rerun: bool,
}

/// Which step is looked at, and what the visitor may do.
pub(super) struct Drawing<'a> {
    pub(super) plan: &'a Plan,
    pub(super) steps: &'a [Step],
    /// Of all steps, oldest first.
    pub(super) attempts: &'a [Attempt],
    /// Queued steps that wait for something that is had elsewhere: number from 0, and a sentence.
    pub(super) held_back: &'a [(usize, String)],
    /// From 1; 0 for none.
    pub(super) current: usize,
    pub(super) may_run: bool,
    /// For each step, whether the build may run again from there.
    pub(super) may_rerun: &'a [bool],
    pub(super) now: Timestamp,
}

/// The plan's columns with where each step stands.
pub(super) fn columns(drawing: &Drawing<'_>) -> Vec<Column> {
    let mut position = 0;
    drawing
        .plan
        .groups
        .iter()
        .map(|group| {
            let first = position;
            position += group.steps.len();
            let steps = group
                .steps
                .iter()
                .enumerate()
                .map(|(index, planned)| flow_step(drawing, group, planned, first + index))
                .collect();
            Column {
                class: class(group),
                title: title(group),
                notes: notes(group),
                is_many: group.steps.len() > MANY,
                steps,
            }
        })
        .collect()
}

fn flow_step(
    drawing: &Drawing<'_>,
    group: &Group,
    planned: &StepPlan,
    position: usize,
) -> FlowStep {
    let stored = drawing.steps.get(position);
    let state = stored.map_or(StepState::Waiting, |step| step.state);
    let attempt = stored.and_then(|step| {
        drawing
            .attempts
            .iter()
            .rfind(|attempt| attempt.step_id == step.id)
    });
    let held_back = drawing
        .held_back
        .iter()
        .find(|(held, _)| *held == position)
        .map(|(_, why)| why.as_str());
    let stands = Stands {
        planned,
        state,
        stored,
        attempt,
        held_back,
        now: drawing.now,
    };
    let mut marks = step_words::marks(&stands);
    if group.deployment.is_some() {
        // The stage's frame says it for all of its steps.
        marks.retain(|mark| {
            *mark != step_words::deploys_to(group.deployment.as_deref().unwrap_or_default())
        });
    }
    FlowStep {
        number: position + 1,
        name: planned.name.clone(),
        icon: states::icon_of_step(state),
        pill: states::of_step(state),
        time: step_words::time(&stands),
        is_told: !matches!(
            state,
            StepState::Finished(pipewright_core::build::StepOutcome::Passed) | StepState::Waiting
        ),
        marks,
        reason: step_words::reason(&stands).map(|reason| pieces(&reason)),
        is_current: position + 1 == drawing.current,
        may_run: drawing.may_run && state == StepState::Manual,
        may_rerun: drawing.may_rerun.get(position).copied().unwrap_or(false),
    }
}

/// What is said of a queued step where it was not looked at what it waits for.
const QUEUED: &str = "It is queued; the build's page says what it waits for.";

/// Why each step stands where it stands, in plan order; none where that is plain.
pub(in crate::pages) fn step_reasons(
    plan: &Plan,
    steps: &[Step],
    attempts: &[Attempt],
    now: Timestamp,
) -> Vec<Option<String>> {
    let reason = |(planned, stored): (&StepPlan, &Step)| {
        let attempt = attempts
            .iter()
            .rfind(|attempt| attempt.step_id == stored.id);
        step_words::reason(&Stands {
            planned,
            state: stored.state,
            stored: Some(stored),
            attempt,
            held_back: Some(QUEUED),
            now,
        })
    };
    plan.steps().zip(steps).map(reason).collect()
}

const fn class(group: &Group) -> &'static str {
    match group.kind {
        GroupKind::Step => "one",
        GroupKind::Parallel { .. } => "parallel",
        GroupKind::Stage => "stage",
        GroupKind::Final => "final",
    }
}

fn title(group: &Group) -> Option<String> {
    match group.kind {
        GroupKind::Stage => Some(group.name.clone().unwrap_or_else(|| "Stage".to_owned())),
        GroupKind::Final => Some("Always last".to_owned()),
        GroupKind::Parallel { .. } => Some("Parallel".to_owned()),
        GroupKind::Step => None,
    }
}

fn notes(group: &Group) -> Vec<String> {
    let mut notes = Vec::new();
    match group.kind {
        GroupKind::Parallel { fail_fast: true } => {
            notes.push("fail-fast: the first failure stops the others".to_owned());
        }
        GroupKind::Stage => notes.push("stage, in order".to_owned()),
        GroupKind::Final => notes.push("runs whatever happened before".to_owned()),
        GroupKind::Parallel { fail_fast: false } | GroupKind::Step => {}
    }
    notes.extend(group.deployment.as_deref().map(step_words::deploys_to));
    if group.manual {
        notes.push("started by a person".to_owned());
    }
    notes
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
    let position = wanted
        .iter()
        .find_map(|states| steps.iter().position(|step| states.contains(&step.state)));
    let ran = |step: &Step| {
        !matches!(
            step.state,
            StepState::Finished(NotRun | Skipped) | StepState::Waiting
        )
    };
    let last = || {
        steps
            .iter()
            .rposition(|step| step.state == StepState::Finished(Passed) || ran(step))
    };
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
            interrupted: 0,
            crashed: 0,
            started_at: Some(Timestamp::from_seconds(1)),
            finished_at: None,
            message: None,
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
