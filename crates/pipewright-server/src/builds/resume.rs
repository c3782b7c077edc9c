//! Going on with a build that waits for a person: a manual step of it is started, or all that wait.

use pipewright_core::Right;
use pipewright_core::build::{BuildEvent, StepState};
use pipewright_core::ids::BuildId;
use pipewright_store::{StoreError, builds};

use super::history::record;
use crate::app::App;
use crate::ground::{Actor, Aftermath, Denied, Failure, Kind};
use crate::scheduler::{AdvanceError, advance};

/// A build did not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResumeError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is none, or it is another account's.
    #[error("there is no such build")]
    NotFound,
    /// It does not wait for a person.
    #[error("that step is not waiting for a person; reload the page to see how the build is doing")]
    NotPaused,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for ResumeError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(_) => Kind::Denied,
            Self::NotFound => Kind::NotFound,
            Self::NotPaused => Kind::Conflict,
            Self::Store(_) => Kind::Internal,
        }
    }
}

/// Starts the step of this number, from 0, with which a build of the account waits for a person; `None` starts every one.
pub(crate) async fn resume(
    app: &App,
    actor: &Actor,
    build: BuildId,
    step: Option<usize>,
) -> Result<(), ResumeError> {
    actor.require(Right::Build)?;
    let found = builds::get(&app.db, actor.account, build)
        .await?
        .ok_or(ResumeError::NotFound)?;
    let mut aftermath = Aftermath::default();
    let mut tx = app.db.begin().await?;
    let mut stored = builds::load_run(&mut tx, build)
        .await?
        .ok_or(ResumeError::NotFound)?;
    let waits = |step: &usize| {
        stored
            .run
            .steps
            .get(*step)
            .is_some_and(|step| step.state == StepState::Manual)
    };
    let steps: Vec<usize> = step
        .map_or(0..stored.run.steps.len(), |step| {
            step..step.saturating_add(1)
        })
        .filter(waits)
        .collect();
    if steps.is_empty() {
        return Err(ResumeError::NotPaused);
    }
    for step in steps {
        match advance(
            app,
            &mut tx,
            &mut stored,
            BuildEvent::Resumed { step },
            None,
            actor.at,
            &mut aftermath,
        )
        .await
        {
            Ok(()) => {}
            Err(AdvanceError::Refused(_)) => return Err(ResumeError::NotPaused),
            Err(AdvanceError::Store(error)) => return Err(error.into()),
        }
    }
    record(&mut tx, actor, "build.resumed", &found).await?;
    tx.commit().await?;
    aftermath.announce(app);
    Ok(())
}
