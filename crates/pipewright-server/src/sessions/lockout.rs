//! How many attempts to sign in are let pass, and how long the next one waits. The rule alone; the store keeps the counts.
//!
//! Attempts are counted when they are let pass, not when they fail: of a hundred at the same moment only the first few are
//! looked at. One that succeeds is taken back. The attempt that uses up what is free locks for a minute, each further one
//! twice as long, up to a quarter of an hour: guessing becomes pointless, and nobody is kept out for good by a stranger.

use std::time::Duration;

use pipewright_core::Timestamp;
use pipewright_store::sign_ins::Count;

use crate::web::format;

/// Attempts older than this no longer count.
pub(super) const WINDOW: Duration = Duration::from_mins(15);

/// The first lock.
const FIRST: Duration = Duration::from_mins(1);
/// The longest lock.
const LONGEST: Duration = Duration::from_mins(15);

/// What is counted, and how many attempts of it are free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    /// One address from one source, or from one browser that is known.
    Pair,
    /// Every address from one source.
    Source,
    /// One address from everywhere, but for known browsers.
    Address,
}

impl Counted {
    /// Attempts that are let pass before the first lock.
    const fn free(self) -> i64 {
        match self {
            Self::Pair => 5,
            Self::Source => 30,
            Self::Address => 100,
        }
    }
}

/// Until when attempts are refused; nothing where one may be made.
pub(super) fn locked(count: &Count, now: Timestamp) -> Option<Timestamp> {
    count
        .locked_until
        .map(Timestamp::from_micros)
        // A clock that was set back must not keep anybody out for longer than the longest lock.
        .map(|until| until.min(now + LONGEST))
        .filter(|until| *until > now)
}

/// What is counted once one more attempt is let pass.
pub(super) fn one_more(count: &Count, counted: Counted, now: Timestamp) -> Count {
    let failures = if now.since(count.last_at) > WINDOW {
        1
    } else {
        count.failures + 1
    };
    let beyond = u32::try_from(failures - counted.free()).ok();
    let lock = beyond.map(|beyond| FIRST.saturating_mul(1 << beyond.min(8)).min(LONGEST));
    Count {
        failures,
        last_at: now,
        locked_until: lock.map(|lock| (now + lock).as_micros()),
    }
}

/// What is counted once an attempt that was let pass has succeeded.
pub(super) fn one_less(count: &Count, counted: Counted) -> Count {
    let failures = (count.failures - 1).max(0);
    Count {
        failures,
        locked_until: count.locked_until.filter(|_| failures >= counted.free()),
        ..*count
    }
}

/// The sentence for whoever is locked out, and the seconds until then.
pub(crate) fn sentence(now: Timestamp, until: Timestamp) -> (String, u64) {
    let seconds = until.since(now).as_secs().max(1);
    let minutes = usize::try_from(seconds.div_ceil(60)).unwrap_or(usize::MAX);
    (
        format!(
            "Too many failed attempts. Try again in {}.",
            format::count(minutes, "minute")
        ),
        seconds,
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipewright_core::Timestamp;
    use pipewright_store::sign_ins::Count;

    use super::{Counted, locked, one_less, one_more};

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn after(attempts: usize) -> Count {
        let none = Count {
            failures: 0,
            last_at: NOW,
            locked_until: None,
        };
        (0..attempts).fold(none, |count, _| one_more(&count, Counted::Pair, NOW))
    }

    #[test]
    fn the_fifth_attempt_locks_and_each_further_one_longer() {
        let minutes =
            |attempts| locked(&after(attempts), NOW).map(|until| until.since(NOW).as_secs() / 60);
        let seen: Vec<_> = (1..=11).map(minutes).collect();
        assert_eq!(
            seen,
            [
                None,
                None,
                None,
                None,
                Some(1),
                Some(2),
                Some(4),
                Some(8),
                Some(15),
                Some(15),
                Some(15)
            ],
            "attempts 1 to 11"
        );
    }

    #[test]
    fn old_attempts_do_not_count_and_a_right_one_is_taken_back() {
        let later = NOW + Duration::from_mins(16);
        assert_eq!(one_more(&after(9), Counted::Pair, later).failures, 1);
        let fifth = after(5);
        assert!(locked(&fifth, NOW).is_some());
        let taken_back = one_less(&fifth, Counted::Pair);
        assert_eq!((taken_back.failures, locked(&taken_back, NOW)), (4, None));
        let beyond = Count {
            locked_until: Some((NOW + Duration::from_hours(99)).as_micros()),
            ..fifth
        };
        assert_eq!(
            locked(&beyond, NOW),
            Some(NOW + Duration::from_mins(15)),
            "the clock was set back"
        );
    }

    #[test]
    fn the_sentence_says_how_long() {
        let (sentence, seconds) = super::sentence(NOW, NOW + Duration::from_secs(61));
        assert_eq!(
            sentence,
            "Too many failed attempts. Try again in 2 minutes."
        );
        assert_eq!(seconds, 61);
    }
}
