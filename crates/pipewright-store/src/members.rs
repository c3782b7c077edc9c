//! Members of accounts. An account always keeps an owner: the last one can neither be removed nor made less.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, UserId};
use pipewright_core::role::Role;

use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::users::taken;

statements! {
    ROLE = same("SELECT role FROM members WHERE account_id = $1 AND user_id = $2");
    ACTIVE_ROLE = same(
        "SELECT members.role FROM members JOIN users ON users.id = members.user_id
         WHERE members.account_id = $1 AND members.user_id = $2 AND users.disabled_at IS NULL"
    );
    LIST = same(
        "SELECT users.id, users.name, users.email, users.email_proved_at, users.disabled_at, members.role, members.created_at
         FROM members JOIN users ON users.id = members.user_id
         WHERE members.account_id = $1 ORDER BY users.name, users.id"
    );
    ADD = same("INSERT INTO members (account_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)");
    SET_ROLE = same("UPDATE members SET role = $3 WHERE account_id = $1 AND user_id = $2");
    REMOVE = same("DELETE FROM members WHERE account_id = $1 AND user_id = $2");
    OWNERS = same("SELECT COUNT(*) FROM members WHERE account_id = $1 AND role = 'owner'");
    // SQLite has one writer at a time. PostgreSQL must be told, or two owners could remove one another at the same moment.
    HOLD = split(
        "SELECT 1 FROM accounts WHERE id = $1",
        "SELECT 1 FROM accounts WHERE id = $1 FOR UPDATE",
    );
}

/// A member of an account.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Member {
    /// The user.
    #[sqlx(try_from = "uuid::Uuid")]
    pub id: UserId,
    /// The user's name.
    pub name: String,
    /// The user's e-mail address.
    pub email: String,
    /// Microseconds since the epoch; when an administrator vouched for the address. None while nobody did.
    pub email_proved_at: Option<i64>,
    /// Microseconds since the epoch; set while the user may not sign in.
    pub disabled_at: Option<i64>,
    /// The role.
    #[sqlx(try_from = "String")]
    pub role: Role,
    /// Member since.
    #[sqlx(try_from = "i64")]
    pub created_at: Timestamp,
}

/// What became of a change to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberChange {
    /// It is done.
    Done,
    /// There is no such member.
    NoSuchMember,
    /// It would have left the account without an owner.
    LastOwner,
}

#[derive(sqlx::FromRow)]
struct RoleRow {
    #[sqlx(try_from = "String")]
    role: Role,
}

/// The user's role in the account; `None` where it is no member.
pub async fn role(db: &Db, account: AccountId, user: UserId) -> Result<Option<Role>, StoreError> {
    let row: Option<RoleRow> = read!(db, ROLE, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(user.as_uuid())
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(|row| row.role))
}

/// The user's role in the account, as this transaction sees it; `None` where it is no member, or may not sign in.
pub async fn role_within(
    tx: &mut Tx,
    account: AccountId,
    user: UserId,
) -> Result<Option<Role>, StoreError> {
    let row: Option<RoleRow> = within!(tx, ACTIVE_ROLE, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(user.as_uuid())
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(|row| row.role))
}

/// The members of an account by name.
pub async fn list(db: &Db, account: AccountId) -> Result<Vec<Member>, StoreError> {
    Ok(read!(db, LIST, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .fetch_all(executor)
        .await)?)
}

/// Adds a member. [`StoreError::Exists`] where the user is one already.
pub async fn add(
    tx: &mut Tx,
    account: AccountId,
    user: UserId,
    role: Role,
    now: Timestamp,
) -> Result<(), StoreError> {
    within!(tx, ADD, |executor, sql| sqlx::query(sql)
        .bind(account.as_uuid())
        .bind(user.as_uuid())
        .bind(role.as_str())
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))
    .map_err(|error| taken(error, "member"))
}

/// Gives a member another role.
pub async fn set_role(
    tx: &mut Tx,
    account: AccountId,
    user: UserId,
    role: Role,
) -> Result<MemberChange, StoreError> {
    match held_role(tx, account, user).await? {
        None => return Ok(MemberChange::NoSuchMember),
        Some(Role::Owner) if role != Role::Owner && owners(tx, account).await? < 2 => {
            return Ok(MemberChange::LastOwner);
        }
        Some(_) => {}
    }
    within!(tx, SET_ROLE, |executor, sql| sqlx::query(sql)
        .bind(account.as_uuid())
        .bind(user.as_uuid())
        .bind(role.as_str())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(MemberChange::Done)
}

/// Removes a member.
pub async fn remove(
    tx: &mut Tx,
    account: AccountId,
    user: UserId,
) -> Result<MemberChange, StoreError> {
    match held_role(tx, account, user).await? {
        None => return Ok(MemberChange::NoSuchMember),
        Some(Role::Owner) if owners(tx, account).await? < 2 => return Ok(MemberChange::LastOwner),
        Some(_) => {}
    }
    within!(tx, REMOVE, |executor, sql| sqlx::query(sql)
        .bind(account.as_uuid())
        .bind(user.as_uuid())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(MemberChange::Done)
}

/// The member's role, read while nobody else can change the account's members.
async fn held_role(
    tx: &mut Tx,
    account: AccountId,
    user: UserId,
) -> Result<Option<Role>, StoreError> {
    within!(tx, HOLD, |executor, sql| sqlx::query(sql)
        .bind(account.as_uuid())
        .execute(executor)
        .await
        .map(drop))?;
    let row: Option<RoleRow> = within!(tx, ROLE, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(user.as_uuid())
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(|row| row.role))
}

async fn owners(tx: &mut Tx, account: AccountId) -> Result<i64, StoreError> {
    Ok(within!(tx, OWNERS, |executor, sql| sqlx::query_scalar(
        sql
    )
    .bind(account.as_uuid())
    .fetch_one(executor)
    .await)?)
}

#[cfg(test)]
mod tests {
    use pipewright_core::Timestamp;
    use pipewright_core::ids::UserId;
    use pipewright_core::role::Role;

    use super::MemberChange;
    use crate::accounts::tests::account;
    use crate::error::StoreError;
    use crate::testing::on_each_database;
    use crate::users::tests::user;

    #[test]
    fn roles_change_members_go_and_the_last_owner_stays() {
        on_each_database(async |db| {
            let (mara, ivo) = (
                user(&db, "mara@example.com").await,
                user(&db, "ivo@example.com").await,
            );
            let account = account(&db, "harbor").await.id;
            let now = Timestamp::from_seconds(2);
            let mut tx = db.begin().await.expect("begins");
            super::add(&mut tx, account, mara.id, Role::Owner, now)
                .await
                .expect("adds");
            super::add(&mut tx, account, ivo.id, Role::Viewer, now)
                .await
                .expect("adds");
            assert_eq!(
                super::set_role(&mut tx, account, mara.id, Role::Admin)
                    .await
                    .expect("runs"),
                MemberChange::LastOwner
            );
            assert_eq!(
                super::remove(&mut tx, account, mara.id)
                    .await
                    .expect("runs"),
                MemberChange::LastOwner
            );
            assert_eq!(
                super::remove(&mut tx, account, UserId::new())
                    .await
                    .expect("runs"),
                MemberChange::NoSuchMember
            );
            assert_eq!(
                super::set_role(&mut tx, account, ivo.id, Role::Owner)
                    .await
                    .expect("runs"),
                MemberChange::Done
            );
            assert_eq!(
                super::remove(&mut tx, account, mara.id)
                    .await
                    .expect("runs"),
                MemberChange::Done
            );
            tx.commit().await.expect("commits");
            assert_eq!(
                super::role(&db, account, mara.id).await.expect("reads"),
                None
            );
            assert_eq!(
                super::role(&db, account, ivo.id).await.expect("reads"),
                Some(Role::Owner)
            );
            let members = super::list(&db, account).await.expect("reads");
            assert_eq!(
                members
                    .iter()
                    .map(|member| (member.id, member.role))
                    .collect::<Vec<_>>(),
                [(ivo.id, Role::Owner)]
            );
            let mut tx = db.begin().await.expect("begins");
            assert!(matches!(
                super::add(&mut tx, account, ivo.id, Role::Viewer, now).await,
                Err(StoreError::Exists("member"))
            ));
        });
    }
}
