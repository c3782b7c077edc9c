//! Sessions: who is signed in where. A session is known by the SHA-256 of its cookie, so a copy of the database opens
//! nobody's session.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, UserId};
use uuid::Uuid;

use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::users::User;

statements! {
    INSERT = same(
        "INSERT INTO sessions (token_hash, user_id, account_id, created_at, seen_at, expires_at, address, user_agent)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    );
    FIND = same(
        "SELECT sessions.account_id, sessions.seen_at, sessions.created_at AS opened_at,
             users.id, users.email, users.name, users.password_hash, users.is_administrator, users.created_at, users.disabled_at,
             users.may_make_accounts, users.may_connect, users.email_proved_at,
             (SELECT value FROM settings WHERE name = 'installation.accounts') AS accounts_rule,
             (SELECT value FROM settings WHERE name = 'installation.connections') AS connections_rule
         FROM sessions JOIN users ON users.id = sessions.user_id
         WHERE sessions.token_hash = $1 AND sessions.expires_at > $2 AND users.disabled_at IS NULL"
    );
    TOUCH = same("UPDATE sessions SET seen_at = $2, expires_at = $3 WHERE token_hash = $1");
    SEEN = same("UPDATE users SET seen_at = $2 WHERE id = (SELECT user_id FROM sessions WHERE token_hash = $1)");
    SET_ACCOUNT = same("UPDATE sessions SET account_id = $2 WHERE token_hash = $1");
    USED = same(
        "UPDATE members SET used_at = $3
         WHERE account_id = $2 AND user_id = (SELECT user_id FROM sessions WHERE token_hash = $1)"
    );
    OF_USER = same(
        "SELECT token_hash, created_at, seen_at, address, user_agent FROM sessions
         WHERE user_id = $1 AND expires_at > $2 ORDER BY seen_at DESC, created_at DESC"
    );
    REMOVE = same("DELETE FROM sessions WHERE token_hash = $1");
    REMOVE_OF_USER = same("DELETE FROM sessions WHERE user_id = $1 AND token_hash = $2");
    REMOVE_OTHERS = same("DELETE FROM sessions WHERE user_id = $1 AND token_hash <> $2");
    REMOVE_ALL = same("DELETE FROM sessions WHERE user_id = $1");
    FORGET_ACCOUNT = same("UPDATE sessions SET account_id = NULL WHERE user_id = $1 AND account_id = $2");
    REMOVE_EXPIRED = same("DELETE FROM sessions WHERE expires_at <= $1");
}

/// What a new session says.
#[derive(Debug, Clone)]
pub struct NewSession<'a> {
    /// SHA-256 of the cookie's value.
    pub token_hash: &'a [u8],
    /// Whose it is.
    pub user_id: UserId,
    /// The account shown first.
    pub account_id: Option<AccountId>,
    /// Now.
    pub now: Timestamp,
    /// When it ends unless it is used.
    pub expires_at: Timestamp,
    /// The network address it was opened from.
    pub address: &'a str,
    /// What the browser calls itself, cut to 200 characters.
    pub user_agent: &'a str,
}

/// A session with its user.
#[derive(Debug, Clone)]
pub struct SessionUser {
    /// Who is signed in.
    pub user: User,
    /// The current account, if it is still there.
    pub account_id: Option<AccountId>,
    /// When it was last used.
    pub seen_at: Timestamp,
    /// When the user signed in.
    pub opened_at: Timestamp,
    /// The installation's rule of who may make accounts, as it is stored.
    pub accounts_rule: Option<Vec<u8>>,
    /// The installation's rule of who may connect a Bitbucket, as it is stored.
    pub connections_rule: Option<Vec<u8>>,
}

/// A session as its user is shown it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Session {
    /// SHA-256 of the cookie's value; names the session, does not open it.
    pub token_hash: Vec<u8>,
    /// When the user signed in.
    #[sqlx(try_from = "i64")]
    pub created_at: Timestamp,
    /// When it was last used, give or take a minute.
    #[sqlx(try_from = "i64")]
    pub seen_at: Timestamp,
    /// The network address it was opened from.
    pub address: String,
    /// What the browser calls itself.
    pub user_agent: String,
}

#[derive(sqlx::FromRow)]
struct SessionUserRow {
    account_id: Option<Uuid>,
    #[sqlx(try_from = "i64")]
    seen_at: Timestamp,
    #[sqlx(try_from = "i64")]
    opened_at: Timestamp,
    accounts_rule: Option<Vec<u8>>,
    connections_rule: Option<Vec<u8>>,
    #[sqlx(flatten)]
    user: User,
}

/// Opens a session.
pub async fn insert(tx: &mut Tx, session: &NewSession<'_>) -> Result<(), StoreError> {
    within!(tx, INSERT, |executor, sql| sqlx::query(sql)
        .bind(session.token_hash)
        .bind(session.user_id.as_uuid())
        .bind(session.account_id.map(AccountId::as_uuid))
        .bind(session.now.as_micros())
        .bind(session.now.as_micros())
        .bind(session.expires_at.as_micros())
        .bind(session.address)
        .bind(session.user_agent)
        .execute(executor)
        .await
        .map(drop))?;
    within!(tx, SEEN, |executor, sql| sqlx::query(sql)
        .bind(session.token_hash)
        .bind(session.now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    match session.account_id {
        Some(account) => used(tx, session.token_hash, account, session.now).await,
        None => Ok(()),
    }
}

/// Notes that a session's user came to an account.
async fn used(
    tx: &mut Tx,
    token_hash: &[u8],
    account: AccountId,
    now: Timestamp,
) -> Result<(), StoreError> {
    within!(tx, USED, |executor, sql| sqlx::query(sql)
        .bind(token_hash)
        .bind(account.as_uuid())
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// The session of this token's hash, unless it expired or its user is disabled.
pub async fn find(
    db: &Db,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<Option<SessionUser>, StoreError> {
    let row: Option<SessionUserRow> = read!(db, FIND, |executor, sql| sqlx::query_as(sql)
        .bind(token_hash)
        .bind(now.as_micros())
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(|row| SessionUser {
        user: row.user,
        account_id: row.account_id.map(AccountId::from_uuid),
        seen_at: row.seen_at,
        opened_at: row.opened_at,
        accounts_rule: row.accounts_rule,
        connections_rule: row.connections_rule,
    }))
}

/// Notes that a session was used, and with it that its user was seen.
pub async fn touch(
    tx: &mut Tx,
    token_hash: &[u8],
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    within!(tx, TOUCH, |executor, sql| sqlx::query(sql)
        .bind(token_hash)
        .bind(now.as_micros())
        .bind(expires_at.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    within!(tx, SEEN, |executor, sql| sqlx::query(sql)
        .bind(token_hash)
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Makes an account the session's current one, and the one that its user came to last.
pub async fn set_account(
    tx: &mut Tx,
    token_hash: &[u8],
    account: AccountId,
    now: Timestamp,
) -> Result<(), StoreError> {
    used(tx, token_hash, account, now).await?;
    within!(tx, SET_ACCOUNT, |executor, sql| sqlx::query(sql)
        .bind(token_hash)
        .bind(account.as_uuid())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// A user's sessions that have not expired, the last used first.
pub async fn of_user(db: &Db, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
    Ok(read!(db, OF_USER, |executor, sql| sqlx::query_as(sql)
        .bind(user.as_uuid())
        .bind(now.as_micros())
        .fetch_all(executor)
        .await)?)
}

/// Ends a session; nothing happens where it ended already.
pub async fn remove(tx: &mut Tx, token_hash: &[u8]) -> Result<(), StoreError> {
    within!(tx, REMOVE, |executor, sql| sqlx::query(sql)
        .bind(token_hash)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Ends one of a user's sessions. False where the user has none of this hash.
pub async fn remove_of_user(
    tx: &mut Tx,
    user: UserId,
    token_hash: &[u8],
) -> Result<bool, StoreError> {
    let rows = within!(tx, REMOVE_OF_USER, |executor, sql| sqlx::query(sql)
        .bind(user.as_uuid())
        .bind(token_hash)
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Ends every session of a user but this one; returns how many.
pub async fn remove_others(
    tx: &mut Tx,
    user: UserId,
    token_hash: &[u8],
) -> Result<u64, StoreError> {
    Ok(within!(tx, REMOVE_OTHERS, |executor, sql| sqlx::query(
        sql
    )
    .bind(user.as_uuid())
    .bind(token_hash)
    .execute(executor)
    .await
    .map(|done| done.rows_affected()))?)
}

/// Ends every session of a user; returns how many.
pub async fn remove_all(tx: &mut Tx, user: UserId) -> Result<u64, StoreError> {
    Ok(within!(tx, REMOVE_ALL, |executor, sql| sqlx::query(sql)
        .bind(user.as_uuid())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?)
}

/// Makes no session of the user show this account first any more: they are no longer a member.
pub async fn forget_account(
    tx: &mut Tx,
    user: UserId,
    account: AccountId,
) -> Result<(), StoreError> {
    within!(tx, FORGET_ACCOUNT, |executor, sql| sqlx::query(sql)
        .bind(user.as_uuid())
        .bind(account.as_uuid())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Forgets sessions that expired.
pub async fn remove_expired(tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
    within!(tx, REMOVE_EXPIRED, |executor, sql| sqlx::query(sql)
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipewright_core::Timestamp;

    use super::NewSession;
    use crate::accounts::tests::account;
    use crate::testing::on_each_database;
    use crate::users::tests::user;

    #[test]
    fn sessions_are_found_prolonged_listed_and_ended() {
        on_each_database(async |db| {
            let (mara, ivo) = (
                user(&db, "mara@example.com").await,
                user(&db, "ivo@example.com").await,
            );
            let account = account(&db, "harbor").await.id;
            let now = Timestamp::from_seconds(1000);
            let hour = Duration::from_hours(1);
            let new = |token_hash| NewSession {
                token_hash,
                user_id: mara.id,
                account_id: None,
                now,
                expires_at: now + hour,
                address: "192.0.2.1",
                user_agent: "Browser",
            };
            let mut tx = db.begin().await.expect("begins");
            for hash in [b"one".as_slice(), b"two", b"three"] {
                super::insert(&mut tx, &new(hash)).await.expect("inserts");
            }
            super::touch(&mut tx, b"one", now + hour / 2, now + hour * 2)
                .await
                .expect("touches");
            super::set_account(&mut tx, b"one", account, now)
                .await
                .expect("sets");
            tx.commit().await.expect("commits");
            let found = super::find(&db, b"one", now + hour)
                .await
                .expect("reads")
                .expect("is prolonged");
            assert_eq!(
                (found.user.id, found.account_id, found.seen_at),
                (mara.id, Some(account), now + hour / 2)
            );
            assert!(
                super::find(&db, b"two", now + hour)
                    .await
                    .expect("reads")
                    .is_none(),
                "expired"
            );
            assert_eq!(
                super::of_user(&db, mara.id, now)
                    .await
                    .expect("reads")
                    .len(),
                3
            );
            let mut tx = db.begin().await.expect("begins");
            assert!(
                !super::remove_of_user(&mut tx, ivo.id, b"two")
                    .await
                    .expect("runs"),
                "another user's"
            );
            assert!(
                super::remove_of_user(&mut tx, mara.id, b"two")
                    .await
                    .expect("runs")
            );
            assert_eq!(
                super::remove_others(&mut tx, mara.id, b"one")
                    .await
                    .expect("runs"),
                1
            );
            super::remove_expired(&mut tx, now + hour)
                .await
                .expect("runs");
            tx.commit().await.expect("commits");
            assert_eq!(
                super::of_user(&db, mara.id, now)
                    .await
                    .expect("reads")
                    .len(),
                1
            );
            let mut tx = db.begin().await.expect("begins");
            super::remove(&mut tx, b"one").await.expect("runs");
            tx.commit().await.expect("commits");
            assert!(
                super::find(&db, b"one", now)
                    .await
                    .expect("reads")
                    .is_none()
            );
        });
    }
}
