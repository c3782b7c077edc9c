//! Drives a build on this machine: asks core's rules what may run, runs it, tells the rules how it ended.
//!
//! One task owns the build's state and is told everything by messages; attempts have tasks of their own. What the
//! database and the scheduler are on the server is this loop here, with the same rules.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use pipewright_core::build::{
    AttemptOutcome, BuildEvent, BuildOutcome, BuildRun, BuildState, Effect, StepOutcome, StepRun,
    StepState, advance,
};
use pipewright_core::plan::{ConditionPlan, GroupKind};
use pipewright_runner::executor::{Control, StepEnd};
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};

use super::attempt::{Attempt, Means, Output, execute};
use super::conditions;
use super::display::Display;
use super::result::{BuildEnd, HeldBack, StepResult};
use super::signals::Signals;
use super::steps::Chosen;

/// How many pieces of output may wait for the terminal; a slow one slows the scripts down.
const QUEUE: usize = 16;

/// How a build is run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    /// How many attempts run at the same time; at least 1.
    pub(super) at_once: usize,
    /// Whether manual steps run too.
    pub(super) yes: bool,
}

/// A build while it runs.
struct Build<'a> {
    chosen: &'a Chosen,
    means: &'a Means,
    /// Steps that ended without an attempt and were not told of yet.
    ended_untold: Vec<usize>,
    run: BuildRun,
    /// Steps and attempts that wait for room.
    waiting: VecDeque<(usize, u32)>,
    running: BTreeMap<usize, Running>,
    results: Vec<StepResult>,
    /// What each step handed on in its last attempt.
    outputs: BTreeMap<usize, Vec<(String, String)>>,
    waits_at: Option<usize>,
    stopped: bool,
    killed: bool,
}

struct Running {
    number: u32,
    begun: Instant,
    control: watch::Sender<Control>,
}

/// Runs the chosen steps to their end. Where nobody reads the output any more they are stopped, as by a signal.
pub(super) async fn run(
    chosen: &Chosen,
    means: Arc<Means>,
    settings: Settings,
    display: &mut Display,
    mut signals: Signals,
) -> anyhow::Result<BuildEnd> {
    let begun = Instant::now();
    let mut build = Build::new(chosen, &means);
    build.move_by(BuildEvent::Planned);
    let (sender, mut output) = mpsc::channel(QUEUE);
    let mut tasks = JoinSet::new();
    let mut steps: HashMap<Id, usize> = HashMap::new();
    loop {
        build.pass_manual_steps(settings.yes, display)?;
        for step in std::mem::take(&mut build.ended_untold) {
            display.ended(step, &build.results[step])?;
        }
        while build.running.len() < settings.at_once.max(1)
            && let Some((attempt, control)) = build.begin_next()
        {
            display.begins(attempt.step, attempt.number)?;
            let step = attempt.step;
            let task = tasks.spawn(execute(
                Arc::clone(&means),
                attempt,
                control,
                sender.clone(),
            ));
            steps.insert(task.id(), step);
        }
        if build.running.is_empty() {
            if let BuildState::Finished(outcome) = build.run.state {
                return Ok(build.end(outcome, begun.elapsed()));
            }
            bail!(
                "the build is {} but has nothing to run; this is a mistake in Pipewright",
                build.run.state.as_str()
            );
        }
        if display.is_gone() && !build.stopped {
            build.told_to_stop(display)?;
        }
        tokio::select! {
            Some(Output { step, bytes }) = output.recv() => display.output(step, &bytes)?,
            Some(ended) = tasks.join_next_with_id() => {
                // What it printed was sent before it ended.
                while let Ok(Output { step, bytes }) = output.try_recv() {
                    display.output(step, &bytes)?;
                }
                let (id, end) = settled(ended);
                let Some(step) = steps.remove(&id) else { continue };
                build.ended(step, end);
                display.ended(step, &build.results[step])?;
            }
            () = signals.next() => build.told_to_stop(display)?,
        }
    }
}

/// A task that panicked is an attempt that could not be run.
fn settled(ended: Result<(Id, StepEnd), JoinError>) -> (Id, StepEnd) {
    ended.unwrap_or_else(|error| {
        (
            error.id(),
            StepEnd::errored(format!("a mistake in Pipewright ended the step: {error}")),
        )
    })
}

impl<'a> Build<'a> {
    fn new(chosen: &'a Chosen, means: &'a Means) -> Self {
        let never = StepResult {
            state: StepState::Waiting,
            attempts: 0,
            outcome: None,
            exit_code: None,
            message: None,
            qualification: None,
            tests: None,
            elapsed: None,
            held_back: None,
        };
        Self {
            chosen,
            means,
            ended_untold: Vec::new(),
            run: BuildRun::queued(),
            waiting: VecDeque::new(),
            running: BTreeMap::new(),
            results: vec![never; chosen.plan.len()],
            outputs: BTreeMap::new(),
            waits_at: None,
            stopped: false,
            killed: false,
        }
    }

    /// Moves the build by an event and what follows from it; false where the event does not fit any more.
    fn move_by(&mut self, event: BuildEvent) -> bool {
        let mut events = VecDeque::from([event]);
        let mut fits = None;
        while let Some(event) = events.pop_front() {
            let (means, chosen) = (self.means, self.chosen);
            let judge = |condition: &ConditionPlan, step: usize, _: &[StepRun]| {
                conditions::verdict(means, chosen, self.outputs_before(step), condition, step)
            };
            let Ok(advanced) = advance(&self.run, Some(&chosen.plan), event, &judge) else {
                fits.get_or_insert(false);
                continue;
            };
            fits.get_or_insert(true);
            self.run = advanced.run;
            for effect in advanced.effects {
                events.extend(self.apply(effect));
            }
        }
        for (result, step) in self.results.iter_mut().zip(&self.run.steps) {
            result.state = step.state;
            result.attempts = step.attempts;
        }
        fits.unwrap_or(false)
    }

    /// Does what the rules ask for; gives the event that follows at once.
    fn apply(&mut self, effect: Effect) -> Option<BuildEvent> {
        match effect {
            Effect::QueueAttempt { step, attempt } if self.killed => Some(stopped(step, attempt)),
            Effect::QueueAttempt { step, attempt } => {
                self.waiting.push_back((step, attempt));
                None
            }
            Effect::StopAttempt { step } => {
                if let Some(running) = self.running.get(&step) {
                    running
                        .control
                        .send_modify(|word| *word = (*word).max(Control::Stop));
                }
                let place = self
                    .waiting
                    .iter()
                    .position(|(waiting, _)| *waiting == step)?;
                self.waiting
                    .remove(place)
                    .map(|(step, attempt)| stopped(step, attempt))
            }
            Effect::Explain { step, why } => {
                // Its condition decided; what is not run because of another step is in the table at the end.
                if let StepState::Finished(StepOutcome::Skipped | StepOutcome::Errored) =
                    self.run.steps[step].state
                {
                    self.ended_untold.push(step);
                }
                self.results[step].message = Some(why);
                None
            }
            // On a laptop nobody else is told.
            Effect::BuildStarted | Effect::BuildFinished(_) => None,
        }
    }

    /// The next attempt that may begin, with the word that it obeys.
    fn begin_next(&mut self) -> Option<(Attempt, watch::Receiver<Control>)> {
        let next = self
            .waiting
            .iter()
            .position(|(step, _)| self.is_free(*step))?;
        let (step, number) = self.waiting.remove(next)?;
        self.move_by(BuildEvent::AttemptStarted {
            step,
            attempt: number,
        });
        let (control, word) = watch::channel(Control::Run);
        self.running.insert(
            step,
            Running {
                number,
                begun: Instant::now(),
                control,
            },
        );
        let plan = self.chosen.plan.step(step)?.clone();
        let variables = self.chosen.plan.variables.clone();
        let output_variables = self.outputs_before(step);
        let steps_before = self.chosen.plan.steps_before(step);
        Some((
            Attempt {
                step,
                number,
                place: self.chosen.places[step],
                plan,
                variables,
                output_variables,
                steps_before,
            },
            word,
        ))
    }

    /// What the steps before this one handed on, each name once; the last in plan order wins.
    fn outputs_before(&self, step: usize) -> Vec<(String, String)> {
        let mut variables: Vec<(String, String)> = Vec::new();
        for (name, value) in self
            .outputs
            .range(..self.chosen.plan.steps_before(step))
            .flat_map(|(_, outputs)| outputs)
        {
            variables.retain(|(other, _)| other != name);
            variables.push((name.clone(), value.clone()));
        }
        variables
    }

    /// True unless a running step has what this one must have; only steps of one parallel group run together.
    fn is_free(&self, step: usize) -> bool {
        let own = |step: usize| {
            conditions::locks(self.means, self.chosen, self.outputs_before(step), step).own
        };
        self.running.is_empty()
            || own(step).is_none_or(|lock| {
                self.running
                    .keys()
                    .all(|running| own(*running).as_ref() != Some(&lock))
            })
    }

    fn ended(&mut self, step: usize, end: StepEnd) {
        let Some(running) = self.running.remove(&step) else {
            return;
        };
        let result = &mut self.results[step];
        *result.elapsed.get_or_insert_default() += running.begun.elapsed();
        result.outcome = Some(end.outcome);
        result.exit_code = end.exit_code;
        result.message = end.message;
        result.qualification = end.qualification;
        result.tests = end.tests;
        self.outputs.insert(step, end.output_variables);
        self.move_by(BuildEvent::AttemptFinished {
            step,
            attempt: running.number,
            outcome: end.outcome,
        });
    }

    /// Begins manual steps, or where only those are left to begin stops before them.
    fn pass_manual_steps(&mut self, yes: bool, display: &mut Display) -> std::io::Result<()> {
        let manual = |build: &Self| {
            build
                .run
                .steps
                .iter()
                .position(|step| step.state == StepState::Manual)
        };
        while yes && let Some(step) = manual(self) {
            // Refused where the build is being stopped.
            if !self.move_by(BuildEvent::Resumed { step }) {
                break;
            }
        }
        while self.run.state == BuildState::Paused {
            self.waits_at = manual(self);
            if let Some(step) = self.waits_at {
                display.waits(step)?;
            }
            self.hold_back();
            // Only the final step runs now.
            self.move_by(BuildEvent::StopRequested);
            self.say_who_waits();
        }
        Ok(())
    }

    /// Marks what does not begin in this run: manual steps, and those behind them.
    fn hold_back(&mut self) {
        let kinds = self.chosen.plan.groups.iter().flat_map(|group| {
            let is_final = group.kind == GroupKind::Final;
            group.steps.iter().map(move |_| is_final)
        });
        for (index, is_final) in kinds.enumerate() {
            self.results[index].held_back = match self.run.steps[index].state {
                StepState::Manual => Some(HeldBack::ForAPerson),
                StepState::Waiting if !is_final => Some(HeldBack::BehindOne),
                _ => None,
            };
        }
    }

    /// The rules know only that the build was stopped; what is told is why.
    fn say_who_waits(&mut self) {
        let gate = self.waits_at.and_then(|step| self.chosen.plan.step(step));
        let name = gate.map_or("a step", |step| step.name.as_str());
        for result in &mut self.results {
            result.message = match result.held_back {
                Some(HeldBack::ForAPerson) => {
                    Some("Waits for a person: run it with --yes or --from.".to_owned())
                }
                Some(HeldBack::BehindOne) => {
                    Some(format!("Not run: {name} before it waits for a person."))
                }
                None => continue,
            };
        }
    }

    /// The first signal stops the steps in order, the second one at once.
    fn told_to_stop(&mut self, display: &mut Display) -> std::io::Result<()> {
        if self.stopped {
            self.killed = true;
            display.note("Killing what is still running.")?;
            let waiting: Vec<_> = self.waiting.drain(..).collect();
            for (step, attempt) in waiting {
                self.move_by(stopped(step, attempt));
            }
            for running in self.running.values() {
                running.control.send_replace(Control::Kill);
            }
            return Ok(());
        }
        self.stopped = true;
        // Refused where the build stops already, before a manual step: then only its final step runs.
        if !self.move_by(BuildEvent::StopRequested) {
            for running in self.running.values() {
                running.control.send_replace(Control::Stop);
            }
        }
        display.note("Stopping; a second signal kills at once.")
    }

    fn end(self, outcome: BuildOutcome, elapsed: Duration) -> BuildEnd {
        let Self {
            waits_at,
            stopped,
            results,
            ..
        } = self;
        BuildEnd {
            outcome,
            waits_at,
            stopped,
            elapsed,
            steps: results,
        }
    }
}

const fn stopped(step: usize, attempt: u32) -> BuildEvent {
    BuildEvent::AttemptFinished {
        step,
        attempt,
        outcome: AttemptOutcome::Stopped,
    }
}
