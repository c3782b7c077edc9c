//! Going on with a build that waits for a person: its manual step, or stage, is started.

use pipewright_core::build::BuildEvent;
use pipewright_core::ids::{AccountId, BuildId};
use pipewright_store::{StoreError, builds};

use crate::app::App;
use crate::scheduler::{AdvanceError, Aftermath, advance};

/// A build did not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResumeError {
    /// There is none, or it is another account's.
    #[error("there is no such build")]
    NotFound,
    /// It does not wait for a person.
    #[error("the build does not wait for a person; reload its page to see where it stands")]
    NotPaused,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Starts the manual step that a build of the account waits with.
pub(crate) async fn resume(app: &App, account: AccountId, build: BuildId) -> Result<(), ResumeError> {
    builds::get(&app.db, account, build).await?.ok_or(ResumeError::NotFound)?;
    let mut aftermath = Aftermath::default();
    let mut tx = app.db.begin().await?;
    let mut stored = builds::load_run(&mut tx, build).await?.ok_or(ResumeError::NotFound)?;
    match advance(app, &mut tx, &mut stored, BuildEvent::Resumed, None, app.clock.now(), &mut aftermath).await {
        Ok(()) => {}
        Err(AdvanceError::Refused(_)) => return Err(ResumeError::NotPaused),
        Err(AdvanceError::Store(error)) => return Err(error.into()),
    }
    tx.commit().await?;
    aftermath.announce(app);
    Ok(())
}
