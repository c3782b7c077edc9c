//! The rules that move a build. Pure: the same build and event always give the same answer.
//!
//! Invariants, each a property test: whatever the order of events, a build that was planned comes to an end once every
//! queued attempt has reported; no step is queued before the group before it has ended well; a build that was asked to
//! stop queues nothing more but its final step; a step whose condition is not met, or that no runner here can run, is given no attempt; a rerun leaves what
//! passed alone and ends again; an event that does not fit is refused and changes nothing.
//!
//! What starts next is in `settle`, what runs again in `rerun`. Not here: conditions. Whether one is met is asked of the
//! caller, who has the changed files and the variables.

pub use rerun::RerunFrom;

use super::state::{AttemptOutcome, BuildOutcome, BuildState, StepOutcome, StepState};
use crate::plan::{ConditionPlan, FailureStrategy, Plan, StepPlan};

/// How often a step whose runner was lost is given to another before the build is [`BuildOutcome::Errored`].
pub const LOST_ATTEMPTS_ALLOWED: u32 = 3;

/// How often a step is begun again whose server ended without a word. No restart ends a build; only a step that brings
/// the server down each time does, in the end.
pub const CRASHES_ALLOWED: u32 = 100;

/// How the sentence begins of a build or step that is fine as a pipeline file and that no runner here can run. Its outcome
/// is `Errored`, the installation's matter, and what shows it tells it from other trouble by these words.
pub const NOT_SUPPORTED: &str = "Not supported here yet";

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
    /// How many were given back: by a runner that was asked to stop, or could not run it for a reason of its own.
    pub interrupted: u32,
    /// How many ended with the process of their server, without a word.
    pub crashed: u32,
}

impl StepRun {
    /// A step that made this many attempts, all its own.
    pub const fn new(state: StepState, attempts: u32) -> Self {
        Self {
            state,
            attempts,
            lost: 0,
            interrupted: 0,
            crashed: 0,
        }
    }

    /// The attempts that count against its retries: those that ended for no reason of the installation.
    pub const fn charged(&self) -> u32 {
        self.attempts
            .saturating_sub(self.lost)
            .saturating_sub(self.interrupted)
            .saturating_sub(self.crashed)
    }
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
    /// The process of its server ended while this attempt ran, without a word of the attempt's end.
    ServerDied {
        /// The step's number.
        step: usize,
        /// The attempt's number.
        attempt: u32,
    },
    /// A person, or a newer build, wants it to end.
    StopRequested,
    /// A person started this step, which waits for one; others that wait go on waiting.
    Resumed {
        /// The step's number.
        step: usize,
    },
    /// A person wants a part of this finished build to run again.
    Rerun(RerunFrom),
}

/// Whether a step or stage that is about to begin does begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Run,
    /// Its condition is not met, and why: a fragment to show.
    Skip(String),
    /// Its condition has no answer, and why: a fragment to show. The step is errored.
    Unclear(String),
}

/// Answers a condition for the step of this number, which is about to begin; for a stage that is its first step. Asked
/// once each time, when all that the step waits for is over, and before it waits for a person or a runner. The last argument
/// is where every step stands then.
pub type Judge<'a> = &'a dyn Fn(&ConditionPlan, usize, &[StepRun]) -> Verdict;

/// What must now be done, in order, in the same transaction as storing the new states.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Keep a sentence that says why the step stands where it stands; it replaces the one before. A step that moves
    /// without one has none.
    Explain {
        /// The step's number.
        step: usize,
        /// The sentence.
        why: String,
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
#[error("a {state} build does not accept the event {event}")]
pub struct Refused {
    /// The build's state.
    pub state: &'static str,
    /// The event.
    pub event: String,
}

impl BuildRun {
    /// A build that is decided but not planned.
    pub fn queued() -> Self {
        Self {
            state: BuildState::Queued,
            steps: Vec::new(),
        }
    }
}

/// Moves a build by one event. `plan` must be the build's own; for [`BuildEvent::Planned`] it is the plan just stored,
/// before that it may be `None`.
pub fn advance(
    run: &BuildRun,
    plan: Option<&Plan>,
    event: BuildEvent,
    judge: Judge<'_>,
) -> Result<Advanced, Refused> {
    let refused = || Refused {
        state: run.state.as_str(),
        event: format!("{event:?}"),
    };
    let mut moving = Moving {
        run: run.clone(),
        effects: Vec::new(),
        judge,
    };
    if run.state.is_finished() {
        // The one event that a finished build takes.
        let BuildEvent::Rerun(from) = event else {
            return Err(refused());
        };
        let plan = plan.ok_or_else(refused)?;
        // What is kept keeps its outcome; what runs again, and what comes after it, waits as if it never ran.
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
            moving.run.steps = vec![StepRun::new(StepState::Waiting, 0); plan.len()];
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
            let step = moving
                .current(step, attempt)
                .filter(|step| step.state == StepState::Queued)
                .ok_or_else(refused)?;
            step.state = StepState::Running;
            return Ok(moving.done());
        }
        BuildEvent::AttemptFinished {
            step,
            attempt,
            outcome,
        } => {
            let strategy = plan
                .and_then(|plan| plan.step(step))
                .map(|step| step.on_failure)
                .ok_or_else(refused)?;
            // A report of an attempt that was given up long ago must not end the one that took its place.
            moving.current(step, attempt).ok_or_else(refused)?;
            moving.attempt_finished(step, outcome, strategy);
        }
        BuildEvent::ServerDied { step, attempt } => {
            moving.current(step, attempt).ok_or_else(refused)?;
            moving.crashed(step);
        }
        BuildEvent::StopRequested => match run.state {
            // Nothing was planned, so there are no steps that could end it.
            BuildState::Queued => {
                moving.finish(BuildOutcome::Stopped);
                return Ok(moving.done());
            }
            BuildState::Stopping => return Err(refused()),
            _ => moving.stop(),
        },
        BuildEvent::Resumed { step } => {
            let waits = run
                .steps
                .get(step)
                .is_some_and(|step| step.state == StepState::Manual);
            if !waits || run.state == BuildState::Stopping {
                return Err(refused());
            }
            let planned = plan.and_then(|plan| plan.step(step)).ok_or_else(refused)?;
            moving.start(planned, step);
        }
        BuildEvent::Rerun(_) => return Err(refused()),
    }
    moving.settle(plan.ok_or_else(refused)?);
    Ok(moving.done())
}

/// A build while it is being moved.
struct Moving<'j> {
    run: BuildRun,
    effects: Vec<Effect>,
    judge: Judge<'j>,
}

impl Moving<'_> {
    fn done(self) -> Advanced {
        Advanced {
            run: self.run,
            effects: self.effects,
        }
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

    /// Queues a step whose turn has come, or ends it where nobody here can run it.
    fn start(&mut self, step: &StepPlan, index: usize) {
        match step.refusal() {
            None => self.queue(index),
            Some(why) => {
                self.run.steps[index].state = StepState::Finished(StepOutcome::Errored);
                self.effects.push(Effect::Explain {
                    step: index,
                    why: format!("{NOT_SUPPORTED}: {why}."),
                });
            }
        }
    }

    fn queue(&mut self, index: usize) {
        let step = &mut self.run.steps[index];
        step.attempts += 1;
        step.state = StepState::Queued;
        self.effects.push(Effect::QueueAttempt {
            step: index,
            attempt: step.attempts,
        });
    }

    fn attempt_finished(
        &mut self,
        index: usize,
        outcome: AttemptOutcome,
        strategy: FailureStrategy,
    ) {
        let stopping = self.run.state == BuildState::Stopping;
        let step = &mut self.run.steps[index];
        match outcome {
            AttemptOutcome::Lost => step.lost += 1,
            AttemptOutcome::Interrupted => step.interrupted += 1,
            _ => {}
        }
        let attempts_that_count = step.charged();
        let outcome = match outcome {
            AttemptOutcome::Passed => StepOutcome::Passed,
            AttemptOutcome::Stopped => StepOutcome::Stopped,
            AttemptOutcome::Lost | AttemptOutcome::Interrupted if stopping => StepOutcome::Stopped,
            AttemptOutcome::Lost if step.lost < LOST_ATTEMPTS_ALLOWED => return self.queue(index),
            AttemptOutcome::Interrupted => return self.queue(index),
            AttemptOutcome::Errored | AttemptOutcome::Lost => StepOutcome::Errored,
            AttemptOutcome::Failed | AttemptOutcome::TimedOut => match strategy {
                FailureStrategy::Ignore => StepOutcome::FailedIgnored,
                FailureStrategy::Retry { times } if !stopping && attempts_that_count <= times => {
                    return self.queue(index);
                }
                _ => StepOutcome::Failed,
            },
        };
        step.state = StepState::Finished(outcome);
    }

    /// The server died under a step: it runs again, unless the step may be what the server dies of.
    fn crashed(&mut self, index: usize) {
        let stopping = self.run.state == BuildState::Stopping;
        let step = &mut self.run.steps[index];
        step.crashed += 1;
        if stopping {
            step.state = StepState::Finished(StepOutcome::Stopped);
        } else if step.crashed < CRASHES_ALLOWED {
            self.queue(index);
        } else {
            step.state = StepState::Finished(StepOutcome::Errored);
        }
    }

    fn stop(&mut self) {
        self.run.state = BuildState::Stopping;
        for index in 0..self.run.steps.len() {
            if matches!(
                self.run.steps[index].state,
                StepState::Queued | StepState::Running
            ) {
                self.effects.push(Effect::StopAttempt { step: index });
            }
        }
    }
}

mod rerun;
mod settle;
#[cfg(test)]
mod tests;
