//! Work in lanes: one thing at a time for one key, in order, and many keys side by side.
//!
//! Deliveries and plans have a lane a repository, statuses one an integration. A lane looks at stored state, moves one
//! unit one step, and looks again; it can be ended anywhere. Hints start a lane at once; a look at everything now and then
//! finds what a hint missed. A unit whose handling panics is given to [`Lane::panicked`]: a bug costs one unit.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use pipewright_store::StoreError;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::ground::Lane;
use crate::live::{Hints, Vitals};

/// How often everything is looked at without a hint.
const LOOK: Duration = Duration::from_secs(1);

/// How long a lane pauses after the database failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Moves everything until it is cancelled, then lets each lane end its step.
pub(crate) async fn run<L: Lane>(
    lane: Arc<L>,
    hints: Hints<L::Key>,
    vitals: Arc<Vitals>,
    cancel: CancellationToken,
) {
    let mut hints = tokio::select! {
        () = cancel.cancelled() => return,
        hints = hints.listen() => hints,
    };
    let mut active: HashMap<L::Key, bool> = HashMap::new();
    let mut queue: VecDeque<L::Key> = VecDeque::new();
    let mut workers: JoinSet<L::Key> = JoinSet::new();
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        while workers.len() < L::SIDE_BY_SIDE
            && let Some(key) = queue.pop_front()
        {
            if let Some(again) = active.get_mut(&key) {
                // It moves already, and looks again when it thinks that it is done.
                *again = true;
            } else {
                active.insert(key, false);
                workers.spawn(follow(
                    Arc::clone(&lane),
                    key,
                    Arc::clone(&vitals),
                    cancel.clone(),
                ));
            }
        }
        let look_at_all = tokio::select! {
            () = cancel.cancelled() => break,
            Some(key) = hints.recv(), if queue.len() < 10_000 => { queue.push_back(key); false }
            _ = look.tick() => true,
            Some(done) = workers.join_next() => {
                match done {
                    Ok(key) => if active.remove(&key).unwrap_or(false) { queue.push_back(key) },
                    // A lane itself never panics, but were it to, its key must not stay taken.
                    Err(error) => { tracing::error!(lane = L::PART.name(), %error, "a lane ended by a bug"); active.clear(); }
                }
                false
            }
        };
        if look_at_all {
            match lane.waiting(256).await {
                Ok(keys) => {
                    vitals.well(L::PART);
                    queue.extend(keys.into_iter().filter(|key| !active.contains_key(key)));
                }
                Err(error) => {
                    let why = crate::ground::chain(&error);
                    tracing::warn!(lane = L::PART.name(), error = %why, "cannot look for work; trying again");
                    vitals.unwell(L::PART, why);
                }
            }
        }
    }
    while workers.join_next().await.is_some() {}
}

/// Moves one lane until nothing is next.
async fn follow<L: Lane>(
    lane: Arc<L>,
    key: L::Key,
    vitals: Arc<Vitals>,
    cancel: CancellationToken,
) -> L::Key {
    while !cancel.is_cancelled() {
        let moved = match lane.next(key).await {
            Ok(None) => break,
            Ok(Some(unit)) => guarded(&lane, unit).await,
            Err(error) => Err(error),
        };
        if let Err(error) = moved {
            let why = crate::ground::chain(&error);
            tracing::warn!(lane = L::PART.name(), ?key, error = %why, "a step failed; trying again");
            if error.is_unavailable() {
                vitals.doubt_database(why);
            }
            tokio::select! {
                () = cancel.cancelled() => break,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }
    key
}

/// One step, in a task of its own, so that a panic ends only it.
async fn guarded<L: Lane>(lane: &Arc<L>, unit: L::Unit) -> Result<(), StoreError> {
    let id = L::id(&unit);
    let worker = Arc::clone(lane);
    match tokio::spawn(async move { worker.step(unit).await }).await {
        Ok(result) => result,
        Err(error) => {
            tracing::error!(lane = L::PART.name(), unit = ?id, %error, "a step was ended by a bug");
            lane.panicked(id).await
        }
    }
}
