//! Pull requests.

use jiff::Timestamp;

use super::ids::{RepositoryId, UserId};

/// Where a pull request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PullRequestState {
    /// Can still be merged.
    Open,
    /// Merged.
    Merged,
    /// Declined by a person.
    Declined,
    /// Cloud only: replaced by another.
    Superseded,
}

/// One end of a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequestEnd {
    /// The repository; the source's may be gone (deleted fork).
    pub repository: Option<RepositoryId>,
    /// Full ref name: `refs/heads/x`, on Data Center also `refs/tags/x`.
    pub ref_name: String,
    /// Full hash of the commit the ref stood at when last looked.
    pub commit: String,
}

impl PullRequestEnd {
    /// The name without `refs/heads/` or `refs/tags/`.
    pub fn short_name(&self) -> &str {
        super::ref_name::short(&self.ref_name)
    }
}

/// Someone's part in a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewer {
    /// Who.
    pub user: UserId,
    /// Whether the user said yes.
    pub approved: bool,
    /// Whether the user asked for changes.
    pub changes_requested: bool,
}

/// What somebody wrote on a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its number in the installation.
    pub id: u64,
    /// Who wrote it.
    pub author: UserId,
    /// The text.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

/// A pull request; it belongs to the destination's repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// Number within the destination repository.
    pub number: u64,
    /// The repository it wants to change.
    pub repository: RepositoryId,
    /// Title.
    pub title: String,
    /// Description.
    pub description: String,
    /// Who opened it.
    pub author: UserId,
    /// Where the commits come from.
    pub source: PullRequestEnd,
    /// Where they shall go.
    pub destination: PullRequestEnd,
    /// Where it stands.
    pub state: PullRequestState,
    /// Not yet for review.
    pub draft: bool,
    /// Asked to look at it.
    pub reviewers: Vec<Reviewer>,
    /// What was written on it, oldest first.
    pub comments: Vec<Comment>,
    /// The merge's commit, once merged.
    pub merge_commit: Option<String>,
    /// Who merged or declined it.
    pub closed_by: Option<UserId>,
    /// Data Center's counter for optimistic writes: goes up with each change of the pull request itself.
    pub version: u64,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}
