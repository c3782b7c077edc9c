//! What of a build can be run again, and what each choice does and keeps, in words. The rules are core's: each choice is
//! tried on the build as it stands. No I/O.

use pipewright_core::Plan;
use pipewright_core::build::{
    BuildEvent, BuildRun, BuildState, RerunFrom, StepRun, Verdict, advance,
};
use pipewright_store::steps::Step;

use crate::web::format;

/// The choices.
#[derive(Debug, Clone, Default)]
pub(in crate::pages) struct Again {
    /// What **Rerun everything** does.
    pub(in crate::pages) all: Option<String>,
    /// What **Rerun failed steps** does.
    pub(in crate::pages) failed: Option<String>,
    /// What **Rerun from here** does for the step that is looked at: its number from 1, its name, and the words.
    pub(in crate::pages) from: Option<(usize, String, String)>,
}

/// The steps of a build from which it can be run again, in plan order.
pub(super) fn from_each(state: BuildState, plan: Option<&Plan>, steps: &[Step]) -> Vec<bool> {
    let Some(plan) = plan.filter(|_| state.is_finished()) else {
        return Vec::new();
    };
    let run = run(state, steps);
    (0..steps.len())
        .map(|step| count(&run, plan, RerunFrom::Step(step)).is_some())
        .collect()
}

/// The choices for a build that has ended. `current` counts from 1.
pub(super) fn again(
    state: BuildState,
    plan: Option<&Plan>,
    steps: &[Step],
    current: usize,
) -> Again {
    if !state.is_finished() {
        return Again::default();
    }
    let Some(plan) = plan.filter(|_| !steps.is_empty()) else {
        let all = "Makes a build of its own of the same commit; the pipeline file is read again."
            .to_owned();
        return Again {
            all: Some(all),
            ..Again::default()
        };
    };
    let run = run(state, steps);
    let all = format!(
        "{}: same commit, same plan. The logs of earlier attempts stay.",
        every(steps.len())
    );
    let failed = count(&run, plan, RerunFrom::Failed).filter(|_| any_bad(steps));
    let from = current
        .checked_sub(1)
        .and_then(|index| Some((index, steps.get(index)?)));
    Again {
        all: Some(all),
        failed: failed.map(|again| {
            format!(
                "What failed, and what waited for it: {}.",
                kept(again, steps.len())
            )
        }),
        from: from.and_then(|(index, step)| {
            let again = count(&run, plan, RerunFrom::Step(index))?;
            Some((
                index + 1,
                step.name.clone(),
                format!(
                    "This step and what comes after it: {}.",
                    kept(again, steps.len())
                ),
            ))
        }),
    }
}

/// What a choice that was made does, in a sentence. Steps as they stood before.
pub(super) fn sentence(
    state: BuildState,
    plan: Option<&Plan>,
    steps: &[Step],
    from: RerunFrom,
) -> String {
    match plan
        .filter(|_| !steps.is_empty())
        .and_then(|plan| count(&run(state, steps), plan, from))
    {
        Some(again) => format!("Rerun: {}.", kept(again, steps.len())),
        None => "It runs again as a build of its own.".to_owned(),
    }
}

/// How many steps a choice runs again; none where it is refused.
fn count(run: &BuildRun, plan: &Plan, from: RerunFrom) -> Option<usize> {
    // Whether conditions are met is found out when their steps begin.
    let advanced = advance(run, Some(plan), BuildEvent::Rerun(from), &|_, _, _| {
        Verdict::Run
    })
    .ok()?;
    Some(
        advanced
            .run
            .steps
            .iter()
            .filter(|step| !step.state.is_finished())
            .count(),
    )
}

fn any_bad(steps: &[Step]) -> bool {
    use pipewright_core::build::StepOutcome::{FailedIgnored, Passed, Skipped};
    use pipewright_core::build::StepState::Finished;
    steps
        .iter()
        .any(|step| !matches!(step.state, Finished(Passed | Skipped | FailedIgnored)))
}

fn run(state: BuildState, steps: &[Step]) -> BuildRun {
    let small = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    let step = |step: &Step| StepRun {
        state: step.state,
        attempts: small(step.attempts),
        lost: small(step.lost),
        interrupted: small(step.interrupted),
        crashed: small(step.crashed),
    };
    BuildRun {
        state,
        steps: steps.iter().map(step).collect(),
    }
}

fn kept(again: usize, all: usize) -> String {
    let runs = format!(
        "{} {} again",
        format::count(again, "step"),
        if again == 1 { "runs" } else { "run" }
    );
    match all - again.min(all) {
        0 => format!("{runs}, nothing is kept"),
        1 => format!("{runs}, 1 is kept as it is"),
        others => format!("{runs}, {others} are kept as they are"),
    }
}

fn every(steps: usize) -> String {
    if steps == 1 {
        "Its one step runs again".to_owned()
    } else {
        format!("All {steps} steps run again")
    }
}

#[cfg(test)]
mod tests {
    use pipewright_core::build::{BuildOutcome, BuildState, StepOutcome, StepState};
    use pipewright_core::ids::{BuildId, StepId};
    use pipewright_store::steps::Step;

    use super::{again, from_each};
    use crate::pages::tests::scene::plan;

    fn steps(outcomes: &[StepOutcome]) -> Vec<Step> {
        let step = |(position, outcome): (usize, &StepOutcome)| Step {
            id: StepId::new(),
            build_id: BuildId::new(),
            position: position as i64,
            name: format!("Step {}", position + 1),
            state: StepState::Finished(*outcome),
            attempts: 1,
            lost: 0,
            interrupted: 0,
            crashed: 0,
            started_at: None,
            finished_at: None,
            message: None,
        };
        outcomes.iter().enumerate().map(step).collect()
    }

    #[test]
    fn each_choice_says_what_it_runs_and_what_it_keeps() {
        let plan = plan(&[&["Lint"], &["Unit tests", "Contract tests"], &["Package"]]);
        let steps = steps(&[
            StepOutcome::Passed,
            StepOutcome::Failed,
            StepOutcome::Passed,
            StepOutcome::NotRun,
        ]);
        let failed = BuildState::Finished(BuildOutcome::Failed);
        let choices = again(failed, Some(&plan), &steps, 2);
        assert_eq!(
            choices.all.expect("all"),
            "All 4 steps run again: same commit, same plan. The logs of earlier attempts stay."
        );
        assert_eq!(
            choices.failed.expect("failed"),
            "What failed, and what waited for it: 2 steps run again, 2 are kept as they are."
        );
        let (number, name, words) = choices.from.expect("from here");
        assert_eq!((number, name.as_str()), (2, "Step 2"));
        assert!(words.contains("2 steps run again, 2 are kept"), "{words}");
        // What waits for a step that failed cannot begin before it.
        assert_eq!(
            from_each(failed, Some(&plan), &steps),
            [true, true, true, false]
        );
        assert!(again(failed, Some(&plan), &steps, 4).from.is_none());
    }

    #[test]
    fn what_has_not_ended_and_what_never_had_a_plan_have_fewer_choices() {
        let plan = plan(&[&["Lint"]]);
        let passed = steps(&[StepOutcome::Passed]);
        assert!(
            again(BuildState::Running, Some(&plan), &passed, 1)
                .all
                .is_none()
        );
        assert!(from_each(BuildState::Running, Some(&plan), &passed).is_empty());
        let invalid = again(BuildState::Finished(BuildOutcome::Invalid), None, &[], 1);
        assert!(
            invalid
                .all
                .is_some_and(|words| words.contains("of its own"))
                && invalid.failed.is_none()
                && invalid.from.is_none()
        );
        let choices = again(
            BuildState::Finished(BuildOutcome::Passed),
            Some(&plan),
            &passed,
            1,
        );
        assert!(choices.failed.is_none() && choices.from.is_some());
    }
}
