//! What is counted while somebody signs in, so that passwords cannot be guessed; and the browsers that are known.
//!
//! A count belongs to a key that the server makes: an address from one source, a source, an address from everywhere, a known
//! browser. Reading a count for a change holds its row until the transaction ends: of attempts at the same moment, each
//! sees those before it.

use pipewright_core::Timestamp;
use pipewright_core::ids::UserId;

use crate::db::{Db, Tx};
use crate::error::StoreError;

statements! {
    READ = same("SELECT failures, last_at, locked_until FROM sign_in_failures WHERE email = $1");
    HOLD = same(
        "INSERT INTO sign_in_failures (email, failures, last_at, locked_until) VALUES ($1, 0, $2, NULL)
         ON CONFLICT (email) DO UPDATE SET failures = sign_in_failures.failures
         RETURNING failures, last_at, locked_until"
    );
    WRITE = same("UPDATE sign_in_failures SET failures = $2, last_at = $3, locked_until = $4 WHERE email = $1");
    CLEAR = same("DELETE FROM sign_in_failures WHERE email = $1");
    CLEAR_LIKE = same("DELETE FROM sign_in_failures WHERE email LIKE $1 ESCAPE '\\'");
    FORGET = same("DELETE FROM sign_in_failures WHERE last_at < $1 AND (locked_until IS NULL OR locked_until < $1)");
    LOCKED = same("SELECT email, failures, locked_until FROM sign_in_failures WHERE locked_until > $1 ORDER BY locked_until DESC LIMIT 500");
    KNOW = same(
        "INSERT INTO known_browsers (token_hash, user_id, seen_at) VALUES ($1, $2, $3)
         ON CONFLICT (token_hash, user_id) DO UPDATE SET seen_at = excluded.seen_at"
    );
    KNOWN = same(
        "SELECT COUNT(*) FROM known_browsers JOIN users ON users.id = known_browsers.user_id
         WHERE known_browsers.token_hash = $1 AND users.email = $2"
    );
    FORGET_BROWSERS = same("DELETE FROM known_browsers WHERE user_id = $1");
    FORGET_OLD_BROWSERS = same("DELETE FROM known_browsers WHERE seen_at < $1");
}

/// What was counted under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Count {
    /// Attempts in a row that did not end in a session.
    pub failures: i64,
    /// When the last was.
    #[sqlx(try_from = "i64")]
    pub last_at: Timestamp,
    /// Microseconds since the epoch; until then every attempt is refused.
    pub locked_until: Option<i64>,
}

/// A key that is locked.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Locked {
    /// The key, as the server made it.
    #[sqlx(rename = "email")]
    pub key: String,
    /// Attempts that led to it.
    pub failures: i64,
    /// Until when.
    #[sqlx(try_from = "i64")]
    pub locked_until: Timestamp,
}

/// What was counted under this key.
pub async fn count(db: &Db, key: &str) -> Result<Option<Count>, StoreError> {
    Ok(read!(db, READ, |executor, sql| sqlx::query_as(sql)
        .bind(key)
        .fetch_optional(executor)
        .await)?)
}

/// What was counted under this key, which nobody else can change before the transaction ends.
pub async fn hold(tx: &mut Tx, key: &str, now: Timestamp) -> Result<Count, StoreError> {
    Ok(within!(tx, HOLD, |executor, sql| sqlx::query_as(sql)
        .bind(key)
        .bind(now.as_micros())
        .fetch_one(executor)
        .await)?)
}

/// Writes what is counted now.
pub async fn write(tx: &mut Tx, key: &str, count: &Count) -> Result<(), StoreError> {
    within!(tx, WRITE, |executor, sql| sqlx::query(sql)
        .bind(key)
        .bind(count.failures)
        .bind(count.last_at.as_micros())
        .bind(count.locked_until)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Forgets what was counted under this key.
pub async fn clear(tx: &mut Tx, key: &str) -> Result<(), StoreError> {
    within!(tx, CLEAR, |executor, sql| sqlx::query(sql)
        .bind(key)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Forgets what was counted under every key that begins like this.
pub async fn clear_beginning(tx: &mut Tx, beginning: &str) -> Result<(), StoreError> {
    within!(tx, CLEAR_LIKE, |executor, sql| sqlx::query(sql)
        .bind(format!("{}%", crate::events::escaped(beginning)))
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Forgets counts older than this, so that guesses do not fill the table.
pub async fn forget(tx: &mut Tx, before: Timestamp) -> Result<(), StoreError> {
    within!(tx, FORGET, |executor, sql| sqlx::query(sql)
        .bind(before.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// The keys that are locked now, at most 500, the longest locked first.
pub async fn locked(db: &Db, now: Timestamp) -> Result<Vec<Locked>, StoreError> {
    Ok(read!(db, LOCKED, |executor, sql| sqlx::query_as(sql)
        .bind(now.as_micros())
        .fetch_all(executor)
        .await)?)
}

/// Remembers a browser as this user's.
pub async fn know_browser(
    tx: &mut Tx,
    token_hash: &[u8],
    user: UserId,
    now: Timestamp,
) -> Result<(), StoreError> {
    within!(tx, KNOW, |executor, sql| sqlx::query(sql)
        .bind(token_hash)
        .bind(user.as_uuid())
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// True where the user of this address signed in with this browser before.
pub async fn knows_browser(db: &Db, token_hash: &[u8], email: &str) -> Result<bool, StoreError> {
    let found: i64 = read!(db, KNOWN, |executor, sql| sqlx::query_scalar(sql)
        .bind(token_hash)
        .bind(email)
        .fetch_one(executor)
        .await)?;
    Ok(found > 0)
}

/// Forgets every browser of a user.
pub async fn forget_browsers(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    within!(tx, FORGET_BROWSERS, |executor, sql| sqlx::query(sql)
        .bind(user.as_uuid())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Forgets browsers that nobody signed in with since then.
pub async fn forget_old_browsers(tx: &mut Tx, before: Timestamp) -> Result<(), StoreError> {
    within!(tx, FORGET_OLD_BROWSERS, |executor, sql| sqlx::query(sql)
        .bind(before.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipewright_core::Timestamp;

    use super::Count;
    use crate::testing::on_each_database;
    use crate::users::tests::user;

    #[test]
    fn counts_are_kept_by_key_and_forgotten() {
        on_each_database(async |db| {
            let now = Timestamp::from_seconds(1000);
            let window = Duration::from_mins(15);
            let count = |failures| Count {
                failures,
                last_at: now,
                locked_until: Some((now + window).as_micros()),
            };
            let mut tx = db.begin().await.expect("begins");
            assert_eq!(
                super::hold(&mut tx, "pair a%b x", now)
                    .await
                    .expect("holds")
                    .failures,
                0
            );
            super::write(&mut tx, "pair a%b x", &count(5))
                .await
                .expect("writes");
            super::hold(&mut tx, "pair axb x", now)
                .await
                .expect("holds");
            super::write(&mut tx, "pair axb x", &count(2))
                .await
                .expect("writes");
            tx.commit().await.expect("commits");
            assert_eq!(
                super::count(&db, "pair a%b x").await.expect("reads"),
                Some(count(5))
            );
            assert_eq!(super::locked(&db, now).await.expect("reads").len(), 2);
            let mut tx = db.begin().await.expect("begins");
            super::clear_beginning(&mut tx, "pair a%b ")
                .await
                .expect("clears");
            super::forget(&mut tx, now + window / 2)
                .await
                .expect("forgets");
            tx.commit().await.expect("commits");
            assert_eq!(super::count(&db, "pair a%b x").await.expect("reads"), None);
            assert_eq!(
                super::count(&db, "pair axb x").await.expect("reads"),
                Some(count(2)),
                "a wildcard in an address is a letter, and what is still locked is not forgotten"
            );
        });
    }

    #[test]
    fn a_browser_is_known_to_its_user_only() {
        on_each_database(async |db| {
            let mara = user(&db, "mara@example.com").await;
            user(&db, "ivo@example.com").await;
            let now = Timestamp::from_seconds(1000);
            let mut tx = db.begin().await.expect("begins");
            super::know_browser(&mut tx, b"hash", mara.id, now)
                .await
                .expect("knows");
            tx.commit().await.expect("commits");
            let known = async |hash: &[u8], email| {
                super::knows_browser(&db, hash, email).await.expect("reads")
            };
            assert!(known(b"hash", "mara@example.com").await);
            assert!(!known(b"hash", "ivo@example.com").await);
            assert!(!known(b"other", "mara@example.com").await);
            let mut tx = db.begin().await.expect("begins");
            super::forget_browsers(&mut tx, mara.id)
                .await
                .expect("forgets");
            tx.commit().await.expect("commits");
            assert!(!known(b"hash", "mara@example.com").await);
        });
    }
}
