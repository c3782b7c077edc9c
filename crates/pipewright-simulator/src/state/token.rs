//! Long-lived tokens that are not OAuth's: Cloud's API tokens and access tokens, Data Center's HTTP access tokens.

use jiff::Timestamp;

use super::ids::{RepositoryId, SpaceId, TokenId, UserId};

/// What a token belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenOwner {
    /// A person: Cloud's API token, Data Center's personal token.
    User(UserId),
    /// One repository.
    Repository(RepositoryId),
    /// A workspace or project.
    Space(SpaceId),
}

/// A token.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// Number.
    pub id: TokenId,
    /// The token itself.
    pub secret: String,
    /// What it belongs to.
    pub owner: TokenOwner,
    /// The user it acts as (the owner, or a bot made for it).
    pub user: UserId,
    /// Name given at creation.
    pub name: String,
    /// Cloud: scopes (`read:repository:bitbucket`, `repository:write`). Data Center: permissions (`REPO_READ`).
    pub permissions: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// After this instant it is refused.
    pub expires_at: Option<Timestamp>,
}
