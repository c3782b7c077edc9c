//! Stores deliveries, many to a commit.
//!
//! Each request hands its delivery over and waits until the commit that holds it is durable. While one commit is synced
//! to the disk, the next batch gathers: under load hundreds share a sync, alone none waits. The queue is bounded; a
//! request that finds it full waits for a place, and after [`PATIENCE`] is answered 503, which Cloud tries again (and what
//! Data Center drops then is found by comparing refs).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use pipewright_core::ids::WebhookId;
use pipewright_store::deliveries::NewDelivery;
use pipewright_store::{Db, StoreError};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::live::{NewsItem, Taken};

/// Deliveries that wait to be stored at most.
const QUEUE: usize = 1024;

/// Deliveries in one commit at most.
const BATCH: usize = 256;

/// How long a request waits for its place and for its commit, together: less than Bitbucket's ten seconds.
const PATIENCE: Duration = Duration::from_secs(8);

/// A delivery was not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IntakeError {
    /// The database could not keep up.
    #[error("more deliveries arrive than the database can store in {} s; the disk of the data directory is too slow", PATIENCE.as_secs())]
    Full,
    /// The server is going down.
    #[error("the server is going down; send the delivery again in a minute")]
    Closed,
    /// The row was refused: its webhook, repository or account was removed meanwhile.
    #[error("the delivery could not be stored: {0}")]
    Refused(String),
}

type Waiting = (NewDelivery, oneshot::Sender<Result<bool, IntakeError>>);

/// The way in. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Intake {
    sender: mpsc::Sender<Waiting>,
    receiver: Arc<Taken<Waiting>>,
}

impl Intake {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = Taken::channel(QUEUE);
        Self { sender, receiver }
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
}

/// Stores what comes in until it is cancelled, then what had come in.
pub(crate) async fn run(app: App, cancel: CancellationToken) {
    let Some(mut receiver) = app.live().intake.receiver.take() else {
        return;
    };
    let mut batch: Vec<Waiting> = Vec::with_capacity(BATCH);
    loop {
        let received = tokio::select! {
            biased;
            received = receiver.recv_many(&mut batch, BATCH) => received,
            () = cancel.cancelled() => {
                receiver.close();
                receiver.recv_many(&mut batch, BATCH).await
            }
        };
        if received == 0 {
            return;
        }
        store_batch(&app, &mut batch).await;
    }
}

async fn store_batch(app: &App, batch: &mut Vec<Waiting>) {
    let deliveries: Vec<&NewDelivery> = batch.iter().map(|(delivery, _)| delivery).collect();
    let results = match store(app, &deliveries).await {
        Ok(stored) => stored.into_iter().map(Ok).collect(),
        Err(error) => {
            // One row that cannot be stored must not take the others with it.
            tracing::warn!(error = %crate::tasks::chain(&error), count = batch.len(), "storing deliveries together failed; storing them one by one");
            let mut results = Vec::with_capacity(batch.len());
            for delivery in &deliveries {
                let stored = store(app, &[delivery]).await;
                results.push(
                    stored
                        .map(|stored| stored[0])
                        .map_err(|error| IntakeError::Refused(error.to_string())),
                );
            }
            results
        }
    };
    let mut touched = HashSet::new();
    for ((delivery, answer), result) in batch.drain(..).zip(results) {
        if matches!(result, Ok(true)) {
            if touched.insert(delivery.repository_id) {
                app.live().decide.give(delivery.repository_id);
            }
            app.live().news.tell(NewsItem::Delivery {
                account: delivery.account_id,
                delivery: delivery.id,
            });
        }
        // A request that went away meanwhile needs no answer.
        let _ = answer.send(result);
    }
}

/// One commit. Answers for each delivery whether it is new.
async fn store(app: &App, deliveries: &[&NewDelivery]) -> Result<Vec<bool>, StoreError> {
    let db: &Db = &app.db;
    let mut tx = db.begin().await?;
    let mut stored = Vec::with_capacity(deliveries.len());
    let mut hooks = HashSet::new();
    for delivery in deliveries {
        stored.push(pipewright_store::deliveries::insert(&mut tx, delivery).await?);
        if hooks.insert(delivery.webhook_id) {
            pipewright_store::deliveries::saw_delivery(
                &mut tx,
                WebhookId::from_uuid(delivery.webhook_id),
                delivery.received_at,
            )
            .await?;
        }
    }
    tx.commit().await?;
    Ok(stored)
}
