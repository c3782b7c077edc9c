//! Accounts: the owners of integrations and applications.
//!
//! The slug is the first part of every address of what the account owns; who may have which slug is the server's rule.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, UserId};
use pipewright_core::role::Role;

use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::users::taken;

statements! {
    TEAMS = same("SELECT COUNT(*) FROM accounts WHERE kind = 'team'");
    THAT_BUILD = same(
        "SELECT * FROM accounts WHERE id IN (SELECT account_id FROM applications) ORDER BY slug"
    );
    BY_ID = same("SELECT id, slug, name, kind, created_at FROM accounts WHERE id = $1");
    BY_SLUG = same("SELECT id, slug, name, kind, created_at FROM accounts WHERE slug = $1");
    OF_USER = same(
        "SELECT accounts.id, accounts.slug, accounts.name, accounts.kind, accounts.created_at, members.role
         FROM members JOIN accounts ON accounts.id = members.account_id
         WHERE members.user_id = $1 ORDER BY accounts.kind, accounts.slug"
    );
    // An empty account of one's own is no place to be led to while the work is elsewhere, though one was there last.
    WHERE_TO = same(
        "SELECT m.account_id FROM members m JOIN accounts a ON a.id = m.account_id WHERE m.user_id = $1
         ORDER BY CASE WHEN a.kind = 'personal' AND NOT EXISTS (SELECT 1 FROM applications p WHERE p.account_id = a.id)
                 AND EXISTS (SELECT 1 FROM members o JOIN applications p ON p.account_id = o.account_id WHERE o.user_id = $1)
                 THEN 1 ELSE 0 END,
             COALESCE(m.used_at, 0) DESC,
             CASE WHEN EXISTS (SELECT 1 FROM applications p WHERE p.account_id = a.id) THEN 0 ELSE 1 END,
             a.kind, a.slug
         LIMIT 1"
    );
    INSERT = same("INSERT INTO accounts (id, slug, name, kind, created_at) VALUES ($1, $2, $3, $4, $5)");
    SET_NAME = same("UPDATE accounts SET name = $2 WHERE id = $1");
    SET_SLUG = same("UPDATE accounts SET slug = $2 WHERE id = $1");
    REMOVE = same("DELETE FROM accounts WHERE id = $1");
}

/// Whose account it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKind {
    /// One person's own.
    Personal,
    /// A team's, with members.
    Team,
}

impl AccountKind {
    /// The word kept in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Team => "team",
        }
    }
}

impl TryFrom<String> for AccountKind {
    type Error = UnknownKind;

    fn try_from(word: String) -> Result<Self, UnknownKind> {
        match word.as_str() {
            "personal" => Ok(Self::Personal),
            "team" => Ok(Self::Team),
            _ => Err(UnknownKind(word)),
        }
    }
}

/// A word that names no kind of account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a kind of account; was this database written by a newer version?")]
pub struct UnknownKind(pub String);

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Account {
    /// The id.
    #[sqlx(try_from = "uuid::Uuid")]
    pub id: AccountId,
    /// The first part of its addresses.
    pub slug: String,
    /// What people are shown.
    pub name: String,
    /// Personal or team.
    #[sqlx(try_from = "String")]
    pub kind: AccountKind,
    /// When it was made.
    #[sqlx(try_from = "i64")]
    pub created_at: Timestamp,
}

/// An account and what a user is in it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Membership {
    /// The account.
    #[sqlx(flatten)]
    pub account: Account,
    /// The user's role.
    #[sqlx(try_from = "String")]
    pub role: Role,
}

/// The account of this id.
pub async fn by_id(db: &Db, id: AccountId) -> Result<Option<Account>, StoreError> {
    Ok(read!(db, BY_ID, |executor, sql| sqlx::query_as(sql)
        .bind(id.as_uuid())
        .fetch_optional(executor)
        .await)?)
}

/// The account of this slug.
pub async fn by_slug(db: &Db, slug: &str) -> Result<Option<Account>, StoreError> {
    Ok(read!(db, BY_SLUG, |executor, sql| sqlx::query_as(sql)
        .bind(slug)
        .fetch_optional(executor)
        .await)?)
}

/// Every account that a user is a member of, the personal one first.
pub async fn of_user(db: &Db, user: UserId) -> Result<Vec<Membership>, StoreError> {
    Ok(read!(db, OF_USER, |executor, sql| sqlx::query_as(sql)
        .bind(user.as_uuid())
        .fetch_all(executor)
        .await)?)
}

/// The account to lead a user to who signs in: the one used last, else one with applications; an empty account of their own
/// only where none has any. `None` for a user without an account.
pub async fn where_to(tx: &mut Tx, user: UserId) -> Result<Option<AccountId>, StoreError> {
    let found: Option<uuid::Uuid> = within!(tx, WHERE_TO, |executor, sql| sqlx::query_scalar(sql)
        .bind(user.as_uuid())
        .fetch_optional(executor)
        .await)?;
    Ok(found.map(AccountId::from_uuid))
}

/// How many teams there are.
pub async fn teams_within(tx: &mut Tx) -> Result<i64, StoreError> {
    Ok(within!(tx, TEAMS, |executor, sql| sqlx::query_scalar(sql)
        .fetch_one(executor)
        .await)?)
}

/// The accounts that have an application, by name: those whose pipeline files are run.
pub async fn that_build(db: &Db) -> Result<Vec<Account>, StoreError> {
    Ok(read!(db, THAT_BUILD, |executor, sql| sqlx::query_as(sql)
        .fetch_all(executor)
        .await)?)
}

/// The same inside a transaction.
pub async fn that_build_within(tx: &mut Tx) -> Result<Vec<Account>, StoreError> {
    Ok(within!(tx, THAT_BUILD, |executor, sql| sqlx::query_as(
        sql
    )
    .fetch_all(executor)
    .await)?)
}

/// Adds an account. [`StoreError::Exists`] where the slug is taken.
pub async fn insert(tx: &mut Tx, account: &Account) -> Result<(), StoreError> {
    within!(tx, INSERT, |executor, sql| sqlx::query(sql)
        .bind(account.id.as_uuid())
        .bind(&account.slug)
        .bind(&account.name)
        .bind(account.kind.as_str())
        .bind(account.created_at.as_micros())
        .execute(executor)
        .await
        .map(drop))
    .map_err(|error| taken(error, "account"))
}

/// Changes an account's name.
pub async fn set_name(tx: &mut Tx, id: AccountId, name: &str) -> Result<(), StoreError> {
    let rows = within!(tx, SET_NAME, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(name)
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    if rows == 1 {
        Ok(())
    } else {
        Err(StoreError::Missing {
            table: "accounts",
            key: id.to_string(),
        })
    }
}

/// Gives an account another first part of its addresses. [`StoreError::Exists`] where it is taken.
pub async fn set_slug(tx: &mut Tx, id: AccountId, slug: &str) -> Result<(), StoreError> {
    within!(tx, SET_SLUG, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(slug)
        .execute(executor)
        .await
        .map(drop))
    .map_err(|error| taken(error, "account"))
}

/// Removes an account with everything it owns in the database, its history too: call [`crate::events::outlive`] first.
/// False where it is gone already.
pub async fn remove(tx: &mut Tx, id: AccountId) -> Result<bool, StoreError> {
    let rows = within!(tx, REMOVE, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

#[cfg(test)]
pub(crate) mod tests {
    use pipewright_core::Timestamp;
    use pipewright_core::ids::AccountId;
    use pipewright_core::role::Role;

    use super::{Account, AccountKind};
    use crate::db::Db;
    use crate::error::StoreError;
    use crate::testing::on_each_database;
    use crate::users::tests::user;

    /// A team's account of this slug, without members.
    pub(crate) async fn account(db: &Db, slug: &str) -> Account {
        let account = Account {
            id: AccountId::new(),
            slug: slug.to_owned(),
            name: slug.to_owned(),
            kind: AccountKind::Team,
            created_at: Timestamp::from_seconds(1),
        };
        let mut tx = db.begin().await.expect("begins");
        super::insert(&mut tx, &account).await.expect("inserts");
        tx.commit().await.expect("commits");
        account
    }

    #[test]
    fn a_user_sees_the_accounts_it_is_a_member_of_and_no_other() {
        on_each_database(async |db| {
            let user = user(&db, "mara@example.com").await;
            let mine = account(&db, "harbor").await;
            account(&db, "other").await;
            let mut tx = db.begin().await.expect("begins");
            crate::members::add(
                &mut tx,
                mine.id,
                user.id,
                Role::Admin,
                Timestamp::from_seconds(2),
            )
            .await
            .expect("adds");
            super::set_name(&mut tx, mine.id, "Harbor")
                .await
                .expect("renames");
            tx.commit().await.expect("commits");
            let seen = super::of_user(&db, user.id).await.expect("reads");
            let seen: Vec<_> = seen
                .iter()
                .map(|one| {
                    (
                        one.account.slug.as_str(),
                        one.account.name.as_str(),
                        one.role,
                    )
                })
                .collect();
            assert_eq!(seen, [("harbor", "Harbor", Role::Admin)]);
            assert_eq!(
                super::by_slug(&db, "harbor")
                    .await
                    .expect("reads")
                    .map(|found| found.id),
                Some(mine.id)
            );
            assert_eq!(
                super::by_id(&db, mine.id)
                    .await
                    .expect("reads")
                    .map(|found| found.slug),
                Some("harbor".to_owned())
            );
            let mut tx = db.begin().await.expect("begins");
            let same_slug = Account {
                id: AccountId::new(),
                ..mine
            };
            assert!(matches!(
                super::insert(&mut tx, &same_slug).await,
                Err(StoreError::Exists("account"))
            ));
        });
    }
}
