//! What starts next once something has happened, and how the build ends.
//!
//! Groups are looked at in order, up to the first that is not over. A step begins when all that it waits for ended well;
//! then its condition is asked, then it waits for a person or is queued. What will never begin is told why.

use std::ops::Range;

use super::{Effect, Moving, Verdict};
use crate::build::state::{BuildOutcome, BuildState, StepOutcome, StepState};
use crate::plan::{Group, GroupKind, Plan, StepPlan};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settled {
    Over,
    UnderWay,
}

impl Moving<'_> {
    /// Starts what may start now, and ends the build if nothing is left.
    pub(super) fn settle(&mut self, plan: &Plan) {
        let mut first = 0;
        for group in &plan.groups {
            let range = first..first + group.steps.len();
            first = range.end;
            if self.settle_group(plan, group, range) == Settled::UnderWay {
                return;
            }
        }
        let outcome = self.outcome();
        self.finish(outcome);
    }

    fn settle_group(&mut self, plan: &Plan, group: &Group, range: Range<usize>) -> Settled {
        let broken = self.broken_by(range.start);
        let stopping = self.run.state == BuildState::Stopping;
        match group.kind {
            GroupKind::Final => self.settle_final(group, range.clone()),
            _ if broken.is_some() || stopping => {
                for index in self.still_to_begin(&range) {
                    match broken {
                        Some(breaker) => self.not_run(plan, index, breaker),
                        None => self.settle_as(
                            index,
                            StepOutcome::Stopped,
                            "Not run: the build was stopped.".to_owned(),
                        ),
                    }
                }
            }
            GroupKind::Parallel { fail_fast } => {
                self.settle_parallel(group, fail_fast, range.clone());
            }
            GroupKind::Step | GroupKind::Stage => self.settle_sequence(plan, group, range.clone()),
        }
        self.group_state(range)
    }

    /// Steps one after another. A stage's condition is asked before its first step and holds for all of them.
    fn settle_sequence(&mut self, plan: &Plan, group: &Group, range: Range<usize>) {
        let first = range.clone().find(|index| {
            self.run.steps[*index].state != StepState::Finished(StepOutcome::Skipped)
        });
        let begins = first.filter(|first| self.run.steps[*first].state == StepState::Waiting);
        if let (Some(condition), Some(first)) = (&group.condition, begins) {
            match (self.judge)(condition, first, &self.run.steps) {
                Verdict::Run => {}
                Verdict::Skip(why) => {
                    for index in self.still_to_begin(&range) {
                        self.settle_as(
                            index,
                            StepOutcome::Skipped,
                            format!("Skipped with its stage: {why}."),
                        );
                    }
                }
                Verdict::Unclear(why) => self.unclear(first, &why),
            }
        }
        for index in range.clone() {
            if !self.is_still_to_begin(index) {
                continue;
            }
            if let Some(breaker) = self.broken_by(index) {
                self.not_run(plan, index, breaker);
                continue;
            }
            if range.start < index && !self.run.steps[index - 1].state.is_finished() {
                break;
            }
            let step = &group.steps[index - range.start];
            if self.run.steps[index].state == StepState::Waiting && self.may_begin(step, index) {
                self.begin(
                    step,
                    index,
                    step.manual || (group.manual && index == range.start),
                );
            }
        }
    }

    /// Steps that all begin together. Conditions are asked first: one without an answer may stop the others, as may one that
    /// nobody here can run.
    fn settle_parallel(&mut self, group: &Group, fail_fast: bool, range: Range<usize>) {
        let is_manual =
            |step: &StepPlan, index| step.manual || (group.manual && index == range.start);
        for (step, index) in group.steps.iter().zip(range.clone()) {
            if self.run.steps[index].state == StepState::Waiting
                && self.may_begin(step, index)
                && step.refusal().is_some()
                && !is_manual(step, index)
            {
                self.start(step, index);
            }
        }
        self.fail_fast(group, fail_fast, range.clone());
        for (step, index) in group.steps.iter().zip(range.clone()) {
            if self.run.steps[index].state == StepState::Waiting {
                self.begin(step, index, is_manual(step, index));
            }
        }
    }

    fn settle_final(&mut self, group: &Group, range: Range<usize>) {
        for (step, index) in group.steps.iter().zip(range) {
            if self.run.steps[index].state == StepState::Waiting && self.may_begin(step, index) {
                self.start(step, index);
            }
        }
    }

    /// Asks the step's condition. False where the step is over by it.
    fn may_begin(&mut self, step: &StepPlan, index: usize) -> bool {
        let verdict = step.condition.as_ref().map_or(Verdict::Run, |condition| {
            (self.judge)(condition, index, &self.run.steps)
        });
        match verdict {
            Verdict::Run => return true,
            Verdict::Skip(why) => {
                self.settle_as(index, StepOutcome::Skipped, format!("Skipped: {why}."));
            }
            Verdict::Unclear(why) => self.unclear(index, &why),
        }
        false
    }

    fn begin(&mut self, step: &StepPlan, index: usize, manual: bool) {
        if manual {
            self.run.steps[index].state = StepState::Manual;
        } else {
            self.start(step, index);
        }
    }

    fn fail_fast(&mut self, group: &Group, fail_fast: bool, range: Range<usize>) {
        let tripped = range.clone().find(|index| {
            let step_says = group.steps[index - range.start]
                .fail_fast
                .unwrap_or(fail_fast);
            step_says && is_bad(self.run.steps[*index].state)
        });
        let Some(tripped) = tripped else { return };
        let name = &group.steps[tripped - range.start].name;
        for index in range {
            match self.run.steps[index].state {
                StepState::Waiting | StepState::Manual => {
                    self.settle_as(
                        index,
                        StepOutcome::Stopped,
                        format!(
                            "Not run: {name}, in the same group, failed, and the group fails fast."
                        ),
                    );
                }
                StepState::Queued | StepState::Running => {
                    self.effects.push(Effect::StopAttempt { step: index });
                }
                StepState::Finished(_) => {}
            }
        }
    }

    /// Whether a group is over, and if not, whether the build waits for a person.
    fn group_state(&mut self, range: Range<usize>) -> Settled {
        let steps = &self.run.steps[range];
        if steps.iter().all(|step| step.state.is_finished()) {
            return Settled::Over;
        }
        let somebody_works = steps
            .iter()
            .any(|step| matches!(step.state, StepState::Queued | StepState::Running));
        if self.run.state != BuildState::Stopping {
            self.run.state = if somebody_works {
                BuildState::Running
            } else {
                BuildState::Paused
            };
        }
        Settled::UnderWay
    }

    fn settle_as(&mut self, index: usize, outcome: StepOutcome, why: String) {
        self.run.steps[index].state = StepState::Finished(outcome);
        self.effects.push(Effect::Explain { step: index, why });
    }

    fn unclear(&mut self, index: usize, why: &str) {
        self.settle_as(
            index,
            StepOutcome::Errored,
            format!("It is not known whether this runs: {why}."),
        );
    }

    fn not_run(&mut self, plan: &Plan, index: usize, breaker: usize) {
        let name = plan
            .step(breaker)
            .map_or("a step before it", |step| &step.name);
        let how = match self.run.steps[breaker].state {
            StepState::Finished(StepOutcome::Errored) => "could not be run",
            StepState::Finished(StepOutcome::Stopped) => "was stopped",
            StepState::Finished(StepOutcome::NotRun) => "was not run",
            _ => "failed",
        };
        self.settle_as(
            index,
            StepOutcome::NotRun,
            format!("Not run: {name} {how}."),
        );
    }

    fn is_still_to_begin(&self, index: usize) -> bool {
        matches!(
            self.run.steps[index].state,
            StepState::Waiting | StepState::Manual
        )
    }

    fn still_to_begin(&self, range: &Range<usize>) -> Vec<usize> {
        range
            .clone()
            .filter(|index| self.is_still_to_begin(*index))
            .collect()
    }

    /// The first step before `index` that ended so that nothing after it may run.
    fn broken_by(&self, index: usize) -> Option<usize> {
        let breaks = |state| {
            is_bad(state)
                || matches!(
                    state,
                    StepState::Finished(StepOutcome::Stopped | StepOutcome::NotRun)
                )
        };
        // What failed says more than what was stopped because of it.
        let before = || self.run.steps[..index].iter();
        before()
            .position(|step| is_bad(step.state))
            .or_else(|| before().position(|step| breaks(step.state)))
    }

    fn outcome(&self) -> BuildOutcome {
        let any = |outcome| {
            self.run
                .steps
                .iter()
                .any(|step| step.state == StepState::Finished(outcome))
        };
        if any(StepOutcome::Errored) {
            BuildOutcome::Errored
        } else if any(StepOutcome::Failed) {
            BuildOutcome::Failed
        } else if self.run.state == BuildState::Stopping || any(StepOutcome::Stopped) {
            BuildOutcome::Stopped
        } else {
            BuildOutcome::Passed
        }
    }
}

const fn is_bad(state: StepState) -> bool {
    matches!(
        state,
        StepState::Finished(StepOutcome::Failed | StepOutcome::Errored)
    )
}
