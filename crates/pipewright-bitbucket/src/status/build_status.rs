//! A build status in our words, and the words of each product for its state.

use std::time::Duration;

use pipewright_core::{CommitHash, RefName, Timestamp};
use url::Url;

use super::{StatusKey, StatusUrlProblem};

/// Where a build stands, as far as Bitbucket shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatusState {
    /// Queued, waiting or running: neither product knows a queued state.
    InProgress,
    /// Everything passed.
    Successful,
    /// Something failed, or the pipeline file is wrong.
    Failed,
    /// Somebody stopped it, or a newer push made it pointless. This is not a failure (trap T4).
    Stopped,
}

/// How the tests of a build went; Data Center shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestCounts {
    /// Tests that passed.
    pub successful: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Tests that were left out.
    pub skipped: u64,
}

/// What Bitbucket shows beside a commit about a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildStatus {
    /// The commit it is about.
    pub commit: CommitHash,
    /// Which status this is; the same key on the same commit is overwritten.
    pub key: StatusKey,
    /// Where the build stands.
    pub state: StatusState,
    /// The branch or tag that was built; without it a pull request does not show the status.
    pub reference: Option<RefName>,
    /// The line people read first; cut to 255 characters.
    pub name: String,
    /// The second line; cut to 255 characters.
    pub description: String,
    /// The build's page; at most 450 characters.
    pub url: Url,
    /// The number of the build.
    pub build_number: u64,
    /// What Data Center's required builds are configured with: constant over runs, refs and commits (trap T5).
    pub parent: String,
    /// How long it ran, once it ended.
    pub duration: Option<Duration>,
    /// When this state was reached.
    pub updated_at: Option<Timestamp>,
    /// How the tests went, where that is known.
    pub tests: Option<TestCounts>,
}

/// What became of a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostedStatus {
    /// Bitbucket has it.
    Posted,
    /// It was not sent, because Bitbucket would refuse it for a reason that only an operator can change.
    Skipped(StatusUrlProblem),
}

/// Cloud's word.
pub(crate) const fn cloud_state(state: StatusState) -> &'static str {
    match state {
        StatusState::InProgress => "INPROGRESS",
        StatusState::Successful => "SUCCESSFUL",
        StatusState::Failed => "FAILED",
        StatusState::Stopped => "STOPPED",
    }
}

/// Data Center's word; servers that do not know `CANCELLED` get `FAILED`, which is the only end they have for it.
pub(crate) const fn datacenter_state(state: StatusState, knows_cancelled: bool) -> &'static str {
    match state {
        StatusState::InProgress => "INPROGRESS",
        StatusState::Successful => "SUCCESSFUL",
        StatusState::Stopped if knows_cancelled => "CANCELLED",
        StatusState::Failed | StatusState::Stopped => "FAILED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t4_cancelled_is_not_failed_where_bitbucket_knows_the_difference() {
        assert_eq!(cloud_state(StatusState::Stopped), "STOPPED");
        assert_eq!(datacenter_state(StatusState::Stopped, true), "CANCELLED");
        assert_eq!(datacenter_state(StatusState::Stopped, false), "FAILED");
        assert_eq!(
            datacenter_state(StatusState::InProgress, false),
            "INPROGRESS"
        );
    }
}
