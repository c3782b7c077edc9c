//! Bitbucket Cloud: REST 2.0.
//!
//! Repositories are addressed by UUID wherever it is known. Lists are paged to their end with a bound, and the opaque
//! `next` address is followed only on the API's own scheme, host and port, because a published answer points elsewhere.
//! OAuth has its own module, [`crate::oauth`]; webhooks received are in [`crate::webhook`].

mod client;
mod endpoints;
mod failure;
mod files;
mod hooks;
mod keys;
mod pages;
mod people;
mod permissions;
mod pull_requests;
mod refs;
mod repositories;
mod statuses;
pub(crate) mod wire;

#[cfg(test)]
mod tests;

pub use client::CloudClient;
pub use endpoints::CloudEndpoints;
pub(crate) use people::person;
pub use permissions::GrantedScopes;
pub(crate) use pull_requests::pull_request;
pub(crate) use refs::remote_commit;
pub(crate) use repositories::{RepositoryPager, named as named_repository, without_user};
