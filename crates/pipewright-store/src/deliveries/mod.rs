//! Deliveries: what Bitbucket sent us, stored before it is answered, and decided afterwards.
//!
//! A delivery is unique per webhook and request id. It is decided once: every move away from `received` is conditional
//! on it still being there, so that of two servers exactly one decides it. Those of one repository are decided in the
//! order of their ids.

mod decide;
mod list;
mod targets;
mod troubled;

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, DeliveryId, RepositoryId};
use uuid::Uuid;

pub use decide::{ToDecide, next, repositories_to_decide, retry_later, settle};
pub use list::{Delivery, DeliveryFilter, DeliveryLine, get, list};
pub use targets::{
    DecideApplication, DecideRepository, HookTarget, applications_of, hook_by_path, repository,
    repository_of, saw_delivery,
};

pub use troubled::{Troubled, troubled};

use crate::db::Tx;
use crate::error::StoreError;

words! {
    /// Where a delivery comes from.
    Origin, "delivery's origin" {
        /// A webhook.
        Bitbucket = "bitbucket",
        /// A person pressed **Redeliver**.
        Redelivery = "redelivery",
        /// Refs were compared and differed.
        Comparison = "comparison",
    }
}

words! {
    /// Where a delivery stands.
    DeliveryState, "state of a delivery" {
        /// Stored; nothing is decided yet.
        Received = "received",
        /// Every change has its decision.
        Decided = "decided",
        /// It could not be decided; its message says why.
        Failed = "failed",
    }
}

/// A delivery to be stored.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// The account it belongs to.
    pub account_id: AccountId,
    /// The repository it is about.
    pub repository_id: RepositoryId,
    /// The webhook it came by; the repository's id for one that came by none.
    pub webhook_id: Uuid,
    /// What makes it unique in its webhook.
    pub request_id: String,
    /// The `request_id` of the first delivery that told of the same, where this one repeats it.
    pub event: Option<String>,
    /// Where it comes from.
    pub origin: Origin,
    /// Bitbucket's name of the event.
    pub event_key: String,
    /// How often Bitbucket had tried, from 1.
    pub attempt_number: i64,
    /// The headers worth keeping, in order.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Vec<u8>,
    /// When it came.
    pub received_at: Timestamp,
}

statements! {
    INSERT = same(
        "INSERT INTO deliveries (id, account_id, repository_id, webhook_id, request_id, origin, event_key, attempt_number, headers, body, received_at, event, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'received')
         ON CONFLICT (webhook_id, request_id) DO NOTHING"
    );
}

/// Stores a delivery. False where this webhook has stored this request before: nothing changes then.
pub async fn insert(tx: &mut Tx, new: &NewDelivery) -> Result<bool, StoreError> {
    let rows = within!(tx, INSERT, |executor, sql| sqlx::query(sql)
        .bind(new.id.as_uuid())
        .bind(new.account_id.as_uuid())
        .bind(new.repository_id.as_uuid())
        .bind(new.webhook_id)
        .bind(new.request_id.as_str())
        .bind(new.origin.as_str())
        .bind(new.event_key.as_str())
        .bind(new.attempt_number)
        .bind(sqlx::types::Json(&new.headers))
        .bind(new.body.as_slice())
        .bind(new.received_at.as_micros())
        .bind(new.event.as_deref())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

#[cfg(test)]
pub(crate) fn statements() -> impl Iterator<Item = &'static crate::macros::Statement> {
    [ALL, decide::ALL, list::ALL, targets::ALL, troubled::ALL]
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests;
