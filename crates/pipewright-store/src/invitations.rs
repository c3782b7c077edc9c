//! Invitations: an offer to join an account, taken up once through a link whose token is kept only as its hash.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, InvitationId, UserId};
use pipewright_core::role::Role;

use crate::db::{Db, Tx};
use crate::error::StoreError;

statements! {
    INSERT = same(
        "INSERT INTO invitations (id, account_id, email, role, token_hash, invited_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    );
    BY_TOKEN = same(
        "SELECT invitations.id, invitations.account_id, invitations.email, invitations.role, invitations.invited_by AS inviter, users.name AS invited_by,
             invitations.created_at, invitations.expires_at
         FROM invitations JOIN users ON users.id = invitations.invited_by
         WHERE invitations.token_hash = $1 AND invitations.accepted_at IS NULL AND invitations.expires_at > $2"
    );
    OPEN = same(
        "SELECT invitations.id, invitations.account_id, invitations.email, invitations.role, invitations.invited_by AS inviter, users.name AS invited_by,
             invitations.created_at, invitations.expires_at
         FROM invitations JOIN users ON users.id = invitations.invited_by
         WHERE invitations.account_id = $1 AND invitations.accepted_at IS NULL AND invitations.expires_at > $2
         ORDER BY invitations.id"
    );
    ACCEPT = same("UPDATE invitations SET accepted_at = $2 WHERE id = $1 AND accepted_at IS NULL AND expires_at > $2");
    WITHDRAW = same("DELETE FROM invitations WHERE account_id = $1 AND id = $2 AND accepted_at IS NULL");
    WITHDRAW_EMAIL = same("DELETE FROM invitations WHERE account_id = $1 AND email = $2 AND accepted_at IS NULL");
}

/// An open invitation.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Invitation {
    /// The id.
    #[sqlx(try_from = "uuid::Uuid")]
    pub id: InvitationId,
    /// The account to join.
    #[sqlx(try_from = "uuid::Uuid")]
    pub account_id: AccountId,
    /// Whom it is for, in lower case.
    pub email: String,
    /// The role it gives.
    #[sqlx(try_from = "String")]
    pub role: Role,
    /// Whoever invited.
    #[sqlx(try_from = "uuid::Uuid")]
    pub inviter: UserId,
    /// Their name.
    pub invited_by: String,
    /// When it was made.
    #[sqlx(try_from = "i64")]
    pub created_at: Timestamp,
    /// Until when it can be taken up.
    #[sqlx(try_from = "i64")]
    pub expires_at: Timestamp,
}

/// What a new invitation says.
#[derive(Debug, Clone)]
pub struct NewInvitation<'a> {
    /// Its id.
    pub id: InvitationId,
    /// The account to join.
    pub account_id: AccountId,
    /// Whom it is for, in lower case.
    pub email: &'a str,
    /// The role it gives.
    pub role: Role,
    /// SHA-256 of the link's token.
    pub token_hash: &'a [u8],
    /// Who invites.
    pub invited_by: UserId,
    /// Now.
    pub created_at: Timestamp,
    /// Until when it can be taken up.
    pub expires_at: Timestamp,
}

/// Adds an invitation; an open one for the same address in the same account is replaced, so its old link stops working.
pub async fn insert(tx: &mut Tx, invitation: &NewInvitation<'_>) -> Result<(), StoreError> {
    within!(tx, WITHDRAW_EMAIL, |executor, sql| sqlx::query(sql)
        .bind(invitation.account_id.as_uuid())
        .bind(invitation.email)
        .execute(executor)
        .await
        .map(drop))?;
    within!(tx, INSERT, |executor, sql| sqlx::query(sql)
        .bind(invitation.id.as_uuid())
        .bind(invitation.account_id.as_uuid())
        .bind(invitation.email)
        .bind(invitation.role.as_str())
        .bind(invitation.token_hash)
        .bind(invitation.invited_by.as_uuid())
        .bind(invitation.created_at.as_micros())
        .bind(invitation.expires_at.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// The open invitation that this token's hash belongs to.
pub async fn by_token(
    db: &Db,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<Option<Invitation>, StoreError> {
    Ok(read!(db, BY_TOKEN, |executor, sql| sqlx::query_as(sql)
        .bind(token_hash)
        .bind(now.as_micros())
        .fetch_optional(executor)
        .await)?)
}

/// The open invitations of an account, oldest first.
pub async fn open(
    db: &Db,
    account: AccountId,
    now: Timestamp,
) -> Result<Vec<Invitation>, StoreError> {
    Ok(read!(db, OPEN, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(now.as_micros())
        .fetch_all(executor)
        .await)?)
}

/// Takes an invitation up. False where it was taken up, withdrawn or expired meanwhile.
pub async fn accept(tx: &mut Tx, id: InvitationId, now: Timestamp) -> Result<bool, StoreError> {
    let rows = within!(tx, ACCEPT, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Withdraws an open invitation. False where there is none of this id in the account.
pub async fn withdraw(
    tx: &mut Tx,
    account: AccountId,
    id: InvitationId,
) -> Result<bool, StoreError> {
    let rows = within!(tx, WITHDRAW, |executor, sql| sqlx::query(sql)
        .bind(account.as_uuid())
        .bind(id.as_uuid())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipewright_core::Timestamp;
    use pipewright_core::ids::InvitationId;
    use pipewright_core::role::Role;

    use super::NewInvitation;
    use crate::accounts::tests::account;
    use crate::testing::on_each_database;
    use crate::users::tests::user;

    #[test]
    fn an_invitation_is_taken_up_once_and_replaced_by_the_next() {
        on_each_database(async |db| {
            let mara = user(&db, "mara@example.com").await;
            let (account, other) = (
                account(&db, "harbor").await.id,
                account(&db, "other").await.id,
            );
            let now = Timestamp::from_seconds(10);
            let week = Duration::from_hours(168);
            let new = |token_hash| NewInvitation {
                id: InvitationId::new(),
                account_id: account,
                email: "ivo@example.com",
                role: Role::Developer,
                token_hash,
                invited_by: mara.id,
                created_at: now,
                expires_at: now + week,
            };
            let mut tx = db.begin().await.expect("begins");
            super::insert(&mut tx, &new(b"first"))
                .await
                .expect("inserts");
            super::insert(&mut tx, &new(b"second"))
                .await
                .expect("replaces");
            tx.commit().await.expect("commits");
            assert_eq!(
                super::by_token(&db, b"first", now).await.expect("reads"),
                None
            );
            let found = super::by_token(&db, b"second", now)
                .await
                .expect("reads")
                .expect("is there");
            assert_eq!(
                (found.role, found.invited_by.as_str()),
                (Role::Developer, "Mara Lindqvist")
            );
            assert_eq!(
                super::by_token(&db, b"second", now + week)
                    .await
                    .expect("reads"),
                None,
                "expired"
            );
            assert_eq!(
                super::open(&db, account, now).await.expect("reads"),
                std::slice::from_ref(&found)
            );
            let mut tx = db.begin().await.expect("begins");
            assert!(
                !super::withdraw(&mut tx, other, found.id)
                    .await
                    .expect("runs"),
                "another account's"
            );
            assert!(super::accept(&mut tx, found.id, now).await.expect("runs"));
            assert!(
                !super::accept(&mut tx, found.id, now).await.expect("runs"),
                "only once"
            );
            assert!(
                !super::withdraw(&mut tx, account, found.id)
                    .await
                    .expect("runs"),
                "it is taken up"
            );
            super::insert(&mut tx, &new(b"third"))
                .await
                .expect("inserts");
            tx.commit().await.expect("commits");
            let third = super::by_token(&db, b"third", now)
                .await
                .expect("reads")
                .expect("is there");
            let mut tx = db.begin().await.expect("begins");
            assert!(
                super::withdraw(&mut tx, account, third.id)
                    .await
                    .expect("runs")
            );
            tx.commit().await.expect("commits");
        });
    }
}
