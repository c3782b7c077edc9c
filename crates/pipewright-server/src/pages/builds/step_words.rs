//! What a page says of a step in words: how long, which attempt, and why it stands where it stands. No I/O.

use pipewright_core::Timestamp;
use pipewright_core::build::{AttemptOutcome, StepOutcome, StepState};
use pipewright_core::plan::{FailureStrategy, StepPlan};
use pipewright_store::attempts::Attempt;
use pipewright_store::steps::Step;

use crate::web::format;

/// A longer reason is cut, in characters; the log and the timeline have it whole.
const LONGEST: usize = 200;

/// A step with everything known of it.
pub(super) struct Stands<'a> {
    pub(super) planned: &'a StepPlan,
    pub(super) state: StepState,
    pub(super) stored: Option<&'a Step>,
    /// The newest attempt.
    pub(super) attempt: Option<&'a Attempt>,
    /// What it waits for that is had elsewhere.
    pub(super) held_back: Option<&'a str>,
    pub(super) now: Timestamp,
}

/// How long the newest attempt took so far; a rerun begins anew.
pub(super) fn time(step: &Stands<'_>) -> Option<String> {
    let attempt = step.attempt?;
    let claimed = attempt.claimed_at?;
    matches!(step.state, StepState::Finished(_) | StepState::Running)
        .then(|| format::duration(attempt.finished_at.unwrap_or(step.now).since(claimed)))
}

/// What stands beside the name: where it deploys to, which attempt it is, what it may have to wait for.
pub(super) fn marks(step: &Stands<'_>) -> Vec<String> {
    let mut marks = Vec::new();
    marks.extend(step.planned.deployment.as_deref().map(deploys_to));
    marks.extend(
        step.planned
            .environment
            .as_ref()
            .map(|environment| format!("environment {environment}")),
    );
    marks.extend(
        step.planned
            .child
            .as_ref()
            .map(|child| format!("runs custom: {}", child.custom)),
    );
    marks.extend(
        step.planned
            .concurrency_group
            .as_ref()
            .map(|group| format!("one at a time: {group}")),
    );
    marks.extend(attempts(step));
    if step.planned.manual && step.state == StepState::Waiting {
        marks.push("manual".to_owned());
    }
    marks
}

pub(super) fn deploys_to(environment: &str) -> String {
    format!("deploys to {environment}")
}

/// `attempt 2 of 3` where the file allows retries, `attempt 2` after a rerun.
fn attempts(step: &Stands<'_>) -> Option<String> {
    let stored = step.stored?;
    let made = stored.attempts - stored.lost - stored.interrupted - stored.crashed;
    match step.planned.on_failure {
        FailureStrategy::Retry { times } if (1..=i64::from(times) + 1).contains(&made) => {
            Some(format!("attempt {made} of {}", i64::from(times) + 1))
                .filter(|_| made > 1 || step.state == StepState::Running)
        }
        FailureStrategy::Fail | FailureStrategy::Ignore | FailureStrategy::Retry { .. } => {
            (made > 1).then(|| format!("attempt {made}"))
        }
    }
}

/// Why the step stands where it stands; none where that is plain.
pub(super) fn reason(step: &Stands<'_>) -> Option<String> {
    let said = || step.attempt.and_then(|attempt| attempt.message.clone());
    if let (Some(kept), StepState::Finished(_)) = (
        step.stored.and_then(|stored| stored.message.as_ref()),
        step.state,
    ) {
        // The state is written out beside it.
        let told = ["Skipped: ", "Not run: "]
            .iter()
            .find_map(|state| kept.strip_prefix(state));
        return Some(cut(told.unwrap_or(kept)));
    }
    let text = match step.state {
        StepState::Queued => step
            .held_back
            .unwrap_or("The next free runner will run it.")
            .to_owned(),
        StepState::Finished(StepOutcome::Skipped) => "Its condition was not met.".to_owned(),
        StepState::Finished(StepOutcome::NotRun) => "A step before it did not end well.".to_owned(),
        StepState::Finished(StepOutcome::Stopped) if step.attempt.is_none() => {
            "Stopped before it began.".to_owned()
        }
        StepState::Waiting
        | StepState::Manual
        | StepState::Running
        | StepState::Finished(StepOutcome::Passed | StepOutcome::Stopped) => {
            return None;
        }
        StepState::Finished(StepOutcome::Errored) => said()?,
        StepState::Finished(StepOutcome::Failed | StepOutcome::FailedIgnored) => {
            failure(step.attempt?)?
        }
    };
    Some(cut(&text))
}

/// How an attempt failed.
fn failure(attempt: &Attempt) -> Option<String> {
    match (attempt.outcome?, attempt.exit_code) {
        (AttemptOutcome::TimedOut, _) => Some("It ran out of time.".to_owned()),
        (_, Some(code)) if code != 0 => Some(format!("Exit status {code}.")),
        _ => attempt.message.clone(),
    }
}

fn cut(text: &str) -> String {
    if text.chars().nth(LONGEST).is_none() {
        return text.to_owned();
    }
    let start: String = text.chars().take(LONGEST).collect();
    format!("{start}…")
}

#[cfg(test)]
mod tests {
    use pipewright_core::Timestamp;
    use pipewright_core::build::{StepOutcome, StepState};
    use pipewright_core::ids::{BuildId, StepId};
    use pipewright_core::plan::FailureStrategy;
    use pipewright_store::steps::Step;

    use super::{Stands, attempts, reason};
    use crate::pages::tests::scene::plan;

    #[test]
    fn retries_are_counted_as_people_count_them() {
        let planned = plan(&[&["Unit tests"]]).groups.remove(0).steps.remove(0);
        for (strategy, state, made, lost, expected) in [
            (FailureStrategy::Fail, StepState::Running, 1, 0, None),
            (
                FailureStrategy::Fail,
                StepState::Running,
                2,
                0,
                Some("attempt 2"),
            ),
            (FailureStrategy::Fail, StepState::Running, 2, 1, None),
            (
                FailureStrategy::Retry { times: 2 },
                StepState::Running,
                1,
                0,
                Some("attempt 1 of 3"),
            ),
            (
                FailureStrategy::Retry { times: 2 },
                StepState::Finished(StepOutcome::Passed),
                1,
                0,
                None,
            ),
            (
                FailureStrategy::Retry { times: 2 },
                StepState::Finished(StepOutcome::Failed),
                3,
                0,
                Some("attempt 3 of 3"),
            ),
            (
                FailureStrategy::Retry { times: 2 },
                StepState::Running,
                4,
                0,
                Some("attempt 4"),
            ),
            (
                FailureStrategy::Retry { times: 2 },
                StepState::Waiting,
                0,
                0,
                None,
            ),
        ] {
            let planned = pipewright_core::plan::StepPlan {
                on_failure: strategy,
                ..planned.clone()
            };
            let stored = Step {
                id: StepId::new(),
                build_id: BuildId::new(),
                position: 0,
                name: String::new(),
                state,
                attempts: made,
                lost,
                interrupted: 0,
                crashed: 0,
                started_at: None,
                finished_at: None,
                message: None,
            };
            let stands = Stands {
                planned: &planned,
                state,
                stored: Some(&stored),
                attempt: None,
                held_back: None,
                now: Timestamp::from_seconds(1),
            };
            assert_eq!(
                attempts(&stands).as_deref(),
                expected,
                "{strategy:?} {state:?} {made}"
            );
        }
    }

    #[test]
    fn what_did_not_run_says_why() {
        let planned = plan(&[&["Unit tests"]]).groups.remove(0).steps.remove(0);
        for outcome in [
            StepOutcome::Skipped,
            StepOutcome::NotRun,
            StepOutcome::Stopped,
        ] {
            let state = StepState::Finished(outcome);
            let stands = Stands {
                planned: &planned,
                state,
                stored: None,
                attempt: None,
                held_back: None,
                now: Timestamp::from_seconds(1),
            };
            assert!(
                reason(&stands).is_some_and(|reason| reason.ends_with('.')),
                "{outcome:?}"
            );
        }
    }
}
