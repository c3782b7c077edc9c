//! Ending an attempt: the attempt's row and everything that follows for its build, in one transaction.

use pipewright_core::Timestamp;
use pipewright_core::build::{
    AttemptOutcome, BuildEvent, BuildState, CRASHES_ALLOWED, LOST_ATTEMPTS_ALLOWED, StepRun,
};
use pipewright_core::ids::AttemptId;
use pipewright_store::attempts::{self, Ended};
use pipewright_store::{StoreError, builds};
use uuid::Uuid;

use super::{AdvanceError, advance};
use crate::app::App;
use crate::ground::Aftermath;
use pipewright_core::ids::BuildId;

/// Which attempt, and by whose word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Which {
    pub(super) attempt: AttemptId,
    pub(super) lease: Uuid,
    pub(super) build: BuildId,
    pub(super) position: usize,
    pub(super) number: u32,
}

/// By whose word an attempt ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// As its outcome says: its runner's word, or nobody's for too long.
    Reported,
    /// The process that ran it died.
    ServerDied,
}

/// What is said of a build that ends because an attempt was lost once too often; none where it goes on.
fn once_too_often(run: &StepRun, ending: Ending, outcome: AttemptOutcome) -> Option<String> {
    match (ending, outcome) {
        (Ending::ServerDied, _) if run.crashed + 1 >= CRASHES_ALLOWED => Some(format!(
            "The server ended {CRASHES_ALLOWED} times while this step ran, so the step may be what ends it. Look at its script and at the server's memory, then rerun the step."
        )),
        (Ending::Reported, AttemptOutcome::Lost) if run.lost + 1 >= LOST_ATTEMPTS_ALLOWED => {
            Some(format!(
                "Contact with the runner was lost {LOST_ATTEMPTS_ALLOWED} times while this step ran. Look at the runner's machine, then rerun the step."
            ))
        }
        _ => None,
    }
}

/// Ends an attempt. False where its lease is gone: nothing changed then.
pub(super) async fn finish(
    app: &App,
    which: Which,
    ended: &Ended,
    ending: Ending,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut tx = app.db.begin().await?;
    // The build's row first, as everywhere, so that no two transactions hold one each and wait for the other.
    let stored = builds::load_run(&mut tx, which.build).await?;
    if !attempts::finish(&mut tx, which.attempt, which.lease, ended, now).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    let mut aftermath = Aftermath::default();
    if let Some(mut stored) = stored {
        let (step, attempt) = (which.position, which.number);
        let event = match ending {
            Ending::ServerDied => BuildEvent::ServerDied { step, attempt },
            Ending::Reported => BuildEvent::AttemptFinished {
                step,
                attempt,
                outcome: ended.outcome,
            },
        };
        let too_often = stored
            .run
            .steps
            .get(step)
            .filter(|_| stored.run.state != BuildState::Stopping)
            .and_then(|run| once_too_often(run, ending, ended.outcome));
        let message = too_often.as_deref().or_else(|| {
            ended.message.as_deref().filter(|_| {
                matches!(
                    ended.outcome,
                    AttemptOutcome::Errored | AttemptOutcome::TimedOut | AttemptOutcome::Failed
                )
            })
        });
        match advance(
            app,
            &mut tx,
            &mut stored,
            event,
            message,
            now,
            &mut aftermath,
        )
        .await
        {
            // The build ended without waiting for this attempt.
            Ok(()) | Err(AdvanceError::Refused(_)) => {}
            Err(AdvanceError::Store(error)) => return Err(error),
        }
    }
    tx.commit().await?;
    aftermath.announce(app);
    Ok(true)
}
