//! **Redeliver**: a person has a stored delivery decided once more.

use pipewright_core::ids::{AccountId, DeliveryId};
use pipewright_store::StoreError;
use pipewright_store::deliveries::{NewDelivery, Origin, get, insert};

use crate::app::App;

/// A delivery was not delivered again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RedeliverError {
    /// There is none, or it is another account's.
    #[error("there is no such delivery")]
    NotFound,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Stores the same body as a new delivery, which is decided like any other: what was built stays built once. Answers the
/// new delivery.
pub(crate) async fn redeliver(
    app: &App,
    account: AccountId,
    delivery: DeliveryId,
) -> Result<DeliveryId, RedeliverError> {
    let old = get(&app.db, account, delivery)
        .await?
        .ok_or(RedeliverError::NotFound)?;
    let id = DeliveryId::new();
    let new = NewDelivery {
        id,
        account_id: account,
        repository_id: old.repository_id,
        webhook_id: old.webhook_id,
        request_id: format!("redelivery-{id}"),
        origin: Origin::Redelivery,
        event_key: old.event_key,
        attempt_number: 1,
        headers: old.headers,
        body: old.body,
        received_at: app.clock.now(),
    };
    let mut tx = app.db.begin().await?;
    insert(&mut tx, &new).await?;
    tx.commit().await?;
    app.live().decide.give(new.repository_id);
    Ok(id)
}
