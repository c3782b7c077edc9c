//! Credentials: what authenticates an integration, sealed.
//!
//! Refreshing is one at a time across every process: whoever took the refresh holds it until a moment, and only the
//! holder may store a new pair. A caller that read an older row cannot take a refresh that is done already, because it
//! names the refresh it saw.

use pipewright_core::Timestamp;
use pipewright_core::ids::{CredentialId, IntegrationId};
use sqlx::types::Json;
use uuid::Uuid;

use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::vault::Sealed;

words! {
    /// What it is at Bitbucket.
    CredentialKind, "kind of credential" {
        /// The grant of an OAuth consumer: an access and a refresh token.
        OAuth = "oauth",
        /// An API token with scopes of an Atlassian account.
        ApiToken = "api_token",
        /// The access token of a workspace, project or repository.
        AccessToken = "access_token",
        /// The HTTP access token of a Data Center.
        HttpAccessToken = "http_access_token",
        /// User name and password of a Data Center.
        Basic = "basic",
    }
}

words! {
    /// Whether Bitbucket accepts it.
    CredentialState, "state of a credential" {
        /// As far as we know.
        Valid = "valid",
        /// No: it was revoked, expired or replaced.
        Refused = "refused",
    }
}

statements! {
    OF_INTEGRATION = same("SELECT * FROM credentials WHERE integration_id = $1 ORDER BY id DESC LIMIT 1");
    INSERT = same(
        "INSERT INTO credentials (id, integration_id, kind, secret_sealed, scopes, state, expires_at, refreshed_at, created_at)
         VALUES ($1, $2, $3, $4, $5, 'valid', $6, NULL, $7)"
    );
    REMOVE_OTHERS = same("DELETE FROM credentials WHERE integration_id = $1 AND id <> $2");
    TAKE_REFRESH = same(
        "UPDATE credentials SET refresh_owner = $2, refresh_until = $3
         WHERE id = $1 AND state = 'valid' AND refreshed_at IS NOT DISTINCT FROM $4
             AND (refresh_owner IS NULL OR refresh_until <= $5)"
    );
    STORE_REFRESHED = same(
        "UPDATE credentials SET secret_sealed = $3, scopes = $4, expires_at = $5, refreshed_at = $6, refresh_owner = NULL,
             refresh_until = NULL
         WHERE id = $1 AND refresh_owner = $2"
    );
    RELEASE_REFRESH = same("UPDATE credentials SET refresh_owner = NULL, refresh_until = NULL WHERE id = $1 AND refresh_owner = $2");
    REFUSE = same("UPDATE credentials SET state = 'refused', refresh_owner = NULL, refresh_until = NULL WHERE id = $1");
}

/// One thing that authenticates an integration.
#[derive(Debug, Clone)]
pub struct StoredCredential {
    /// Its id, which it is sealed for (`credentials.secret:<id>`).
    pub id: CredentialId,
    /// What it authenticates.
    pub integration: IntegrationId,
    /// What it is at Bitbucket.
    pub kind: CredentialKind,
    /// Its parts as JSON, sealed.
    pub secret: Sealed,
    /// The scopes that Bitbucket granted, in its own words.
    pub scopes: Vec<String>,
    /// Whether Bitbucket accepts it.
    pub state: CredentialState,
    /// When it runs out, where that is known.
    pub expires_at: Option<Timestamp>,
    /// When it was last replaced by a fresh pair.
    pub refreshed_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    integration_id: Uuid,
    #[sqlx(try_from = "String")]
    kind: CredentialKind,
    secret_sealed: Vec<u8>,
    #[sqlx(json)]
    scopes: Vec<String>,
    #[sqlx(try_from = "String")]
    state: CredentialState,
    expires_at: Option<i64>,
    refreshed_at: Option<i64>,
    created_at: i64,
}

impl From<Row> for StoredCredential {
    fn from(row: Row) -> Self {
        Self {
            id: CredentialId::from_uuid(row.id),
            integration: IntegrationId::from_uuid(row.integration_id),
            kind: row.kind,
            secret: Sealed::from(row.secret_sealed),
            scopes: row.scopes,
            state: row.state,
            expires_at: row.expires_at.map(Timestamp::from_micros),
            refreshed_at: row.refreshed_at.map(Timestamp::from_micros),
            created_at: Timestamp::from_micros(row.created_at),
        }
    }
}

/// A credential to be stored.
#[derive(Debug, Clone)]
pub struct NewCredential {
    /// Its id, which it is sealed for.
    pub id: CredentialId,
    /// What it authenticates.
    pub integration: IntegrationId,
    /// What it is at Bitbucket.
    pub kind: CredentialKind,
    /// Its parts as JSON, sealed.
    pub secret: Sealed,
    /// The scopes that Bitbucket granted.
    pub scopes: Vec<String>,
    /// When it runs out, where that is known.
    pub expires_at: Option<Timestamp>,
}

/// The integration's credential; none once it is disconnected.
pub async fn of_integration(
    db: &Db,
    integration: IntegrationId,
) -> Result<Option<StoredCredential>, StoreError> {
    let row: Option<Row> = read!(db, OF_INTEGRATION, |executor, sql| sqlx::query_as(sql)
        .bind(integration.as_uuid())
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(StoredCredential::from))
}

/// Stores the credential in place of every earlier one of its integration.
pub async fn replace(tx: &mut Tx, new: &NewCredential, now: Timestamp) -> Result<(), StoreError> {
    within!(tx, INSERT, |executor, sql| sqlx::query(sql)
        .bind(new.id.as_uuid())
        .bind(new.integration.as_uuid())
        .bind(new.kind.as_str())
        .bind(new.secret.as_bytes())
        .bind(Json(&new.scopes))
        .bind(new.expires_at.map(Timestamp::as_micros))
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    within!(tx, REMOVE_OTHERS, |executor, sql| sqlx::query(sql)
        .bind(new.integration.as_uuid())
        .bind(new.id.as_uuid())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Takes the right to refresh, until a moment. False where another has it, where it is refreshed since `credential` was
/// read, or where Bitbucket no longer accepts it: read it again then.
pub async fn take_refresh(
    tx: &mut Tx,
    credential: &StoredCredential,
    owner: Uuid,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let rows = within!(tx, TAKE_REFRESH, |executor, sql| sqlx::query(sql)
        .bind(credential.id.as_uuid())
        .bind(owner)
        .bind(until.as_micros())
        .bind(credential.refreshed_at.map(Timestamp::as_micros))
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Stores the fresh pair. False where the refresh was taken over meanwhile, or the integration disconnected.
pub async fn store_refreshed(
    tx: &mut Tx,
    id: CredentialId,
    owner: Uuid,
    secret: &Sealed,
    scopes: &[String],
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let rows = within!(tx, STORE_REFRESHED, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(owner)
        .bind(secret.as_bytes())
        .bind(Json(scopes))
        .bind(expires_at.map(Timestamp::as_micros))
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Gives the right to refresh back without a new pair.
pub async fn release_refresh(tx: &mut Tx, id: CredentialId, owner: Uuid) -> Result<(), StoreError> {
    within!(tx, RELEASE_REFRESH, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(owner)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Keeps that Bitbucket no longer accepts it.
pub async fn refuse(tx: &mut Tx, id: CredentialId) -> Result<(), StoreError> {
    within!(tx, REFUSE, |executor, sql| sqlx::query(sql)
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
    use pipewright_core::ids::CredentialId;
    use uuid::Uuid;

    use super::{
        CredentialKind, NewCredential, of_integration, replace, store_refreshed, take_refresh,
    };
    use crate::integrations::testing::{an_account, an_integration};
    use crate::testing::on_each_database;
    use crate::vault::Sealed;

    #[test]
    fn one_refresh_at_a_time_and_never_twice_of_the_same_pair() {
        on_each_database(async |db| {
            let now = Timestamp::from_seconds(100);
            let mut tx = db.begin().await.expect("begins");
            let (account, user) = an_account(&mut tx, "harbor").await;
            let integration = an_integration(&mut tx, account, user).await;
            let new = NewCredential {
                id: CredentialId::new(),
                integration,
                kind: CredentialKind::OAuth,
                secret: Sealed::from(vec![1]),
                scopes: vec!["account".to_owned()],
                expires_at: Some(now),
            };
            replace(&mut tx, &new, now).await.expect("stores");
            tx.commit().await.expect("commits");
            let seen = of_integration(&db, integration)
                .await
                .expect("reads")
                .expect("is there");
            assert_eq!(seen.scopes, ["account"]);

            let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
            let until = now + Duration::from_mins(1);
            let mut tx = db.begin().await.expect("begins");
            assert!(
                take_refresh(&mut tx, &seen, first, now, until)
                    .await
                    .expect("takes")
            );
            assert!(
                !take_refresh(&mut tx, &seen, second, now, until)
                    .await
                    .expect("is refused")
            );
            assert!(
                take_refresh(
                    &mut tx,
                    &seen,
                    second,
                    until,
                    until + Duration::from_mins(1)
                )
                .await
                .expect("takes over")
            );
            let fresh = Sealed::from(vec![2]);
            let expires = Some(until + Duration::from_hours(1));
            assert!(
                !store_refreshed(&mut tx, new.id, first, &fresh, &[], expires, until)
                    .await
                    .expect("lost it")
            );
            assert!(
                store_refreshed(&mut tx, new.id, second, &fresh, &[], expires, until)
                    .await
                    .expect("stores")
            );
            assert!(
                !take_refresh(&mut tx, &seen, first, until, until)
                    .await
                    .expect("what was seen is old")
            );
            tx.commit().await.expect("commits");
            let seen = of_integration(&db, integration)
                .await
                .expect("reads")
                .expect("is there");
            assert_eq!(
                (seen.secret, seen.expires_at, seen.refreshed_at),
                (fresh, expires, Some(until))
            );
        });
    }

    #[test]
    fn a_new_credential_replaces_the_old_one() {
        on_each_database(async |db| {
            let now = Timestamp::from_seconds(100);
            let mut tx = db.begin().await.expect("begins");
            let (account, user) = an_account(&mut tx, "harbor").await;
            let integration = an_integration(&mut tx, account, user).await;
            for byte in [1, 2] {
                let new = NewCredential {
                    id: CredentialId::new(),
                    integration,
                    kind: CredentialKind::Basic,
                    secret: Sealed::from(vec![byte]),
                    scopes: Vec::new(),
                    expires_at: None,
                };
                replace(&mut tx, &new, now).await.expect("stores");
            }
            let another = an_integration(&mut tx, account, user).await;
            crate::integrations::disconnect(&mut tx, another)
                .await
                .expect("another one goes");
            tx.commit().await.expect("commits");
            let seen = of_integration(&db, integration)
                .await
                .expect("reads")
                .expect("is there");
            assert_eq!(seen.secret, Sealed::from(vec![2]));
        });
    }
}
