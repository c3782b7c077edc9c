//! Consents that are under way: from the moment a person leaves for Bitbucket's authorization page until they are back.
//!
//! The state is kept as a hash and works once. What it was started with (account, user, session) comes back with it, and
//! the caller compares.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, UserId};
use sqlx::types::Json;
use uuid::Uuid;

use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::vault::Sealed;

statements! {
    INSERT = same(
        "INSERT INTO oauth_flows (state_hash, account_id, user_id, session_hash, verifier_sealed, features, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    );
    GET = same("SELECT * FROM oauth_flows WHERE state_hash = $1");
    USE = same("UPDATE oauth_flows SET used_at = $2 WHERE state_hash = $1 AND used_at IS NULL AND expires_at > $2");
    REMOVE_OLD = same("DELETE FROM oauth_flows WHERE expires_at <= $1");
}

/// A consent that was started.
#[derive(Debug, Clone)]
pub struct OAuthFlow {
    /// SHA-256 of the state that travels through the browser.
    pub state_hash: Vec<u8>,
    /// The account to connect.
    pub account: AccountId,
    /// Who started it.
    pub user: UserId,
    /// The hash of the session it was started in.
    pub session_hash: Vec<u8>,
    /// The PKCE verifier, sealed for `oauth_flows.verifier:<state hash in hex>`.
    pub verifier: Sealed,
    /// What was switched on by choice.
    pub features: Vec<String>,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it is too late to come back.
    pub expires_at: Timestamp,
    /// When somebody came back with it.
    pub used_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    state_hash: Vec<u8>,
    account_id: Uuid,
    user_id: Uuid,
    session_hash: Vec<u8>,
    verifier_sealed: Vec<u8>,
    #[sqlx(json)]
    features: Vec<String>,
    created_at: i64,
    expires_at: i64,
    used_at: Option<i64>,
}

impl From<Row> for OAuthFlow {
    fn from(row: Row) -> Self {
        Self {
            state_hash: row.state_hash,
            account: AccountId::from_uuid(row.account_id),
            user: UserId::from_uuid(row.user_id),
            session_hash: row.session_hash,
            verifier: Sealed::from(row.verifier_sealed),
            features: row.features,
            created_at: Timestamp::from_micros(row.created_at),
            expires_at: Timestamp::from_micros(row.expires_at),
            used_at: row.used_at.map(Timestamp::from_micros),
        }
    }
}

/// Keeps a consent that is being started, and forgets those that nobody can come back from any more.
pub async fn insert(tx: &mut Tx, flow: &OAuthFlow) -> Result<(), StoreError> {
    // A day is left, so that coming back late can still be told from coming back with a state that never was.
    let day = std::time::Duration::from_hours(24);
    within!(tx, REMOVE_OLD, |executor, sql| sqlx::query(sql)
        .bind((flow.created_at - day).as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    within!(tx, INSERT, |executor, sql| sqlx::query(sql)
        .bind(&flow.state_hash)
        .bind(flow.account.as_uuid())
        .bind(flow.user.as_uuid())
        .bind(&flow.session_hash)
        .bind(flow.verifier.as_bytes())
        .bind(Json(&flow.features))
        .bind(flow.created_at.as_micros())
        .bind(flow.expires_at.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// The consent of this state, used or not.
pub async fn get(db: &Db, state_hash: &[u8]) -> Result<Option<OAuthFlow>, StoreError> {
    let row: Option<Row> = read!(db, GET, |executor, sql| sqlx::query_as(sql)
        .bind(state_hash)
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(OAuthFlow::from))
}

/// Uses the consent up. False where it was used before or is too late.
pub async fn use_up(tx: &mut Tx, state_hash: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    let rows = within!(tx, USE, |executor, sql| sqlx::query(sql)
        .bind(state_hash)
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipewright_core::Timestamp;

    use super::{OAuthFlow, get, insert, use_up};
    use crate::integrations::testing::an_account;
    use crate::testing::on_each_database;
    use crate::vault::Sealed;

    #[test]
    fn a_state_works_once_and_not_too_late() {
        on_each_database(async |db| {
            let now = Timestamp::from_seconds(100);
            let late = now + Duration::from_mins(10);
            let mut tx = db.begin().await.expect("begins");
            let (account, user) = an_account(&mut tx, "harbor").await;
            for state_hash in [b"one", b"two"] {
                let flow = OAuthFlow {
                    state_hash: state_hash.to_vec(),
                    account,
                    user,
                    session_hash: b"session".to_vec(),
                    verifier: Sealed::from(vec![9]),
                    features: vec!["register_key".to_owned()],
                    created_at: now,
                    expires_at: late,
                    used_at: None,
                };
                insert(&mut tx, &flow).await.expect("keeps");
            }
            assert!(use_up(&mut tx, b"one", now).await.expect("works"));
            assert!(!use_up(&mut tx, b"one", now).await.expect("once"));
            assert!(!use_up(&mut tx, b"two", late).await.expect("not too late"));
            assert!(!use_up(&mut tx, b"three", now).await.expect("never was"));
            tx.commit().await.expect("commits");
            assert_eq!(
                get(&db, b"one")
                    .await
                    .expect("reads")
                    .expect("is there")
                    .used_at,
                Some(now)
            );
            assert_eq!(
                get(&db, b"two")
                    .await
                    .expect("reads")
                    .expect("is there")
                    .features,
                ["register_key"]
            );
            assert!(get(&db, b"three").await.expect("reads").is_none());
        });
    }
}
