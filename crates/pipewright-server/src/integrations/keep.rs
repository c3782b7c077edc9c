//! What happens by itself: lists of repositories, inspections, checks of SSH keys, webhooks.
//!
//! Each kind has its own loop, because one may take minutes. What is due is in the database alone, so a loop can be ended
//! anywhere and run again; a hint only makes it look sooner.

use std::time::Duration;

use futures_util::StreamExt;
use pipewright_store::{StoreError, integrations};
use tokio_util::sync::CancellationToken;

use crate::access::check_key;
use crate::app::App;
use crate::live::Part;

/// How often a loop looks by itself.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// A key that Bitbucket does not know yet is tried again this often.
const FAILED_KEY_EVERY: Duration = Duration::from_mins(5);

/// Any other key is tried again this often.
const KEY_EVERY: Duration = Duration::from_hours(24);

/// How many keys are checked side by side.
const KEYS_AT_ONCE: usize = 4;

/// Looks, with `pass`, until it is told to stop.
pub(crate) async fn keep(
    app: App,
    stop: CancellationToken,
    part: Part,
    pass: impl AsyncFn(&App) -> Result<(), StoreError>,
) {
    loop {
        // Registered before looking, so that a hint that comes meanwhile is not lost.
        let hint = app.live().integrations.listen();
        tokio::select! {
            () = stop.cancelled() => return,
            result = pass(&app) => match result {
                Ok(()) => app.live().vitals.well(part),
                Err(error) => {
                    let why = crate::ground::chain(&error);
                    tracing::error!(part = part.name(), error = %why, "a look failed; it is tried again");
                    app.live().vitals.unwell(part, why);
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = hint.rung() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Checks the SSH keys that are due.
pub(crate) async fn check_due_keys(app: &App) -> Result<(), StoreError> {
    let now = app.clock.now();
    let due = integrations::to_check(&app.db, now - FAILED_KEY_EVERY, now - KEY_EVERY).await?;
    futures_util::stream::iter(due)
        .for_each_concurrent(KEYS_AT_ONCE, async |integration| {
            if let Err(error) = check_key(app, integration.id).await {
                tracing::warn!(integration.id = %integration.id, error = %error, "an SSH key could not be checked; it is tried again");
            }
        })
        .await;
    Ok(())
}
