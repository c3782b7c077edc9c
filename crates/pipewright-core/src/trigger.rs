//! What starts a build.

use serde::{Deserialize, Serialize};

/// The kind of trigger. Together with application, ref and commit it makes a build unique, so that a repeated or
/// replayed delivery never builds twice; `Manual`, `Schedule` and `Rerun` are acts of their own and may repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerKind {
    /// A branch was pushed.
    Push,
    /// A tag was pushed.
    Tag,
    /// A pull request was opened or its source moved.
    PullRequest,
    /// A person pressed "Run".
    Manual,
    /// A schedule was due.
    Schedule,
}

impl TriggerKind {
    /// The word kept in the database and shown by the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Tag => "tag",
            Self::PullRequest => "pull_request",
            Self::Manual => "manual",
            Self::Schedule => "schedule",
        }
    }

    /// The kind from its word.
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Push,
            Self::Tag,
            Self::PullRequest,
            Self::Manual,
            Self::Schedule,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == word)
    }

    /// True where the same ref and commit must not be built a second time for this trigger.
    pub const fn is_unique_per_commit(self) -> bool {
        matches!(self, Self::Push | Self::Tag | Self::PullRequest)
    }
}

impl TryFrom<String> for TriggerKind {
    type Error = UnknownTrigger;

    fn try_from(word: String) -> Result<Self, UnknownTrigger> {
        Self::parse(&word).ok_or(UnknownTrigger(word))
    }
}

/// A word that names no trigger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a trigger; was this database written by a newer version?")]
pub struct UnknownTrigger(pub String);
