//! The token answer, of both generations.

use std::time::Duration;

use pipewright_core::{Secret, Timestamp};
use serde::Deserialize;

use crate::scopes::ScopeSet;

/// Assumed where Bitbucket does not say how long a token lives: half of the shortest life it documents.
const UNSAID_LIFETIME: Duration = Duration::from_mins(30);

/// The tokens of a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSet {
    /// Authenticates calls.
    pub access_token: Secret,
    /// Gets the next pair, once; none for client credentials.
    pub refresh_token: Option<Secret>,
    /// What was granted, as Bitbucket lists it (often only the strongest of each family). Empty where it does not say:
    /// then [`crate::cloud::CloudClient::granted_scopes`] asks.
    pub scopes: ScopeSet,
    /// How long the access token lives from now.
    pub expires_in: Duration,
}

impl TokenSet {
    /// When the access token dies.
    pub fn expires_at(&self, now: Timestamp) -> Timestamp {
        now + self.expires_in
    }
}

/// As it comes. The field was called `scopes` before May 2026 and is `scope` since; both may be met.
#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    access_token: String,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    expires_in: Option<u64>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    scopes: Option<String>,
}

impl From<TokenAnswer> for TokenSet {
    fn from(answer: TokenAnswer) -> Self {
        Self {
            access_token: Secret::new(answer.access_token),
            refresh_token: answer
                .refresh_token
                .filter(|token| !token.is_empty())
                .map(Secret::new),
            scopes: ScopeSet::parse(&answer.scope.or(answer.scopes).unwrap_or_default()),
            expires_in: answer
                .expires_in
                .map_or(UNSAID_LIFETIME, Duration::from_secs),
        }
    }
}
