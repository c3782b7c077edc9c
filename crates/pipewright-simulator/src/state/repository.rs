//! Repositories: everything about them except their git data, which lives in `crate::git`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::ids::{RepositoryId, SpaceId, UserId};
use super::space::Permission;

/// One repository.
#[derive(Debug, Clone)]
pub struct Repository {
    /// Number shown by Data Center, and the name of the git directory.
    pub id: RepositoryId,
    /// Identity shown by Cloud, in braces; it survives renames.
    pub uuid: Uuid,
    /// The workspace or project it is in.
    pub space: SpaceId,
    /// Name in addresses, unique in the space without regard to case.
    pub slug: String,
    /// Name for people.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Private repositories answer 404 to strangers.
    pub private: bool,
    /// Configured default branch, without `refs/heads/`. It may not exist yet (empty repository).
    pub default_branch: String,
    /// Whether any ref was ever pushed. Cloud shows `mainbranch: null` until then.
    pub empty: bool,
    /// The repository this one was forked from.
    pub parent: Option<RepositoryId>,
    /// Data Center: archived repositories are hidden from lists by default and refuse pushes.
    pub archived: bool,
    /// Exceptions from what the space's membership gives: `None` hides the repository from that user.
    pub access: BTreeMap<UserId, Option<Permission>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a setting or a ref last changed.
    pub updated_at: Timestamp,
    /// Number that the next pull request takes.
    pub next_pull_request: u64,
}
