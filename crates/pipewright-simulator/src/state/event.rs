//! What happened, in words both products share; each product turns it into its own webhook bodies.

use serde_json::Value;

use super::ids::{RepositoryId, UserId};
use super::pull_request::PullRequest;
use super::status::StatusWrite;

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A person or bot.
    User(UserId),
    /// Nobody that can be named, such as an access key.
    Unknown,
}

impl Actor {
    /// The user, if there is one.
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::User(user) => Some(user),
            Self::Unknown => None,
        }
    }
}

/// What a ref points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefTarget {
    /// The object the ref names: the tag object of an annotated tag, otherwise the commit.
    pub object: String,
    /// The commit, peeled.
    pub commit: String,
}

impl RefTarget {
    /// Whether the ref names a tag object.
    pub fn is_annotated(&self) -> bool {
        self.object != self.commit
    }
}

/// One ref moved by a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefChange {
    /// Full ref name.
    pub name: String,
    /// Before; `None` when the ref is new.
    pub old: Option<RefTarget>,
    /// After; `None` when the ref was deleted.
    pub new: Option<RefTarget>,
    /// Whether the new commit does not contain the old one.
    pub forced: bool,
}

/// What changed in a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullRequestAction {
    /// Opened.
    Created,
    /// The source branch moved.
    SourceUpdated {
        /// Full hash it stood at before.
        previous: String,
    },
    /// Title, description, reviewers or destination changed.
    Modified {
        /// The pull request as it was.
        previous: Box<PullRequest>,
    },
    /// A reviewer said yes.
    Approved(UserId),
    /// A reviewer took the yes back.
    Unapproved(UserId),
    /// Merged.
    Merged,
    /// Declined.
    Declined,
    /// A comment was written.
    Commented {
        /// Number of the comment.
        id: u64,
        /// Its text.
        text: String,
    },
}

/// What happened to a repository.
#[derive(Debug, Clone)]
pub enum EventKind {
    /// Refs moved; never empty.
    Pushed(Vec<RefChange>),
    /// A pull request into the repository changed; the value is the pull request afterwards.
    PullRequest(Box<PullRequest>, PullRequestAction),
    /// The repository was renamed.
    Renamed {
        /// Slug before.
        old_slug: String,
    },
    /// A fork of the repository was made.
    Forked(RepositoryId),
    /// A build status was written; `true` when it is the first with its key.
    StatusWritten(Box<StatusWrite>, bool),
    /// A body made by a test, sent as it is under the event name given.
    Raw {
        /// Event name.
        event_key: String,
        /// Body.
        body: Value,
    },
}

/// What happened, where, and by whom.
#[derive(Debug, Clone)]
pub struct RepositoryEvent {
    /// The repository whose webhooks hear of it.
    pub repository: RepositoryId,
    /// Who did it.
    pub actor: Actor,
    /// What happened.
    pub kind: EventKind,
}
