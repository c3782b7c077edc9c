//! What both Bitbuckets have, in our words: people, spaces, repositories, refs, commits, pull requests, webhooks, keys.
//!
//! These are read models: the clients fill them from the products' own JSON, which never leaves its module.

mod commit;
pub(crate) mod exactly_one;
mod key;
mod pull_request;
mod refs;
mod repository;
mod user;
mod webhook;

pub use commit::{CommitId, RemoteCommit, Signature};
pub use key::{AddedKey, KeyAccess, RemoteKey};
pub use pull_request::{PullRequest, PullRequestEnd, PullRequestState};
pub use refs::{RefList, RefOrRefused, RemoteRef};
pub use repository::{NamedRepository, Permission, RemoteRepository, RepositoryAddress, Space};
pub use user::RemoteUser;
pub use webhook::{EnsuredWebhook, RemoteWebhook, WebhookChange, WebhookRequest, WebhookState};
