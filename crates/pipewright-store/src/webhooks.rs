//! Webhooks: our registration at Bitbucket for a repository, at most one each.
//!
//! Its path is unguessable and its secret sealed; both stay the same when the registration is repaired, so that a
//! delivery that is under way still arrives and verifies.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, RepositoryId, WebhookId};
use uuid::Uuid;

use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::vault::Sealed;

words! {
    /// What we know of it at Bitbucket.
    WebhookState, "state of a webhook" {
        /// It was not registered yet, or has been removed again.
        Absent = "absent",
        /// It is as it should be.
        Present = "present",
        /// It was there and is not any more.
        Missing = "missing",
        /// It is there and not as it should be.
        Changed = "changed",
        /// Somebody switched it off.
        Paused = "paused",
        /// Bitbucket does not let us register it.
        Refused = "refused",
    }
}

statements! {
    OF_REPOSITORY = same("SELECT * FROM webhooks WHERE repository_id = $1");
    INSERT = same(
        "INSERT INTO webhooks (id, repository_id, account_id, path, secret_sealed, state, created_at)
         VALUES ($1, $2, $3, $4, $5, 'absent', $6)
         ON CONFLICT (repository_id) DO NOTHING"
    );
    SET_STATE = same("UPDATE webhooks SET state = $2, remote_id = $3, message = $4, checked_at = $5 WHERE id = $1");
    SET_ABSENT = same("UPDATE webhooks SET state = 'absent', remote_id = NULL, message = NULL, checked_at = NULL WHERE id = $1");
    REMOVE = same("DELETE FROM webhooks WHERE id = $1");
    TO_CHECK = same(
        "SELECT w.* FROM webhooks w
         JOIN repositories r ON r.id = w.repository_id JOIN integrations i ON i.id = r.integration_id
         WHERE i.state = 'connected' AND (w.checked_at IS NULL OR w.checked_at <= $2 OR (w.state = 'absent' AND w.checked_at <= $1))
             AND EXISTS (SELECT 1 FROM applications a WHERE a.repository_id = w.repository_id AND a.auto_build)
         ORDER BY w.checked_at NULLS FIRST, w.id LIMIT 50"
    );
    // What no application needs: a row without anything at Bitbucket stays while there is an application, for its path.
    TO_REMOVE = same(
        "SELECT w.* FROM webhooks w
         JOIN repositories r ON r.id = w.repository_id JOIN integrations i ON i.id = r.integration_id
         WHERE i.state = 'connected'
             AND NOT EXISTS (SELECT 1 FROM applications a WHERE a.repository_id = w.repository_id AND a.auto_build)
             AND (w.remote_id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM applications a WHERE a.repository_id = w.repository_id))
         ORDER BY w.id LIMIT 50"
    );
    OF_INTEGRATION = same(
        "SELECT w.* FROM webhooks w JOIN repositories r ON r.id = w.repository_id WHERE r.integration_id = $1 ORDER BY w.id"
    );
}

/// Our registration at Bitbucket for a repository.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Its id, which the secret is sealed for (`webhooks.secret:<id>`).
    pub id: WebhookId,
    /// Whose pushes it tells of.
    pub repository: RepositoryId,
    /// That repository's account.
    pub account: AccountId,
    /// The unguessable last part of its address.
    pub path: String,
    /// What deliveries are signed with, sealed.
    pub secret: Sealed,
    /// Bitbucket's id of it, once registered.
    pub remote_id: Option<String>,
    /// What we know of it at Bitbucket.
    pub state: WebhookState,
    /// A sentence about it: what is wrong and what to do.
    pub message: Option<String>,
    /// When it was last looked at.
    pub checked_at: Option<Timestamp>,
    /// When the last delivery came.
    pub last_delivery_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    repository_id: Uuid,
    account_id: Uuid,
    path: String,
    secret_sealed: Vec<u8>,
    remote_id: Option<String>,
    #[sqlx(try_from = "String")]
    state: WebhookState,
    message: Option<String>,
    checked_at: Option<i64>,
    last_delivery_at: Option<i64>,
    created_at: i64,
}

impl From<Row> for Webhook {
    fn from(row: Row) -> Self {
        Self {
            id: WebhookId::from_uuid(row.id),
            repository: RepositoryId::from_uuid(row.repository_id),
            account: AccountId::from_uuid(row.account_id),
            path: row.path,
            secret: Sealed::from(row.secret_sealed),
            remote_id: row.remote_id,
            state: row.state,
            message: row.message,
            checked_at: row.checked_at.map(Timestamp::from_micros),
            last_delivery_at: row.last_delivery_at.map(Timestamp::from_micros),
            created_at: Timestamp::from_micros(row.created_at),
        }
    }
}

/// A webhook to be made.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Its id, which the secret is sealed for.
    pub id: WebhookId,
    /// Whose pushes it tells of.
    pub repository: RepositoryId,
    /// That repository's account.
    pub account: AccountId,
    /// The unguessable last part of its address.
    pub path: String,
    /// What deliveries are signed with, sealed.
    pub secret: Sealed,
}

/// The repository's webhook.
pub async fn of_repository(
    db: &Db,
    repository: RepositoryId,
) -> Result<Option<Webhook>, StoreError> {
    let row: Option<Row> = read!(db, OF_REPOSITORY, |executor, sql| sqlx::query_as(sql)
        .bind(repository.as_uuid())
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(Webhook::from))
}

/// Every webhook of an integration's repositories.
pub async fn of_integration(
    db: &Db,
    integration: pipewright_core::ids::IntegrationId,
) -> Result<Vec<Webhook>, StoreError> {
    let rows: Vec<Row> = read!(db, OF_INTEGRATION, |executor, sql| sqlx::query_as(sql)
        .bind(integration.as_uuid())
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(Webhook::from).collect())
}

/// Webhooks that should be there and are to be looked at: those never looked at, those that could not be registered at or
/// before `absent`, and every other one that was looked at at or before `any`. Fifty at most.
pub async fn to_check(
    db: &Db,
    absent: Timestamp,
    any: Timestamp,
) -> Result<Vec<Webhook>, StoreError> {
    let rows: Vec<Row> = read!(db, TO_CHECK, |executor, sql| sqlx::query_as(sql)
        .bind(absent.as_micros())
        .bind(any.as_micros())
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(Webhook::from).collect())
}

/// Webhooks that no application needs any more; fifty at most.
pub async fn to_remove(db: &Db) -> Result<Vec<Webhook>, StoreError> {
    let rows: Vec<Row> = read!(db, TO_REMOVE, |executor, sql| sqlx::query_as(sql)
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(Webhook::from).collect())
}

/// Makes a webhook, or keeps the one that the repository has. True where it was made.
pub async fn insert(tx: &mut Tx, new: &NewWebhook, now: Timestamp) -> Result<bool, StoreError> {
    let rows = within!(tx, INSERT, |executor, sql| sqlx::query(sql)
        .bind(new.id.as_uuid())
        .bind(new.repository.as_uuid())
        .bind(new.account.as_uuid())
        .bind(&new.path)
        .bind(new.secret.as_bytes())
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Keeps what was found at Bitbucket.
pub async fn set_state(
    tx: &mut Tx,
    id: WebhookId,
    state: WebhookState,
    remote_id: Option<&str>,
    message: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    within!(tx, SET_STATE, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(state.as_str())
        .bind(remote_id)
        .bind(message)
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Keeps that nothing of it is at Bitbucket; where it is needed again, it is registered at once.
pub async fn set_absent(tx: &mut Tx, id: WebhookId) -> Result<(), StoreError> {
    within!(tx, SET_ABSENT, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Removes it here; what is at Bitbucket is the caller's matter.
pub async fn remove(tx: &mut Tx, id: WebhookId) -> Result<(), StoreError> {
    within!(tx, REMOVE, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipewright_core::Timestamp;
    use pipewright_core::ids::WebhookId;

    use super::{
        NewWebhook, WebhookState, insert, of_integration, of_repository, remove, set_absent,
        set_state, to_check, to_remove,
    };
    use crate::applications::testing::an_application;
    use crate::integrations::testing::{an_account, an_integration};
    use crate::repositories::testing::a_repository;
    use crate::testing::on_each_database;
    use crate::vault::Sealed;

    #[test]
    fn a_repository_has_one_webhook_that_is_checked_in_time() {
        on_each_database(async |db| {
            let now = Timestamp::from_seconds(1000);
            let mut tx = db.begin().await.expect("begins");
            let (account, user) = an_account(&mut tx, "harbor").await;
            let integration = an_integration(&mut tx, account, user).await;
            let repository = a_repository(&mut tx, account, integration, "harbor/api").await;
            let mut new = NewWebhook {
                id: WebhookId::new(),
                repository,
                account,
                path: "abc".to_owned(),
                secret: Sealed::from(vec![7]),
            };
            assert!(insert(&mut tx, &new, now).await.expect("makes"));
            let first = new.id;
            (new.id, new.path) = (WebhookId::new(), "def".to_owned());
            assert!(!insert(&mut tx, &new, now).await.expect("keeps the first"));
            tx.commit().await.expect("commits");
            assert!(
                to_check(&db, now, now).await.expect("reads").is_empty(),
                "no application needs it"
            );
            assert_eq!(to_remove(&db).await.expect("reads").len(), 1);

            let mut tx = db.begin().await.expect("begins");
            an_application(&mut tx, account, user, repository, "api").await;
            tx.commit().await.expect("commits");
            assert_eq!(to_check(&db, now, now).await.expect("reads").len(), 1);
            assert!(to_remove(&db).await.expect("reads").is_empty());
            let mut tx = db.begin().await.expect("begins");
            set_state(
                &mut tx,
                first,
                WebhookState::Present,
                Some("{1}"),
                None,
                now,
            )
            .await
            .expect("keeps");
            tx.commit().await.expect("commits");
            let before = now - Duration::from_secs(1);
            assert!(to_check(&db, now, before).await.expect("reads").is_empty());
            assert_eq!(to_check(&db, now, now).await.expect("reads").len(), 1);
            let mut tx = db.begin().await.expect("begins");
            set_state(
                &mut tx,
                first,
                WebhookState::Absent,
                None,
                Some("away"),
                now,
            )
            .await
            .expect("keeps");
            tx.commit().await.expect("commits");
            assert!(
                to_check(&db, before, before)
                    .await
                    .expect("reads")
                    .is_empty(),
                "it was tried just now"
            );
            assert_eq!(to_check(&db, now, before).await.expect("reads").len(), 1);
            let mut tx = db.begin().await.expect("begins");
            set_absent(&mut tx, first).await.expect("keeps");
            tx.commit().await.expect("commits");
            assert_eq!(
                to_check(&db, before, before).await.expect("reads").len(),
                1,
                "it is registered at once"
            );
            let mut tx = db.begin().await.expect("begins");
            set_state(
                &mut tx,
                first,
                WebhookState::Present,
                Some("{1}"),
                None,
                now,
            )
            .await
            .expect("keeps");
            tx.commit().await.expect("commits");
            let found = of_repository(&db, repository)
                .await
                .expect("reads")
                .expect("is there");
            assert_eq!((found.id, found.path.as_str()), (first, "abc"));
            assert_eq!(
                (found.state, found.remote_id.as_deref()),
                (WebhookState::Present, Some("{1}"))
            );
            assert_eq!(
                of_integration(&db, integration).await.expect("reads").len(),
                1
            );
            let mut tx = db.begin().await.expect("begins");
            remove(&mut tx, first).await.expect("goes");
            tx.commit().await.expect("commits");
            assert!(
                of_repository(&db, repository)
                    .await
                    .expect("reads")
                    .is_none()
            );
        });
    }
}
