//! Deliveries that could not be decided, and changes that were not told whole: what went wrong with an application's pushes.

use pipewright_core::Timestamp;
use pipewright_core::ids::{ApplicationId, DeliveryId, RepositoryId};
use uuid::Uuid;

use crate::db::Db;
use crate::error::StoreError;

statements! {
    FAILED = same(
        "SELECT id, received_at, COALESCE(message, '') AS sentence FROM deliveries
         WHERE repository_id = $1 AND state = 'failed' AND received_at >= $2 ORDER BY id DESC LIMIT $3"
    );
    INCOMPLETE = same(
        "SELECT d.delivery_id AS id, y.received_at, d.sentence
         FROM decisions d JOIN deliveries y ON y.id = d.delivery_id
         WHERE d.application_id = $1 AND d.reason IN ('unreadable', 'tag_unknown', 'tag_gone') AND y.received_at >= $2
         ORDER BY d.delivery_id DESC LIMIT $3"
    );
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Troubled {
    /// The delivery.
    #[sqlx(try_from = "Uuid")]
    pub id: DeliveryId,
    /// When it came.
    #[sqlx(try_from = "i64")]
    pub received_at: Timestamp,
    /// What went wrong, and what was done.
    pub sentence: String,
}

/// The newest of an application since a moment, newest first, at most `limit`.
pub async fn troubled(
    db: &Db,
    application: ApplicationId,
    repository: RepositoryId,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<Troubled>, StoreError> {
    let mut all: Vec<Troubled> = read!(db, FAILED, |executor, sql| sqlx::query_as(sql)
        .bind(repository.as_uuid())
        .bind(since.as_micros())
        .bind(limit)
        .fetch_all(executor)
        .await)?;
    let incomplete: Vec<Troubled> = read!(db, INCOMPLETE, |executor, sql| sqlx::query_as(sql)
        .bind(application.as_uuid())
        .bind(since.as_micros())
        .bind(limit)
        .fetch_all(executor)
        .await)?;
    all.extend(incomplete);
    all.sort_by_key(|one| std::cmp::Reverse(one.id));
    all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(all)
}
