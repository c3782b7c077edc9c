//! Hints that one thing is worth looking at now. A hint that is lost costs a moment: every loop also looks by itself.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::Reading;

/// Hints of one kind. Cheap to clone.
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
