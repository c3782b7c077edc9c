//! Deliveries that wait for their decisions.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, DeliveryId, RepositoryId};
use uuid::Uuid;

use super::{DeliveryState, Origin};
use crate::columns::too_far;
use crate::db::{Db, Tx};
use crate::error::StoreError;

statements! {
    // The oldest of a repository alone is of interest: while it waits to be tried again, the others wait behind it.
    // Split: SQLite would go through every delivery there ever was in the order that is asked for, were it not told to sort.
    REPOSITORIES = split(
        "SELECT d.repository_id FROM deliveries d
         WHERE d.state = 'received' AND (d.retry_at IS NULL OR d.retry_at <= $1 OR d.retry_at > $3)
           AND NOT EXISTS (SELECT 1 FROM deliveries older
                           WHERE older.repository_id = d.repository_id AND older.state = 'received' AND older.id < d.id)
         ORDER BY +d.id LIMIT $2",
        "SELECT d.repository_id FROM deliveries d
         WHERE d.state = 'received' AND (d.retry_at IS NULL OR d.retry_at <= $1 OR d.retry_at > $3)
           AND NOT EXISTS (SELECT 1 FROM deliveries older
                           WHERE older.repository_id = d.repository_id AND older.state = 'received' AND older.id < d.id)
         ORDER BY d.id LIMIT $2"
    );
    // Their sizes first: a body may be 25 MB.
    SIZES = same("SELECT id, CAST(LENGTH(body) AS BIGINT) AS bytes FROM deliveries WHERE repository_id = $1 AND state = 'received' ORDER BY id LIMIT $2");
    NEXT = same(
        "SELECT id, account_id, repository_id, webhook_id, COALESCE(event, request_id) AS event, attempt_number, origin, event_key, headers, body, received_at, tries, retry_at
         FROM deliveries WHERE repository_id = $1 AND state = 'received' AND id <= $2 ORDER BY id"
    );
    SETTLE = same("UPDATE deliveries SET state = $2, message = $3, decided_at = $4, retry_at = NULL WHERE id = $1 AND state = 'received'");
    RETRY = same("UPDATE deliveries SET tries = tries + 1, retry_at = $2, message = $3 WHERE id = $1 AND state = 'received'");
}

/// A delivery to be decided.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ToDecide {
    /// Its id.
    #[sqlx(try_from = "Uuid")]
    pub id: DeliveryId,
    /// Its account.
    #[sqlx(try_from = "Uuid")]
    pub account_id: AccountId,
    /// Its repository.
    #[sqlx(try_from = "Uuid")]
    pub repository_id: RepositoryId,
    /// The webhook it came by; the repository's id for one of our own.
    pub webhook_id: Uuid,
    /// Which event at Bitbucket it tells of: what a repetition has in common with the first.
    pub event: String,
    /// How often Bitbucket had tried, from 1.
    pub attempt_number: i64,
    /// Where it comes from.
    #[sqlx(try_from = "String")]
    pub origin: Origin,
    /// Bitbucket's name of the event.
    pub event_key: String,
    /// The headers that were kept.
    #[sqlx(json)]
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Vec<u8>,
    /// When it came.
    #[sqlx(try_from = "i64")]
    pub received_at: Timestamp,
    /// How often deciding failed so far.
    pub tries: i64,
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    retry_at: Option<Timestamp>,
}

/// Repositories whose oldest undecided delivery may be decided now, at most `limit`.
pub async fn repositories_to_decide(
    db: &Db,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<RepositoryId>, StoreError> {
    let rows: Vec<Uuid> = read!(db, REPOSITORIES, |executor, sql| sqlx::query_scalar(sql)
        .bind(now.as_micros())
        .bind(limit)
        .bind(too_far(now))
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(RepositoryId::from_uuid).collect())
}

/// The repository's oldest undecided deliveries, in order: at most `most`, and as many as have no more than `bytes` of bodies
/// together, but one at least. One that waits to be tried again ends them, so that there is none where it is the oldest.
pub async fn next(
    db: &Db,
    repository: RepositoryId,
    now: Timestamp,
    most: i64,
    bytes: i64,
) -> Result<Vec<ToDecide>, StoreError> {
    let sizes: Vec<(Uuid, i64)> = read!(db, SIZES, |executor, sql| sqlx::query_as(sql)
        .bind(repository.as_uuid())
        .bind(most)
        .fetch_all(executor)
        .await)?;
    let mut total = 0;
    let fits = sizes.iter().enumerate().take_while(|(index, (_, size))| {
        total += size;
        *index == 0 || total <= bytes
    });
    let Some((_, (last, _))) = fits.last() else {
        return Ok(Vec::new());
    };
    let rows: Vec<ToDecide> = read!(db, NEXT, |executor, sql| sqlx::query_as(sql)
        .bind(repository.as_uuid())
        .bind(last)
        .fetch_all(executor)
        .await)?;
    let is_due = |row: &ToDecide| {
        row.retry_at
            .is_none_or(|at| at <= now || at.as_micros() > too_far(now))
    };
    Ok(rows.into_iter().take_while(is_due).collect())
}

/// Ends a delivery's wait. False where it is decided already: then the caller must give its transaction up.
pub async fn settle(
    tx: &mut Tx,
    id: DeliveryId,
    state: DeliveryState,
    message: Option<&str>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let rows = within!(tx, SETTLE, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(state.as_str())
        .bind(message)
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Has a delivery tried again later, and counts the try.
pub async fn retry_later(
    tx: &mut Tx,
    id: DeliveryId,
    at: Timestamp,
    why: &str,
) -> Result<(), StoreError> {
    within!(tx, RETRY, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(at.as_micros())
        .bind(why)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}
