//! Build statuses: every accepted write, in order, so that tests can check the way and not only the end.

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::ids::{RepositoryId, UserId};

/// One accepted write of a build status.
#[derive(Debug, Clone)]
pub struct StatusWrite {
    /// Identity of the status (same key, commit and repository: same identity across writes).
    pub uuid: Uuid,
    /// The repository; `None` for Data Center's old resource, which knows commits only.
    pub repository: Option<RepositoryId>,
    /// Full commit hash.
    pub commit: String,
    /// The writer's key: the same key on the same commit replaces what is shown.
    pub key: String,
    /// State as written: `INPROGRESS`, `SUCCESSFUL`, `FAILED`, `STOPPED`, `CANCELLED`, `UNKNOWN`.
    pub state: String,
    /// Name shown.
    pub name: Option<String>,
    /// Address it links to.
    pub url: String,
    /// Description shown.
    pub description: Option<String>,
    /// Cloud's `refname`, Data Center's `ref`.
    pub refname: Option<String>,
    /// Every other accepted field by its wire name (`parent`, `buildNumber`, `duration`, `testResults`).
    pub extra: Map<String, Value>,
    /// Who wrote it.
    pub author: Option<UserId>,
    /// When this status was first written.
    pub created_at: Timestamp,
    /// When this write was accepted.
    pub written_at: Timestamp,
}
