//! Ending an attempt: the attempt's row and everything that follows for its build, in one transaction.

use pipewright_core::Timestamp;
use pipewright_core::build::{AttemptOutcome, BuildEvent};
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

/// Ends an attempt. False where its lease is gone: nothing changed then.
pub(super) async fn finish(
    app: &App,
    which: Which,
    ended: &Ended,
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
        let event = BuildEvent::AttemptFinished {
            step: which.position,
            attempt: which.number,
            outcome: ended.outcome,
        };
        let message = ended.message.as_deref().filter(|_| {
            matches!(
                ended.outcome,
                AttemptOutcome::Errored | AttemptOutcome::TimedOut | AttemptOutcome::Failed
            )
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
