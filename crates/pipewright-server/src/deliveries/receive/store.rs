//! Stores deliveries, many to a commit.
//!
//! Each request hands its delivery over and waits until the commit that holds it is durable. While one commit is synced
//! to the disk, the next batch gathers: under load hundreds share a sync, alone none waits. The queue is bounded; a
//! request that finds it full waits for a place, and after a few seconds is answered 503, which Cloud tries again (and what
//! Data Center drops then is found by comparing refs).

use std::collections::HashSet;

use pipewright_core::ids::WebhookId;
use pipewright_store::deliveries::NewDelivery;
use pipewright_store::{Db, StoreError};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::live::{IntakeError, NewsItem, Part, Waiting};

/// Deliveries in one commit at most.
const BATCH: usize = 256;

/// Stores what comes in until it is cancelled, then what had come in.
pub(crate) async fn run(app: App, cancel: CancellationToken) {
    let intake = app.live().intake.clone();
    let mut receiver = tokio::select! {
        () = cancel.cancelled() => return,
        receiver = intake.listen() => receiver,
    };
    app.live().vitals.well(Part::Intake);
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
    let results: Vec<_> = match store(app, &deliveries).await {
        Ok(stored) => stored.into_iter().map(Ok).collect(),
        // The next one would wait as long as this one did.
        Err(error) if error.is_unavailable() => {
            let why = crate::ground::chain(&error);
            tracing::warn!(error = %why, count = batch.len(), "deliveries cannot be stored now");
            app.live().vitals.doubt_database(why);
            batch.iter().map(|_| Err(IntakeError::Full)).collect()
        }
        Err(error) => {
            // One row that cannot be stored must not take the others with it.
            tracing::warn!(error = %crate::ground::chain(&error), count = batch.len(), "storing deliveries together failed; storing them one by one");
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
