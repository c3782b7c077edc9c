//! The rules that move a build. Pure: the same build and event always give the same answer.
//!
//! Invariants, each a property test: whatever the order of events, a build that was planned comes to an end once every
//! queued attempt has reported; no step is queued before the group before it has ended well; a build that was asked to
//! stop queues nothing more but its final step; a rerun leaves what passed alone and ends again; an event that does not fit is refused and changes nothing.

pub use rerun::RerunFrom;

use super::state::{AttemptOutcome, BuildOutcome, BuildState, StepOutcome, StepState};
use crate::plan::{FailureStrategy, Group, GroupKind, Plan};

/// How often a step whose runner was lost is given to another before the build is [`BuildOutcome::Errored`].
const LOST_ATTEMPTS_ALLOWED: u32 = 3;

/// How often a step whose server stopped is begun again. No restart ends a build; only a step that brings the server
/// down each time does, in the end.
const INTERRUPTIONS_ALLOWED: u32 = 100;

/// A build as stored, with the plan it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildRun {
    /// Where the build stands.
    pub state: BuildState,
    /// Its steps, in plan order.
    pub steps: Vec<StepRun>,
}

/// A step as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepRun {
    /// Where the step stands.
    pub state: StepState,
    /// Attempts made so far; the newest has this number. 0 before the first.
    pub attempts: u32,
    /// How many of them ended with their runner lost.
    pub lost: u32,
}

/// Something that happened to a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildEvent {
    /// Its plan is stored.
    Planned,
    /// It cannot be planned: outcome is `Invalid`, `Skipped` or `Errored`.
    NotPlanned(BuildOutcome),
    /// A runner began this attempt of this step.
    AttemptStarted {
        /// The step's number.
        step: usize,
        /// The attempt's number.
        attempt: u32,
    },
    /// An attempt of a step ended.
    AttemptFinished {
        /// The step's number.
        step: usize,
        /// The attempt's number.
        attempt: u32,
        /// How.
        outcome: AttemptOutcome,
    },
    /// A person, or a newer build, wants it to end.
    StopRequested,
    /// A person started the manual group that waits.
    Resumed,
    /// The condition of this queued-to-be step was not met.
    StepSkipped {
        /// The step's number.
        step: usize,
    },
    /// A person wants a part of this finished build to run again.
    Rerun(RerunFrom),
}

/// What must now be done, in order, in the same transaction as storing the new states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Give the step a new attempt of this number and let runners see it.
    QueueAttempt {
        /// The step's number.
        step: usize,
        /// The attempt's number, from 1.
        attempt: u32,
    },
    /// Tell the runner of this step's attempt to stop, or withdraw the attempt if no runner has it.
    StopAttempt {
        /// The step's number.
        step: usize,
    },
    /// The build began to run: tell Bitbucket.
    BuildStarted,
    /// The build is over: tell Bitbucket.
    BuildFinished(BuildOutcome),
}

/// The build after an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advanced {
    /// The states to store.
    pub run: BuildRun,
    /// What to do.
    pub effects: Vec<Effect>,
}

/// The event does not fit the build as it stands; nothing changes. Late and repeated events end here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a {state} build does not take the event {event}")]
pub struct Refused {
    /// The build's state.
    pub state: &'static str,
    /// The event.
    pub event: String,
}

impl BuildRun {
    /// A build that is decided but not planned.
    pub fn queued() -> Self {
        Self { state: BuildState::Queued, steps: Vec::new() }
    }
}

/// Moves a build by one event. `plan` must be the build's own; for [`BuildEvent::Planned`] it is the plan just stored,
/// before that it may be `None`.
pub fn advance(run: &BuildRun, plan: Option<&Plan>, event: BuildEvent) -> Result<Advanced, Refused> {
    let refused = || Refused { state: run.state.as_str(), event: format!("{event:?}") };
    let mut moving = Moving { run: run.clone(), effects: Vec::new() };
    if run.state.is_finished() {
        // The one event that a finished build takes.
        let BuildEvent::Rerun(from) = event else { return Err(refused()) };
        let plan = plan.ok_or_else(refused)?;
        moving.run.steps = rerun::reset(run, plan, from).ok_or_else(refused)?;
        moving.run.state = BuildState::Running;
        moving.effects.push(Effect::BuildStarted);
        moving.settle(plan);
        return Ok(moving.done());
    }
    match event {
        BuildEvent::Planned => {
            let plan = plan.ok_or_else(refused)?;
            if run.state != BuildState::Queued {
                return Err(refused());
            }
            moving.run.steps = vec![StepRun { state: StepState::Waiting, attempts: 0, lost: 0 }; plan.len()];
            moving.run.state = BuildState::Running;
            moving.effects.push(Effect::BuildStarted);
        }
        BuildEvent::NotPlanned(outcome) => {
            if run.state != BuildState::Queued {
                return Err(refused());
            }
            moving.finish(outcome);
            return Ok(moving.done());
        }
        BuildEvent::AttemptStarted { step, attempt } => {
            let step = moving.current(step, attempt).filter(|step| step.state == StepState::Queued).ok_or_else(refused)?;
            step.state = StepState::Running;
            return Ok(moving.done());
        }
        BuildEvent::AttemptFinished { step, attempt, outcome } => {
            let strategy = plan.and_then(|plan| plan.step(step)).map(|step| step.on_failure).ok_or_else(refused)?;
            moving.current(step, attempt).ok_or_else(refused)?;
            moving.attempt_finished(step, outcome, strategy);
        }
        BuildEvent::StopRequested => match run.state {
            BuildState::Queued => {
                moving.finish(BuildOutcome::Stopped);
                return Ok(moving.done());
            }
            BuildState::Stopping => return Err(refused()),
            _ => moving.stop(),
        },
        BuildEvent::Resumed => {
            if run.state != BuildState::Paused {
                return Err(refused());
            }
            moving.resume();
        }
        BuildEvent::StepSkipped { step } => {
            let step = moving.run.steps.get_mut(step).filter(|step| step.state == StepState::Queued).ok_or_else(refused)?;
            step.state = StepState::Finished(StepOutcome::Skipped);
        }
        BuildEvent::Rerun(_) => return Err(refused()),
    }
    moving.settle(plan.ok_or_else(refused)?);
    Ok(moving.done())
}

/// A build while it is being moved.
struct Moving {
    run: BuildRun,
    effects: Vec<Effect>,
}

impl Moving {
    fn done(self) -> Advanced {
        Advanced { run: self.run, effects: self.effects }
    }

    fn finish(&mut self, outcome: BuildOutcome) {
        self.run.state = BuildState::Finished(outcome);
        self.effects.push(Effect::BuildFinished(outcome));
    }

    /// The step, if `attempt` is its newest attempt and it is under way.
    fn current(&mut self, step: usize, attempt: u32) -> Option<&mut StepRun> {
        let step = self.run.steps.get_mut(step)?;
        let under_way = matches!(step.state, StepState::Queued | StepState::Running);
        (under_way && step.attempts == attempt).then_some(step)
    }

    fn queue(&mut self, index: usize) {
        let step = &mut self.run.steps[index];
        step.attempts += 1;
        step.state = StepState::Queued;
        self.effects.push(Effect::QueueAttempt { step: index, attempt: step.attempts });
    }

    fn attempt_finished(&mut self, index: usize, outcome: AttemptOutcome, strategy: FailureStrategy) {
        let stopping = self.run.state == BuildState::Stopping;
        let step = &mut self.run.steps[index];
        if matches!(outcome, AttemptOutcome::Lost | AttemptOutcome::Interrupted) {
            step.lost += 1;
        }
        let attempts_that_count = step.attempts - step.lost;
        let outcome = match outcome {
            AttemptOutcome::Passed => StepOutcome::Passed,
            AttemptOutcome::Stopped => StepOutcome::Stopped,
            AttemptOutcome::Lost | AttemptOutcome::Interrupted if stopping => StepOutcome::Stopped,
            AttemptOutcome::Lost if step.lost < LOST_ATTEMPTS_ALLOWED => return self.queue(index),
            AttemptOutcome::Interrupted if step.lost < INTERRUPTIONS_ALLOWED => return self.queue(index),
            AttemptOutcome::Errored | AttemptOutcome::Lost | AttemptOutcome::Interrupted => StepOutcome::Errored,
            AttemptOutcome::Failed | AttemptOutcome::TimedOut => match strategy {
                FailureStrategy::Ignore => StepOutcome::FailedIgnored,
                FailureStrategy::Retry { times } if !stopping && attempts_that_count <= times => return self.queue(index),
                _ => StepOutcome::Failed,
            },
        };
        step.state = StepState::Finished(outcome);
    }

    fn stop(&mut self) {
        self.run.state = BuildState::Stopping;
        for index in 0..self.run.steps.len() {
            if matches!(self.run.steps[index].state, StepState::Queued | StepState::Running) {
                self.effects.push(Effect::StopAttempt { step: index });
            }
        }
    }

    fn resume(&mut self) {
        self.run.state = BuildState::Running;
        for index in 0..self.run.steps.len() {
            if self.run.steps[index].state == StepState::Manual {
                self.queue(index);
            }
        }
    }

    /// Starts what may start now, and ends the build if nothing is left.
    fn settle(&mut self, plan: &Plan) {
        let mut first = 0;
        for group in &plan.groups {
            let range = first..first + group.steps.len();
            first = range.end;
            if self.settle_group(group, range) == Settled::UnderWay {
                return;
            }
        }
        let outcome = self.outcome();
        self.finish(outcome);
    }

    fn settle_group(&mut self, group: &Group, range: std::ops::Range<usize>) -> Settled {
        let broken = self.is_broken(range.start);
        let stopping = self.run.state == BuildState::Stopping;
        if group.kind == GroupKind::Final {
            return self.settle_final(range);
        }
        if matches!(group.kind, GroupKind::Parallel { .. }) {
            self.fail_fast(group, range.clone());
        }
        for index in range.clone() {
            if !matches!(self.run.steps[index].state, StepState::Waiting | StepState::Manual) {
                continue;
            }
            if broken || stopping || (!is_parallel(group) && self.is_broken(index)) {
                let outcome = if stopping && !broken { StepOutcome::Stopped } else { StepOutcome::NotRun };
                self.run.steps[index].state = StepState::Finished(outcome);
                continue;
            }
            if !is_parallel(group) && range.start < index && !self.run.steps[index - 1].state.is_finished() {
                break;
            }
            let manual = group.steps[index - range.start].manual || (group.manual && index == range.start);
            match self.run.steps[index].state {
                StepState::Waiting if manual => self.run.steps[index].state = StepState::Manual,
                StepState::Waiting => self.queue(index),
                _ => {}
            }
        }
        self.group_state(range)
    }

    fn settle_final(&mut self, range: std::ops::Range<usize>) -> Settled {
        for index in range.clone() {
            if self.run.steps[index].state == StepState::Waiting {
                self.queue(index);
            }
        }
        self.group_state(range)
    }

    /// Whether a group is over, and if not, whether the build waits for a person.
    fn group_state(&mut self, range: std::ops::Range<usize>) -> Settled {
        let steps = &self.run.steps[range];
        if steps.iter().all(|step| step.state.is_finished()) {
            return Settled::Over;
        }
        let somebody_works = steps.iter().any(|step| matches!(step.state, StepState::Queued | StepState::Running));
        if self.run.state != BuildState::Stopping {
            self.run.state = if somebody_works { BuildState::Running } else { BuildState::Paused };
        }
        Settled::UnderWay
    }

    fn fail_fast(&mut self, group: &Group, range: std::ops::Range<usize>) {
        let GroupKind::Parallel { fail_fast } = group.kind else { return };
        let tripped = range.clone().any(|index| {
            let step_says = group.steps[index - range.start].fail_fast.unwrap_or(fail_fast);
            step_says && is_bad(self.run.steps[index].state)
        });
        if !tripped {
            return;
        }
        for index in range {
            match self.run.steps[index].state {
                StepState::Waiting | StepState::Manual => self.run.steps[index].state = StepState::Finished(StepOutcome::Stopped),
                StepState::Queued | StepState::Running => self.effects.push(Effect::StopAttempt { step: index }),
                StepState::Finished(_) => {}
            }
        }
    }

    /// True if a step before `index` ended so that nothing after it may run.
    fn is_broken(&self, index: usize) -> bool {
        self.run.steps[..index]
            .iter()
            .any(|step| is_bad(step.state) || matches!(step.state, StepState::Finished(StepOutcome::Stopped | StepOutcome::NotRun)))
    }

    fn outcome(&self) -> BuildOutcome {
        let any = |outcome| self.run.steps.iter().any(|step| step.state == StepState::Finished(outcome));
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settled {
    Over,
    UnderWay,
}

const fn is_parallel(group: &Group) -> bool {
    matches!(group.kind, GroupKind::Parallel { .. })
}

const fn is_bad(state: StepState) -> bool {
    matches!(state, StepState::Finished(StepOutcome::Failed | StepOutcome::Errored))
}

mod rerun;
#[cfg(test)]
mod tests;
