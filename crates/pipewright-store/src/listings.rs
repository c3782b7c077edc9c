//! Listings: when an integration's repositories were last listed, and whether that is under way.

use std::time::Duration;

use pipewright_core::Timestamp;
use pipewright_core::ids::IntegrationId;
use uuid::Uuid;

use crate::db::{Db, Tx};
use crate::error::StoreError;

words! {
    /// How the last listing went.
    ListingState, "state of a listing" {
        /// Somebody asked for one.
        Wanted = "wanted",
        /// It is under way.
        Refreshing = "refreshing",
        /// It is whole.
        Ready = "ready",
        /// It failed; what was listed before is kept.
        Failed = "failed",
    }
}

statements! {
    GET = same("SELECT * FROM listings WHERE integration_id = $1");
    WANT = same(
        "INSERT INTO listings (integration_id, state, started_at) VALUES ($1, 'wanted', $2)
         ON CONFLICT (integration_id) DO UPDATE SET state = 'wanted' WHERE listings.state <> 'refreshing'"
    );
    BEGIN = same(
        "INSERT INTO listings (integration_id, state, started_at) VALUES ($1, 'refreshing', $2)
         ON CONFLICT (integration_id) DO UPDATE SET state = 'refreshing', started_at = excluded.started_at
         WHERE listings.state <> 'refreshing' OR listings.started_at <= $3"
    );
    FINISH = same("UPDATE listings SET state = 'ready', error = NULL, finished_at = $3 WHERE integration_id = $1 AND started_at = $2");
    FAIL = same("UPDATE listings SET state = 'failed', error = $3 WHERE integration_id = $1 AND started_at = $2");
    DUE = same(
        "SELECT i.id FROM integrations i LEFT JOIN listings l ON l.integration_id = i.id
         WHERE i.state = 'connected' AND (l.started_at IS NULL OR l.started_at <= $1 OR l.state = 'wanted')
         ORDER BY i.id LIMIT 20"
    );
}

/// When an integration's repositories were last listed.
#[derive(Debug, Clone)]
pub struct Listing {
    /// How the last one went.
    pub state: ListingState,
    /// Why it failed.
    pub error: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When the last whole one ended; none where there never was one.
    pub finished_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(try_from = "String")]
    state: ListingState,
    error: Option<String>,
    started_at: i64,
    finished_at: Option<i64>,
}

/// The last listing, if there ever was one.
pub async fn get(db: &Db, integration: IntegrationId) -> Result<Option<Listing>, StoreError> {
    let row: Option<Row> = read!(db, GET, |executor, sql| sqlx::query_as(sql)
        .bind(integration.as_uuid())
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(|row| Listing {
        state: row.state,
        error: row.error,
        started_at: Timestamp::from_micros(row.started_at),
        finished_at: row.finished_at.map(Timestamp::from_micros),
    }))
}

/// Begins a listing. False where one is under way; one that takes longer than `limit` died with its process.
pub async fn begin(
    tx: &mut Tx,
    integration: IntegrationId,
    now: Timestamp,
    limit: Duration,
) -> Result<bool, StoreError> {
    let rows = within!(tx, BEGIN, |executor, sql| sqlx::query(sql)
        .bind(integration.as_uuid())
        .bind(now.as_micros())
        .bind((now - limit).as_micros())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Ends the listing that began at `started_at`; nothing happens where another began meanwhile.
pub async fn finish(
    tx: &mut Tx,
    integration: IntegrationId,
    started_at: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    within!(tx, FINISH, |executor, sql| sqlx::query(sql)
        .bind(integration.as_uuid())
        .bind(started_at.as_micros())
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Keeps why the listing that began at `started_at` failed.
pub async fn fail(
    tx: &mut Tx,
    integration: IntegrationId,
    started_at: Timestamp,
    error: &str,
) -> Result<(), StoreError> {
    within!(tx, FAIL, |executor, sql| sqlx::query(sql)
        .bind(integration.as_uuid())
        .bind(started_at.as_micros())
        .bind(error)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Asks for a listing; one that is under way is enough.
pub async fn want(
    tx: &mut Tx,
    integration: IntegrationId,
    now: Timestamp,
) -> Result<(), StoreError> {
    within!(tx, WANT, |executor, sql| sqlx::query(sql)
        .bind(integration.as_uuid())
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Connected integrations to be listed: those somebody asked for, and those whose last listing began at or before a
/// moment, or never. Twenty at most.
pub async fn due(db: &Db, moment: Timestamp) -> Result<Vec<IntegrationId>, StoreError> {
    let ids: Vec<Uuid> = read!(db, DUE, |executor, sql| sqlx::query_scalar(sql)
        .bind(moment.as_micros())
        .fetch_all(executor)
        .await)?;
    Ok(ids.into_iter().map(IntegrationId::from_uuid).collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipewright_core::Timestamp;

    use super::{ListingState, begin, due, fail, finish, get, want};
    use crate::integrations::testing::{an_account, an_integration};
    use crate::testing::on_each_database;

    #[test]
    fn one_listing_at_a_time_and_a_dead_one_is_replaced() {
        on_each_database(async |db| {
            let limit = Duration::from_mins(15);
            let start = Timestamp::from_seconds(10_000);
            let mut tx = db.begin().await.expect("begins");
            let (account, user) = an_account(&mut tx, "harbor").await;
            let integration = an_integration(&mut tx, account, user).await;
            want(&mut tx, integration, start).await.expect("asks");
            assert!(
                begin(&mut tx, integration, start, limit)
                    .await
                    .expect("begins")
            );
            want(&mut tx, integration, start)
                .await
                .expect("is under way");
            assert!(
                !begin(&mut tx, integration, start + Duration::from_secs(1), limit)
                    .await
                    .expect("is under way")
            );
            let later = start + limit;
            assert!(
                begin(&mut tx, integration, later, limit)
                    .await
                    .expect("takes over")
            );
            finish(&mut tx, integration, start, later)
                .await
                .expect("too late");
            tx.commit().await.expect("commits");
            assert_eq!(
                get(&db, integration)
                    .await
                    .expect("reads")
                    .expect("is there")
                    .state,
                ListingState::Refreshing
            );
            let mut tx = db.begin().await.expect("begins");
            finish(&mut tx, integration, later, later)
                .await
                .expect("ends");
            let again = later + Duration::from_mins(1);
            assert!(
                begin(&mut tx, integration, again, limit)
                    .await
                    .expect("begins")
            );
            fail(&mut tx, integration, again, "unreachable")
                .await
                .expect("fails");
            tx.commit().await.expect("commits");
            let listing = get(&db, integration)
                .await
                .expect("reads")
                .expect("is there");
            assert_eq!(
                (listing.state, listing.finished_at),
                (ListingState::Failed, Some(later))
            );
            assert_eq!(due(&db, again).await.expect("reads"), [integration]);
            assert!(due(&db, later).await.expect("reads").is_empty());
            let mut tx = db.begin().await.expect("begins");
            want(&mut tx, integration, again).await.expect("asks");
            tx.commit().await.expect("commits");
            assert_eq!(due(&db, later).await.expect("reads"), [integration]);
        });
    }
}
