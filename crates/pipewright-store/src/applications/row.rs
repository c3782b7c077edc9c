//! The application as the rest of Pipewright sees it.

use pipewright_core::ids::{AccountId, ApplicationId, IntegrationId, RepositoryId, UserId};
use pipewright_core::{RefPattern, Timestamp};
use uuid::Uuid;

use crate::integrations::{IntegrationKind, IntegrationState};

words! {
    /// How pushes are heard of.
    Watch, "way to hear of pushes" {
        /// Bitbucket tells us; refs are compared now and then as well.
        Webhook = "webhook",
        /// Refs are compared often; Bitbucket does not tell us.
        Polling = "polling",
    }
}

/// What is built when something changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// False: nothing is built by itself.
    pub auto_build: bool,
    /// Pushes to branches.
    pub pushes: bool,
    /// Pull requests that are opened or updated.
    pub pull_requests: bool,
    /// Pushed tags.
    pub tags: bool,
    /// The branches; empty means every branch.
    pub branches: Vec<RefPattern>,
    /// A newer build of a branch stops the older one.
    pub cancel_superseded: bool,
}

/// A repository made buildable.
#[derive(Debug, Clone)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// Its owner.
    pub account: AccountId,
    /// What is built.
    pub repository: RepositoryId,
    /// Its name in addresses; unique in its account.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// What is built when something changes.
    pub rules: Rules,
    /// How pushes are heard of.
    pub watch: Watch,
    /// The number of its next build, from 1.
    pub next_number: i64,
    /// When refs were last compared.
    pub refs_compared_at: Option<Timestamp>,
    /// Why the last comparison of refs failed.
    pub refs_message: Option<String>,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An application with what a list says of its repository.
#[derive(Debug, Clone)]
pub struct ListedApplication {
    /// The application.
    pub application: Application,
    /// `owner/slug` of its repository.
    pub full_name: String,
    /// The repository's page.
    pub web_url: String,
    /// The integration that sees the repository.
    pub integration: IntegrationId,
    /// Which product.
    pub integration_kind: IntegrationKind,
    /// The address of that Bitbucket.
    pub integration_url: String,
    /// Whether it can be used.
    pub integration_state: IntegrationState,
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: Uuid,
    account_id: Uuid,
    repository_id: Uuid,
    slug: String,
    name: String,
    auto_build: bool,
    build_pushes: bool,
    build_pull_requests: bool,
    build_tags: bool,
    #[sqlx(json)]
    branch_patterns: Vec<RefPattern>,
    cancel_superseded: bool,
    #[sqlx(try_from = "String")]
    watch: Watch,
    next_number: i64,
    refs_compared_at: Option<i64>,
    refs_message: Option<String>,
    created_by: Option<Uuid>,
    created_at: i64,
}

impl From<Row> for Application {
    fn from(row: Row) -> Self {
        Self {
            id: ApplicationId::from_uuid(row.id),
            account: AccountId::from_uuid(row.account_id),
            repository: RepositoryId::from_uuid(row.repository_id),
            slug: row.slug,
            name: row.name,
            rules: Rules {
                auto_build: row.auto_build,
                pushes: row.build_pushes,
                pull_requests: row.build_pull_requests,
                tags: row.build_tags,
                branches: row.branch_patterns,
                cancel_superseded: row.cancel_superseded,
            },
            watch: row.watch,
            next_number: row.next_number,
            refs_compared_at: row.refs_compared_at.map(Timestamp::from_micros),
            refs_message: row.refs_message,
            created_by: row.created_by.map(UserId::from_uuid),
            created_at: Timestamp::from_micros(row.created_at),
        }
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct ListedRow {
    #[sqlx(flatten)]
    application: Row,
    full_name: String,
    web_url: String,
    integration_id: Uuid,
    #[sqlx(try_from = "String")]
    integration_kind: IntegrationKind,
    integration_url: String,
    #[sqlx(try_from = "String")]
    integration_state: IntegrationState,
}

impl From<ListedRow> for ListedApplication {
    fn from(row: ListedRow) -> Self {
        Self {
            application: row.application.into(),
            full_name: row.full_name,
            web_url: row.web_url,
            integration: IntegrationId::from_uuid(row.integration_id),
            integration_kind: row.integration_kind,
            integration_url: row.integration_url,
            integration_state: row.integration_state,
        }
    }
}
