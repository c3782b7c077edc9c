//! Integrations: an account's connections to Bitbucket Cloud and to Bitbucket Servers and Data Centers.
//!
//! Connecting either keeps everything (integration, credential, SSH key) in one transaction, or nothing. Tokens,
//! passwords and private keys are sealed; a token is refreshed before it expires, by one caller of all processes at a
//! time, and the new pair is stored before it is used. The rest of the server asks for a client with
//! [`bitbucket_for`], for a way to clone with [`clone_credential`], and says with [`note_revoked`] that Bitbucket
//! refused what it was given.

mod callback;
mod card;
mod check;
mod check_now;
mod client;
mod connect;
mod connect_server;
mod disconnect;
mod keep;
mod pages;
mod pages_change;
mod pages_cloud;
mod pages_disconnect;
mod pages_server;
mod post_key;
mod revoked;
mod secrets;
mod start;
#[cfg(test)]
pub(crate) mod tests;
mod token;
mod unavailable;

pub(crate) use client::{bitbucket_for, clone_credential};
pub(crate) use keep::keep;
pub(crate) use pages::routes;
pub(crate) use post_key::to_repository as post_key_to_repository;
pub(crate) use revoked::note_revoked;
#[cfg(feature = "testing")]
pub(crate) use secrets::Parts;
pub(crate) use unavailable::IntegrationUnavailable;
