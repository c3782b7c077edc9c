//! Bitbucket Cloud: OAuth 2, REST 2.0, pages for people, git over HTTP, webhooks.
//!
//! Two ports: the web address (sign-in, consent, token endpoint, settings pages, git) and the API address, whose root
//! answers 403 to whoever forgets `/2.0`. Facts about the real thing are from captures and from Bitbucket's own
//! documents as of November 2026; where nothing was known the simulator does the plain thing.

mod actor;
mod auth;
mod error;
mod oauth;
mod query;
mod rest;
mod scopes;
mod server;
mod settings;
mod web;
mod webhooks;
mod wire;

pub use actor::Cloud;
pub use oauth::TokenGeneration;
pub(crate) use server::CloudServer;
pub use settings::CloudSettings;
pub(crate) use webhooks::CloudRules;

#[cfg(test)]
mod tests;
