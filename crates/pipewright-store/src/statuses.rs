//! Statuses: what Bitbucket must be told of a commit. An outbox, sent in order per repository, commit and key.
//!
//! A row is made in the transaction that made it true, and is sent, replaced or given up later; it is never lost with a
//! process. Of one key only the oldest open row is ever offered for sending: the oldest by the database's own count, which
//! a clock that was set back does not disturb.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, BuildId, IntegrationId, RepositoryId};
use sqlx::types::Json;
use uuid::Uuid;

use crate::columns::too_far;
use crate::db::{Db, Tx};
use crate::error::StoreError;

words! {
    /// The state that Bitbucket is told.
    StatusState, "state of a status" {
        /// The build is queued or runs.
        InProgress = "in_progress",
        /// It passed.
        Successful = "successful",
        /// It failed, or could not be run.
        Failed = "failed",
        /// It was stopped, which is no failure.
        Stopped = "stopped",
    }
}

statements! {
    INSERT = same(
        "INSERT INTO statuses (id, build_id, integration_id, repository_id, commit_hash, status_key, state, payload, created_at, send_after, tries)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, 0)"
    );
    INTEGRATIONS = same(
        "SELECT DISTINCT integration_id FROM statuses
         WHERE sent_at IS NULL AND given_up_at IS NULL AND (send_after <= $1 OR send_after > $3) LIMIT $2"
    );
    NEXT = same(
        "SELECT s.id, s.build_id, s.integration_id, s.repository_id, s.commit_hash, s.status_key, s.state, s.payload, s.created_at, s.tries,
                r.account_id, r.remote_id, r.owner, r.slug
         FROM statuses s JOIN repositories r ON r.id = s.repository_id
         WHERE s.integration_id = $1 AND s.sent_at IS NULL AND s.given_up_at IS NULL AND (s.send_after <= $2 OR s.send_after > $3)
           AND NOT EXISTS (SELECT 1 FROM statuses older
                           WHERE older.repository_id = s.repository_id AND older.commit_hash = s.commit_hash AND older.status_key = s.status_key
                             AND older.sent_at IS NULL AND older.given_up_at IS NULL AND older.sequence < s.sequence)
         ORDER BY s.sequence LIMIT 1"
    );
    SENT = same("UPDATE statuses SET sent_at = $2, error = NULL WHERE id = $1 AND sent_at IS NULL");
    RETRY = same("UPDATE statuses SET tries = tries + 1, send_after = $2, error = $3 WHERE id = $1");
    GIVE_UP = same("UPDATE statuses SET given_up_at = $2, error = $3 WHERE id = $1 AND sent_at IS NULL");
    NEWER = same(
        "SELECT COUNT(*) FROM statuses newer JOIN statuses this ON this.id = $1
         WHERE newer.repository_id = this.repository_id AND newer.commit_hash = this.commit_hash AND newer.status_key = this.status_key
           AND newer.sent_at IS NULL AND newer.given_up_at IS NULL AND newer.sequence > this.sequence"
    );
    HOLD = same(
        "UPDATE statuses SET send_after = $2 WHERE integration_id = $1 AND sent_at IS NULL AND given_up_at IS NULL AND send_after < $2"
    );
    LET_GO = same(
        "UPDATE statuses SET send_after = $2 WHERE integration_id = $1 AND sent_at IS NULL AND given_up_at IS NULL AND send_after > $2"
    );
    OF_BUILD = same(
        "SELECT state, created_at, send_after, tries, sent_at, given_up_at, error FROM statuses WHERE build_id = $1 ORDER BY sequence"
    );
}

/// A status to be sent.
#[derive(Debug, Clone)]
pub struct NewStatus {
    /// The build it is about.
    pub build_id: BuildId,
    /// Whose credential sends it.
    pub integration_id: IntegrationId,
    /// The repository.
    pub repository_id: RepositoryId,
    /// The commit.
    pub commit: String,
    /// What it replaces the last status of.
    pub key: String,
    /// What to tell.
    pub state: StatusState,
    /// The rest of what to tell, opaque here.
    pub payload: serde_json::Value,
    /// Now.
    pub created_at: Timestamp,
}

/// A status whose turn it is.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ToSend {
    /// The row.
    pub id: Uuid,
    /// Its account.
    #[sqlx(try_from = "Uuid")]
    pub account_id: AccountId,
    /// The build it is about.
    #[sqlx(try_from = "Uuid")]
    pub build_id: BuildId,
    /// Whose credential sends it.
    #[sqlx(try_from = "Uuid")]
    pub integration_id: IntegrationId,
    /// The repository.
    #[sqlx(try_from = "Uuid")]
    pub repository_id: RepositoryId,
    /// The commit.
    pub commit_hash: String,
    /// What it replaces the last status of.
    pub status_key: String,
    /// What to tell.
    #[sqlx(try_from = "String")]
    pub state: StatusState,
    /// The rest of what to tell.
    #[sqlx(json)]
    pub payload: serde_json::Value,
    /// When it became true.
    #[sqlx(try_from = "i64")]
    pub created_at: Timestamp,
    /// How often sending failed.
    pub tries: i64,
    /// Bitbucket's id of the repository.
    pub remote_id: String,
    /// Workspace slug or project key.
    pub owner: String,
    /// The last part of the repository's address.
    pub slug: String,
}

/// What became of a status, for the build's page.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct StatusLine {
    /// What Bitbucket is told.
    #[sqlx(try_from = "String")]
    pub state: StatusState,
    /// When it became true.
    #[sqlx(try_from = "i64")]
    pub created_at: Timestamp,
    /// When it is tried next, while it is open.
    #[sqlx(try_from = "i64")]
    pub send_after: Timestamp,
    /// How often sending failed.
    pub tries: i64,
    /// When Bitbucket took it.
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    pub sent_at: Option<Timestamp>,
    /// When it was given up.
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    pub given_up_at: Option<Timestamp>,
    /// Why it was not sent.
    pub error: Option<String>,
}

/// Puts a status into the outbox.
pub async fn enqueue(tx: &mut Tx, new: &NewStatus) -> Result<(), StoreError> {
    within!(tx, INSERT, |executor, sql| sqlx::query(sql)
        .bind(Uuid::now_v7())
        .bind(new.build_id.as_uuid())
        .bind(new.integration_id.as_uuid())
        .bind(new.repository_id.as_uuid())
        .bind(new.commit.as_str())
        .bind(new.key.as_str())
        .bind(new.state.as_str())
        .bind(Json(&new.payload))
        .bind(new.created_at.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Integrations with a status that may be sent now, at most `limit`.
pub async fn integrations_to_tell(
    db: &Db,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<IntegrationId>, StoreError> {
    let rows: Vec<Uuid> = read!(db, INTEGRATIONS, |executor, sql| sqlx::query_scalar(sql)
        .bind(now.as_micros())
        .bind(limit)
        .bind(too_far(now))
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(IntegrationId::from_uuid).collect())
}

/// The integration's oldest status whose turn it is.
pub async fn next(
    db: &Db,
    integration: IntegrationId,
    now: Timestamp,
) -> Result<Option<ToSend>, StoreError> {
    Ok(read!(db, NEXT, |executor, sql| sqlx::query_as(sql)
        .bind(integration.as_uuid())
        .bind(now.as_micros())
        .bind(too_far(now))
        .fetch_optional(executor)
        .await)?)
}

/// Bitbucket took it.
pub async fn sent(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    within!(tx, SENT, |executor, sql| sqlx::query(sql)
        .bind(id)
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Has it sent again later, and counts the try.
pub async fn retry_later(
    tx: &mut Tx,
    id: Uuid,
    at: Timestamp,
    why: &str,
) -> Result<(), StoreError> {
    within!(tx, RETRY, |executor, sql| sqlx::query(sql)
        .bind(id)
        .bind(at.as_micros())
        .bind(why)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// It will not be sent.
pub async fn give_up(tx: &mut Tx, id: Uuid, why: &str, now: Timestamp) -> Result<(), StoreError> {
    within!(tx, GIVE_UP, |executor, sql| sqlx::query(sql)
        .bind(id)
        .bind(now.as_micros())
        .bind(why)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// True where a newer status of the same key waits, so that this one need not be told any more.
pub async fn is_replaced(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    let newer: i64 = within!(tx, NEWER, |executor, sql| sqlx::query_scalar(sql)
        .bind(id)
        .fetch_one(executor)
        .await)?;
    Ok(newer > 0)
}

/// Sends nothing with this integration's credential before a moment: Bitbucket asked us to wait.
pub async fn hold(
    tx: &mut Tx,
    integration: IntegrationId,
    until: Timestamp,
) -> Result<(), StoreError> {
    within!(tx, HOLD, |executor, sql| sqlx::query(sql)
        .bind(integration.as_uuid())
        .bind(until.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Sends everything that waits for this integration now: what it waited for has come.
pub async fn let_go(
    tx: &mut Tx,
    integration: IntegrationId,
    now: Timestamp,
) -> Result<(), StoreError> {
    within!(tx, LET_GO, |executor, sql| sqlx::query(sql)
        .bind(integration.as_uuid())
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// What became of a build's statuses, in order. The caller has reached the build through its account.
pub async fn of_build(db: &Db, build: BuildId) -> Result<Vec<StatusLine>, StoreError> {
    Ok(read!(db, OF_BUILD, |executor, sql| sqlx::query_as(sql)
        .bind(build.as_uuid())
        .fetch_all(executor)
        .await)?)
}

#[cfg(test)]
mod tests {
    use pipewright_core::Timestamp;

    use super::{NewStatus, StatusState};
    use crate::testing::on_each_database;
    use crate::testing_builds::{a_planned_build, an_application};

    #[test]
    fn statuses_of_one_key_leave_in_order_and_wait_together() {
        on_each_database(async |db| {
            let made = an_application(&db, "status").await;
            let now = Timestamp::from_seconds(400);
            let later = Timestamp::from_seconds(460);
            let mut tx = db.begin().await.expect("begins");
            let build = a_planned_build(&mut tx, made, "main", 'a').await;
            let integration = crate::builds::load_run(&mut tx, build)
                .await
                .expect("reads")
                .expect("a build")
                .context
                .integration_id;
            let status = |key: &str, state| NewStatus {
                build_id: build,
                integration_id: integration,
                repository_id: made.repository,
                commit: "a".repeat(40),
                key: key.to_owned(),
                state,
                payload: serde_json::json!({"name": "x"}),
                created_at: now,
            };
            for (key, state) in [
                ("one", StatusState::InProgress),
                ("one", StatusState::Successful),
                ("two", StatusState::InProgress),
            ] {
                super::enqueue(&mut tx, &status(key, state))
                    .await
                    .expect("enqueues");
            }
            tx.commit().await.expect("commits");
            assert_eq!(
                super::integrations_to_tell(&db, now, 5)
                    .await
                    .expect("reads"),
                [integration]
            );
            let first = super::next(&db, integration, now)
                .await
                .expect("reads")
                .expect("one");
            assert_eq!(
                (first.status_key.as_str(), first.state),
                ("one", StatusState::InProgress)
            );

            let mut tx = db.begin().await.expect("begins");
            super::retry_later(&mut tx, first.id, later, "503")
                .await
                .expect("waits");
            assert!(super::is_replaced(&mut tx, first.id).await.expect("reads"));
            tx.commit().await.expect("commits");
            let next = super::next(&db, integration, now)
                .await
                .expect("reads")
                .expect("one");
            assert_eq!(
                next.status_key, "two",
                "the final state of one waits behind its first"
            );

            let mut tx = db.begin().await.expect("begins");
            super::sent(&mut tx, next.id, now).await.expect("sends");
            super::hold(&mut tx, integration, later)
                .await
                .expect("waits");
            tx.commit().await.expect("commits");
            assert!(
                super::next(&db, integration, now)
                    .await
                    .expect("reads")
                    .is_none()
            );
            let mut tx = db.begin().await.expect("begins");
            super::let_go(&mut tx, integration, now)
                .await
                .expect("goes");
            assert!(
                super::next(&db, integration, now)
                    .await
                    .expect("reads")
                    .is_none(),
                "not before the commit"
            );
            tx.commit().await.expect("commits");
            let again = super::next(&db, integration, now)
                .await
                .expect("reads")
                .expect("one");
            assert_eq!((again.id, again.tries), (first.id, 1));
            let mut tx = db.begin().await.expect("begins");
            super::give_up(&mut tx, again.id, "replaced", later)
                .await
                .expect("gives up");
            tx.commit().await.expect("commits");
            let last = super::next(&db, integration, later)
                .await
                .expect("reads")
                .expect("one");
            assert_eq!(last.state, StatusState::Successful);
            assert_eq!(super::of_build(&db, build).await.expect("reads").len(), 3);
        });
    }

    #[test]
    fn a_clock_that_went_back_changes_no_order() {
        on_each_database(async |db| {
            let made = an_application(&db, "back").await;
            let mut tx = db.begin().await.expect("begins");
            let build = a_planned_build(&mut tx, made, "main", 'a').await;
            let integration = crate::builds::load_run(&mut tx, build)
                .await
                .expect("reads")
                .expect("a build")
                .context
                .integration_id;
            // Each earlier than the one before, by its clock and by its id.
            for (hour, state) in [(9, StatusState::InProgress), (8, StatusState::Successful)] {
                let status = NewStatus {
                    build_id: build,
                    integration_id: integration,
                    repository_id: made.repository,
                    commit: "a".repeat(40),
                    key: "one".to_owned(),
                    state,
                    payload: serde_json::json!({}),
                    created_at: Timestamp::from_seconds(hour * 3600),
                };
                super::enqueue(&mut tx, &status).await.expect("enqueues");
                let id = uuid::Uuid::from_u128(u128::try_from(hour).expect("an hour"));
                within!(tx, ANOTHER_ID, |executor, sql| sqlx::query(sql)
                    .bind(id)
                    .bind(state.as_str())
                    .execute(executor)
                    .await
                    .map(drop))
                .expect("an id of that hour");
            }
            tx.commit().await.expect("commits");
            let now = Timestamp::from_seconds(10 * 3600);
            let first = super::next(&db, integration, now)
                .await
                .expect("reads")
                .expect("one");
            assert_eq!(first.state, StatusState::InProgress);
            let mut tx = db.begin().await.expect("begins");
            assert!(super::is_replaced(&mut tx, first.id).await.expect("reads"));
            super::sent(&mut tx, first.id, now).await.expect("sends");
            tx.commit().await.expect("commits");
            let last = super::next(&db, integration, now)
                .await
                .expect("reads")
                .expect("one");
            assert_eq!(last.state, StatusState::Successful);
            let mut tx = db.begin().await.expect("begins");
            assert!(!super::is_replaced(&mut tx, last.id).await.expect("reads"));
        });
    }

    const ANOTHER_ID: crate::macros::Statement = {
        const TEXT: &str = "UPDATE statuses SET id = $1 WHERE state = $2";
        crate::macros::Statement {
            name: "ANOTHER_ID",
            sqlite: TEXT,
            postgres: TEXT,
        }
    };
}
