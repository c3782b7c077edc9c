//! Why a grant or a refresh failed, and what to do about it.

use crate::http::ApiError;

/// Why Bitbucket gave no tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OAuthError {
    /// Key or secret of the consumer are wrong, or the consumer was deleted.
    #[error(
        "Bitbucket does not know this OAuth consumer, or the secret is wrong; copy Key and Secret again from the consumer's page in Bitbucket into the set-up page"
    )]
    WrongClient,
    /// The consumer has no callback address, which makes every grant fail.
    #[error(
        "the OAuth consumer has no callback URL; enter the one that the set-up page shows in the consumer's form in Bitbucket"
    )]
    NoCallback,
    /// The callback address we sent is not the consumer's.
    #[error(
        "the callback URL does not match the one of the OAuth consumer; enter the one that the set-up page shows in the consumer's form in Bitbucket"
    )]
    WrongCallback,
    /// The code was used before, is too old, or belongs to another consumer.
    #[error("the authorization has expired or was already used; press Connect Bitbucket again")]
    CodeInvalid,
    /// The refresh token was used before, revoked, or unused for three months. No retry will help.
    #[error(
        "access was revoked at Bitbucket or has expired; press Connect Bitbucket to authorize again"
    )]
    RefreshInvalid,
    /// Bitbucket refused for a reason of its own.
    #[error(
        "Bitbucket refused the authorization ({0}); press Connect Bitbucket again, and check the OAuth consumer if this keeps happening"
    )]
    Refused(String),
    /// Bitbucket did not answer or failed. The tokens at hand stay good: keep them and try again later.
    #[error(
        "Bitbucket could not be asked for tokens ({0}); the connection is kept and tried again"
    )]
    Unavailable(ApiError),
    /// The system gives no randomness.
    #[error("the system provides no random numbers ({0}); check the machine")]
    NoRandomness(String),
}

impl OAuthError {
    /// True where the same call may succeed later; the old tokens are kept.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}
