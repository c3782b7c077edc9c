//! What the embedded runner held when an earlier process ended: what its keepers still run goes on where it was, everything
//! else is lost and queued again. Nobody else can know so soon.

use std::sync::{Arc, Mutex};

use pipewright_core::Secret;
use pipewright_core::ids::{AttemptId, RunnerId};
use pipewright_core::plan::Plan;
use pipewright_runner::runner::Resumed;
use pipewright_store::attempts::{self, Held, held_by};
use pipewright_store::builds::RunContext;
use pipewright_store::{StoreError, builds};
use uuid::Uuid;

use super::LEASE;
use super::assign::{AssignError, given_to};
use super::expire::lose;
use super::finish::Ending;
use super::hold::{Holding, Holdings};
use crate::app::App;
use crate::live::NewsItem;
use crate::ssh_keys::private_key;

/// Sorts what the runner held by whether it lives. Answers what goes on.
pub(super) async fn resume(
    app: &App,
    runner: RunnerId,
    holdings: &Holdings,
    living: &[(AttemptId, Uuid)],
) -> Result<Vec<Resumed>, StoreError> {
    let mut resumed = Vec::new();
    let mut lost = 0;
    for held in held_by(&app.db, runner).await? {
        let lives = living.contains(&(held.id, held.lease));
        let taken = if lives {
            take_up(app, holdings, &held).await?
        } else {
            None
        };
        if let Some(taken) = taken {
            resumed.push(taken);
        } else {
            lost += 1;
            lose(app, &held, Ending::ServerDied).await?;
        }
    }
    if !resumed.is_empty() || lost > 0 {
        tracing::info!(
            go_on = resumed.len(),
            run_again = lost,
            "attempts of the process before this one"
        );
    }
    Ok(resumed)
}

/// Holds an attempt anew; `None` where it cannot go on.
async fn take_up(
    app: &App,
    holdings: &Holdings,
    held: &Held,
) -> Result<Option<Resumed>, StoreError> {
    let logs = app.logs.clone();
    let attempt = held.id;
    let opened = tokio::task::spawn_blocking(move || logs.writer(attempt)).await;
    let log = match opened.map_err(std::io::Error::other).and_then(|log| log) {
        Ok(log) => log,
        Err(error) => {
            tracing::warn!(%attempt, %error, "a step cannot go on, because its log does not open");
            return Ok(None);
        }
    };
    let size = log.size();
    let mut tx = app.db.begin().await?;
    let stored = builds::load_run(&mut tx, held.build_id).await?;
    let until = app.clock.now() + LEASE;
    let is_ours = attempts::renew(&mut tx, attempt, held.lease, until, size).await?;
    tx.commit().await?;
    let (Some(stored), Some(_)) = (stored, is_ours) else {
        return Ok(None);
    };
    let Some(plan) = &stored.plan else {
        return Ok(None);
    };
    let masked = match masked(app, &stored.context, plan, held.position).await {
        Ok(masked) => masked,
        Err(error) => {
            tracing::warn!(%attempt, %error, "a step cannot go on, because its secrets do not open");
            return Ok(None);
        }
    };
    holdings.add(
        attempt,
        Holding {
            log: Arc::new(Mutex::new(Some(log))),
            size,
            ..Holding::new(
                held.lease,
                stored.context.account_id,
                held.build_id,
                held.position,
                held.number,
            )
        },
    );
    let live = app.live();
    live.beats.heard(attempt, app.clock.elapsed());
    live.growth.grew(attempt, size.stored, size.lines);
    live.news.tell(NewsItem::Build {
        account: stored.context.account_id,
        build: held.build_id,
    });
    Ok(Some(Resumed {
        attempt,
        lease: held.lease,
        log: size.stored,
        masked,
    }))
}

/// What must not appear in what is still to be written of its log.
async fn masked(
    app: &App,
    context: &RunContext,
    plan: &Plan,
    position: usize,
) -> Result<Vec<Secret>, AssignError> {
    let mut masked = given_to(app, context, plan, position).await?.secured;
    masked.extend(private_key(app, context.account_id, context.application_id).await?);
    Ok(masked)
}
