//! The loop that removes what was kept long enough, in batches so small that nobody waits for one, and then measures.

use std::time::Duration;

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, BuildId};
use pipewright_store::retention::{self, Removal};
use tokio_util::sync::CancellationToken;

use super::keep::keep_of;
use super::measure::measure;
use crate::app::App;
use crate::live::Part;

/// How often is looked.
const EVERY: Duration = Duration::from_hours(1);

/// The first look comes when a start is over with, and the next this soon where one failed.
const FIRST: Duration = Duration::from_mins(1);

/// Builds removed in one transaction: each takes its steps, attempts and statuses along.
const BUILDS: i64 = 20;

/// Other rows changed in one transaction.
const ROWS: i64 = 200;

/// Refs looked at for too many builds in one look.
const REFS: i64 = 1_000;

/// Between two batches, for whoever else wants to write.
const PAUSE: Duration = Duration::from_millis(20);

/// What a look removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Swept {
    /// Builds.
    pub(crate) builds: usize,
    /// Logs of builds that stay.
    pub(crate) logs: usize,
    /// Bodies of deliveries that stay.
    pub(crate) bodies: u64,
    /// Deliveries.
    pub(crate) deliveries: u64,
    /// Statuses.
    pub(crate) statuses: u64,
}

/// Sweeps until it is cancelled.
pub(crate) async fn run(app: App, cancel: CancellationToken) {
    app.live().vitals.well(Part::Retention);
    let mut pause = FIRST;
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            looked = look(&app) => match looked {
                Ok(swept) => {
                    if swept != Swept::default() {
                        tracing::info!(?swept, "removed what was kept long enough");
                    }
                    app.live().vitals.well(Part::Retention);
                    pause = EVERY;
                }
                Err(error) => {
                    let why = format!("{error:#}");
                    tracing::warn!(error = why, "what was kept long enough cannot be removed; trying again");
                    app.live().vitals.unwell(Part::Retention, why);
                    pause = FIRST;
                }
            },
        }
    }
}

/// One look at every account; then everything is measured.
pub(crate) async fn look(app: &App) -> anyhow::Result<Swept> {
    let mut swept = Swept::default();
    for account in retention::accounts(&app.db).await? {
        of_account(app, account, &mut swept).await?;
    }
    remove_files(app).await?;
    measure(app).await?;
    Ok(swept)
}

async fn of_account(app: &App, account: AccountId, swept: &mut Swept) -> anyhow::Result<()> {
    let (keep, _) = keep_of(app, account).await?;
    let now = app.clock.now();
    let before = |days: u32| now - Duration::from_hours(24) * days;
    loop {
        let old =
            retention::builds_before(&app.db, account, before(keep.builds_days), BUILDS).await?;
        if remove_builds(app, &old, swept).await? == 0 {
            break;
        }
    }
    let most = i64::from(keep.builds_per_ref);
    for (application, ref_name) in retention::crowded_refs(&app.db, account, most, REFS).await? {
        loop {
            let beyond =
                retention::builds_beyond(&app.db, application, &ref_name, most, BUILDS).await?;
            if remove_builds(app, &beyond, swept).await? == 0 {
                break;
            }
        }
    }
    loop {
        let mut tx = app.db.begin().await?;
        let logs =
            retention::remove_logs(&mut tx, account, before(keep.logs_days), now, ROWS).await?;
        tx.commit().await?;
        swept.logs += logs;
        if logs == 0 {
            break;
        }
        remove_files(app).await?;
    }
    // Deliveries go with the builds that they are of; only their bodies are large.
    let bodies = before(keep.bodies_days.min(keep.builds_days));
    swept.bodies += rows(app, account, Rows::Bodies, bodies).await?;
    let deliveries = before(keep.builds_days);
    swept.deliveries += rows(app, account, Rows::Deliveries, deliveries).await?;
    let statuses = before(keep.statuses_days);
    swept.statuses += rows(app, account, Rows::Statuses, statuses).await?;
    Ok(())
}

/// Rows without files.
#[derive(Debug, Clone, Copy)]
enum Rows {
    Bodies,
    Deliveries,
    Statuses,
}

/// Removes builds, and then their files; answers how many were there.
async fn remove_builds(app: &App, builds: &[BuildId], swept: &mut Swept) -> anyhow::Result<usize> {
    if builds.is_empty() {
        return Ok(0);
    }
    let mut tx = app.db.begin().await?;
    let mut removed = 0;
    for build in builds {
        removed += usize::from(retention::remove_build(&mut tx, *build).await?);
    }
    tx.commit().await?;
    swept.builds += removed;
    remove_files(app).await?;
    tokio::time::sleep(PAUSE).await;
    Ok(removed)
}

/// Changes rows from before a moment, batch by batch, until none is left; answers how many.
async fn rows(app: &App, account: AccountId, what: Rows, before: Timestamp) -> anyhow::Result<u64> {
    let mut all = 0;
    loop {
        let mut tx = app.db.begin().await?;
        let changed = match what {
            Rows::Bodies => retention::empty_bodies(&mut tx, account, before, ROWS).await?,
            Rows::Deliveries => {
                retention::remove_deliveries(&mut tx, account, before, ROWS).await?
            }
            Rows::Statuses => retention::remove_statuses(&mut tx, account, before, ROWS).await?,
        };
        tx.commit().await?;
        if changed == 0 {
            return Ok(all);
        }
        all += changed;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Removes the files that rows were removed of. One that cannot be removed is tried again by the next look.
async fn remove_files(app: &App) -> anyhow::Result<()> {
    loop {
        let waiting = retention::removals(&app.db, ROWS).await?;
        if waiting.is_empty() {
            return Ok(());
        }
        let (logs, blobs, list) = (app.logs.clone(), app.blobs.clone(), waiting.clone());
        tokio::task::spawn_blocking(move || {
            list.iter().try_for_each(|removal| match removal {
                Removal::Log(attempt) => logs.remove(*attempt),
                Removal::Artifact(artifact) => blobs.remove(*artifact),
            })
        })
        .await??;
        let mut tx = app.db.begin().await?;
        for removal in waiting {
            retention::removed(&mut tx, removal).await?;
        }
        tx.commit().await?;
    }
}
