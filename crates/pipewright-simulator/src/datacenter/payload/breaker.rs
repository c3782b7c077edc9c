//! The circuit breaker: after five failures in a row a webhook is skipped for ten seconds, and longer after each
//! further failure. The ceiling is the library's two hours; the manual says ten.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

const FAILURES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const FACTOR: f64 = 1.2;
const LONGEST_PAUSE: Duration = Duration::from_hours(2);

/// What is remembered of one webhook's luck.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Breaker {
    failures: u32,
    closed_until: Option<Timestamp>,
}

impl Breaker {
    /// Whether a delivery may be sent.
    pub(super) fn admits(&self, now: Timestamp) -> bool {
        self.closed_until.is_none_or(|end| now >= end)
    }

    /// Learns how a delivery went.
    pub(super) fn attempted(&mut self, success: bool, now: Timestamp) {
        if success {
            *self = Self::default();
            return;
        }
        self.failures += 1;
        if let Some(further) = self.failures.checked_sub(FAILURES) {
            let pause = FIRST_PAUSE
                .mul_f64(FACTOR.powi(i32::try_from(further).unwrap_or(i32::MAX).min(100)));
            let pause =
                SignedDuration::try_from(pause.min(LONGEST_PAUSE)).unwrap_or(SignedDuration::ZERO);
            self.closed_until = now.checked_add(pause).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a date in range")
    }

    #[test]
    fn closes_after_five_failures_and_longer_after_more() {
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            breaker.attempted(false, at(0));
        }
        assert!(breaker.admits(at(0)));
        breaker.attempted(false, at(0));
        assert!(!breaker.admits(at(9)));
        assert!(breaker.admits(at(10)));
        breaker.attempted(false, at(10));
        assert!(!breaker.admits(at(21)));
        assert!(breaker.admits(at(22)));
        breaker.attempted(true, at(22));
        breaker.attempted(false, at(22));
        assert!(breaker.admits(at(22)));
    }

    #[test]
    fn never_closes_for_longer_than_two_hours() {
        let mut breaker = Breaker::default();
        for _ in 0..1000 {
            breaker.attempted(false, at(0));
        }
        assert!(breaker.admits(at(2 * 60 * 60)));
    }
}
