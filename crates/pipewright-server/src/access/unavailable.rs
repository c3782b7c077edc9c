//! Why an integration cannot be used just now, as sentences that a build, a status or a page can show.

use pipewright_bitbucket::NotAllowed;
use pipewright_core::ids::{IntegrationId, RepositoryId};
use pipewright_store::{OpenSecretError, StoreError};

use super::secrets::SecretError;

/// Why an integration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IntegrationUnavailable {
    /// There is no such integration.
    #[error(
        "the integration {0} no longer exists; connect the account to Bitbucket again under Integrations"
    )]
    Missing(IntegrationId),
    /// There is no such repository.
    #[error("the repository {0} no longer exists; create the application again from another one")]
    MissingRepository(RepositoryId),
    /// A person disconnected it.
    #[error("{0} is disconnected; connect it again under Integrations")]
    Disconnected(String),
    /// Bitbucket no longer accepts the credential.
    #[error("{0}")]
    Reconnect(String),
    /// Bitbucket does not offer an address to clone from the chosen way.
    #[error("{0}")]
    NoCloneAddress(String),
    /// The policy of outgoing addresses refuses where it is.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// Bitbucket cannot be asked just now; the same may work in a moment.
    #[error("{0}")]
    Later(String),
    /// A stored secret does not open.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<OpenSecretError> for IntegrationUnavailable {
    fn from(error: OpenSecretError) -> Self {
        Self::Secret(SecretError::Sealed(error))
    }
}

impl IntegrationUnavailable {
    /// True where the same may work in a moment, without anybody doing anything.
    pub(crate) const fn is_retryable(&self) -> bool {
        matches!(self, Self::Later(_) | Self::Store(_))
    }
}

/// The sentence for an access that ended at Bitbucket.
pub(crate) const REVOKED: &str = "access was revoked at Bitbucket; reconnect under Integrations";
