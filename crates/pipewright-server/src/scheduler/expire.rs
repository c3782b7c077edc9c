//! Attempts whose runner is gone: their leases ran out, or their process died. Each is lost, and its step is queued again
//! or, lost too often, ends the build as errored.

use std::time::Duration;

use pipewright_core::build::AttemptOutcome;
use pipewright_core::ids::RunnerId;
use pipewright_store::StoreError;
use pipewright_store::attempts::{Ended, Held, expired, held_by};
use tokio_util::sync::CancellationToken;

use super::finish::{Which, finish};
use crate::app::App;

/// How often leases are looked at.
const EVERY: Duration = Duration::from_secs(5);

/// Ends what the embedded runner of this data directory held when its process died: nobody else can know so soon.
pub(crate) async fn end_left_over(app: &App, runner: RunnerId) -> Result<usize, StoreError> {
    let left = held_by(&app.db, runner).await?;
    for held in &left {
        let why = "The server stopped while this attempt ran. The step runs again.";
        lose(app, held, AttemptOutcome::Interrupted, why).await?;
    }
    Ok(left.len())
}

/// Ends attempts whose leases ran out, now and then, until it is cancelled.
pub(crate) async fn run(app: App, cancel: CancellationToken) {
    let mut every = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = every.tick() => {}
        }
        if let Err(error) = look(&app).await {
            tracing::warn!(error = %crate::tasks::chain(&error), "cannot look for lost attempts; trying again");
        }
    }
}

/// One look. Answers how many were lost.
pub(crate) async fn look(app: &App) -> Result<usize, StoreError> {
    let lost = expired(&app.db, app.clock.now(), 100).await?;
    for held in &lost {
        let why = "Contact with the runner was lost. The step runs again.";
        lose(app, held, AttemptOutcome::Lost, why).await?;
    }
    Ok(lost.len())
}

async fn lose(
    app: &App,
    held: &Held,
    outcome: AttemptOutcome,
    why: &str,
) -> Result<(), StoreError> {
    tracing::warn!(attempt = %held.id, build = %held.build_id, "an attempt is lost");
    let log = app.logs.clone();
    let attempt = held.id;
    // The log's length as its file has it; a log that cannot be read is no reason to keep the build waiting.
    let length = tokio::task::spawn_blocking(move || {
        log.writer(attempt).map(|log| (log.bytes(), log.lines()))
    })
    .await;
    let (log_bytes, log_lines) = length.ok().and_then(Result::ok).unwrap_or_default();
    let ended = Ended {
        log_bytes,
        log_lines,
        ..Ended::of(outcome, Some(why.to_owned()))
    };
    let which = Which {
        attempt: held.id,
        lease: held.lease,
        build: held.build_id,
        position: held.position,
        number: held.number,
    };
    finish(app, which, &ended, app.clock.now()).await?;
    app.live().growth.complete(held.id, log_bytes, log_lines);
    Ok(())
}
