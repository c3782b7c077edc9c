//! **Redeliver**: a person has a stored delivery decided once more.

use pipewright_core::Right;
use pipewright_core::ids::DeliveryId;
use pipewright_store::StoreError;
use pipewright_store::deliveries::{NewDelivery, Origin, get, insert};

use crate::app::App;
use crate::ground::{Actor, Denied, Failure, Kind};

/// A delivery was not delivered again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RedeliverError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is none, or it is another account's.
    #[error("there is no such delivery")]
    NotFound,
    /// Its body was kept long enough.
    #[error("the body of this delivery is no longer kept; push again, or run the branch by hand")]
    BodyGone,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for RedeliverError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(_) => Kind::Denied,
            Self::NotFound => Kind::NotFound,
            Self::BodyGone => Kind::Conflict,
            Self::Store(_) => Kind::Internal,
        }
    }
}

/// Stores the same body as a new delivery, which is decided like any other: what was built stays built once. Answers the
/// new delivery.
pub(crate) async fn redeliver(
    app: &App,
    actor: &Actor,
    delivery: DeliveryId,
) -> Result<DeliveryId, RedeliverError> {
    actor.require(Right::Build)?;
    let old = get(&app.db, actor.account, delivery)
        .await?
        .ok_or(RedeliverError::NotFound)?;
    if old.body.is_empty() {
        return Err(RedeliverError::BodyGone);
    }
    let id = DeliveryId::new();
    let new = NewDelivery {
        id,
        account_id: actor.account,
        repository_id: old.repository_id,
        webhook_id: old.webhook_id,
        request_id: format!("redelivery-{id}"),
        event: Some(old.event),
        origin: Origin::Redelivery,
        event_key: old.event_key,
        attempt_number: 1,
        headers: old.headers,
        body: old.body,
        received_at: actor.at,
    };
    let mut tx = app.db.begin().await?;
    insert(&mut tx, &new).await?;
    let detail = serde_json::json!({ "as": id.to_string() });
    actor
        .record(
            &mut tx,
            "delivery.redelivered",
            &delivery.to_string(),
            detail,
        )
        .await?;
    tx.commit().await?;
    app.live().decide.give(new.repository_id);
    Ok(id)
}
