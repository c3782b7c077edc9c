//! The loop that compares: everything at start, then each application when its time has come.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::StreamExt as _;
use pipewright_core::ids::ApplicationId;
use pipewright_store::StoreError;
use pipewright_store::refs::{self, ToCompare};
use tokio_util::sync::CancellationToken;

use super::compare::{CompareError, compare};
use crate::app::App;
use crate::ground::{backoff, chain};
use crate::live::Part;

/// How often is looked whose time has come.
const LOOK: Duration = Duration::from_secs(5);

/// Applications compared at the same time.
const SIDE_BY_SIDE: usize = 4;

/// Applications looked at in one go.
const AT_ONCE: i64 = 200;

/// Failures in a row, and when to try again, by [`Clock::elapsed`](crate::Clock::elapsed).
type Failures = HashMap<ApplicationId, (i64, Duration)>;

/// What is left of the first round: everything, whatever the clock shows, because what was pushed while nobody listened must
/// be found now. None before it was read what there is.
type FirstRound = Option<HashSet<ApplicationId>>;

/// Compares until it is cancelled.
pub(crate) async fn run(app: App, cancel: CancellationToken) {
    let mut failures = Failures::new();
    let mut first: FirstRound = None;
    let mut every = tokio::time::interval(LOOK);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = every.tick() => {}
        }
        let looked = tokio::select! {
            () = cancel.cancelled() => return,
            looked = look(&app, &mut first, &mut failures) => looked,
        };
        let vitals = &app.live().vitals;
        match looked {
            Ok(()) => vitals.well(Part::Comparison),
            Err(error) => {
                let why = chain(&error);
                tracing::warn!(error = %why, "cannot look for refs to compare; trying again");
                vitals.unwell(Part::Comparison, why);
            }
        }
    }
}

/// What is to be compared now: what is left of the first round, and what was compared long enough ago.
async fn due(app: &App, first: &mut FirstRound) -> Result<Vec<ToCompare>, StoreError> {
    if first.as_ref().is_none_or(|left| !left.is_empty()) {
        let watched = refs::watched(&app.db).await?.into_iter();
        *first = Some(match first.take() {
            None => watched.collect(),
            // Some may have been deleted or disconnected meanwhile.
            Some(left) => watched.filter(|id| left.contains(id)).collect(),
        });
    }
    let now = app.clock.now();
    let config = &app.config;
    let polled = now - config.poll_refs_every;
    let hooked = if config.webhooks_reach_us {
        now - config.compare_refs_every
    } else {
        polled
    };
    // What is compared at this very moment is not due again.
    let instant = Duration::from_micros(1);
    let mut due = refs::due(&app.db, polled - instant, hooked - instant, now, AT_ONCE).await?;
    for id in first.iter().flatten() {
        if !due.iter().any(|of| of.id == *id)
            && let Some(of) = refs::one(&app.db, *id).await?
        {
            due.push(of);
        }
    }
    Ok(due)
}

async fn look(
    app: &App,
    first: &mut FirstRound,
    failures: &mut Failures,
) -> Result<(), StoreError> {
    let due = due(app, first).await?;
    let now = app.clock.elapsed();
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
                if let Some(left) = first {
                    left.remove(&of.id);
                }
            }
            Err(CompareError::Store(error)) => return Err(error),
            Err(error) => {
                let (count, again) = failures.entry(of.id).or_insert((3, now));
                *count += 1;
                *again = app.clock.elapsed() + backoff(*count);
                tracing::warn!(application = %of.id, error = %chain(&error), "refs cannot be compared; trying again later");
            }
        }
    }
    Ok(())
}
