//! How long work on a build took: the time in which at least one of its attempts had a runner. Waiting for a person, for a
//! lock or for a runner is not work. No I/O but the reading of the spans.

use std::collections::HashMap;
use std::time::Duration;

use pipewright_core::Timestamp;
use pipewright_core::ids::{ApplicationId, BuildId};
use pipewright_store::attempts::{self, Span};
use pipewright_store::{Db, StoreError};

/// When each of some builds was worked on.
#[derive(Debug, Default)]
pub(crate) struct Work(HashMap<BuildId, Vec<(Timestamp, Option<Timestamp>)>>);

impl Work {
    /// Reads it for these builds. The caller has reached them through their account.
    pub(crate) async fn of(db: &Db, builds: &[BuildId]) -> Result<Self, StoreError> {
        Ok(Self::in_spans(attempts::spans(db, builds).await?))
    }

    /// Reads it for the last builds of these applications, which the caller has reached through their account.
    pub(crate) async fn of_last(
        db: &Db,
        applications: &[ApplicationId],
    ) -> Result<Self, StoreError> {
        Ok(Self::in_spans(
            attempts::spans_of_last(db, applications).await?,
        ))
    }

    fn in_spans(spans: Vec<Span>) -> Self {
        let mut work = HashMap::<_, Vec<_>>::new();
        for span in spans {
            work.entry(span.build_id)
                .or_default()
                .push((span.claimed_at, span.finished_at));
        }
        Self(work)
    }

    /// How long this build was worked on until `now`; none where no attempt of it ever had a runner.
    pub(crate) fn took(&self, build: BuildId, now: Timestamp) -> Option<Duration> {
        self.0.get(&build).map(|spans| covered(spans, now))
    }
}

/// The time that spans cover together; what lies in several counts once. A span without an end goes on until `now`.
pub(crate) fn covered(spans: &[(Timestamp, Option<Timestamp>)], now: Timestamp) -> Duration {
    let mut spans: Vec<_> = spans
        .iter()
        .map(|(from, to)| (*from, to.unwrap_or(now)))
        .collect();
    spans.sort_unstable();
    let mut covered = Duration::ZERO;
    let mut until = Timestamp::from_micros(i64::MIN);
    for (from, to) in spans {
        covered += to.since(from.max(until));
        until = until.max(to);
    }
    covered
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipewright_core::Timestamp;

    use super::covered;

    #[test]
    fn what_is_covered_twice_counts_once_and_gaps_do_not_count() {
        let at = Timestamp::from_seconds;
        for (spans, seconds) in [
            (&[][..], 0),
            (&[(at(10), Some(at(20)))], 10),
            (&[(at(10), Some(at(20))), (at(12), Some(at(15)))], 10),
            (&[(at(15), Some(at(25))), (at(10), Some(at(20)))], 15),
            // A person was waited for from 20 to 90.
            (&[(at(10), Some(at(20))), (at(90), Some(at(95)))], 15),
            (&[(at(90), None)], 10),
            // The clock was set back in between.
            (&[(at(20), Some(at(10)))], 0),
        ] {
            assert_eq!(
                covered(spans, at(100)),
                Duration::from_secs(seconds),
                "{spans:?}"
            );
        }
    }
}
