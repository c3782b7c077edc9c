//! The way through the browser: what we send a person off with, and what they come back with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pipewright_core::Secret;
use sha2::{Digest, Sha256};
use url::Url;

use super::OAuthError;
use crate::scopes::ScopeSet;

/// The unguessable text that ties a callback to the person who set out. Keep it with their session and compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateToken(Secret);

/// The secret half of PKCE: kept here, sent with the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PkceVerifier(Secret);

/// 256 random bits as 43 characters that need no encoding.
fn random_text() -> Result<Secret, OAuthError> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| OAuthError::NoRandomness(error.to_string()))?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}

impl StateToken {
    /// A new one, from the system's randomness.
    pub fn random() -> Result<Self, OAuthError> {
        random_text().map(Self)
    }

    /// One that was kept.
    pub fn from_stored(text: Secret) -> Self {
        Self(text)
    }

    /// The text, to be kept or to be compared with a stored hash.
    pub fn secret(&self) -> &Secret {
        &self.0
    }
}

impl PkceVerifier {
    /// A new one, from the system's randomness.
    pub fn random() -> Result<Self, OAuthError> {
        random_text().map(Self)
    }

    /// One that was kept.
    pub fn from_stored(text: Secret) -> Self {
        Self(text)
    }

    /// The text, to be kept.
    pub fn secret(&self) -> &Secret {
        &self.0
    }

    /// The public half, by the method S256 (RFC 7636).
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.0.expose().as_bytes()))
    }
}

/// Builds the authorise address.
pub(super) fn authorize_url(
    mut base: Url,
    client_id: &str,
    state: &StateToken,
    verifier: &PkceVerifier,
    redirect_uri: &Url,
    scopes: &ScopeSet,
) -> Url {
    base.query_pairs_mut()
        .append_pair("client_id", client_id)
        .append_pair("response_type", "code")
        .append_pair("state", state.0.expose())
        .append_pair("redirect_uri", redirect_uri.as_str())
        .append_pair("scope", &scopes.to_string())
        .append_pair("code_challenge", &verifier.challenge())
        .append_pair("code_challenge_method", "S256");
    base
}

/// What a callback brought: a code to exchange, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationCode {
    /// The code; good for one exchange within minutes.
    pub code: Secret,
    /// The state as it came back; compare it with the one of this session before exchanging the code.
    pub state: Secret,
}

/// What a callback brought instead of a code. Check its state too before showing it as this session's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// The person said no.
    #[error(
        "access was not granted at Bitbucket, so nothing was connected; press Connect Bitbucket to try again"
    )]
    Denied,
    /// Bitbucket says something else went wrong.
    #[error(
        "Bitbucket ended the authorization with {code:?}{}; press Connect Bitbucket to try again",
        described(description)
    )]
    Refused {
        /// Bitbucket's word.
        code: String,
        /// Bitbucket's sentence, possibly empty.
        description: String,
    },
    /// It is not a callback at all.
    #[error(
        "this address carries neither a code nor an error; press Connect Bitbucket to try again"
    )]
    Incomplete,
}

fn described(description: &str) -> String {
    if description.is_empty() {
        String::new()
    } else {
        format!(" ({description})")
    }
}

/// Reads the query of a callback.
pub fn read_callback(query: &str) -> Result<AuthorizationCode, CallbackError> {
    let find = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .filter(|value| !value.is_empty())
    };
    if let Some(code) = find("error") {
        let description: String = find("error_description")
            .unwrap_or_default()
            .chars()
            .take(300)
            .collect();
        return Err(match code.as_str() {
            "access_denied" => CallbackError::Denied,
            _ => CallbackError::Refused {
                code: code.chars().take(60).collect(),
                description,
            },
        });
    }
    match (find("code"), find("state")) {
        (Some(code), Some(state)) => Ok(AuthorizationCode {
            code: Secret::new(code),
            state: Secret::new(state),
        }),
        _ => Err(CallbackError::Incomplete),
    }
}
