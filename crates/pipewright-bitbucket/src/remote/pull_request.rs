//! Pull requests.

use pipewright_core::Timestamp;

use super::{CommitId, NamedRepository, RefOrRefused};

/// Where a pull request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullRequestState {
    /// Waiting to be merged.
    Open,
    /// Merged.
    Merged,
    /// Declined, or replaced by another.
    Declined,
}

/// One end of a pull request. Everything but the ref can be missing when a fork or branch was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequestEnd {
    /// The repository.
    pub repository: Option<NamedRepository>,
    /// The branch, or on Data Center possibly a tag; none where it was deleted.
    pub reference: Option<RefOrRefused>,
    /// The commit, possibly shortened; none where it was deleted.
    pub commit: Option<CommitId>,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number in the destination repository.
    pub id: u64,
    /// Its title.
    pub title: String,
    /// Where it stands.
    pub state: PullRequestState,
    /// True while its author marks it as not ready.
    pub draft: bool,
    /// The display name of its author.
    pub author: Option<String>,
    /// What is to be merged.
    pub source: PullRequestEnd,
    /// Where it is to be merged.
    pub destination: PullRequestEnd,
    /// The commit that merged it.
    pub merge_commit: Option<CommitId>,
    /// When it last changed, by Bitbucket's clock.
    pub updated_at: Option<Timestamp>,
    /// Its page for people.
    pub web_url: Option<String>,
}

impl PullRequest {
    /// True where the source is in another repository, or in none that can be seen: such code is not trusted. Id and name
    /// must both agree, so that a half-filled answer is never taken for our own repository.
    pub fn is_from_fork(&self) -> bool {
        match (&self.source.repository, &self.destination.repository) {
            (Some(source), Some(destination)) => {
                source.address.remote_id != destination.address.remote_id
                    || !source
                        .full_name
                        .eq_ignore_ascii_case(&destination.full_name)
            }
            _ => true,
        }
    }
}
