//! What a connection does, and until when it may go on like this.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{HEAD, IDLE};

/// A connection, as those see it who decide over its place.
#[derive(Debug)]
pub(super) struct Activity {
    now: Mutex<Doing>,
    /// Cancelled to make room.
    pub(super) evicted: CancellationToken,
    /// Cancelled when its socket is closed.
    pub(super) closed: CancellationToken,
}

#[derive(Debug)]
struct Doing {
    /// Requests whose answers are not handed over whole.
    requests: usize,
    /// Since when there is none.
    idle_since: Instant,
    /// When the head of the next request began to arrive.
    head_since: Option<Instant>,
    /// Whether there was a request.
    answered: bool,
}

impl Activity {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            now: Mutex::new(Doing {
                requests: 0,
                idle_since: now,
                head_since: None,
                answered: false,
            }),
            evicted: CancellationToken::new(),
            closed: CancellationToken::new(),
        }
    }

    /// Bytes arrived.
    pub(super) fn heard(&self, now: Instant) {
        let mut doing = self.lock();
        if doing.requests == 0 {
            doing.head_since.get_or_insert(now);
        }
    }

    /// A request begins; it ends when what is returned is dropped.
    pub(super) fn begins(self: &Arc<Self>) -> Request {
        let mut doing = self.lock();
        doing.requests += 1;
        doing.head_since = None;
        doing.answered = true;
        Request(Arc::clone(self))
    }

    /// Whether it has been used for a request, and is at none now.
    pub(super) fn is_done(&self) -> bool {
        let doing = self.lock();
        doing.answered && doing.requests == 0
    }

    /// Since when no request is under way; none while one is.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let doing = self.lock();
        (doing.requests == 0).then_some(doing.idle_since)
    }

    /// When it is over if nothing happens; none while a request is under way.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let doing = self.lock();
        if doing.requests > 0 {
            return None;
        }
        Some(match doing.head_since {
            Some(since) => since + HEAD,
            None if doing.answered => doing.idle_since + IDLE,
            None => doing.idle_since + HEAD,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Doing> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Request(Arc<Activity>);

impl Drop for Request {
    fn drop(&mut self) {
        let mut doing = self.0.lock();
        doing.requests = doing.requests.saturating_sub(1);
        doing.idle_since = Instant::now();
        doing.head_since = None;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Activity, HEAD, IDLE};

    #[test]
    fn every_wait_has_an_end_but_for_our_own_answers() {
        let begun = Instant::now();
        let activity = Arc::new(Activity::new(begun));
        assert_eq!(activity.deadline(), Some(begun + HEAD), "says nothing");
        let heard = begun + Duration::from_secs(5);
        activity.heard(heard);
        activity.heard(heard + Duration::from_secs(4));
        assert_eq!(
            activity.deadline(),
            Some(heard + HEAD),
            "one byte at a time wins no time"
        );
        let first = activity.begins();
        let second = activity.begins();
        assert_eq!((activity.deadline(), activity.idle_since()), (None, None));
        drop(first);
        assert_eq!(activity.deadline(), None, "another is under way");
        drop(second);
        let idle = activity.idle_since().expect("nothing is under way");
        assert_eq!(
            activity.deadline(),
            Some(idle + IDLE),
            "is kept for a while"
        );
        activity.heard(idle);
        assert_eq!(activity.deadline(), Some(idle + HEAD));
    }
}
