//! Hints that something is worth looking at now: the one way in which a loop is woken. A hint that is lost costs a moment
//! and never a push: every loop also looks by itself.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::Reading;

/// Hints that name what to look at. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Hints<T> {
    sender: mpsc::Sender<T>,
    receiver: Arc<Reading<T>>,
}

impl<T> Hints<T> {
    pub(crate) fn new(size: usize) -> Self {
        let (sender, receiver) = mpsc::channel(size);
        Self {
            sender,
            receiver: Arc::new(Reading::new(receiver)),
        }
    }

    /// Gives a hint, or drops it where too many wait.
    pub(crate) fn give(&self, hint: T) {
        let _ = self.sender.try_send(hint);
    }

    /// For the loop that is hinted at; a loop that is begun again waits until the one before it has let go.
    pub(crate) async fn listen(&self) -> tokio::sync::MutexGuard<'_, mpsc::Receiver<T>> {
        self.receiver.lock().await
    }
}

/// Hints that name nothing: all of a kind is worth looking at. Any number of loops may listen. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Bell(watch::Sender<()>);

impl Bell {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    /// Wakes everybody who listens.
    pub(crate) fn ring(&self) {
        self.0.send_replace(());
    }

    /// Begins to listen. To be called before looking, so that what is rung between the look and the wait is heard.
    pub(crate) fn listen(&self) -> Listening {
        Listening(self.0.subscribe())
    }
}

/// Hears a [`Bell`] from when it was made.
#[derive(Debug)]
pub(crate) struct Listening(watch::Receiver<()>);

impl Listening {
    /// Waits until the bell was rung since this began to listen.
    pub(crate) async fn rung(mut self) {
        if self.0.changed().await.is_err() {
            // The bell is gone with the whole server, and its loops are told to stop another way.
            std::future::pending::<()>().await;
        }
    }
}

/// Hints whose reader may come and go between two of them.
#[derive(Debug, Clone)]
pub(crate) struct Mailbox<T> {
    sender: mpsc::Sender<T>,
    receiver: Arc<tokio::sync::Mutex<mpsc::Receiver<T>>>,
}

impl<T> Mailbox<T> {
    pub(crate) fn new(size: usize) -> Self {
        let (sender, receiver) = mpsc::channel(size);
        Self {
            sender,
            receiver: Arc::new(tokio::sync::Mutex::new(receiver)),
        }
    }

    /// Gives a hint, or drops it where too many wait.
    pub(crate) fn give(&self, hint: T) {
        let _ = self.sender.try_send(hint);
    }

    /// Waits for the next one. May be dropped and called again without losing any: receiving is cancel-safe, and the
    /// lock is held by the one reader only.
    pub(crate) async fn next(&self) -> T {
        match self.receiver.lock().await.recv().await {
            Some(hint) => hint,
            // Never, while `self` holds the sender.
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::Bell;

    #[test]
    fn what_is_rung_between_the_look_and_the_wait_is_heard() {
        let bell = Bell::new();
        bell.ring();
        let (one, two) = (bell.listen(), bell.listen());
        let early = bell.listen();
        assert!(
            early.rung().now_or_never().is_none(),
            "rung before it listened"
        );
        bell.ring();
        assert!(one.rung().now_or_never().is_some());
        assert!(two.rung().now_or_never().is_some(), "everybody hears it");
    }
}
