//! Stopping a build inside the caller's transaction.

use pipewright_core::Timestamp;
use pipewright_core::build::BuildEvent;
use pipewright_core::ids::BuildId;
use pipewright_store::{StoreError, Tx, builds};

use super::{AdvanceError, advance};
use crate::app::App;
use crate::ground::Aftermath;

/// Asks a build to stop. False where it has ended, or is being stopped already.
pub(crate) async fn stop_within(
    app: &App,
    tx: &mut Tx,
    build: BuildId,
    who: &str,
    why: &str,
    now: Timestamp,
    aftermath: &mut Aftermath,
) -> Result<bool, StoreError> {
    let Some(mut stored) = builds::load_run(tx, build).await? else {
        return Ok(false);
    };
    match advance(
        app,
        tx,
        &mut stored,
        BuildEvent::StopRequested,
        Some(why),
        now,
        aftermath,
    )
    .await
    {
        Ok(()) => {
            builds::keep_stopper(tx, build, who, why).await?;
            Ok(true)
        }
        Err(AdvanceError::Refused(_)) => Ok(false),
        Err(AdvanceError::Store(error)) => Err(error),
    }
}
