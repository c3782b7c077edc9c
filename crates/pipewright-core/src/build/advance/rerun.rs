//! Running a part of a finished build again: new attempts of the same steps, in the same build.
//!
//! What passed before stays passed and is not run again; whatever waited for a step that is run again waits anew, and
//! the final step always runs again. A step's retries are not granted a second time: they belong to its first run.

use super::{BuildRun, StepRun};
use crate::build::state::{StepOutcome, StepState};
use crate::plan::{Group, GroupKind, Plan};

/// What to run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RerunFrom {
    /// Every step that did not end well, and what never ran because of it.
    Failed,
    /// This step and everything that waits for it. Steps before it must have ended well; of a parallel group only this
    /// step and those that did not end well run again.
    Step(usize),
}

/// The steps with those to run again waiting, or `None` where there is nothing that can be run again this way.
pub(super) fn reset(run: &BuildRun, plan: &Plan, from: RerunFrom) -> Option<Vec<StepRun>> {
    if run.steps.is_empty() || run.steps.len() != plan.len() {
        return None;
    }
    let mut steps = run.steps.clone();
    let mut first = 0;
    let mut any = false;
    for group in &plan.groups {
        let range = first..first + group.steps.len();
        first = range.end;
        for index in range.clone() {
            let again = group.kind == GroupKind::Final
                || is_chosen(&run.steps, group, &range, index, from)?;
            if again {
                any |= group.kind != GroupKind::Final;
                let attempts = steps[index].attempts;
                steps[index] = StepRun::new(StepState::Waiting, attempts);
            }
        }
    }
    any.then_some(steps)
}

/// Whether a step runs again; `None` where the choice is refused.
fn is_chosen(
    steps: &[StepRun],
    group: &Group,
    range: &std::ops::Range<usize>,
    index: usize,
    from: RerunFrom,
) -> Option<bool> {
    let ended_well = ended_well(steps[index].state);
    match from {
        RerunFrom::Failed => Some(!ended_well),
        RerunFrom::Step(chosen) if chosen >= steps.len() => None,
        RerunFrom::Step(chosen) => {
            let together =
                matches!(group.kind, GroupKind::Parallel { .. }) && range.contains(&chosen);
            match (together, index < chosen) {
                (true, _) => Some(index == chosen || !ended_well),
                (false, true) => ended_well.then_some(false),
                (false, false) => Some(true),
            }
        }
    }
}

const fn ended_well(state: StepState) -> bool {
    matches!(
        state,
        StepState::Finished(
            StepOutcome::Passed | StepOutcome::FailedIgnored | StepOutcome::Skipped
        )
    )
}
