//! What receiving and deciding must know of webhooks, repositories and applications: narrow reads over their tables.

use pipewright_core::ids::{
    AccountId, ApplicationId, DeliveryId, IntegrationId, RepositoryId, WebhookId,
};
use pipewright_core::{RefPattern, Timestamp};
use uuid::Uuid;

use crate::Sealed;
use crate::db::{Db, Tx};
use crate::error::StoreError;

statements! {
    HOOK = same(
        "SELECT w.id, w.account_id, w.repository_id, w.secret_sealed, i.kind
         FROM webhooks w JOIN repositories r ON r.id = w.repository_id JOIN integrations i ON i.id = r.integration_id
         WHERE w.path = $1"
    );
    SAW = same("UPDATE webhooks SET last_delivery_at = $2 WHERE id = $1 AND (last_delivery_at IS NULL OR last_delivery_at < $2)");
    REPOSITORY = same(
        "SELECT r.id, r.account_id, r.integration_id, r.remote_id, r.owner, r.slug, r.full_name, i.kind
         FROM repositories r JOIN integrations i ON i.id = r.integration_id WHERE r.id = $1"
    );
    REPOSITORY_OF = same("SELECT repository_id FROM deliveries WHERE id = $1");
    APPLICATIONS = same(
        "SELECT id, account_id, name, auto_build, build_pushes, build_pull_requests, build_tags, branch_patterns, cancel_superseded, refs_compared_at
         FROM applications WHERE repository_id = $1 ORDER BY id"
    );
}

/// The webhook that a delivery is for.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct HookTarget {
    /// Its id.
    #[sqlx(try_from = "Uuid")]
    pub id: WebhookId,
    /// The account it belongs to.
    #[sqlx(try_from = "Uuid")]
    pub account_id: AccountId,
    /// The repository it is about.
    #[sqlx(try_from = "Uuid")]
    pub repository_id: RepositoryId,
    /// The secret its deliveries are signed with.
    #[sqlx(try_from = "Vec<u8>")]
    pub secret_sealed: Sealed,
    /// `cloud` or `datacenter`.
    pub kind: String,
}

/// A repository, as far as deciding must know it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct DecideRepository {
    /// Its id.
    #[sqlx(try_from = "Uuid")]
    pub id: RepositoryId,
    /// Its account.
    #[sqlx(try_from = "Uuid")]
    pub account_id: AccountId,
    /// Its integration.
    #[sqlx(try_from = "Uuid")]
    pub integration_id: IntegrationId,
    /// Bitbucket's id of it.
    pub remote_id: String,
    /// Workspace slug or project key.
    pub owner: String,
    /// The last part of its address.
    pub slug: String,
    /// `owner/slug`.
    pub full_name: String,
    /// `cloud` or `datacenter`.
    pub kind: String,
}

/// An application's settings that decide what is built.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct DecideApplication {
    /// Its id.
    #[sqlx(try_from = "Uuid")]
    pub id: ApplicationId,
    /// Its account.
    #[sqlx(try_from = "Uuid")]
    pub account_id: AccountId,
    /// Its name.
    pub name: String,
    /// Whether anything is built by itself.
    pub auto_build: bool,
    /// Whether pushes to branches are.
    pub build_pushes: bool,
    /// Whether pull requests are.
    pub build_pull_requests: bool,
    /// Whether tags are.
    pub build_tags: bool,
    /// Which branches; empty means every one.
    #[sqlx(json)]
    pub branch_patterns: Vec<RefPattern>,
    /// Whether a newer build of a branch stops the older ones.
    pub cancel_superseded: bool,
    /// When its refs were last compared; none before the first time.
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    pub refs_compared_at: Option<Timestamp>,
}

/// The webhook with this unguessable path.
pub async fn hook_by_path(db: &Db, path: &str) -> Result<Option<HookTarget>, StoreError> {
    Ok(read!(db, HOOK, |executor, sql| sqlx::query_as(sql)
        .bind(path)
        .fetch_optional(executor)
        .await)?)
}

/// Notes that a webhook delivered.
pub async fn saw_delivery(
    tx: &mut Tx,
    webhook: WebhookId,
    now: Timestamp,
) -> Result<(), StoreError> {
    within!(tx, SAW, |executor, sql| sqlx::query(sql)
        .bind(webhook.as_uuid())
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// The repository, as far as deciding must know it.
pub async fn repository(db: &Db, id: RepositoryId) -> Result<Option<DecideRepository>, StoreError> {
    Ok(read!(db, REPOSITORY, |executor, sql| sqlx::query_as(sql)
        .bind(id.as_uuid())
        .fetch_optional(executor)
        .await)?)
}

/// The repository that a delivery is about; none where there is no such delivery.
pub async fn repository_of(db: &Db, id: DeliveryId) -> Result<Option<RepositoryId>, StoreError> {
    let row: Option<Uuid> = read!(db, REPOSITORY_OF, |executor, sql| sqlx::query_scalar(sql)
        .bind(id.as_uuid())
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(RepositoryId::from_uuid))
}

/// The repository's applications, with the settings that hold in this transaction.
pub async fn applications_of(
    tx: &mut Tx,
    repository: RepositoryId,
) -> Result<Vec<DecideApplication>, StoreError> {
    Ok(within!(tx, APPLICATIONS, |executor, sql| sqlx::query_as(
        sql
    )
    .bind(repository.as_uuid())
    .fetch_all(executor)
    .await)?)
}
