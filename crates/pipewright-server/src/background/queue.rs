//! The loop that does [`Work`], with tries, and an end for what never works.

use std::time::Duration;

use pipewright_core::Timestamp;
use pipewright_store::StoreError;
use pipewright_store::tasks::{self, Task};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::ground::{Work, backoff, chain};
use crate::live::Part;

/// How long a task is this process's before another may take it over.
const LEASE: Duration = Duration::from_mins(10);

/// How often a task is tried before it is kept as failed.
const TRIES: i64 = 8;

/// How often is looked without a hint.
const LOOK: Duration = Duration::from_secs(2);

/// How long done tasks are kept.
const KEEP_DONE: Duration = Duration::from_hours(24);

/// Does what waits until it is cancelled.
pub(super) async fn run(app: App, cancel: CancellationToken) {
    let mut forgot_at: Option<Duration> = None;
    loop {
        // Registered before looking, so that a hint that comes meanwhile is not lost.
        let hint = app.live().tasks.listen();
        match next(&app).await {
            Ok(Some(task)) => {
                match settle(&app, task).await {
                    Ok(()) => app.live().vitals.well(Part::Tasks),
                    Err(error) => {
                        tracing::warn!(error = %chain(&error), "a task's end was not stored; it is done again");
                    }
                }
                if cancel.is_cancelled() {
                    return;
                }
                continue;
            }
            Ok(None) => app.live().vitals.well(Part::Tasks),
            Err(error) => {
                let why = chain(&error);
                tracing::warn!(error = %why, "cannot look for tasks; trying again");
                app.live().vitals.unwell(Part::Tasks, why);
            }
        }
        let now = app.clock.now();
        let elapsed = app.clock.elapsed();
        if forgot_at.is_none_or(|at| elapsed.saturating_sub(at) > Duration::from_hours(1)) {
            forgot_at = Some(elapsed);
            if let Err(error) = forget(&app, now).await {
                tracing::warn!(error = %chain(&error), "cannot remove done tasks; trying again in an hour");
            }
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = hint.rung() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

async fn next(app: &App) -> Result<Option<Task>, StoreError> {
    let mut tx = app.db.begin().await?;
    let task = tasks::claim(&mut tx, app.live().instance, app.clock.now(), LEASE).await?;
    tx.commit().await?;
    Ok(task)
}

async fn forget(app: &App, now: Timestamp) -> Result<(), StoreError> {
    let mut tx = app.db.begin().await?;
    tasks::forget_done(&mut tx, now - KEEP_DONE).await?;
    tx.commit().await
}

/// Does a task and stores how it ended. A panic is a failure like any other.
async fn settle(app: &App, task: Task) -> Result<(), StoreError> {
    let worker = app.clone();
    let payload = task.payload.clone();
    let done = match serde_json::from_value::<Work>(payload) {
        Ok(work) => tokio::spawn(async move { perform(&worker, work).await })
            .await
            .unwrap_or_else(|error| Err(format!("it was ended by a bug: {error}"))),
        Err(error) => Err(format!("its payload cannot be read: {error}")),
    };
    let now = app.clock.now();
    let owner = app.live().instance;
    let mut tx = app.db.begin().await?;
    match done {
        Ok(()) => tasks::done(&mut tx, task.id, owner, now).await?,
        Err(why) if task.tries >= TRIES => {
            tracing::error!(task = %task.id, kind = task.kind, why, "a task is given up");
            tasks::failed(&mut tx, task.id, owner, &why, now).await?
        }
        Err(why) => {
            tracing::warn!(task = %task.id, kind = task.kind, why, "a task failed; it is tried again");
            tasks::retry_later(&mut tx, task.id, owner, now + backoff(task.tries), &why).await?
        }
    };
    tx.commit().await
}

async fn perform(app: &App, work: Work) -> Result<(), String> {
    match work {
        Work::CompareRefs { application } => crate::comparison::compare_one(app, application)
            .await
            .map_err(|error| chain(&error)),
        Work::RefreshRepository { repository } => {
            crate::comparison::refresh_repository(app, repository)
                .await
                .map_err(|error| chain(&error))
        }
    }
}
