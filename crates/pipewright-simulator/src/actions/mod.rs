//! What people do, in words of the domain, for both products: further methods of
//! [`crate::installation::Installation`].
//!
//! Users, workspaces, projects, repositories and branches are named as a person would: `mara`, `harbor`,
//! `harbor/checkout-api`, `main`. Everything here has the effects the real thing has, webhooks included.

mod error;
mod keys;
mod people;
mod pull_requests;
mod push;
mod repositories;
mod watch;

pub use error::ActionError;
pub use pull_requests::{NewPullRequest, PullRequestChange};
