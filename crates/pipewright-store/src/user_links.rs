//! One-time links that an administrator, or a command on the machine, hands out: to make a user, or to choose a new
//! password. Only the hash of a link's token is kept.

use pipewright_core::Timestamp;
use pipewright_core::ids::UserId;
use uuid::Uuid;

use crate::columns::MaybeUuid;
use crate::db::{Db, Tx};
use crate::error::StoreError;

words! {
    /// What a link is for.
    LinkKind, "kind of link" {
        /// It makes a user of its address.
        Invite = "invite",
        /// It lets its user choose a new password.
        Reset = "reset",
    }
}

statements! {
    INSERT = same(
        "INSERT INTO user_links (id, kind, token_hash, user_id, email, is_administrator, may_make_accounts, may_connect, made_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
    );
    REPLACE = same("DELETE FROM user_links WHERE kind = $1 AND email = $2 AND used_at IS NULL");
    BY_TOKEN = same(
        "SELECT l.id, l.kind, l.user_id, l.email, l.is_administrator, l.may_make_accounts, l.may_connect, l.made_by, m.name AS maker,
             l.created_at, l.expires_at
         FROM user_links l LEFT JOIN users m ON m.id = l.made_by
         WHERE l.token_hash = $1 AND l.used_at IS NULL AND l.expires_at > $2
           AND (l.made_by IS NULL OR (m.is_administrator = TRUE AND m.disabled_at IS NULL))"
    );
    OPEN_INVITATIONS = same(
        "SELECT l.id, l.kind, l.user_id, l.email, l.is_administrator, l.may_make_accounts, l.may_connect, l.made_by, m.name AS maker,
             l.created_at, l.expires_at
         FROM user_links l LEFT JOIN users m ON m.id = l.made_by
         WHERE l.kind = 'invite' AND l.used_at IS NULL ORDER BY l.created_at DESC LIMIT 200"
    );
    USE = same(
        "UPDATE user_links SET used_at = $2 WHERE id = $1 AND used_at IS NULL AND expires_at > $2
           AND (made_by IS NULL OR made_by IN (SELECT id FROM users WHERE is_administrator = TRUE AND disabled_at IS NULL))"
    );
    WITHDRAW = same("DELETE FROM user_links WHERE id = $1 AND used_at IS NULL");
}

/// An open link.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct UserLink {
    /// Names the link; does not open it.
    pub id: Uuid,
    /// What it is for.
    #[sqlx(try_from = "String")]
    pub kind: LinkKind,
    /// Whose new password it is for; none for a user that is still to be made.
    #[sqlx(try_from = "MaybeUuid")]
    pub user_id: Option<UserId>,
    /// The address, in lower case.
    pub email: String,
    /// The new user administers the installation.
    pub is_administrator: bool,
    /// The new user may make accounts.
    pub may_make_accounts: bool,
    /// The new user may connect a Bitbucket.
    pub may_connect: bool,
    /// The administrator who made it; none for a command on the machine.
    #[sqlx(try_from = "MaybeUuid")]
    pub made_by: Option<UserId>,
    /// Their name.
    pub maker: Option<String>,
    /// When it was made.
    #[sqlx(try_from = "i64")]
    pub created_at: Timestamp,
    /// Until when it can be used.
    #[sqlx(try_from = "i64")]
    pub expires_at: Timestamp,
}

/// Adds a link. An open one of the same kind for the same address is replaced: its link stops working.
pub async fn insert(tx: &mut Tx, link: &UserLink, token_hash: &[u8]) -> Result<(), StoreError> {
    within!(tx, REPLACE, |executor, sql| sqlx::query(sql)
        .bind(link.kind.as_str())
        .bind(&link.email)
        .execute(executor)
        .await
        .map(drop))?;
    within!(tx, INSERT, |executor, sql| sqlx::query(sql)
        .bind(link.id)
        .bind(link.kind.as_str())
        .bind(token_hash)
        .bind(link.user_id.map(UserId::as_uuid))
        .bind(&link.email)
        .bind(link.is_administrator)
        .bind(link.may_make_accounts)
        .bind(link.may_connect)
        .bind(link.made_by.map(UserId::as_uuid))
        .bind(link.created_at.as_micros())
        .bind(link.expires_at.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// The open link of this token's hash, if whoever made it may still make one.
pub async fn by_token(
    db: &Db,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<Option<UserLink>, StoreError> {
    Ok(read!(db, BY_TOKEN, |executor, sql| sqlx::query_as(sql)
        .bind(token_hash)
        .bind(now.as_micros())
        .fetch_optional(executor)
        .await)?)
}

/// Invitations that were not taken up, the newest first, also those that expired.
pub async fn invitations(db: &Db) -> Result<Vec<UserLink>, StoreError> {
    Ok(read!(db, OPEN_INVITATIONS, |executor, sql| {
        sqlx::query_as(sql).fetch_all(executor).await
    })?)
}

/// Uses a link up. False where it was used, withdrawn or expired meanwhile, or its maker may no longer make one.
pub async fn use_up(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let rows = within!(tx, USE, |executor, sql| sqlx::query(sql)
        .bind(id)
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Withdraws an open link. False where there is none of this id.
pub async fn withdraw(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    let rows = within!(tx, WITHDRAW, |executor, sql| sqlx::query(sql)
        .bind(id)
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipewright_core::Timestamp;
    use uuid::Uuid;

    use super::{LinkKind, UserLink};
    use crate::administration;
    use crate::testing::on_each_database;
    use crate::users::tests::user;

    #[test]
    fn a_link_works_once_and_only_while_its_maker_may_make_one() {
        on_each_database(async |db| {
            let now = Timestamp::from_seconds(10);
            let (mara, ivo) = (
                user(&db, "mara@example.com").await,
                user(&db, "ivo@example.com").await,
            );
            let link = |email: &str| UserLink {
                id: Uuid::now_v7(),
                kind: LinkKind::Invite,
                user_id: None,
                email: email.to_owned(),
                is_administrator: false,
                may_make_accounts: true,
                may_connect: false,
                made_by: Some(ivo.id),
                maker: Some(ivo.name.clone()),
                created_at: now,
                expires_at: now + Duration::from_hours(1),
            };
            let (first, second) = (link("a@example.com"), link("b@example.com"));
            let mut tx = db.begin().await.expect("begins");
            super::insert(&mut tx, &first, b"first")
                .await
                .expect("inserts");
            super::insert(&mut tx, &second, b"second")
                .await
                .expect("inserts");
            tx.commit().await.expect("commits");
            assert_eq!(
                super::by_token(&db, b"first", now).await.expect("reads"),
                Some(first.clone())
            );
            assert_eq!(
                super::by_token(&db, b"first", now + Duration::from_hours(1))
                    .await
                    .expect("reads"),
                None,
                "expired"
            );
            let mut tx = db.begin().await.expect("begins");
            assert!(super::use_up(&mut tx, first.id, now).await.expect("runs"));
            assert!(!super::use_up(&mut tx, first.id, now).await.expect("runs"));
            let held = administration::held(&mut tx, ivo.id)
                .await
                .expect("reads")
                .expect("is there");
            administration::disable(&mut tx, &held, now)
                .await
                .expect("runs");
            assert!(
                !super::use_up(&mut tx, second.id, now).await.expect("runs"),
                "its maker is disabled"
            );
            tx.commit().await.expect("commits");
            assert_eq!(
                super::by_token(&db, b"second", now).await.expect("reads"),
                None
            );
            let mut tx = db.begin().await.expect("begins");
            let by_command = UserLink {
                made_by: None,
                maker: None,
                kind: LinkKind::Reset,
                user_id: Some(mara.id),
                ..link("mara@example.com")
            };
            super::insert(&mut tx, &by_command, b"third")
                .await
                .expect("inserts");
            tx.commit().await.expect("commits");
            let found = super::by_token(&db, b"third", now).await.expect("reads");
            assert_eq!(found, Some(by_command));
        });
    }
}
