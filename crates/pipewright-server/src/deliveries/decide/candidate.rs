//! What a delivery holds for us to decide.

use pipewright_core::{CommitHash, RefName, Timestamp};
use pipewright_store::builds::PullRequestDetail;
use pipewright_store::decisions::ChangeKind;

/// One thing to be decided. The list is everything that can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Candidate {
    /// A branch or tag moved.
    Ref(RefMove),
    /// A branch or tag of which the delivery, or Bitbucket when it was asked, says too little: comparing refs finds where it stands.
    Incomplete {
        /// The ref, where it is known.
        ref_name: Option<String>,
        /// Where it stood before.
        old: Option<CommitHash>,
        /// Where it stands now, which may be the object of an annotated tag.
        new: Option<CommitHash>,
        /// A stable word.
        reason: &'static str,
        /// What is missing and what is done.
        sentence: String,
    },
    /// A ref moved whose name we do not hand to git.
    RefusedName {
        /// What Bitbucket sent.
        name: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// A pull request was opened or changed.
    PullRequest(Box<PullRequestChange>),
    /// A pull request that nothing is built from: closed, from a fork, or with something missing.
    PullRequestNotBuilt {
        /// Its number.
        id: u64,
        /// The ref it comes from, where there is one.
        ref_name: Option<String>,
        /// A stable word.
        reason: &'static str,
        /// Why.
        sentence: String,
    },
    /// Something about the delivery as a whole.
    Other {
        /// A stable word.
        reason: &'static str,
        /// What it is and what is done.
        sentence: String,
    },
}

/// A branch or tag that moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefMove {
    /// Which.
    pub(crate) name: RefName,
    /// Where it stood.
    pub(crate) old: Option<CommitHash>,
    /// Where it stands; none once it is deleted.
    pub(crate) new: Option<CommitHash>,
    /// The message of the commit at `new`, where the delivery carries it.
    pub(crate) message: Option<String>,
    /// True where `new` may be an annotated tag instead of a commit.
    pub(crate) may_be_tag_object: bool,
    /// The tag object that Bitbucket named in place of the commit at `new`.
    pub(crate) object: Option<CommitHash>,
    /// When it happened, by Bitbucket's clock.
    pub(crate) happened_at: Option<Timestamp>,
    /// Where refs were compared: the newest move that was decided before they were. The ref is only decided if it still stands at
    /// `old`.
    pub(crate) compared: Option<i64>,
}

impl RefMove {
    pub(crate) fn change_kind(&self) -> ChangeKind {
        match (&self.old, &self.new) {
            (_, None) => ChangeKind::Deleted,
            (None, Some(_)) => ChangeKind::Created,
            (Some(_), Some(_)) => ChangeKind::Updated,
        }
    }
}

/// An open pull request of the repository's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PullRequestChange {
    /// The branch, or on Data Center possibly the tag, that is to be merged (trap T15).
    pub(crate) source: RefName,
    /// Its commit, once it is known whole.
    pub(crate) commit: PullRequestCommit,
    /// Where it stood before.
    pub(crate) previous: Option<CommitHash>,
    /// When it last changed, by Bitbucket's clock.
    pub(crate) changed_at: Option<Timestamp>,
    /// What the build is told of it.
    pub(crate) detail: PullRequestDetail,
}

/// Cloud shortens commits in pull requests; they are asked for before deciding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PullRequestCommit {
    /// The whole id.
    Known(CommitHash),
    /// Its first digits.
    Short(String),
}
