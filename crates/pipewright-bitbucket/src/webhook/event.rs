//! Everything that a delivery can mean to us.

use pipewright_core::{CommitHash, Timestamp};

use crate::remote::{CommitId, NamedRepository, PullRequest, RefOrRefused, Signature};

/// A delivery, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Refs moved. All changes count, not only the first (trap T1).
    Push(Push),
    /// A pull request was opened, changed or closed.
    PullRequest(Box<PullRequestEvent>),
    /// A repository got another name or slug.
    RepositoryRenamed {
        /// The repository under its new name.
        repository: NamedRepository,
        /// Its full name before, where the delivery says.
        old_full_name: Option<String>,
    },
    /// A repository went to another workspace or project. Cloud's delivery does not say where it is now: read it again.
    RepositoryMoved {
        /// The repository, as far as the delivery says.
        repository: NamedRepository,
        /// Its full name before, where the delivery says.
        old_full_name: Option<String>,
    },
    /// A repository was deleted.
    RepositoryDeleted {
        /// The repository.
        repository: NamedRepository,
    },
    /// Data Center's connection test. It is not signed: answer it and do nothing else.
    Ping,
    /// Something we did not ask for or do not act on.
    Ignored {
        /// The event's name.
        event_key: String,
    },
}

/// Refs that moved in one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// Where.
    pub repository: NamedRepository,
    /// What moved, in Bitbucket's order. An empty list happens (remote merges, limits): compare the refs then.
    pub changes: Vec<Change>,
    /// Entries of the list that say too little; the others count all the same.
    pub unreadable: Vec<UnreadableChange>,
    /// When it happened, by Bitbucket's clock; Cloud does not say.
    pub happened_at: Option<Timestamp>,
    /// Who pushed.
    pub actor: Option<Actor>,
}

/// What happened to a ref.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Created,
    /// It points elsewhere.
    Updated,
    /// It is gone (trap T11).
    Deleted,
}

/// One ref that moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which ref; a name that git would refuse is kept with the reason.
    pub reference: RefOrRefused,
    /// What happened to it.
    pub kind: ChangeKind,
    /// Where it pointed before; none for a new one. On Data Center possibly a tag object.
    pub old: Option<CommitHash>,
    /// Where it points now; none for a deleted one.
    pub new: Option<CommitHash>,
    /// True where `new` may be the object of an annotated tag instead of a commit (Data Center): peel it before building,
    /// with [`crate::Bitbucket::peel_tag`] (trap T12).
    pub new_is_maybe_tag_object: bool,
    /// The commit at `new`, where the delivery carries it.
    pub head: Option<HeadCommit>,
    /// True where the delivery lists only the newest commits of this change.
    pub truncated: bool,
    /// True where history was rewritten; Data Center never says.
    pub forced: bool,
}

/// An entry of a push from which not everything can be read that deciding needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableChange {
    /// Its place in the delivery, from 0.
    pub position: usize,
    /// The ref, where it says which.
    pub reference: Option<RefOrRefused>,
    /// What is missing or odd, as a fragment of a sentence: `no commit`.
    pub what: String,
}

/// What a delivery says about the commit that a ref now points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadCommit {
    /// The whole message.
    pub message: String,
    /// Who wrote it.
    pub author: Signature,
    /// When it was written, where that could be read.
    pub date: Option<Timestamp>,
}

/// Who caused a delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actor {
    /// What never changes about them, where the delivery says.
    pub id: String,
    /// The short name.
    pub name: String,
    /// What people call them.
    pub display_name: String,
    /// The e-mail address; only Data Center says.
    pub email: Option<String>,
}

/// What happened to a pull request. Comments and approvals are not among it: they build nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullRequestAction {
    /// It is new.
    Opened,
    /// Its source, destination, title or reviewers changed; Cloud does not say which, so compare the commits.
    Updated,
    /// It was merged.
    Merged,
    /// It was declined.
    Declined,
    /// It was deleted (Data Center).
    Deleted,
}

/// A pull request that something happened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequestEvent {
    /// What happened.
    pub action: PullRequestAction,
    /// The repository that was to be merged into, which the webhook belongs to.
    pub repository: NamedRepository,
    /// The pull request as it is now.
    pub pull_request: PullRequest,
    /// Where the source pointed before, where the delivery says (Data Center, new commits).
    pub previous_source: Option<CommitId>,
    /// True where the source is in another repository: such code is not trusted.
    pub from_fork: bool,
    /// Who did it.
    pub actor: Option<Actor>,
}

/// A body that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON, or not of the shape of this event.
    #[error(
        "the body of this {event_key} delivery cannot be read: {detail}; redeliver it, or report it with the delivery's body"
    )]
    Malformed {
        /// The event's name.
        event_key: String,
        /// What is wrong, with line and column.
        detail: String,
    },
    /// Something that every such event has is missing.
    #[error(
        "this {event_key} delivery has no {what}; redeliver it, or report it with the delivery's body"
    )]
    Missing {
        /// The event's name.
        event_key: String,
        /// What is missing.
        what: String,
    },
}

impl Event {
    /// Bitbucket's id of the repository that the delivery is about; none where it does not say.
    pub fn repository_id(&self) -> Option<&str> {
        let repository = match self {
            Self::Push(push) => &push.repository,
            Self::PullRequest(event) => &event.repository,
            Self::RepositoryRenamed { repository, .. }
            | Self::RepositoryMoved { repository, .. }
            | Self::RepositoryDeleted { repository } => repository,
            Self::Ping | Self::Ignored { .. } => return None,
        };
        let id = repository.address.remote_id.as_str();
        (!id.is_empty()).then_some(id)
    }

    /// What the repository is called that the delivery is about; empty where it does not say.
    pub fn repository_name(&self) -> &str {
        match self {
            Self::Push(push) => &push.repository.full_name,
            Self::PullRequest(event) => &event.repository.full_name,
            Self::RepositoryRenamed { repository, .. }
            | Self::RepositoryMoved { repository, .. }
            | Self::RepositoryDeleted { repository } => &repository.full_name,
            Self::Ping | Self::Ignored { .. } => "",
        }
    }
}

impl DecodeError {
    pub(crate) fn missing(event_key: &str, what: impl Into<String>) -> Self {
        Self::Missing {
            event_key: shown(event_key),
            what: what.into(),
        }
    }

    pub(crate) fn malformed(event_key: &str, error: &serde_json::Error) -> Self {
        Self::Malformed {
            event_key: shown(event_key),
            detail: error.to_string().chars().take(200).collect(),
        }
    }
}

/// An event's name for a message: it came from outside.
fn shown(event_key: &str) -> String {
    event_key.chars().take(60).collect()
}
