//! **Stop**: a person ends a build.

use pipewright_core::Right;
use pipewright_core::ids::BuildId;
use pipewright_store::{StoreError, builds};

use super::history::record;
use crate::app::App;
use crate::ground::{Actor, Aftermath, Denied, Failure, Kind};
use crate::scheduler::stop_within;

/// A build was not stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StopError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
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

impl Failure for StopError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(_) => Kind::Denied,
            Self::NotFound => Kind::NotFound,
            Self::Ended => Kind::Conflict,
            Self::Store(_) => Kind::Internal,
        }
    }
}

/// Stops a build of the account: what is queued is withdrawn, what runs is told.
pub(crate) async fn stop(app: &App, actor: &Actor, build: BuildId) -> Result<(), StopError> {
    actor.require(Right::Build)?;
    let found = builds::get(&app.db, actor.account, build)
        .await?
        .ok_or(StopError::NotFound)?;
    let mut aftermath = Aftermath::default();
    let mut tx = app.db.begin().await?;
    let stopped = stop_within(
        app,
        &mut tx,
        build,
        &actor.name,
        &format!("Stopped by {}.", actor.name),
        actor.at,
        &mut aftermath,
    )
    .await?;
    if !stopped {
        return Err(StopError::Ended);
    }
    record(&mut tx, actor, "build.stopped", &found).await?;
    tx.commit().await?;
    aftermath.announce(app);
    Ok(())
}
