//! What administrators do to users: list them, disable and enable, give and take rights, vouch for addresses.
//!
//! The installation always keeps an administrator who can sign in: the last one is neither disabled nor made less, and of
//! two who do that to one another at the same moment, one is refused.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, UserId};

use crate::columns::MaybeMicros;
use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::users::{User, one};

statements! {
    LIST = same(
        "SELECT users.id, users.email, users.name, users.password_hash, users.is_administrator, users.created_at, users.disabled_at,
             users.may_make_accounts, users.may_connect, users.email_proved_at, users.seen_at,
             (SELECT COUNT(*) FROM sessions WHERE sessions.user_id = users.id AND sessions.expires_at > $1) AS sessions
         FROM users
         WHERE CAST($2 AS TEXT) = '' OR LOWER(users.name) LIKE $3 ESCAPE '\\' OR users.email LIKE $3 ESCAPE '\\'
         ORDER BY CASE WHEN users.disabled_at IS NULL THEN 0 ELSE 1 END, LOWER(users.name), users.id LIMIT $4"
    );
    ADMINISTRATORS = same("SELECT COUNT(*) FROM users WHERE is_administrator = TRUE AND disabled_at IS NULL");
    // SQLite has one writer at a time. PostgreSQL must be told, or two administrators could disable one another at once.
    HOLD = split(
        "SELECT id FROM users WHERE is_administrator = 1 ORDER BY id",
        "SELECT id FROM users WHERE is_administrator ORDER BY id FOR UPDATE",
    );
    BY_ID = same(
        "SELECT id, email, name, password_hash, is_administrator, created_at, disabled_at, may_make_accounts, may_connect, email_proved_at
         FROM users WHERE id = $1"
    );
    SET_DISABLED = same("UPDATE users SET disabled_at = $2 WHERE id = $1");
    SET_ADMINISTRATOR = same("UPDATE users SET is_administrator = $2 WHERE id = $1");
    SET_RIGHTS = same("UPDATE users SET may_make_accounts = $2, may_connect = $3 WHERE id = $1");
    SET_PROVED = same("UPDATE users SET email_proved_at = $2 WHERE id = $1");
    SET_EMAIL = same("UPDATE users SET email = $2, email_proved_at = NULL WHERE id = $1");
    WITHDRAW_INVITATIONS = same("DELETE FROM invitations WHERE invited_by = $1 AND accepted_at IS NULL");
    WITHDRAW_LINKS = same("DELETE FROM user_links WHERE used_at IS NULL AND (made_by = $1 OR user_id = $1)");
    WITHDRAW_LINKS_MADE = same("DELETE FROM user_links WHERE used_at IS NULL AND made_by = $1");
    END_FLOWS = same("DELETE FROM oauth_flows WHERE user_id = $1 AND used_at IS NULL");
    WITHDRAW_IN_ACCOUNT = same("DELETE FROM invitations WHERE invited_by = $1 AND account_id = $2 AND accepted_at IS NULL");
    END_FLOWS_IN_ACCOUNT = same("DELETE FROM oauth_flows WHERE user_id = $1 AND account_id = $2 AND used_at IS NULL");
    ACCOUNTS = same(
        "SELECT accounts.id, accounts.slug, accounts.name, accounts.kind, accounts.created_at,
             (SELECT COUNT(*) FROM members WHERE members.account_id = accounts.id) AS members,
             (SELECT COUNT(*) FROM applications WHERE applications.account_id = accounts.id) AS applications,
             (SELECT COUNT(*) FROM integrations WHERE integrations.account_id = accounts.id AND integrations.state <> 'disconnected') AS integrations,
             (SELECT COUNT(*) FROM members JOIN users ON users.id = members.user_id
              WHERE members.account_id = accounts.id AND members.role = 'owner' AND users.disabled_at IS NULL) AS owners,
             (SELECT users.name FROM members JOIN users ON users.id = members.user_id
              WHERE members.account_id = accounts.id AND members.role = 'owner'
              ORDER BY CASE WHEN users.disabled_at IS NULL THEN 0 ELSE 1 END, members.created_at, users.id LIMIT 1) AS owner
         FROM accounts ORDER BY CASE WHEN accounts.kind = 'team' THEN 0 ELSE 1 END, accounts.slug LIMIT $1"
    );
}

/// A user as administrators see them.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ListedUser {
    /// The user.
    #[sqlx(flatten)]
    pub user: User,
    /// When they last used a session, give or take a minute.
    #[sqlx(try_from = "MaybeMicros")]
    pub seen_at: Option<Timestamp>,
    /// How many sessions they have.
    pub sessions: i64,
}

/// An account as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ListedAccount {
    /// The account.
    #[sqlx(flatten)]
    pub account: crate::accounts::Account,
    /// How many members it has.
    pub members: i64,
    /// How many applications.
    pub applications: i64,
    /// How many connections to a Bitbucket.
    pub integrations: i64,
    /// How many owners can sign in.
    pub owners: i64,
    /// The name of its first owner, one who can sign in where there is one.
    pub owner: Option<String>,
}

/// What became of a change to an administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdministratorChange {
    /// It is done.
    Done,
    /// It would have left the installation without an administrator who can sign in.
    LastAdministrator,
}

/// What ended with a user's right to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ended {
    /// Sessions.
    pub sessions: u64,
    /// Open invitations that they had made.
    pub invitations: u64,
    /// Open one-time links that they had made, or that were made for them.
    pub links: u64,
}

/// Users whose name or address holds this text; all where it is empty. Those who may not sign in come last.
pub async fn users(
    db: &Db,
    text: &str,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<ListedUser>, StoreError> {
    let text = text.trim().to_lowercase();
    Ok(read!(db, LIST, |executor, sql| sqlx::query_as(sql)
        .bind(now.as_micros())
        .bind(&text)
        .bind(format!("%{}%", crate::events::escaped(&text)))
        .bind(limit)
        .fetch_all(executor)
        .await)?)
}

/// Every account with what it holds, teams first, at most `limit`.
pub async fn accounts(db: &Db, limit: i64) -> Result<Vec<ListedAccount>, StoreError> {
    Ok(read!(db, ACCOUNTS, |executor, sql| sqlx::query_as(sql)
        .bind(limit)
        .fetch_all(executor)
        .await)?)
}

/// The user of this id, as this transaction sees them, while nobody else changes who administers.
pub async fn held(tx: &mut Tx, id: UserId) -> Result<Option<User>, StoreError> {
    within!(tx, HOLD, |executor, sql| sqlx::query(sql)
        .fetch_all(executor)
        .await
        .map(drop))?;
    Ok(within!(tx, BY_ID, |executor, sql| sqlx::query_as(sql)
        .bind(id.as_uuid())
        .fetch_optional(executor)
        .await)?)
}

/// How many administrators can sign in.
async fn administrators(tx: &mut Tx) -> Result<i64, StoreError> {
    Ok(within!(tx, ADMINISTRATORS, |executor, sql| {
        sqlx::query_scalar(sql).fetch_one(executor).await
    })?)
}

/// True where the user is the only administrator who can sign in.
async fn is_last(tx: &mut Tx, user: &User) -> Result<bool, StoreError> {
    Ok(user.is_administrator && user.disabled_at.is_none() && administrators(tx).await? < 2)
}

/// Lets the user sign in no more; the caller ends what they have with [`end_everything`]. Call [`held`] first.
pub async fn disable(
    tx: &mut Tx,
    user: &User,
    now: Timestamp,
) -> Result<AdministratorChange, StoreError> {
    if is_last(tx, user).await? {
        return Ok(AdministratorChange::LastAdministrator);
    }
    set_micros(tx, user.id, &SET_DISABLED, Some(now)).await?;
    Ok(AdministratorChange::Done)
}

/// Lets the user sign in again.
pub async fn enable(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    set_micros(tx, user, &SET_DISABLED, None).await
}

/// Makes the user an administrator, or no longer one. Call [`held`] first.
pub async fn set_administrator(
    tx: &mut Tx,
    user: &User,
    is_administrator: bool,
) -> Result<AdministratorChange, StoreError> {
    if !is_administrator && is_last(tx, user).await? {
        return Ok(AdministratorChange::LastAdministrator);
    }
    let rows = within!(tx, SET_ADMINISTRATOR, |executor, sql| sqlx::query(sql)
        .bind(user.id.as_uuid())
        .bind(is_administrator)
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    one(rows, user.id)?;
    if !is_administrator {
        within!(tx, WITHDRAW_LINKS_MADE, |executor, sql| sqlx::query(sql)
            .bind(user.id.as_uuid())
            .execute(executor)
            .await
            .map(drop))?;
    }
    Ok(AdministratorChange::Done)
}

/// Says whether the user may make accounts and connect a Bitbucket.
pub async fn set_rights(
    tx: &mut Tx,
    user: UserId,
    may_make_accounts: bool,
    may_connect: bool,
) -> Result<(), StoreError> {
    let rows = within!(tx, SET_RIGHTS, |executor, sql| sqlx::query(sql)
        .bind(user.as_uuid())
        .bind(may_make_accounts)
        .bind(may_connect)
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    one(rows, user)
}

/// Notes that somebody vouched for the user's address.
pub async fn prove_email(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<(), StoreError> {
    set_micros(tx, user, &SET_PROVED, Some(now)).await
}

/// Gives the user another address, for which nobody vouched yet.
pub async fn set_email(tx: &mut Tx, user: UserId, email: &str) -> Result<(), StoreError> {
    let rows = within!(tx, SET_EMAIL, |executor, sql| sqlx::query(sql)
        .bind(user.as_uuid())
        .bind(email)
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))
    .map_err(|error| crate::users::taken(error, "user"))?;
    one(rows, user)
}

/// Ends what a user has in hand: sessions, known browsers, invitations and links that are open, ways to Bitbucket that
/// were begun.
pub async fn end_everything(tx: &mut Tx, user: UserId) -> Result<Ended, StoreError> {
    let sessions = crate::sessions::remove_all(tx, user).await?;
    crate::sign_ins::forget_browsers(tx, user).await?;
    let mut rows = [0; 3];
    for (statement, rows) in [&WITHDRAW_INVITATIONS, &WITHDRAW_LINKS, &END_FLOWS]
        .into_iter()
        .zip(&mut rows)
    {
        *rows = within!(tx, statement, |executor, sql| sqlx::query(sql)
            .bind(user.as_uuid())
            .execute(executor)
            .await
            .map(|done| done.rows_affected()))?;
    }
    Ok(Ended {
        sessions,
        invitations: rows[0],
        links: rows[1],
    })
}

/// Ends what a member of an account delegated or began there; returns how many invitations were withdrawn.
pub async fn end_in_account(
    tx: &mut Tx,
    user: UserId,
    account: AccountId,
) -> Result<u64, StoreError> {
    crate::sessions::forget_account(tx, user, account).await?;
    let mut rows = [0; 2];
    for (statement, rows) in [&WITHDRAW_IN_ACCOUNT, &END_FLOWS_IN_ACCOUNT]
        .into_iter()
        .zip(&mut rows)
    {
        *rows = within!(tx, statement, |executor, sql| sqlx::query(sql)
            .bind(user.as_uuid())
            .bind(account.as_uuid())
            .execute(executor)
            .await
            .map(|done| done.rows_affected()))?;
    }
    Ok(rows[0])
}

async fn set_micros(
    tx: &mut Tx,
    user: UserId,
    statement: &crate::macros::Statement,
    at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let rows = within!(tx, statement, |executor, sql| sqlx::query(sql)
        .bind(user.as_uuid())
        .bind(at.map(Timestamp::as_micros))
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    one(rows, user)
}

#[cfg(test)]
mod tests {
    use pipewright_core::Timestamp;

    use super::AdministratorChange;
    use crate::testing::on_each_database;
    use crate::users::tests::user;

    #[test]
    fn the_last_administrator_stays_one_and_stays_able_to_sign_in() {
        on_each_database(async |db| {
            let now = Timestamp::from_seconds(10);
            let (mara, ivo) = (
                user(&db, "mara@example.com").await,
                user(&db, "ivo@example.com").await,
            );
            let mut tx = db.begin().await.expect("begins");
            let held = super::held(&mut tx, ivo.id)
                .await
                .expect("reads")
                .expect("is there");
            assert_eq!(
                super::disable(&mut tx, &held, now).await.expect("runs"),
                AdministratorChange::Done
            );
            let held = super::held(&mut tx, mara.id)
                .await
                .expect("reads")
                .expect("is there");
            assert_eq!(
                super::disable(&mut tx, &held, now).await.expect("runs"),
                AdministratorChange::LastAdministrator
            );
            assert_eq!(
                super::set_administrator(&mut tx, &held, false)
                    .await
                    .expect("runs"),
                AdministratorChange::LastAdministrator,
                "a disabled administrator does not count"
            );
            super::enable(&mut tx, ivo.id).await.expect("runs");
            assert_eq!(
                super::set_administrator(&mut tx, &held, false)
                    .await
                    .expect("runs"),
                AdministratorChange::Done
            );
            tx.commit().await.expect("commits");
            let listed = super::users(&db, "MARA@", now, 10).await.expect("reads");
            assert_eq!(listed.len(), 1);
            assert!(!listed[0].user.is_administrator);
            assert_eq!(
                super::users(&db, "%", now, 10).await.expect("reads").len(),
                0,
                "a wildcard is a letter"
            );
            assert_eq!(
                super::users(&db, "", now, 10).await.expect("reads").len(),
                2
            );
        });
    }
}
