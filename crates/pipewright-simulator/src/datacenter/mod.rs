//! The Bitbucket Server and Data Center side: REST `1.0`, webhooks, HTTP access tokens, git over HTTP.
//!
//! It stands on [`crate::installation::Installation`], which it shares with nothing: what only this product has (its
//! version, Basic authentication on or off, CAPTCHA, rate limit) is in [`settings`]. Facts about the product come from
//! captures and from Atlassian's documents; where they are not known, the doc comment says so. Not here: git itself,
//! the SSH server, the sender of webhooks, faults.

mod actor;
mod body;
mod caller;
mod error;
mod events;
mod gate;
mod moment;
mod page;
mod payload;
mod routes;
mod server;
mod settings;
mod sign_in;
mod version;
mod wire;

pub use actor::{Datacenter, DatacenterOptions, TokenLevel};
pub use version::{Version, VersionError};

#[cfg(test)]
mod tests;
