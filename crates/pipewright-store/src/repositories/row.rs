//! The repository as the rest of Pipewright sees it.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, IntegrationId, RepositoryId};
use uuid::Uuid;

/// A Bitbucket repository that an integration can see.
#[derive(Debug, Clone)]
pub struct Repository {
    /// Its id.
    pub id: RepositoryId,
    /// Who sees it.
    pub integration: IntegrationId,
    /// That integration's owner.
    pub account: AccountId,
    /// What never changes: the UUID in braces on Cloud, the number as text on Data Center.
    pub remote_id: String,
    /// What never changes of its workspace (UUID in braces) or project (number).
    pub owner_id: String,
    /// The workspace's slug or the project's key.
    pub owner: String,
    /// What people call the workspace or project.
    pub owner_name: String,
    /// The key of its project, where Bitbucket said so.
    pub project_key: Option<String>,
    /// The last part of its address.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// `workspace/slug` or `KEY/slug`.
    pub full_name: String,
    /// False where everybody may read it.
    pub is_private: bool,
    /// Whether the connected user may set webhooks and keys, where that is known.
    pub can_administer: Option<bool>,
    /// The default branch's short name, where that is known.
    pub default_branch: Option<String>,
    /// For cloning over SSH.
    pub ssh_url: Option<String>,
    /// For cloning over HTTP(S), without user or password.
    pub http_url: Option<String>,
    /// Its page for people.
    pub web_url: String,
    /// When it last changed, where Bitbucket says.
    pub remote_updated_at: Option<Timestamp>,
    /// When it was last listed.
    pub seen_at: Timestamp,
    /// When it was first no longer listed.
    pub gone_at: Option<Timestamp>,
    /// Bitbucket's id of the access key that we put on it.
    pub access_key_id: Option<String>,
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: Uuid,
    integration_id: Uuid,
    account_id: Uuid,
    remote_id: String,
    owner_id: String,
    owner: String,
    owner_name: String,
    project_key: Option<String>,
    slug: String,
    name: String,
    full_name: String,
    is_private: bool,
    can_administer: Option<bool>,
    default_branch: Option<String>,
    ssh_url: Option<String>,
    http_url: Option<String>,
    web_url: String,
    remote_updated_at: Option<i64>,
    seen_at: i64,
    gone_at: Option<i64>,
    access_key_id: Option<String>,
}

impl From<Row> for Repository {
    fn from(row: Row) -> Self {
        Self {
            id: RepositoryId::from_uuid(row.id),
            integration: IntegrationId::from_uuid(row.integration_id),
            account: AccountId::from_uuid(row.account_id),
            remote_id: row.remote_id,
            owner_id: row.owner_id,
            owner: row.owner,
            owner_name: row.owner_name,
            project_key: row.project_key,
            slug: row.slug,
            name: row.name,
            full_name: row.full_name,
            is_private: row.is_private,
            can_administer: row.can_administer,
            default_branch: row.default_branch,
            ssh_url: row.ssh_url,
            http_url: row.http_url,
            web_url: row.web_url,
            remote_updated_at: row.remote_updated_at.map(Timestamp::from_micros),
            seen_at: Timestamp::from_micros(row.seen_at),
            gone_at: row.gone_at.map(Timestamp::from_micros),
            access_key_id: row.access_key_id,
        }
    }
}
