//! **Rerun**: a finished build, or a part of it, once more: the same commit, the same plan, new attempts.
//!
//! A build that never got a plan (its file could not be read, or not then) has nothing to run again: it is made anew, and
//! planned anew, as a build of its own.

use pipewright_core::Right;
use pipewright_core::build::{BuildEvent, RerunFrom};
use pipewright_core::ids::BuildId;
use pipewright_store::StoreError;
use pipewright_store::builds::{self, Build, Created, NewBuild, TriggerDetail};

use super::history::record;
use crate::app::App;
use crate::ground::{Actor, Aftermath, Denied, Failure, Kind};
use crate::scheduler::{AdvanceError, advance};

/// Which steps run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhatToRerun {
    /// Every one.
    All,
    /// Those that did not end well, and what waited for them.
    Failed,
    /// This step, from 0, and everything that waits for it.
    From(usize),
}

/// A build was not run again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RerunError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is none, or it is another account's.
    #[error("there is no such build")]
    NotFound,
    /// It has not ended.
    #[error("the build has not ended yet; stop it first, or wait")]
    UnderWay,
    /// Nothing can be run again this way.
    #[error(
        "there is nothing to run again this way: no step failed, or a step before this one did; rerun the whole build instead"
    )]
    Nothing,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for RerunError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(_) => Kind::Denied,
            Self::NotFound => Kind::NotFound,
            Self::UnderWay | Self::Nothing => Kind::Conflict,
            Self::Store(_) => Kind::Internal,
        }
    }
}

/// Runs a build of the account again. Answers the build that runs, which is another one only where the old one never had
/// a plan, and its number.
pub(crate) async fn rerun(
    app: &App,
    actor: &Actor,
    build: BuildId,
    what: WhatToRerun,
) -> Result<(BuildId, i64), RerunError> {
    actor.require(Right::Build)?;
    let old = builds::get(&app.db, actor.account, build)
        .await?
        .ok_or(RerunError::NotFound)?;
    if !old.state.is_finished() {
        return Err(RerunError::UnderWay);
    }
    let now = actor.at;
    let mut aftermath = Aftermath::default();
    let mut tx = app.db.begin().await?;
    let mut stored = builds::load_run(&mut tx, build)
        .await?
        .ok_or(RerunError::NotFound)?;
    if stored.run.steps.is_empty() {
        let made = make_anew(&mut tx, &old, &actor.name, now).await?;
        record(&mut tx, actor, "build.rerun", &old).await?;
        tx.commit().await?;
        aftermath.planned_for(old.repository_id);
        aftermath.moved(actor.account, made.0);
        aftermath.announce(app);
        return Ok(made);
    }
    let from = match what {
        WhatToRerun::All => RerunFrom::Step(0),
        WhatToRerun::Failed => RerunFrom::Failed,
        WhatToRerun::From(step) => RerunFrom::Step(step),
    };
    builds::reopen(&mut tx, build).await?;
    stored.context.started_at = None;
    match advance(
        app,
        &mut tx,
        &mut stored,
        BuildEvent::Rerun(from),
        None,
        now,
        &mut aftermath,
    )
    .await
    {
        Ok(()) => {}
        Err(AdvanceError::Refused(_)) => return Err(RerunError::Nothing),
        Err(AdvanceError::Store(error)) => return Err(error.into()),
    }
    record(&mut tx, actor, "build.rerun", &old).await?;
    tx.commit().await?;
    aftermath.announce(app);
    Ok((build, old.number))
}

async fn make_anew(
    tx: &mut pipewright_store::Tx,
    old: &Build,
    who: &str,
    now: pipewright_core::Timestamp,
) -> Result<(BuildId, i64), StoreError> {
    let new = NewBuild {
        id: BuildId::new(),
        account_id: old.account_id,
        application_id: old.application_id,
        ref_name: old.ref_name.clone(),
        commit: old.commit.clone(),
        previous: old.previous.clone(),
        trigger: old.trigger,
        detail: TriggerDetail {
            rerun_of: Some(old.number),
            ..old.detail.clone()
        },
        repeatable: true,
        event: None,
        delivery_id: None,
        started_by: Some(who.to_owned()),
        accepted_at: now,
        created_at: now,
    };
    Ok(match builds::create(tx, &new).await? {
        Created::New { number } => (new.id, number),
        Created::Existing { id, number } => (id, number),
    })
}
