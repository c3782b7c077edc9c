//! The places for connections, and who makes room where all are taken.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::activity::Activity;

/// How long to wait for the socket of a connection that makes room.
const ROOM: Duration = Duration::from_secs(1);

/// The connections that are open.
#[derive(Debug)]
pub(in crate::background) struct Connections {
    most: usize,
    open: Mutex<Open>,
    /// Cancelled to have every connection end with the answer it is at.
    pub(super) closing: CancellationToken,
    /// Their tasks.
    pub(super) tasks: TaskTracker,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    by_number: HashMap<u64, Arc<Activity>>,
}

/// A place that a connection has until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    connections: Arc<Connections>,
    number: u64,
    pub(super) activity: Arc<Activity>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().by_number.remove(&self.number);
        self.activity.closed.cancel();
    }
}

impl Connections {
    /// Room for `most` connections.
    pub(in crate::background) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            open: Mutex::default(),
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// A place for a new connection. Where all are taken, the connection that has been idle for the longest time is closed
    /// first; none where every one is at a request.
    pub(super) async fn place(self: &Arc<Self>) -> Option<Place> {
        loop {
            let oldest = {
                let mut open = self.lock();
                if open.by_number.len() < self.most {
                    let number = open.next;
                    open.next += 1;
                    let activity = Arc::new(Activity::new(Instant::now()));
                    open.by_number.insert(number, Arc::clone(&activity));
                    return Some(Place {
                        connections: Arc::clone(self),
                        number,
                        activity,
                    });
                }
                open.by_number
                    .values()
                    .filter_map(|activity| Some((activity.idle_since()?, activity)))
                    .min_by_key(|(since, _)| *since)
                    .map(|(_, activity)| Arc::clone(activity))
            }?;
            oldest.evicted.cancel();
            // Its file must be closed before another is opened.
            tokio::time::timeout(ROOM, oldest.closed.cancelled())
                .await
                .ok()?;
        }
    }

    /// Has every connection end with the answer it is at, and waits for that.
    pub(in crate::background) async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Connections;

    #[tokio::test]
    async fn the_longest_idle_makes_room_and_one_at_work_does_not() {
        let connections = Arc::new(Connections::new(2));
        let at_work = connections.place().await.expect("there is room");
        let request = at_work.activity.begins();
        let idle = connections.place().await.expect("there is room");
        let (evicted, activity) = (idle.activity.evicted.clone(), Arc::clone(&idle.activity));
        let closes = async {
            evicted.cancelled().await;
            drop(idle);
        };
        let (third, ()) = tokio::join!(connections.place(), closes);
        let third = third.expect("the idle one made room");
        assert!(activity.closed.is_cancelled() && !at_work.activity.evicted.is_cancelled());
        let other = third.activity.begins();
        assert!(
            connections.place().await.is_none(),
            "all are at work: nobody makes room"
        );
        drop((other, request));
    }
}
