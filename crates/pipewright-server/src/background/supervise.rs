//! One owner of everything that runs by itself: a part that ends, by an error or by a bug, is begun again with growing
//! pauses; one that the server cannot do without, and that keeps ending, ends the process.
//!
//! Nothing else in the server spawns: `cargo xtask tidy` refuses it, so that no loop can die unseen.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::live::{Part, Vitals};

/// The pause before a part is begun again; it doubles with each time.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// A part that ran for this long begins to count its ends anew.
const STEADY: Duration = Duration::from_mins(2);

/// How often a part that is needed may end in a row.
const ENDS_OF_A_NEEDED_PART: u32 = 6;

/// What is done with a part that ended though nobody asked it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    /// It is begun again, however often: the server is of use without it.
    Restart,
    /// The same, but one that ends again and again ends the process, whose own supervisor starts it anew.
    Needed,
}

/// A part at work. It ends by itself only where it cannot go on, and says why.
pub(crate) type Working = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// Owns the parts. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Supervisor {
    vitals: Arc<Vitals>,
    tracker: TaskTracker,
    /// Cancelled where the process must end, with the reason beside it.
    given_up: CancellationToken,
    reason: Arc<Mutex<Option<String>>>,
    first_pause: Duration,
}

impl Supervisor {
    pub(crate) fn new(vitals: Arc<Vitals>) -> Self {
        Self {
            vitals,
            tracker: TaskTracker::new(),
            given_up: CancellationToken::new(),
            reason: Arc::default(),
            first_pause: FIRST_PAUSE,
        }
    }

    /// Keeps a part at work until `cancel`, which the part watches as well. `begin` is called each time it begins.
    pub(crate) fn keep(
        &self,
        part: Part,
        policy: Policy,
        cancel: CancellationToken,
        begin: impl Fn() -> Working + Send + 'static,
    ) {
        let owner = self.clone();
        self.tracker.spawn(async move {
            let mut ends = 0;
            loop {
                owner.vitals.begins(part);
                let begun = Instant::now();
                let ended = AssertUnwindSafe(begin()).catch_unwind().await;
                if cancel.is_cancelled() {
                    owner.vitals.ends(part);
                    return;
                }
                let why = match ended {
                    Ok(Ok(())) => "it ended by itself, which is a bug".to_owned(),
                    Ok(Err(why)) => why,
                    Err(panic) => format!("it was ended by a bug: {}", words_of(&*panic)),
                };
                ends = if begun.elapsed() > STEADY {
                    1
                } else {
                    ends + 1
                };
                owner.vitals.unwell(part, why.clone());
                if policy == Policy::Needed && ends >= ENDS_OF_A_NEEDED_PART {
                    let sentence = format!("the server cannot continue {}: {why}", part.about());
                    tracing::error!(part = part.name(), ends, "{sentence}");
                    owner.give_up(sentence);
                    return;
                }
                let pause = pause(owner.first_pause, ends);
                tracing::error!(
                    part = part.name(),
                    ends,
                    why,
                    pause_ms = pause.as_millis() as u64,
                    "a part of the server ended; it begins again"
                );
                tokio::select! {
                    () = cancel.cancelled() => {
                        owner.vitals.ends(part);
                        return;
                    }
                    () = tokio::time::sleep(pause) => {}
                }
            }
        });
    }

    /// Asks for the end of the process, with this reason.
    pub(crate) fn give_up(&self, why: String) {
        self.reason
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(why);
        self.given_up.cancel();
    }

    /// Waits until the process must end, and says why. Never returns while all goes well.
    pub(crate) async fn gave_up(&self) -> String {
        self.given_up.cancelled().await;
        self.reason
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .unwrap_or_default()
    }

    /// Waits until every part has ended, which each does once its token is cancelled.
    pub(crate) async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// How long a part rests after it ended this often.
fn pause(first: Duration, ends: u32) -> Duration {
    first
        .saturating_mul(2_u32.saturating_pow(ends.saturating_sub(1).min(20)))
        .min(LONGEST_PAUSE)
}

/// What a panic said.
pub(crate) fn words_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it said nothing")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::{Duration, Instant};

    use tokio::sync::Notify;
    use tokio_util::sync::CancellationToken;

    use super::{FIRST_PAUSE, LONGEST_PAUSE, Policy, Supervisor, pause};
    use crate::live::{Part, Vitals};

    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_part_that_panics_begins_again_and_is_not_well_meanwhile() {
        let vitals = Arc::new(Vitals::default());
        let supervisor = Supervisor::new(Arc::clone(&vitals));
        let cancel = CancellationToken::new();
        let (begun, again) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
        let token = cancel.clone();
        supervisor.keep(Part::Comparison, Policy::Restart, cancel.clone(), {
            let (begun, again, vitals) =
                (Arc::clone(&begun), Arc::clone(&again), Arc::clone(&vitals));
            move || {
                let nth = begun.fetch_add(1, Ordering::SeqCst);
                let (again, vitals, token) =
                    (Arc::clone(&again), Arc::clone(&vitals), token.clone());
                Box::pin(async move {
                    assert!(nth > 0, "the first time is a bug");
                    let troubles = vitals.troubles(Instant::now());
                    assert!(troubles[0].why.contains("the first time is a bug"));
                    vitals.well(Part::Comparison);
                    again.notify_one();
                    token.cancelled().await;
                    Ok(())
                })
            }
        });
        tokio::time::timeout(PATIENCE, again.notified())
            .await
            .expect("begins again");
        assert_eq!(vitals.troubles(Instant::now()), [], "well again");
        assert_eq!(vitals.parts()[0].2, 1, "one restart");
        cancel.cancel();
        tokio::time::timeout(PATIENCE, supervisor.ended())
            .await
            .expect("ends");
        assert_eq!(vitals.parts(), []);
    }

    #[tokio::test]
    async fn a_needed_part_that_keeps_ending_ends_the_process() {
        let mut supervisor = Supervisor::new(Arc::default());
        supervisor.first_pause = Duration::from_millis(1);
        supervisor.keep(
            Part::Intake,
            Policy::Needed,
            CancellationToken::new(),
            || Box::pin(async { Err("no disk".to_owned()) }),
        );
        let why = tokio::time::timeout(PATIENCE, supervisor.gave_up())
            .await
            .expect("gives up");
        assert_eq!(
            why,
            "the server cannot continue storing webhook deliveries: no disk"
        );
    }

    #[test]
    fn pauses_grow_and_have_a_longest() {
        assert!(pause(FIRST_PAUSE, 1) < pause(FIRST_PAUSE, 2));
        assert_eq!(pause(FIRST_PAUSE, 1000), LONGEST_PAUSE);
    }
}
