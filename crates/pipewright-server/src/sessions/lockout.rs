//! How long an e-mail address is locked out after failures to sign in. The rule alone; the store keeps the count.
//!
//! The fifth failure within a quarter of an hour locks for a minute, each further one twice as long, up to a quarter of
//! an hour: guessing becomes pointless, and nobody can be kept out of their account for good by a stranger.

use std::time::Duration;

use pipewright_core::Timestamp;

/// Failures older than this no longer count.
pub(super) const WINDOW: Duration = Duration::from_mins(15);

/// Failures that are let pass.
const FREE: i64 = 4;
/// The first lock.
const FIRST: Duration = Duration::from_mins(1);
/// The longest lock.
const LONGEST: Duration = Duration::from_mins(15);

/// How long to lock after this many failures; nothing for the first few.
pub(super) fn lock_after(failures: i64) -> Option<Duration> {
    let beyond = u32::try_from(failures - FREE - 1).ok()?;
    Some(FIRST.saturating_mul(1 << beyond.min(8)).min(LONGEST))
}

/// The sentence for whoever is locked out, and the seconds until then.
pub(crate) fn sentence(now: Timestamp, until: Timestamp) -> (String, u64) {
    let seconds = until.since(now).as_secs().max(1);
    let minutes = seconds.div_ceil(60);
    let minutes = if minutes == 1 {
        "1 minute".to_owned()
    } else {
        format!("{minutes} minutes")
    };
    let time: String = until.to_string().chars().skip(11).take(5).collect();
    (
        format!(
            "Too many failed attempts with this e-mail address. Try again in {minutes}, at {time} UTC."
        ),
        seconds,
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipewright_core::Timestamp;

    #[test]
    fn the_fifth_failure_locks_and_each_further_one_longer() {
        let minutes =
            |failures| super::lock_after(failures).map(|duration| duration.as_secs() / 60);
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
            "failures 1 to 11"
        );
        assert_eq!(minutes(1_000_000), Some(15));
    }

    #[test]
    fn the_sentence_says_how_long_and_until_when() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let (sentence, seconds) = super::sentence(now, now + Duration::from_secs(61));
        assert_eq!(
            sentence,
            "Too many failed attempts with this e-mail address. Try again in 2 minutes, at 08:01 UTC."
        );
        assert_eq!(seconds, 61);
    }
}
