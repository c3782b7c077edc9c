//! **Stop**: a person ends a build.

use pipewright_core::ids::{AccountId, BuildId};
use pipewright_store::{StoreError, builds};

use crate::app::App;
use crate::scheduler::{Aftermath, stop_within};

/// A build was not stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StopError {
    /// There is none, or it is another account's.
    #[error("there is no such build")]
    NotFound,
    /// It has ended, or is being stopped.
    #[error("the build has ended, or is being stopped already")]
    Ended,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Stops a build of the account: what is queued is withdrawn, what runs is told.
pub(crate) async fn stop(
    app: &App,
    account: AccountId,
    build: BuildId,
    who: &str,
) -> Result<(), StopError> {
    builds::get(&app.db, account, build)
        .await?
        .ok_or(StopError::NotFound)?;
    let mut aftermath = Aftermath::default();
    let mut tx = app.db.begin().await?;
    let stopped = stop_within(
        app,
        &mut tx,
        build,
        who,
        &format!("Stopped by {who}."),
        app.clock.now(),
        &mut aftermath,
    )
    .await?;
    if !stopped {
        return Err(StopError::Ended);
    }
    tx.commit().await?;
    aftermath.announce(app);
    Ok(())
}
