//! Moves a build by an event: the rules of `core::build::advance`, and their effects, in the caller's transaction.

use std::collections::{HashMap, VecDeque};

use pipewright_core::Plan;
use pipewright_core::Timestamp;
use pipewright_core::build::{
    self, AttemptOutcome, BuildEvent, BuildOutcome, BuildState, Effect, NOT_SUPPORTED, Refused,
    StepOutcome, StepRun, StepState,
};
use pipewright_core::plan::{ConditionPlan, Group};
use pipewright_store::builds::{self, StoredRun};
use pipewright_store::statuses::StatusState;
use pipewright_store::{StoreError, Tx, attempts, steps};

use super::conditions::Known;
use crate::app::App;
use crate::ground::Aftermath;
use crate::statuses::{self, Told};

/// A build was not moved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdvanceError {
    /// The event does not fit the build as it stands: it came late or twice. Nothing was written.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Moves a build that the caller holds ([`builds::load_run`]) by one event, with all that follows from it. `message` is
/// kept as the build's where the event ends it badly. `stored` is the build afterwards.
pub(crate) async fn advance(
    app: &App,
    tx: &mut Tx,
    stored: &mut StoredRun,
    event: BuildEvent,
    message: Option<&str>,
    now: Timestamp,
    aftermath: &mut Aftermath,
) -> Result<(), AdvanceError> {
    let before = stored.run.clone();
    // That an attempt started lets no step begin, so nothing is judged.
    let known = match event {
        BuildEvent::AttemptStarted { .. } => Known::default(),
        _ => Known::load(tx, &app.vault, stored).await?,
    };
    let mut messages: HashMap<usize, String> = HashMap::new();
    let mut events = VecDeque::from([event]);
    let mut effects = Vec::new();
    let mut first = true;
    // The rules first, without a write: an event that is refused changes nothing.
    while let Some(event) = events.pop_front() {
        let plan = stored.plan.as_ref();
        let judge = |condition: &ConditionPlan, step: usize, now: &[StepRun]| {
            known.judge(&app.vault, &stored.context, plan, condition, step, now)
        };
        let advanced = match build::advance(&stored.run, plan, event, &judge) {
            Ok(advanced) => advanced,
            Err(refused) if first => return Err(refused.into()),
            // A consequence that the event itself has made pointless.
            Err(_) => continue,
        };
        first = false;
        stored.run = advanced.run;
        for effect in advanced.effects {
            match effect {
                // Whether somebody has the attempt decides how it stops: asked at once, because it moves the build.
                Effect::StopAttempt { step } => {
                    if attempts::withdraw(tx, stored.context.id, step, now).await? {
                        let attempt = stored.run.steps.get(step).map_or(0, |step| step.attempts);
                        events.push_back(BuildEvent::AttemptFinished {
                            step,
                            attempt,
                            outcome: AttemptOutcome::Stopped,
                        });
                    } else if let Some(attempt) =
                        attempts::request_stop(tx, stored.context.id, step).await?
                    {
                        aftermath.stop(attempt);
                    }
                }
                Effect::Explain { step, why } => {
                    messages.insert(step, why);
                }
                other => effects.push(other),
            }
        }
    }
    let id = stored.context.id;
    for (position, step) in stored.run.steps.iter().enumerate() {
        if before.steps.get(position) != Some(step) {
            steps::set(
                tx,
                id,
                position,
                *step,
                messages.get(&position).map(String::as_str),
                now,
            )
            .await?;
        }
    }
    let refusal = refusal(stored);
    let message = message
        .filter(|_| stored.run.state.is_finished())
        .or(refusal.as_deref());
    let is_supported = message.is_none_or(|message| !message.starts_with(NOT_SUPPORTED));
    if before.state != stored.run.state || message.is_some() {
        builds::set_state(tx, id, before.state, stored.run.state, message, now).await?;
    }
    for effect in effects {
        match effect {
            Effect::BuildFinished(outcome) => {
                tell_end(app, tx, stored, outcome, is_supported, now, aftermath).await?;
            }
            other => apply(app, tx, stored, &known, other, now, aftermath).await?,
        }
    }
    aftermath.moved(stored.context.account_id, id);
    if stored.context.holds.is_some() && !still_holds(stored) {
        attempts::release(tx, id).await?;
        stored.context.holds = None;
    }
    let has_locks = stored.plan.as_ref().is_some_and(Plan::has_locks);
    if stored.run.state.is_finished()
        || (has_locks && matches!(event, BuildEvent::AttemptFinished { .. }))
    {
        // A build that ends before it began no longer holds younger ones of its ref back, and what an attempt had is free.
        aftermath.attempt_queued();
    }
    Ok(())
}

/// True while the build is in the stage whose lock it has.
fn still_holds(stored: &StoredRun) -> bool {
    let Some(plan) = stored
        .plan
        .as_ref()
        .filter(|_| !stored.run.state.is_finished())
    else {
        return false;
    };
    // Groups run one after another, so the build is in the group of its first step that is not over.
    let under_way = stored
        .run
        .steps
        .iter()
        .position(|step| !step.state.is_finished())
        .and_then(|step| plan.group_of(step));
    under_way.and_then(Group::lock).map(|lock| lock.to_word()) == stored.context.holds
}

async fn apply(
    app: &App,
    tx: &mut Tx,
    stored: &StoredRun,
    known: &Known,
    effect: Effect,
    now: Timestamp,
    aftermath: &mut Aftermath,
) -> Result<(), StoreError> {
    match effect {
        Effect::QueueAttempt { step, attempt } => {
            let id = attempts::queue(tx, stored.context.id, step, attempt, now).await?;
            if let Some(plan) = stored.plan.as_ref().filter(|plan| plan.has_locks()) {
                let locks = known.locks(&app.vault, &stored.context, plan, step, &stored.run.steps);
                attempts::set_locks(tx, id, stored.context.application_id, &locks).await?;
            }
            aftermath.attempt_queued();
        }
        Effect::BuildStarted => {
            statuses::enqueue(
                app,
                tx,
                &stored.context,
                StatusState::InProgress,
                None,
                now,
                aftermath,
            )
            .await?;
        }
        // Handled by the caller.
        Effect::StopAttempt { .. } | Effect::Explain { .. } | Effect::BuildFinished(_) => {}
    }
    Ok(())
}

/// Tells Bitbucket how a build ended.
async fn tell_end(
    app: &App,
    tx: &mut Tx,
    stored: &StoredRun,
    outcome: BuildOutcome,
    is_supported: bool,
    now: Timestamp,
    aftermath: &mut Aftermath,
) -> Result<(), StoreError> {
    let told = if is_supported {
        told_as(outcome, stored.context.planned_at.is_some())
    } else {
        // That we cannot run it is nothing that the commit did wrong, and nothing that was tried either.
        Some(StatusState::Stopped)
    };
    let Some(state) = told else { return Ok(()) };
    let end = Some(Told {
        outcome,
        is_supported,
    });
    statuses::enqueue(app, tx, &stored.context, state, end, now, aftermath).await
}

/// Why a build ended that is over because nobody here can run one of its steps, and nothing else went wrong.
fn refusal(stored: &StoredRun) -> Option<String> {
    if stored.run.state != BuildState::Finished(BuildOutcome::Errored) {
        return None;
    }
    let plan = stored.plan.as_ref()?;
    let mut found = None;
    for (step, planned) in stored.run.steps.iter().zip(plan.steps()) {
        match step.state {
            StepState::Finished(StepOutcome::Failed) => return None,
            StepState::Finished(StepOutcome::Errored) => {
                let why = planned.refusal().filter(|_| step.attempts == 0)?;
                found.get_or_insert_with(|| format!("{NOT_SUPPORTED}: {}: {why}.", planned.name));
            }
            _ => {}
        }
    }
    found
}

/// What Bitbucket is told of an outcome: stopped is not failed (trap T4), what was skipped is not told, and what was
/// stopped before anything was told of it stays untold.
const fn told_as(outcome: BuildOutcome, told_of_start: bool) -> Option<StatusState> {
    match outcome {
        BuildOutcome::Passed => Some(StatusState::Successful),
        BuildOutcome::Failed | BuildOutcome::Errored | BuildOutcome::Invalid => {
            Some(StatusState::Failed)
        }
        BuildOutcome::Stopped if told_of_start => Some(StatusState::Stopped),
        BuildOutcome::Stopped | BuildOutcome::Skipped => None,
    }
}
