//! Keeping repositories as Bitbucket lists them.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, IntegrationId, RepositoryId};
use uuid::Uuid;

use crate::db::Tx;
use crate::error::StoreError;

statements! {
    // What this answer of Bitbucket did not say stays as it was known.
    REMEMBER = same(
        "INSERT INTO repositories (id, integration_id, account_id, remote_id, owner_id, owner, owner_name, slug, name, full_name,
             search_text, is_private, can_administer, default_branch, ssh_url, http_url, web_url, remote_updated_at, seen_at, project_key)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
         ON CONFLICT (integration_id, remote_id) DO UPDATE SET owner_id = excluded.owner_id, owner = excluded.owner,
             owner_name = excluded.owner_name, slug = excluded.slug, name = excluded.name, full_name = excluded.full_name,
             search_text = excluded.search_text, is_private = excluded.is_private,
             can_administer = COALESCE(excluded.can_administer, repositories.can_administer),
             project_key = COALESCE(excluded.project_key, repositories.project_key),
             default_branch = COALESCE(excluded.default_branch, repositories.default_branch),
             ssh_url = excluded.ssh_url, http_url = excluded.http_url, web_url = excluded.web_url,
             remote_updated_at = COALESCE(excluded.remote_updated_at, repositories.remote_updated_at),
             seen_at = excluded.seen_at, gone_at = NULL
         RETURNING id"
    );
    MARK_GONE = same("UPDATE repositories SET gone_at = $3 WHERE integration_id = $1 AND seen_at < $2 AND gone_at IS NULL");
    SET_ACCESS_KEY = same("UPDATE repositories SET access_key_id = $2 WHERE id = $1");
    SET_CAN_ADMINISTER = same("UPDATE repositories SET can_administer = $2 WHERE id = $1");
    SET_DEFAULT_BRANCH = same("UPDATE repositories SET default_branch = $2 WHERE id = $1");
}

/// A repository as a list of Bitbucket shows it.
#[derive(Debug, Clone)]
pub struct SeenRepository {
    /// What never changes.
    pub remote_id: String,
    /// What never changes of its workspace or project.
    pub owner_id: String,
    /// The workspace's slug or the project's key.
    pub owner: String,
    /// What people call the workspace or project.
    pub owner_name: String,
    /// The key of its project, where the list says.
    pub project_key: Option<String>,
    /// The last part of its address.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// `workspace/slug` or `KEY/slug`.
    pub full_name: String,
    /// False where everybody may read it.
    pub is_private: bool,
    /// Whether the connected user may set webhooks and keys, where the list says.
    pub can_administer: Option<bool>,
    /// The default branch's short name, where the list says.
    pub default_branch: Option<String>,
    /// For cloning over SSH.
    pub ssh_url: Option<String>,
    /// For cloning over HTTP(S), without user or password.
    pub http_url: Option<String>,
    /// Its page for people.
    pub web_url: String,
    /// When it last changed, where the list says.
    pub remote_updated_at: Option<Timestamp>,
}

/// Keeps a repository as it was listed now, and gives the id it has here.
pub async fn remember(
    tx: &mut Tx,
    account: AccountId,
    integration: IntegrationId,
    seen: &SeenRepository,
    now: Timestamp,
) -> Result<RepositoryId, StoreError> {
    let search_text =
        format!("{} {} {}", seen.full_name, seen.name, seen.owner_name).to_lowercase();
    let id: Uuid = within!(tx, REMEMBER, |executor, sql| sqlx::query_scalar(sql)
        .bind(RepositoryId::new().as_uuid())
        .bind(integration.as_uuid())
        .bind(account.as_uuid())
        .bind(&seen.remote_id)
        .bind(&seen.owner_id)
        .bind(&seen.owner)
        .bind(&seen.owner_name)
        .bind(&seen.slug)
        .bind(&seen.name)
        .bind(&seen.full_name)
        .bind(&search_text)
        .bind(seen.is_private)
        .bind(seen.can_administer)
        .bind(&seen.default_branch)
        .bind(&seen.ssh_url)
        .bind(&seen.http_url)
        .bind(&seen.web_url)
        .bind(seen.remote_updated_at.map(Timestamp::as_micros))
        .bind(now.as_micros())
        .bind(&seen.project_key)
        .fetch_one(executor)
        .await)?;
    Ok(RepositoryId::from_uuid(id))
}

/// Marks what was not listed since `since` as gone, and says how many that were.
pub async fn mark_unseen_gone(
    tx: &mut Tx,
    integration: IntegrationId,
    since: Timestamp,
    now: Timestamp,
) -> Result<u64, StoreError> {
    Ok(within!(tx, MARK_GONE, |executor, sql| sqlx::query(sql)
        .bind(integration.as_uuid())
        .bind(since.as_micros())
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?)
}

/// Remembers Bitbucket's id of the access key that we put on the repository, or that it is no longer there.
pub async fn set_access_key(
    tx: &mut Tx,
    id: RepositoryId,
    access_key: Option<&str>,
) -> Result<(), StoreError> {
    within!(tx, SET_ACCESS_KEY, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(access_key)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Keeps whether the connected user may set webhooks and keys.
pub async fn set_can_administer(
    tx: &mut Tx,
    id: RepositoryId,
    can_administer: bool,
) -> Result<(), StoreError> {
    within!(tx, SET_CAN_ADMINISTER, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(can_administer)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Keeps the default branch's short name; none of an empty repository.
pub async fn set_default_branch(
    tx: &mut Tx,
    id: RepositoryId,
    branch: Option<&str>,
) -> Result<(), StoreError> {
    within!(tx, SET_DEFAULT_BRANCH, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(branch)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}
