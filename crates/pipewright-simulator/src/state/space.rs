//! What holds repositories: a workspace on Cloud, a project on Data Center. One word here for both: space.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::ids::{SpaceId, UserId};

/// How much someone may do, weakest first, so that `max` picks the stronger.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Permission {
    /// See and clone.
    Read,
    /// Push as well.
    Write,
    /// Settings, keys and webhooks as well. On a Cloud workspace this is an owner.
    Admin,
}

/// A workspace (Cloud) or project (Data Center).
#[derive(Debug, Clone)]
pub struct Space {
    /// Number shown by Data Center.
    pub id: SpaceId,
    /// Identity shown by Cloud, in braces.
    pub uuid: Uuid,
    /// Workspace slug on Cloud (`harbor`); project key on Data Center (`FIN`, `~mara`). Unique without regard to case.
    pub key: String,
    /// Name for people.
    pub name: String,
    /// Free text, Data Center shows it.
    pub description: String,
    /// Whose personal space this is, if anybody's.
    pub personal_of: Option<UserId>,
    /// Whether anybody may see its public repositories listed (Data Center's public projects).
    pub public: bool,
    /// Members; the permission counts for every repository of the space unless the repository says otherwise.
    pub members: BTreeMap<UserId, Permission>,
    /// When the space was made.
    pub created_at: Timestamp,
}
