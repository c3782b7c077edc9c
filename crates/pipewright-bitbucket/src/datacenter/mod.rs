//! Bitbucket Server and Data Center, versions 5 to 10: REST 1.0.
//!
//! The base address is kept as entered, context path included (trap T14). What differs between versions is asked of the
//! server's capabilities rather than guessed from its version. Permissions that are missing arrive as 401 here.

mod base_url;
mod check;
mod client;
mod connection;
mod failure;
mod files;
mod keys;
mod pages;
mod pull_requests;
mod refs;
mod repositories;
mod sign_in;
mod statuses;
mod users;
mod webhooks;
pub(crate) mod wire;

#[cfg(test)]
mod tests;

pub use base_url::{BaseUrlError, parse_base_url};
pub use client::DataCenterClient;
pub use connection::{
    Administered, Capabilities, Connection, ConnectionError, RateLimit, ServerVersion, SshSettings,
};
pub(crate) use pull_requests::pull_request;
pub(crate) use refs::remote_commit;
pub(crate) use repositories::{RepositoryPager, named as named_repository};
pub use sign_in::{SignedIn, sign_in};
