//! The loop that compares: everything at start, then each application when its time has come.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use pipewright_core::Timestamp;
use pipewright_core::ids::ApplicationId;
use pipewright_store::StoreError;
use pipewright_store::refs::{self, ToCompare};
use tokio_util::sync::CancellationToken;

use super::compare::{CompareError, compare};
use crate::app::App;
use crate::tasks::{backoff, chain};

/// How often is looked whose time has come.
const LOOK: Duration = Duration::from_secs(5);

/// Applications compared at the same time.
const SIDE_BY_SIDE: usize = 4;

/// Applications looked at in one go.
const AT_ONCE: i64 = 200;

/// Failures in a row, and when to try again.
type Failures = HashMap<ApplicationId, (i64, Timestamp)>;

/// Compares until it is cancelled.
pub(crate) async fn run(app: App, cancel: CancellationToken) {
    let mut failures = Failures::new();
    // Everything that was compared before this process began is due: what was pushed while nobody listened is found now.
    let begun = app.clock.now();
    let mut every = tokio::time::interval(LOOK);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = every.tick() => {}
        }
        let looked = tokio::select! {
            () = cancel.cancelled() => return,
            looked = look(&app, begun, &mut failures) => looked,
        };
        if let Err(error) = looked {
            tracing::warn!(error = %chain(&error), "cannot look for refs to compare; trying again");
        }
    }
}

async fn look(app: &App, begun: Timestamp, failures: &mut Failures) -> Result<(), StoreError> {
    let now = app.clock.now();
    let config = &app.config;
    let polled = (now - config.poll_refs_every).max(begun);
    let hooked = if config.webhooks_reach_us {
        (now - config.compare_refs_every).max(begun)
    } else {
        polled
    };
    // A moment before the beginning, so that what is compared at its very moment is not due again.
    let due = refs::due(
        &app.db,
        polled - Duration::from_micros(1),
        hooked - Duration::from_micros(1),
        AT_ONCE,
    )
    .await?;
    let due = due
        .into_iter()
        .filter(|of| failures.get(&of.id).is_none_or(|(_, again)| *again <= now));
    let compared: Vec<(ToCompare, Result<usize, CompareError>)> = futures_util::stream::iter(
        due.map(|of| async move { (of.clone(), compare(app, &of).await) }),
    )
    .buffer_unordered(SIDE_BY_SIDE)
    .collect()
    .await;
    for (of, result) in compared {
        match result {
            Ok(_) => {
                failures.remove(&of.id);
            }
            Err(CompareError::Store(error)) => return Err(error),
            Err(error) => {
                let (count, again) = failures.entry(of.id).or_insert((3, now));
                *count += 1;
                *again = app.clock.now() + backoff(*count);
                tracing::warn!(application = %of.id, error = %chain(&error), "refs cannot be compared; trying again later");
            }
        }
    }
    Ok(())
}
