//! The way in for deliveries: each request hands its delivery over here and waits until it is stored.
//!
//! The queue is bounded; a request that finds it full waits for a place, and is refused after [`PATIENCE`]. Who stores is
//! `deliveries::receive`.

use std::sync::Arc;
use std::time::Duration;

use pipewright_store::deliveries::NewDelivery;
use tokio::sync::{mpsc, oneshot};

use super::Reading;

/// Deliveries that wait to be stored at most.
const QUEUE: usize = 1024;

/// How long a request waits for its place and for its commit, together: far below Bitbucket's ten seconds, so that whoever
/// sends knows soon that it must send again.
const PATIENCE: Duration = Duration::from_millis(1800);

/// A delivery was not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IntakeError {
    /// The database could not keep up.
    #[error("the database did not store it in time; send the delivery again in a minute")]
    Full,
    /// The server is going down.
    #[error("the server is shutting down; send the delivery again in a minute")]
    Closed,
    /// The row was refused: its webhook, repository or account was removed meanwhile.
    #[error("the delivery could not be stored: {0}")]
    Refused(String),
}

/// A delivery, and where its request waits for the answer.
pub(crate) type Waiting = (NewDelivery, oneshot::Sender<Result<bool, IntakeError>>);

/// The way in. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Intake {
    sender: mpsc::Sender<Waiting>,
    receiver: Arc<Reading<Waiting>>,
}

impl Intake {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        Self {
            sender,
            receiver: Arc::new(Reading::new(receiver)),
        }
    }

    /// Stores a delivery and answers once it is durable: true if it is new, false if it was stored before.
    pub(crate) async fn store(&self, delivery: NewDelivery) -> Result<bool, IntakeError> {
        let (answer, answered) = oneshot::channel();
        let stored = async {
            self.sender
                .send((delivery, answer))
                .await
                .map_err(|_| IntakeError::Closed)?;
            answered.await.map_err(|_| IntakeError::Closed)?
        };
        tokio::time::timeout(PATIENCE, stored)
            .await
            .unwrap_or(Err(IntakeError::Full))
    }

    /// For the loop that stores; one that is begun again waits until the one before it has let go.
    pub(crate) async fn listen(&self) -> tokio::sync::MutexGuard<'_, mpsc::Receiver<Waiting>> {
        self.receiver.lock().await
    }
}
