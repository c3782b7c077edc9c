//! Finding and searching repositories.

use pipewright_core::ids::{AccountId, IntegrationId, RepositoryId};
use uuid::Uuid;

use super::row::{Repository, Row};
use crate::db::{Db, Tx};
use crate::error::StoreError;

statements! {
    GET = same("SELECT * FROM repositories WHERE id = $1");
    OF_ACCOUNT = same("SELECT * FROM repositories WHERE id = $1 AND account_id = $2");
    // The account is asked for twice: neither the one that asks nor the one that is found may be another's.
    BESIDE = same(
        "SELECT r.* FROM repositories r JOIN repositories own ON own.id = $2 AND own.account_id = $1
         JOIN integrations i ON i.id = r.integration_id
         WHERE r.account_id = $1 AND r.integration_id = own.integration_id AND r.gone_at IS NULL AND i.state <> 'disconnected'
             AND (r.slug = $3 OR r.remote_id = $3)
         ORDER BY CASE WHEN r.owner = own.owner THEN 0 ELSE 1 END, r.full_name LIMIT 5"
    );
    WITH_ACCESS_KEY = same("SELECT * FROM repositories WHERE integration_id = $1 AND access_key_id IS NOT NULL ORDER BY id");
    ADMINISTERED = same(
        "SELECT COUNT(*) AS listed, COUNT(*) FILTER (WHERE can_administer) AS administered
         FROM repositories WHERE integration_id = $1 AND gone_at IS NULL"
    );
    // The text is lower-cased by the application on both sides, because the databases do not agree on more than ASCII.
    SEARCH = same(
        "SELECT r.* FROM repositories r JOIN integrations i ON i.id = r.integration_id
         WHERE r.account_id = $1 AND r.gone_at IS NULL AND i.state <> 'disconnected'
             AND r.search_text LIKE $2 ESCAPE '\\'
             AND (CAST($3 AS TEXT) IS NULL OR r.owner = $3) AND (CAST($6 AS UUID) IS NULL OR r.integration_id = $6)
         ORDER BY r.integration_id, r.owner, r.remote_updated_at DESC NULLS LAST, r.search_text, r.id
         LIMIT $4 OFFSET $5"
    );
    COUNT = same(
        "SELECT COUNT(*) FROM repositories r JOIN integrations i ON i.id = r.integration_id
         WHERE r.account_id = $1 AND r.gone_at IS NULL AND i.state <> 'disconnected'
             AND r.search_text LIKE $2 ESCAPE '\\'
             AND (CAST($3 AS TEXT) IS NULL OR r.owner = $3) AND (CAST($4 AS UUID) IS NULL OR r.integration_id = $4)"
    );
    OWNERS = same(
        "SELECT r.integration_id, r.owner, MIN(r.owner_name) AS owner_name, COUNT(*) AS repositories
         FROM repositories r JOIN integrations i ON i.id = r.integration_id
         WHERE r.account_id = $1 AND r.gone_at IS NULL AND i.state <> 'disconnected'
         GROUP BY r.integration_id, r.owner"
    );
}

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Words that must occur in `owner/name`, in this order, in any case. Empty finds everything.
    pub text: String,
    /// Only of this workspace or project.
    pub owner: Option<String>,
    /// Only at this connection: two Bitbuckets may have a project of one key.
    pub integration: Option<IntegrationId>,
    /// How many at most.
    pub limit: u32,
    /// How many to leave out first.
    pub offset: u32,
}

/// A workspace or project that has repositories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Whose it is.
    pub integration: IntegrationId,
    /// The workspace's slug or the project's key.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// How many repositories are listed in it.
    pub repositories: u64,
}

#[derive(sqlx::FromRow)]
struct OwnerRow {
    integration_id: Uuid,
    owner: String,
    owner_name: String,
    repositories: i64,
}

/// The repository of this id, whoever owns it. For the server's own tasks.
pub async fn get(db: &Db, id: RepositoryId) -> Result<Option<Repository>, StoreError> {
    let row: Option<Row> = read!(db, GET, |executor, sql| sqlx::query_as(sql)
        .bind(id.as_uuid())
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(Repository::from))
}

/// As [`get`], inside a transaction.
pub async fn get_within(tx: &mut Tx, id: RepositoryId) -> Result<Option<Repository>, StoreError> {
    let row: Option<Row> = within!(tx, GET, |executor, sql| sqlx::query_as(sql)
        .bind(id.as_uuid())
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(Repository::from))
}

/// The account's repository of this id.
pub async fn of_account(
    db: &Db,
    account: AccountId,
    id: RepositoryId,
) -> Result<Option<Repository>, StoreError> {
    let row: Option<Row> = read!(db, OF_ACCOUNT, |executor, sql| sqlx::query_as(sql)
        .bind(id.as_uuid())
        .bind(account.as_uuid())
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(Repository::from))
}

/// The account's repositories of this slug or unchanging id that are seen by the same integration as one of its own; those
/// of the same workspace or project first, at most 5.
pub async fn beside(
    db: &Db,
    account: AccountId,
    own: RepositoryId,
    name: &str,
) -> Result<Vec<Repository>, StoreError> {
    let rows: Vec<Row> = read!(db, BESIDE, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(own.as_uuid())
        .bind(name)
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(Repository::from).collect())
}

/// Repositories of an integration that we put our key on.
pub async fn with_access_key(
    db: &Db,
    integration: IntegrationId,
) -> Result<Vec<Repository>, StoreError> {
    let rows: Vec<Row> = read!(db, WITH_ACCESS_KEY, |executor, sql| sqlx::query_as(sql)
        .bind(integration.as_uuid())
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(Repository::from).collect())
}

/// How many repositories an integration sees, and on how many of them it may set webhooks and keys.
pub async fn administered(db: &Db, integration: IntegrationId) -> Result<(u64, u64), StoreError> {
    let (listed, administered): (i64, i64) =
        read!(db, ADMINISTERED, |executor, sql| sqlx::query_as(sql)
            .bind(integration.as_uuid())
            .fetch_one(executor)
            .await)?;
    Ok((
        u64::try_from(listed).unwrap_or(0),
        u64::try_from(administered).unwrap_or(0),
    ))
}

/// Repositories of an account that match, grouped by workspace or project, last changed first, and how many match in all.
pub async fn search(
    db: &Db,
    account: AccountId,
    search: &Search,
) -> Result<(Vec<Repository>, u64), StoreError> {
    let pattern = pattern(&search.text);
    let rows: Vec<Row> = read!(db, SEARCH, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(&pattern)
        .bind(&search.owner)
        .bind(i64::from(search.limit))
        .bind(i64::from(search.offset))
        .bind(search.integration.map(IntegrationId::as_uuid))
        .fetch_all(executor)
        .await)?;
    let count: i64 = read!(db, COUNT, |executor, sql| sqlx::query_scalar(sql)
        .bind(account.as_uuid())
        .bind(&pattern)
        .bind(&search.owner)
        .bind(search.integration.map(IntegrationId::as_uuid))
        .fetch_one(executor)
        .await)?;
    Ok((
        rows.into_iter().map(Repository::from).collect(),
        u64::try_from(count).unwrap_or(0),
    ))
}

/// The workspaces and projects of an account's repositories, by name.
pub async fn owners(db: &Db, account: AccountId) -> Result<Vec<Owner>, StoreError> {
    let rows: Vec<OwnerRow> = read!(db, OWNERS, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .fetch_all(executor)
        .await)?;
    let mut owners: Vec<_> = rows
        .into_iter()
        .map(|row| Owner {
            integration: IntegrationId::from_uuid(row.integration_id),
            key: row.owner,
            name: row.owner_name,
            repositories: u64::try_from(row.repositories).unwrap_or(0),
        })
        .collect();
    owners.sort_by_cached_key(|owner| (owner.name.to_lowercase(), owner.key.clone()));
    Ok(owners)
}

/// The words as a LIKE pattern; what LIKE would take for a wildcard is searched for as it is.
fn pattern(text: &str) -> String {
    let mut pattern = "%".to_owned();
    for word in text.to_lowercase().split_whitespace() {
        for character in word.chars() {
            if matches!(character, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern.push('%');
    }
    pattern
}
