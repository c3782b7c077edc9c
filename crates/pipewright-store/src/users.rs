//! Users. An e-mail address is kept in lower case; [`email_key`] makes it so. What administrators do to users stands in
//! `administration`, what is counted while somebody signs in in `sign_ins`.

use pipewright_core::Timestamp;
use pipewright_core::ids::UserId;

use crate::db::{Db, Tx};
use crate::error::StoreError;

statements! {
    COUNT = same("SELECT COUNT(*) FROM users");
    BY_ID = same("SELECT id, email, name, password_hash, is_administrator, created_at, disabled_at, may_make_accounts, may_connect, email_proved_at
         FROM users WHERE id = $1");
    BY_EMAIL = same("SELECT id, email, name, password_hash, is_administrator, created_at, disabled_at, may_make_accounts, may_connect, email_proved_at
         FROM users WHERE email = $1");
    INSERT = same(
        "INSERT INTO users (id, email, name, password_hash, is_administrator, created_at, may_make_accounts, may_connect, email_proved_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    );
    SET_PASSWORD = same("UPDATE users SET password_hash = $2 WHERE id = $1");
    SET_NAME = same("UPDATE users SET name = $2 WHERE id = $1");
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
    /// True for whoever an administrator allowed to make teams.
    pub may_make_accounts: bool,
    /// True for whoever an administrator allowed to connect a Bitbucket.
    pub may_connect: bool,
    /// Microseconds since the epoch; when an administrator vouched that the address is this user's. None while nobody did.
    pub email_proved_at: Option<i64>,
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

/// The user of this e-mail address, as this transaction sees them.
pub async fn by_email_within(tx: &mut Tx, email: &str) -> Result<Option<User>, StoreError> {
    Ok(within!(tx, BY_EMAIL, |executor, sql| sqlx::query_as(sql)
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
        .bind(user.may_make_accounts)
        .bind(user.may_connect)
        .bind(user.email_proved_at)
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

pub(crate) fn one(rows: u64, id: UserId) -> Result<(), StoreError> {
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
            may_make_accounts: false,
            may_connect: false,
            email_proved_at: None,
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
}
