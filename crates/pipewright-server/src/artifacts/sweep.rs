//! The loop that removes artifacts whose time is over, and files that no row speaks of.

use std::time::{Duration, SystemTime};

use pipewright_core::ids::ArtifactId;
use pipewright_store::artifacts;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::live::Part;

/// How often is looked.
const EVERY: Duration = Duration::from_mins(10);

/// How old a file that no row speaks of must be: far older than any attempt takes from its upload to its report.
const ORPHAN_AGE: Duration = Duration::from_hours(24);

/// Removed in one go.
const AT_ONCE: i64 = 200;

/// Sweeps until it is cancelled.
pub(crate) async fn run(app: App, cancel: CancellationToken) {
    let mut every = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = every.tick() => {}
        }
        match look(&app).await {
            Ok((expired, orphans)) => {
                if expired + orphans > 0 {
                    tracing::info!(expired, orphans, "removed artifacts");
                }
                app.live().vitals.well(Part::Artifacts);
            }
            Err(error) => {
                let why = format!("{error:#}");
                tracing::warn!(error = why, "artifacts cannot be swept; trying again");
                app.live().vitals.unwell(Part::Artifacts, why);
            }
        }
    }
}

/// One look. Answers how many artifacts expired and how many files nobody knew.
pub(crate) async fn look(app: &App) -> anyhow::Result<(usize, usize)> {
    let mut expired = 0;
    loop {
        let now = app.clock.now();
        let old = artifacts::expired(&app.db, now, AT_ONCE).await?;
        if old.is_empty() {
            break;
        }
        for id in old {
            // The row first: were the process killed between the two, the file would be one that nobody knows.
            let mut tx = app.db.begin().await?;
            artifacts::set_removed(&mut tx, id, now).await?;
            tx.commit().await?;
            remove(app, id).await?;
            expired += 1;
        }
    }
    let blobs = app.blobs.clone();
    let before = SystemTime::UNIX_EPOCH
        + Duration::from_micros(
            u64::try_from((app.clock.now() - ORPHAN_AGE).as_micros()).unwrap_or_default(),
        );
    let old = tokio::task::spawn_blocking(move || blobs.older_than(before)).await??;
    let mut orphans = 0;
    for id in old {
        if !artifacts::is_known(&app.db, id).await? {
            remove(app, id).await?;
            orphans += 1;
        }
    }
    Ok((expired, orphans))
}

async fn remove(app: &App, id: ArtifactId) -> anyhow::Result<()> {
    let blobs = app.blobs.clone();
    tokio::task::spawn_blocking(move || blobs.remove(id)).await??;
    Ok(())
}
