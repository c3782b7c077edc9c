//! Deliveries for people: lists and one whole.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, DeliveryId, RepositoryId};
use uuid::Uuid;

use super::{DeliveryState, Origin};
use crate::db::Db;
use crate::error::StoreError;
use crate::page::PageStart;

/// The lines of a list that fit, up to where the page begins.
macro_rules! listing {
    () => {
        "SELECT d.id, d.repository_id, r.full_name, d.request_id, d.origin, d.event_key, d.attempt_number, d.received_at,
                d.state, d.tries, d.retry_at, d.decided_at, d.message
         FROM deliveries d JOIN repositories r ON r.id = d.repository_id
         WHERE d.account_id = $1
           AND (CAST($2 AS UUID) IS NULL OR d.repository_id = $2)
           AND (CAST($4 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM decisions c WHERE c.delivery_id = d.id AND c.outcome = $4)
                OR ($4 = 'failed' AND d.state = 'failed'))"
    };
}

statements! {
    LIST = same(concat!(
        listing!(),
        " AND (CAST($3 AS UUID) IS NULL OR d.id < $3) ORDER BY d.id DESC LIMIT $5"
    ));
    NEWER = same(concat!(listing!(), " AND d.id > $3 ORDER BY d.id LIMIT $5"));
    GET = same(
        "SELECT d.id, d.repository_id, r.full_name, d.webhook_id, d.request_id, COALESCE(d.event, d.request_id) AS event, d.origin, d.event_key, d.attempt_number, d.headers,
                d.body, d.received_at, d.state, d.tries, d.retry_at, d.decided_at, d.message
         FROM deliveries d JOIN repositories r ON r.id = d.repository_id
         WHERE d.account_id = $1 AND d.id = $2"
    );
}

/// Which deliveries to list.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Only those about this repository.
    pub repository: Option<RepositoryId>,
    /// Only those with a decision of this outcome (`built`, `duplicate`, `not_built`), or that `failed`.
    pub outcome: Option<String>,
    /// Where the page begins.
    pub from: PageStart<DeliveryId>,
}

/// One line of a list.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct DeliveryLine {
    /// Its id.
    #[sqlx(try_from = "Uuid")]
    pub id: DeliveryId,
    /// The repository it is about.
    #[sqlx(try_from = "Uuid")]
    pub repository_id: RepositoryId,
    /// That repository's name.
    pub full_name: String,
    /// Bitbucket's id of the request.
    pub request_id: String,
    /// Where it comes from.
    #[sqlx(try_from = "String")]
    pub origin: Origin,
    /// Bitbucket's name of the event.
    pub event_key: String,
    /// How often Bitbucket had tried, from 1.
    pub attempt_number: i64,
    /// When it came.
    #[sqlx(try_from = "i64")]
    pub received_at: Timestamp,
    /// Where it stands.
    #[sqlx(try_from = "String")]
    pub state: DeliveryState,
    /// How often deciding failed.
    pub tries: i64,
    /// When it is tried again.
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    pub retry_at: Option<Timestamp>,
    /// When it was decided.
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    pub decided_at: Option<Timestamp>,
    /// Why it waits or failed.
    pub message: Option<String>,
}

/// A whole delivery.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Delivery {
    /// Its id.
    #[sqlx(try_from = "Uuid")]
    pub id: DeliveryId,
    /// The repository it is about.
    #[sqlx(try_from = "Uuid")]
    pub repository_id: RepositoryId,
    /// That repository's name.
    pub full_name: String,
    /// The webhook it came by.
    pub webhook_id: Uuid,
    /// Bitbucket's id of the request.
    pub request_id: String,
    /// Which event at Bitbucket it tells of: what a repetition has in common with the first.
    pub event: String,
    /// Where it comes from.
    #[sqlx(try_from = "String")]
    pub origin: Origin,
    /// Bitbucket's name of the event.
    pub event_key: String,
    /// How often Bitbucket had tried, from 1.
    pub attempt_number: i64,
    /// The headers that were kept.
    #[sqlx(json)]
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Vec<u8>,
    /// When it came.
    #[sqlx(try_from = "i64")]
    pub received_at: Timestamp,
    /// Where it stands.
    #[sqlx(try_from = "String")]
    pub state: DeliveryState,
    /// How often deciding failed.
    pub tries: i64,
    /// When it is tried again.
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    pub retry_at: Option<Timestamp>,
    /// When it was decided.
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    pub decided_at: Option<Timestamp>,
    /// Why it waits or failed.
    pub message: Option<String>,
}

/// The account's deliveries, newest first, at most `limit`.
pub async fn list(
    db: &Db,
    account: AccountId,
    filter: &DeliveryFilter,
    limit: i64,
) -> Result<Vec<DeliveryLine>, StoreError> {
    let statement = match filter.from {
        PageStart::Newest | PageStart::OlderThan(_) => LIST,
        PageStart::NewerThan(_) => NEWER,
    };
    let found = read!(db, statement, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(filter.repository.map(RepositoryId::as_uuid))
        .bind(filter.from.edge().map(DeliveryId::as_uuid))
        .bind(filter.outcome.as_deref())
        .bind(limit)
        .fetch_all(executor)
        .await)?;
    Ok(filter.from.newest_first(found))
}

/// A delivery of the account; none where there is none or it is another account's.
pub async fn get(
    db: &Db,
    account: AccountId,
    id: DeliveryId,
) -> Result<Option<Delivery>, StoreError> {
    Ok(read!(db, GET, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(id.as_uuid())
        .fetch_optional(executor)
        .await)?)
}
