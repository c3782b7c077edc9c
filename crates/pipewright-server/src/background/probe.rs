//! Looks whether the database can be read and written, so that health need not ask it while somebody waits. Whoever cannot
//! use it says so, and then it is looked at at once.

use std::time::Duration;

use pipewright_store::{StoreError, settings};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::ground::chain;
use crate::live::Part;

/// How often is read.
const READ_EVERY: Duration = Duration::from_secs(5);

/// How often is written: a disk that sleeps should not be woken for nothing.
const WRITE_EVERY: Duration = Duration::from_secs(30);

/// How often is tried while it fails.
const AGAIN: Duration = Duration::from_secs(1);

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The setting that is written.
const NAME: &str = "health.written";

/// Looks until it is cancelled.
pub(super) async fn run(app: App, cancel: CancellationToken) {
    let mut written: Option<Instant> = None;
    loop {
        let writes = written.is_none_or(|at| at.elapsed() >= WRITE_EVERY);
        let looked = tokio::select! {
            () = cancel.cancelled() => return,
            looked = tokio::time::timeout(PATIENCE, look(&app, writes)) => looked,
        };
        let why = match looked {
            Ok(Ok(())) => {
                if writes {
                    written = Some(Instant::now());
                }
                None
            }
            Ok(Err(error)) => Some(chain(&error)),
            Err(_) => Some(format!("it has not answered for {} s", PATIENCE.as_secs())),
        };
        let pause = if let Some(why) = why {
            tracing::warn!(error = why, "the database does not work; trying again");
            app.live().vitals.unwell(Part::Database, why);
            written = None;
            AGAIN
        } else {
            app.live().vitals.well(Part::Database);
            READ_EVERY
        };
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
            // Those who fail come in crowds.
            () = app.live().vitals.doubted(), if pause > AGAIN => written = None,
        }
    }
}

async fn look(app: &App, writes: bool) -> Result<(), StoreError> {
    settings::get(&app.db, NAME).await?;
    if writes {
        let mut tx = app.db.begin().await?;
        settings::put(&mut tx, NAME, b"", app.clock.now()).await?;
        tx.commit().await?;
    }
    Ok(())
}
