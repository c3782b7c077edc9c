//! OAuth 2 with Bitbucket Cloud: the authorise address, the exchange of codes, refreshing, revoking.
//!
//! Tokens are opaque text of any length. Refresh tokens rotate: a refresh makes the old pair worthless within minutes, so
//! the caller holds a lock while it refreshes and stores the new pair before using it. Nothing here stores anything.

mod authorize;
mod client;
mod error;
mod token;

#[cfg(test)]
mod tests;

pub use authorize::{AuthorizationCode, CallbackError, PkceVerifier, StateToken, read_callback};
pub use client::OAuthClient;
pub use error::OAuthError;
pub use token::TokenSet;
