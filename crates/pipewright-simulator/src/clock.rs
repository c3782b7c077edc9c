//! The simulator's clock: the machine's, or one that tests move by hand.
//!
//! It decides what expires (tokens, codes, keys) and what stands in answers. Time limits of real requests (a webhook's
//! 10 seconds) run on the machine's clock, because the receiver lives there.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A clock shared by everything of one simulator. Clones are the same clock.
#[derive(Debug, Clone)]
pub struct SimClock {
    base: Base,
    ahead: Arc<Mutex<SignedDuration>>,
}

#[derive(Debug, Clone, Copy)]
enum Base {
    Machine,
    Fixed(Timestamp),
}

impl Default for SimClock {
    fn default() -> Self {
        Self::real()
    }
}

impl SimClock {
    /// The machine's clock, plus whatever it was advanced by.
    pub fn real() -> Self {
        Self {
            base: Base::Machine,
            ahead: Arc::default(),
        }
    }

    /// A clock that stands still until it is advanced.
    pub fn manual(start: Timestamp) -> Self {
        Self {
            base: Base::Fixed(start),
            ahead: Arc::default(),
        }
    }

    /// The instant it shows.
    pub fn now(&self) -> Timestamp {
        let base = match self.base {
            Base::Machine => Timestamp::now(),
            Base::Fixed(start) => start,
        };
        let ahead = *self
            .ahead
            .lock()
            .expect("cannot fail because no holder panics");
        base.saturating_add(ahead).unwrap_or(Timestamp::MAX)
    }

    /// Moves it forward.
    pub fn advance(&self, by: Duration) {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        let mut ahead = self
            .ahead
            .lock()
            .expect("cannot fail because no holder panics");
        *ahead = ahead.saturating_add(by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_advanced() {
        let clock = SimClock::manual(Timestamp::UNIX_EPOCH);
        let shared = clock.clone();
        shared.advance(Duration::from_secs(90));
        assert_eq!(
            clock.now(),
            Timestamp::from_second(90).expect("a valid instant")
        );
    }
}
