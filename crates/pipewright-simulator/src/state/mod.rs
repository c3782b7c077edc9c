//! The state both products stand on: people, spaces, repositories, keys, webhooks, deliveries, statuses, pull requests.
//!
//! One [`Tables`] per installation (Cloud is one, Data Center another), behind one mutex of the
//! installation. What only one product knows (OAuth consumers, grants, browser sessions;
//! personal settings of Data Center) stays in that product's module. Git objects and refs are not here but in
//! `crate::git`, and a ref's value is never copied into the tables: git is asked.
//!
//! | word here | Cloud | Data Center |
//! |---|---|---|
//! | space | workspace | project |
//! | key of a space | workspace slug | project key |
//! | access key | deploy key | access key |

mod delivery;
mod event;
mod ids;
mod pull_request;
pub mod ref_name;
mod repository;
mod space;
mod ssh_key;
mod status;
mod tables;
mod token;
mod user;
mod webhook;

pub use delivery::{AttemptOutcome, Delivery, DeliveryAttempt, DeliveryState};
pub use event::{Actor, EventKind, PullRequestAction, RefChange, RefTarget, RepositoryEvent};
pub use ids::{DeliveryId, KeyId, RepositoryId, SpaceId, TokenId, UserId, WebhookId};
pub use pull_request::{Comment, PullRequest, PullRequestEnd, PullRequestState, Reviewer};
pub use repository::Repository;
pub use space::{Permission, Space};
pub use ssh_key::{KeyHolder, ParsedKey, SshKey};
pub use status::StatusWrite;
pub use tables::{NameTaken, Tables};
pub use token::{AccessToken, TokenOwner};
pub use user::{User, user_slug};
pub use webhook::{Webhook, WebhookCredentials, WebhookSubject};
