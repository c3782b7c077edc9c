//! How an action fails.

use crate::git::GitError;
use crate::state::NameTaken;

/// An action that could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// Nobody of that name.
    #[error("there is no user {0:?}; add it with add_user")]
    UnknownUser(String),
    /// No such workspace or project.
    #[error("there is no workspace or project {0:?}; add it first")]
    UnknownSpace(String),
    /// No such repository.
    #[error("there is no repository {0:?}; name it as space/slug and add it first")]
    UnknownRepository(String),
    /// No such branch or tag.
    #[error("repository {repository:?} has no {name:?}; push it first")]
    UnknownRef {
        /// The repository.
        repository: String,
        /// The branch or tag.
        name: String,
    },
    /// No such pull request.
    #[error("repository {repository:?} has no pull request {number}")]
    UnknownPullRequest {
        /// The repository.
        repository: String,
        /// The number.
        number: u64,
    },
    /// The pull request is not open any more.
    #[error("pull request {number} of {repository:?} is not open; only open ones change")]
    PullRequestClosed {
        /// The repository.
        repository: String,
        /// The number.
        number: u64,
    },
    /// The two branches do not merge by themselves.
    #[error(
        "pull request {number} of {repository:?} has conflicts; resolve them in its source branch"
    )]
    Conflict {
        /// The repository.
        repository: String,
        /// The number.
        number: u64,
    },
    /// A name is used already.
    #[error(transparent)]
    NameTaken(#[from] NameTaken),
    /// The text is not an OpenSSH public key.
    #[error(
        "{0:?} is not an OpenSSH public key; give one line such as \"ssh-ed25519 AAAA… comment\""
    )]
    NotAKey(String),
    /// The key is registered already.
    #[error("this SSH key is registered already; a key is one user's or an access key, never both")]
    KeyTaken,
    /// Git failed.
    #[error(transparent)]
    Git(#[from] GitError),
}
