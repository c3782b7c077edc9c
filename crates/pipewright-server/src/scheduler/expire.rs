//! Attempts whose runner is gone: it was silent for too long, or its process died. Each is lost, and its step is queued again
//! or, lost too often, ends the build as errored.
//!
//! A lease is judged by how long it was seen to stand still, on the clock that never jumps; the times that leases carry are
//! only compared with themselves. After a pause of our own, when nobody could have been heard, all are seen anew first: a lease
//! is never taken for our own silence.

use std::collections::HashMap;
use std::time::Duration;

use pipewright_core::Timestamp;
use pipewright_core::build::AttemptOutcome;
use pipewright_store::StoreError;
use pipewright_store::attempts::{Ended, Held, running};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::LEASE;
use super::finish::{Ending, Which, finish};
use crate::app::App;
use crate::live::{Beats, Part};

/// How often leases are looked at.
const EVERY: Duration = Duration::from_secs(5);

/// Between two looks that are further apart than this something held us up.
const HELD_UP: Duration = Duration::from_secs(12);

/// Attempts looked at in one go.
const AT_ONCE: i64 = 10_000;

/// What was seen of the leases, in looks before.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// What each lease said, and since when it says so.
    leases: HashMap<Uuid, (Timestamp, Duration)>,
    /// When was last looked.
    looked: Option<Duration>,
}

impl Seen {
    /// Takes a look at what runs; answers what was silent for longer than a lease.
    fn silent(&mut self, running: Vec<Held>, beats: &Beats, now: Duration) -> Vec<Held> {
        let held_up = self
            .looked
            .is_none_or(|looked| now.saturating_sub(looked) > HELD_UP);
        self.looked = Some(now);
        let mut leases = HashMap::with_capacity(running.len());
        let silent = running
            .into_iter()
            .filter(|held| {
                let since = match self.leases.get(&held.lease) {
                    Some((until, since)) if *until == held.until && !held_up => *since,
                    _ => now,
                };
                leases.insert(held.lease, (held.until, since));
                let heard = beats.last(held.id).map_or(since, |beat| beat.max(since));
                now.saturating_sub(heard) >= LEASE
            })
            .collect();
        self.leases = leases;
        silent
    }
}

/// Ends attempts whose leases ran out, now and then, until it is cancelled.
pub(crate) async fn run(app: App, cancel: CancellationToken) {
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut seen = Seen::default();
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = every.tick() => {}
        }
        let vitals = &app.live().vitals;
        match look(&app, &mut seen).await {
            Ok(_) => vitals.well(Part::Leases),
            Err(error) => {
                let why = crate::ground::chain(&error);
                tracing::warn!(error = %why, "cannot look for lost attempts; trying again");
                vitals.unwell(Part::Leases, why);
            }
        }
    }
}

/// One look. Answers how many were lost.
pub(crate) async fn look(app: &App, seen: &mut Seen) -> Result<usize, StoreError> {
    let running = running(&app.db, AT_ONCE).await?;
    let lost = seen.silent(running, &app.live().beats, app.clock.elapsed());
    for held in &lost {
        lose(app, held, Ending::Reported).await?;
    }
    Ok(lost.len())
}

/// Ends an attempt that nobody runs any more.
pub(super) async fn lose(app: &App, held: &Held, ending: Ending) -> Result<(), StoreError> {
    let (outcome, why) = match ending {
        Ending::ServerDied => (
            AttemptOutcome::Interrupted,
            "The server stopped while this attempt ran. The step runs again.",
        ),
        Ending::Reported => (
            AttemptOutcome::Lost,
            "Contact with the runner was lost. The step runs again.",
        ),
    };
    tracing::warn!(attempt = %held.id, build = %held.build_id, why, "an attempt is lost");
    let log = app.logs.clone();
    let attempt = held.id;
    // The log's length as its file has it; a log that cannot be read is no reason to keep the build waiting.
    let size = tokio::task::spawn_blocking(move || {
        let log = log.writer(attempt)?;
        log.make_last()?;
        Ok::<_, std::io::Error>(log.size())
    })
    .await;
    let size = size.ok().and_then(Result::ok).unwrap_or_default();
    let ended = Ended {
        log_bytes: size.printed,
        log_lines: size.lines,
        ..Ended::of(outcome, Some(why.to_owned()))
    };
    let which = Which {
        attempt: held.id,
        lease: held.lease,
        build: held.build_id,
        position: held.position,
        number: held.number,
    };
    finish(app, which, &ended, ending, app.clock.now()).await?;
    app.live().growth.complete(held.id, size.stored, size.lines);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipewright_core::Timestamp;
    use pipewright_core::ids::{AttemptId, BuildId};
    use pipewright_store::attempts::Held;
    use uuid::Uuid;

    use super::{EVERY, Seen};
    use crate::live::Beats;
    use crate::scheduler::LEASE;

    fn held(until: i64) -> Held {
        Held {
            id: AttemptId::new(),
            build_id: BuildId::new(),
            position: 0,
            number: 1,
            lease: Uuid::now_v7(),
            until: Timestamp::from_seconds(until),
        }
    }

    /// Looks every few seconds from `from` for `time`, at what `running` says; answers how many were silent in the end.
    fn watch(
        seen: &mut Seen,
        beats: &Beats,
        from: Duration,
        time: Duration,
        running: &Held,
    ) -> usize {
        let mut now = from;
        let mut silent = 0;
        while now <= from + time {
            silent = seen.silent(vec![running.clone()], beats, now).len();
            now += EVERY;
        }
        silent
    }

    #[test]
    fn a_lease_that_stands_still_is_lost_whatever_the_clock_shows() {
        let (mut seen, beats) = (Seen::default(), Beats::default());
        // Prolonged until tomorrow, or last year: only that it stands still counts.
        for until in [-31_000_000, 86_400] {
            let held = held(until);
            let begin = Duration::from_secs(1000);
            assert_eq!(
                watch(&mut seen, &beats, begin, LEASE.saturating_sub(EVERY), &held),
                0
            );
            assert_eq!(watch(&mut seen, &beats, begin + LEASE, EVERY, &held), 1);
        }
    }

    #[test]
    fn after_a_pause_of_our_own_leases_are_seen_anew_first() {
        let (mut seen, beats) = (Seen::default(), Beats::default());
        let held = held(0);
        let begin = Duration::from_secs(1000);
        assert_eq!(
            watch(&mut seen, &beats, begin, LEASE.saturating_sub(EVERY), &held),
            0
        );
        let later = begin + Duration::from_mins(1);
        assert_eq!(
            seen.silent(vec![held.clone()], &beats, later),
            [],
            "nobody could be heard meanwhile"
        );
        assert_eq!(watch(&mut seen, &beats, later + EVERY, LEASE, &held), 1);
    }

    #[test]
    fn what_runs_here_is_not_lost_because_the_database_could_not_be_told() {
        let (mut seen, beats) = (Seen::default(), Beats::default());
        let held = held(0);
        let mut now = Duration::from_secs(1000);
        for _ in 0..20 {
            beats.heard(held.id, now);
            assert_eq!(seen.silent(vec![held.clone()], &beats, now), []);
            now += EVERY;
        }
        // A word that the database takes minutes to hear is no silence.
        beats.speaks(held.id);
        for _ in 0..20 {
            now += EVERY;
            assert_eq!(seen.silent(vec![held.clone()], &beats, now), []);
        }
        beats.spoke(held.id, now);
        assert_eq!(seen.silent(vec![held.clone()], &beats, now), []);
        beats.forget(held.id);
        assert_eq!(seen.silent(vec![held], &beats, now).len(), 1);
    }
}
