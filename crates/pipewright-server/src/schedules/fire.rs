//! The loop that fires: a due time becomes a firing, and a firing a build.
//!
//! Two steps, because only the second needs the network. The first moves the schedule's next time on and stores the
//! firing, in one transaction: a due time is never lost, and never fired twice. The second asks Bitbucket where the branch
//! stands and makes the build, which the schedule and its due time make unique, in the transaction that removes the
//! firing. Either may be interrupted anywhere and is found again in the database. Of the times that passed while nobody
//! fired, the newest is fired, and the build says how many there were before it.

use std::time::Duration;

use futures_util::StreamExt as _;
use pipewright_core::TriggerKind;
use pipewright_core::ids::BuildId;
use pipewright_store::builds::{self, Created, NewBuild, ScheduleDetail, TriggerDetail};
use pipewright_store::schedules::{self, Firing, Settled};
use pipewright_store::{StoreError, Tx};
use tokio_util::sync::CancellationToken;

use super::cron::{Timing, shown_in};
use crate::app::App;
use crate::builds::{ManualBuildError, tip_of};
use crate::ground::{Aftermath, backoff, chain, sentence};
use crate::live::Part;

/// How often is looked whose time has come.
const LOOK: Duration = Duration::from_secs(1);

/// Schedules, and firings, taken up in one go.
const AT_ONCE: i64 = 100;

/// Repositories that are asked at the same time.
const SIDE_BY_SIDE: usize = 4;

/// How often making a build is tried before the due time is given up: with [`backoff`], for about ten minutes.
const TRIES: i64 = 9;

/// Fires until it is cancelled.
pub(crate) async fn run(app: App, cancel: CancellationToken) {
    let mut every = tokio::time::interval(LOOK);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = every.tick() => {}
        }
        let looked = tokio::select! {
            () = cancel.cancelled() => return,
            looked = look(&app) => looked,
        };
        let vitals = &app.live().vitals;
        match looked {
            Ok(()) => vitals.well(Part::Schedules),
            Err(error) => {
                let why = chain(&error);
                tracing::warn!(error = %why, "cannot look for schedules; trying again");
                vitals.unwell(Part::Schedules, why);
            }
        }
    }
}

/// Fires what is due, and makes the builds of what was fired.
pub(super) async fn look(app: &App) -> Result<(), StoreError> {
    fire_due(app).await?;
    let firings = schedules::firings(&app.db, app.clock.now(), AT_ONCE).await?;
    let made: Vec<Result<(), StoreError>> = futures_util::stream::iter(
        firings
            .into_iter()
            .map(|firing| async move { make_build(app, &firing).await }),
    )
    .buffer_unordered(SIDE_BY_SIDE)
    .collect()
    .await;
    made.into_iter().collect()
}

/// The first step.
async fn fire_due(app: &App) -> Result<(), StoreError> {
    let now = app.clock.now();
    for schedule in schedules::due(&app.db, now, AT_ONCE).await? {
        let Some(was) = schedule.next_at else {
            continue;
        };
        let mut tx = app.db.begin().await?;
        let fired = match Timing::read(&schedule.spec.cron, &schedule.spec.time_zone) {
            Ok(timing) => {
                let due = timing.due(was, now);
                schedules::fire(
                    &mut tx,
                    schedule.id,
                    was,
                    due.next,
                    Some((due.newest, due.missed)),
                    None,
                )
                .await?
            }
            // It could be read when it was saved: another version, or another list of time zones.
            Err(why) => {
                schedules::fire(
                    &mut tx,
                    schedule.id,
                    was,
                    None,
                    None,
                    Some(&format!("It no longer fires. {why}")),
                )
                .await?
            }
        };
        tx.commit().await?;
        tracing::debug!(schedule = %schedule.id, fired, "a schedule was due");
    }
    Ok(())
}

/// The second step.
async fn make_build(app: &App, firing: &Firing) -> Result<(), StoreError> {
    let schedule = &firing.schedule;
    match tip_of(app, firing.repository, &schedule.spec.ref_name).await {
        Ok(commit) => {
            let now = app.clock.now();
            let spec = &schedule.spec;
            let due = ScheduleDetail {
                id: schedule.id,
                due_at: firing.due_at,
                missed: firing.missed,
            };
            let new = NewBuild {
                id: BuildId::new(),
                account_id: schedule.account,
                application_id: schedule.application,
                ref_name: spec.ref_name.clone(),
                commit,
                previous: None,
                trigger: TriggerKind::Schedule,
                detail: TriggerDetail {
                    custom: spec.custom.clone(),
                    variables: spec.variables.clone(),
                    schedule: Some(due),
                    ..TriggerDetail::default()
                },
                repeatable: false,
                event: None,
                delivery_id: None,
                started_by: None,
                accepted_at: now,
                created_at: now,
            };
            let mut tx = app.db.begin().await?;
            let build = match builds::create(&mut tx, &new).await {
                Ok(Created::New { .. }) => new.id,
                Ok(Created::Existing { id, .. }) => id,
                // The application was deleted, and the firing with it.
                Err(StoreError::Missing { .. }) => return tx.rollback().await,
                Err(error) => return Err(error),
            };
            if !schedules::settle(&mut tx, schedule.id, firing.due_at, &Settled::Built(build))
                .await?
            {
                // Switched off, deleted, or made by another server meanwhile.
                return tx.rollback().await;
            }
            tx.commit().await?;
            let mut aftermath = Aftermath::default();
            aftermath.planned_for(firing.repository);
            aftermath.moved(schedule.account, build);
            aftermath.announce(app);
            Ok(())
        }
        Err(ManualBuildError::Store(error)) => Err(error),
        Err(error) => {
            let mut tx = app.db.begin().await?;
            not_made(app, &mut tx, firing, &error).await?;
            tx.commit().await
        }
    }
}

/// Tries it again where that may help; else the schedule shows why, and goes on at its next time.
async fn not_made(
    app: &App,
    tx: &mut Tx,
    firing: &Firing,
    error: &ManualBuildError,
) -> Result<(), StoreError> {
    let schedule = &firing.schedule;
    let due = shown_in(firing.due_at, &schedule.spec.time_zone);
    if error.is_retryable() && firing.tries + 1 < TRIES {
        let why = sentence(&format!(
            "no build could be made yet for {due}, and it is tried again: {error}"
        ));
        return schedules::retry(
            tx,
            schedule.id,
            firing.due_at,
            app.clock.now() + backoff(firing.tries),
            &why,
        )
        .await;
    }
    let why = sentence(&format!("no build was made for {due}: {error}"));
    tracing::info!(schedule = %schedule.id, why, "a due time made no build");
    schedules::settle(tx, schedule.id, firing.due_at, &Settled::NotBuilt(why))
        .await
        .map(drop)
}
