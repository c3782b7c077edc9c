//! Users, and the failures to sign in that lock an address out for a while.
//!
//! An e-mail address is kept in lower case; [`email_key`] makes it so. Failures are counted per address, also of users
//! that do not exist, so that an answer tells nobody who has an account.

use pipewright_core::Timestamp;
use pipewright_core::ids::UserId;

use crate::db::{Db, Tx};
use crate::error::StoreError;

statements! {
    COUNT = same("SELECT COUNT(*) FROM users");
    BY_ID = same("SELECT id, email, name, password_hash, is_administrator, created_at, disabled_at FROM users WHERE id = $1");
    BY_EMAIL = same("SELECT id, email, name, password_hash, is_administrator, created_at, disabled_at FROM users WHERE email = $1");
    INSERT = same(
        "INSERT INTO users (id, email, name, password_hash, is_administrator, created_at) VALUES ($1, $2, $3, $4, $5, $6)"
    );
    SET_PASSWORD = same("UPDATE users SET password_hash = $2 WHERE id = $1");
    SET_NAME = same("UPDATE users SET name = $2 WHERE id = $1");
    FAILURES = same("SELECT failures, last_at, locked_until FROM sign_in_failures WHERE email = $1");
    RECORD_FAILURE = same(
        "INSERT INTO sign_in_failures (email, failures, last_at, locked_until) VALUES ($1, 1, $2, NULL)
         ON CONFLICT (email) DO UPDATE SET
             failures = CASE WHEN sign_in_failures.last_at < $3 THEN 1 ELSE sign_in_failures.failures + 1 END,
             last_at = excluded.last_at
         RETURNING failures"
    );
    LOCK = same("UPDATE sign_in_failures SET locked_until = $2 WHERE email = $1");
    CLEAR_FAILURES = same("DELETE FROM sign_in_failures WHERE email = $1");
    FORGET_FAILURES = same("DELETE FROM sign_in_failures WHERE last_at < $1 AND (locked_until IS NULL OR locked_until < $1)");
}

/// A person who can sign in.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct User {
    /// The id.
    #[sqlx(try_from = "uuid::Uuid")]
    pub id: UserId,
    /// The e-mail address in lower case.
    pub email: String,
    /// What others are shown.
    pub name: String,
    /// The password as an Argon2 PHC string.
    pub password_hash: String,
    /// True for whoever administers the installation.
    pub is_administrator: bool,
    /// When the user was made.
    #[sqlx(try_from = "i64")]
    pub created_at: Timestamp,
    /// Microseconds since the epoch; set while the user may not sign in.
    pub disabled_at: Option<i64>,
}

/// What is known of failures to sign in with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct SignInFailures {
    /// How many in a row.
    pub failures: i64,
    /// When the last was.
    #[sqlx(try_from = "i64")]
    pub last_at: Timestamp,
    /// Microseconds since the epoch; until then every attempt is refused.
    pub locked_until: Option<i64>,
}

/// An e-mail address as it is compared: without surrounding space, in lower case.
pub fn email_key(text: &str) -> String {
    text.trim().to_lowercase()
}

/// How many users there are.
pub async fn count(db: &Db) -> Result<i64, StoreError> {
    Ok(read!(db, COUNT, |executor, sql| sqlx::query_scalar(sql)
        .fetch_one(executor)
        .await)?)
}

/// How many users there are, as this transaction sees it.
pub async fn count_within(tx: &mut Tx) -> Result<i64, StoreError> {
    Ok(within!(tx, COUNT, |executor, sql| sqlx::query_scalar(sql)
        .fetch_one(executor)
        .await)?)
}

/// The user of this id.
pub async fn by_id(db: &Db, id: UserId) -> Result<Option<User>, StoreError> {
    Ok(read!(db, BY_ID, |executor, sql| sqlx::query_as(sql)
        .bind(id.as_uuid())
        .fetch_optional(executor)
        .await)?)
}

/// The user of this e-mail address, as [`email_key`] gives it.
pub async fn by_email(db: &Db, email: &str) -> Result<Option<User>, StoreError> {
    Ok(read!(db, BY_EMAIL, |executor, sql| sqlx::query_as(sql)
        .bind(email)
        .fetch_optional(executor)
        .await)?)
}

/// Adds a user. [`StoreError::Exists`] where the e-mail address is taken.
pub async fn insert(tx: &mut Tx, user: &User) -> Result<(), StoreError> {
    within!(tx, INSERT, |executor, sql| sqlx::query(sql)
        .bind(user.id.as_uuid())
        .bind(&user.email)
        .bind(&user.name)
        .bind(&user.password_hash)
        .bind(user.is_administrator)
        .bind(user.created_at.as_micros())
        .execute(executor)
        .await
        .map(drop))
    .map_err(|error| taken(error, "user"))
}

/// Replaces a user's password.
pub async fn set_password(tx: &mut Tx, id: UserId, password_hash: &str) -> Result<(), StoreError> {
    let rows = within!(tx, SET_PASSWORD, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(password_hash)
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    one(rows, id)
}

/// Replaces a user's name.
pub async fn set_name(tx: &mut Tx, id: UserId, name: &str) -> Result<(), StoreError> {
    let rows = within!(tx, SET_NAME, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(name)
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    one(rows, id)
}

/// The failures to sign in with this address.
pub async fn failures(db: &Db, email: &str) -> Result<Option<SignInFailures>, StoreError> {
    Ok(read!(db, FAILURES, |executor, sql| sqlx::query_as(sql)
        .bind(email)
        .fetch_optional(executor)
        .await)?)
}

/// Counts one more failure and returns how many there are; those before `forget_before` no longer count.
pub async fn record_failure(
    tx: &mut Tx,
    email: &str,
    now: Timestamp,
    forget_before: Timestamp,
) -> Result<i64, StoreError> {
    Ok(within!(tx, RECORD_FAILURE, |executor, sql| {
        sqlx::query_scalar(sql)
            .bind(email)
            .bind(now.as_micros())
            .bind(forget_before.as_micros())
            .fetch_one(executor)
            .await
    })?)
}

/// Refuses every attempt with this address until then.
pub async fn lock(tx: &mut Tx, email: &str, until: Timestamp) -> Result<(), StoreError> {
    within!(tx, LOCK, |executor, sql| sqlx::query(sql)
        .bind(email)
        .bind(until.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Forgets the failures of an address, because its user signed in.
pub async fn clear_failures(tx: &mut Tx, email: &str) -> Result<(), StoreError> {
    within!(tx, CLEAR_FAILURES, |executor, sql| sqlx::query(sql)
        .bind(email)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Forgets failures older than this, so that guessed addresses do not fill the table.
pub async fn forget_failures(tx: &mut Tx, before: Timestamp) -> Result<(), StoreError> {
    within!(tx, FORGET_FAILURES, |executor, sql| sqlx::query(sql)
        .bind(before.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

fn one(rows: u64, id: UserId) -> Result<(), StoreError> {
    if rows == 1 {
        Ok(())
    } else {
        Err(StoreError::Missing {
            table: "users",
            key: id.to_string(),
        })
    }
}

/// The error of an insert that a unique index may have refused.
pub(crate) fn taken(error: sqlx::Error, noun: &'static str) -> StoreError {
    if error
        .as_database_error()
        .is_some_and(sqlx::error::DatabaseError::is_unique_violation)
    {
        StoreError::Exists(noun)
    } else {
        error.into()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use pipewright_core::Timestamp;
    use pipewright_core::ids::UserId;

    use super::User;
    use crate::db::Db;
    use crate::error::StoreError;
    use crate::testing::on_each_database;

    /// A user of this e-mail address.
    pub(crate) async fn user(db: &Db, email: &str) -> User {
        let user = User {
            id: UserId::new(),
            email: email.to_owned(),
            name: "Mara Lindqvist".to_owned(),
            password_hash: "$argon2id$".to_owned(),
            is_administrator: true,
            created_at: Timestamp::from_seconds(1),
            disabled_at: None,
        };
        let mut tx = db.begin().await.expect("begins");
        super::insert(&mut tx, &user).await.expect("inserts");
        tx.commit().await.expect("commits");
        user
    }

    #[test]
    fn a_user_reads_back_and_an_address_is_taken_once() {
        on_each_database(async |db| {
            let made = user(&db, "mara@example.com").await;
            assert_eq!(
                super::by_id(&db, made.id).await.expect("reads"),
                Some(made.clone())
            );
            assert_eq!(
                super::by_email(&db, "mara@example.com")
                    .await
                    .expect("reads"),
                Some(made.clone())
            );
            assert_eq!(super::count(&db).await.expect("counts"), 1);
            let mut tx = db.begin().await.expect("begins");
            let again = User {
                id: UserId::new(),
                ..made.clone()
            };
            assert!(matches!(
                super::insert(&mut tx, &again).await,
                Err(StoreError::Exists("user"))
            ));
            drop(tx);
            let mut tx = db.begin().await.expect("begins");
            super::set_password(&mut tx, made.id, "other")
                .await
                .expect("sets");
            super::set_name(&mut tx, made.id, "Mara")
                .await
                .expect("sets");
            assert!(matches!(
                super::set_name(&mut tx, UserId::new(), "x").await,
                Err(StoreError::Missing { .. })
            ));
            tx.commit().await.expect("commits");
            let read = super::by_id(&db, made.id)
                .await
                .expect("reads")
                .expect("is there");
            assert_eq!(
                (read.password_hash.as_str(), read.name.as_str()),
                ("other", "Mara")
            );
        });
    }

    #[test]
    fn failures_count_up_are_forgotten_and_lock() {
        on_each_database(async |db| {
            let start = Timestamp::from_seconds(1000);
            let window = Duration::from_mins(1);
            let mut tx = db.begin().await.expect("begins");
            for expected in 1..=3 {
                assert_eq!(
                    super::record_failure(&mut tx, "a@b", start, start - window)
                        .await
                        .expect("counts"),
                    expected
                );
            }
            super::lock(&mut tx, "a@b", start + window)
                .await
                .expect("locks");
            tx.commit().await.expect("commits");
            let read = super::failures(&db, "a@b")
                .await
                .expect("reads")
                .expect("is there");
            assert_eq!(
                (read.failures, read.locked_until),
                (3, Some((start + window).as_micros()))
            );
            let later = start + window * 2;
            let mut tx = db.begin().await.expect("begins");
            assert_eq!(
                super::record_failure(&mut tx, "a@b", later, later - window)
                    .await
                    .expect("counts"),
                1,
                "begins again"
            );
            super::clear_failures(&mut tx, "a@b").await.expect("clears");
            super::record_failure(&mut tx, "old@b", start, start - window)
                .await
                .expect("counts");
            super::forget_failures(&mut tx, later)
                .await
                .expect("forgets");
            tx.commit().await.expect("commits");
            assert_eq!(super::failures(&db, "a@b").await.expect("reads"), None);
            assert_eq!(super::failures(&db, "old@b").await.expect("reads"), None);
        });
    }
}
