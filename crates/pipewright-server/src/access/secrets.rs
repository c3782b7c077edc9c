//! What is sealed of an integration, and for which purpose.

use pipewright_bitbucket::Credential;
use pipewright_core::Secret;
use pipewright_core::ids::{CredentialId, IntegrationId};
use pipewright_store::credentials::CredentialKind;
use pipewright_store::sealed::purpose;
use pipewright_store::{OpenSecretError, Sealed, Vault};
use serde::{Deserialize, Serialize};

/// A sealed credential does not open or does not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    /// It was sealed with another key, or for another row.
    #[error(transparent)]
    Sealed(#[from] OpenSecretError),
    /// What was sealed is not what this version writes.
    #[error("the stored credential cannot be read ({0}); connect again")]
    Shape(serde_json::Error),
}

/// The parts of a credential, as they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parts {
    /// An OAuth grant of Bitbucket Cloud.
    OAuth {
        /// Authenticates calls for about an hour.
        access_token: Secret,
        /// Gets the next pair, once.
        refresh_token: Option<Secret>,
    },
    /// Anything that stays as it is.
    Lasting(Credential),
}

/// As it is sealed: one shape, of which a kind uses some.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    token: String,
    refresh_token: Option<String>,
    user: Option<String>,
}

impl Parts {
    /// Which kind of row it makes.
    pub(crate) const fn kind(&self) -> CredentialKind {
        match self {
            Self::OAuth { .. } | Self::Lasting(Credential::OAuth { .. }) => CredentialKind::OAuth,
            Self::Lasting(Credential::ApiToken { .. }) => CredentialKind::ApiToken,
            Self::Lasting(Credential::AccessToken(_)) => CredentialKind::AccessToken,
            Self::Lasting(Credential::HttpAccessToken(_)) => CredentialKind::HttpAccessToken,
            Self::Lasting(Credential::Basic { .. }) => CredentialKind::Basic,
        }
    }

    /// What authenticates a call.
    pub(crate) fn credential(&self) -> Credential {
        match self {
            Self::OAuth { access_token, .. } => Credential::OAuth {
                access_token: access_token.clone(),
            },
            Self::Lasting(credential) => credential.clone(),
        }
    }

    /// Seals the parts for a row.
    pub(crate) fn seal(&self, vault: &Vault, id: CredentialId) -> Sealed {
        let text = |secret: &Secret| secret.expose().to_owned();
        let stored = match self {
            Self::OAuth {
                access_token,
                refresh_token,
            } => Stored {
                token: text(access_token),
                refresh_token: refresh_token.as_ref().map(text),
                user: None,
            },
            Self::Lasting(credential) => match credential {
                Credential::OAuth {
                    access_token: token,
                }
                | Credential::AccessToken(token)
                | Credential::HttpAccessToken(token) => Stored {
                    token: text(token),
                    ..Stored::default()
                },
                Credential::ApiToken { email: user, token }
                | Credential::Basic {
                    user,
                    password: token,
                } => Stored {
                    token: text(token),
                    user: Some(user.clone()),
                    ..Stored::default()
                },
            },
        };
        let json = Secret::new(
            serde_json::to_string(&stored).expect("cannot fail because every part is text"),
        );
        vault.seal(&json, &purpose::credential(id))
    }

    /// Opens the parts of a row.
    pub(crate) fn open(
        vault: &Vault,
        id: CredentialId,
        kind: CredentialKind,
        sealed: &Sealed,
    ) -> Result<Self, SecretError> {
        let json = vault.open(sealed, &purpose::credential(id))?;
        let stored: Stored = serde_json::from_str(json.expose()).map_err(SecretError::Shape)?;
        let token = Secret::new(stored.token);
        let user = stored.user.unwrap_or_default();
        Ok(match kind {
            CredentialKind::OAuth => Self::OAuth {
                access_token: token,
                refresh_token: stored.refresh_token.map(Secret::new),
            },
            CredentialKind::ApiToken => Self::Lasting(Credential::ApiToken { email: user, token }),
            CredentialKind::AccessToken => Self::Lasting(Credential::AccessToken(token)),
            CredentialKind::HttpAccessToken => Self::Lasting(Credential::HttpAccessToken(token)),
            CredentialKind::Basic => Self::Lasting(Credential::Basic {
                user,
                password: token,
            }),
        })
    }
}

/// Seals the private half of an integration's SSH key.
pub(crate) fn seal_private_key(vault: &Vault, id: IntegrationId, private_key: &Secret) -> Sealed {
    vault.seal(private_key, &purpose::ssh_private_key(id))
}

/// Opens it.
pub(crate) fn open_private_key(
    vault: &Vault,
    id: IntegrationId,
    sealed: &Sealed,
) -> Result<Secret, OpenSecretError> {
    vault.open(sealed, &purpose::ssh_private_key(id))
}

#[cfg(test)]
mod tests {
    use pipewright_bitbucket::Credential;
    use pipewright_core::Secret;
    use pipewright_core::ids::CredentialId;
    use pipewright_store::{Vault, VaultKey};

    use super::Parts;

    #[test]
    fn every_kind_of_credential_reads_back_for_its_row_only() {
        let vault = Vault::new(&VaultKey::generate());
        let token = || Secret::new("s3cret");
        let kinds = [
            Parts::OAuth {
                access_token: token(),
                refresh_token: Some(Secret::new("next")),
            },
            Parts::OAuth {
                access_token: token(),
                refresh_token: None,
            },
            Parts::Lasting(Credential::ApiToken {
                email: "a@example.com".to_owned(),
                token: token(),
            }),
            Parts::Lasting(Credential::AccessToken(token())),
            Parts::Lasting(Credential::HttpAccessToken(token())),
            Parts::Lasting(Credential::Basic {
                user: "jane".to_owned(),
                password: token(),
            }),
        ];
        for parts in kinds {
            let id = CredentialId::new();
            let sealed = parts.seal(&vault, id);
            assert_eq!(
                Parts::open(&vault, id, parts.kind(), &sealed).expect("opens"),
                parts
            );
            assert!(
                Parts::open(&vault, CredentialId::new(), parts.kind(), &sealed).is_err(),
                "another row"
            );
            assert!(
                !sealed
                    .as_bytes()
                    .windows(6)
                    .any(|window| window == b"s3cret")
            );
        }
    }
}
