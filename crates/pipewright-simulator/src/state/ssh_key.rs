//! Public SSH keys: of a user (all that the user may do), or access keys of repositories and spaces.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::ids::{KeyId, RepositoryId, SpaceId, UserId};
use super::space::Permission;

/// Who a key speaks for. A key is either a user's or an access key, never both, on both products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyHolder {
    /// A user's own key.
    User(UserId),
    /// A deploy key (Cloud: read only) or access key (Data Center: read or write) of the repositories and spaces listed.
    /// An entry's permission is [`Permission::Read`] or [`Permission::Write`].
    Access {
        /// Per repository.
        repositories: BTreeMap<RepositoryId, Permission>,
        /// Per space, counting for each of its repositories.
        spaces: BTreeMap<SpaceId, Permission>,
    },
}

/// A registered public key.
#[derive(Debug, Clone)]
pub struct SshKey {
    /// Number (Data Center; Cloud's deploy keys).
    pub id: KeyId,
    /// Identity of Cloud's user keys.
    pub uuid: Uuid,
    /// Algorithm name, such as `ssh-ed25519`.
    pub algorithm: String,
    /// Key blob in base64: with the algorithm, what a connection is matched by.
    pub base64: String,
    /// What followed the blob in the text that was registered.
    pub comment: String,
    /// Label given at registration.
    pub label: String,
    /// SHA-256 fingerprint in base64 without prefix and padding.
    pub fingerprint: String,
    /// Who the key speaks for.
    pub holder: KeyHolder,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last opened a connection.
    pub last_used: Option<Timestamp>,
    /// After this instant it no longer opens connections.
    pub expires_at: Option<Timestamp>,
}

impl SshKey {
    /// The key as one OpenSSH line without its comment.
    pub fn openssh(&self) -> String {
        format!("{} {}", self.algorithm, self.base64)
    }
}

/// A public key read from its OpenSSH text, not yet registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedKey {
    /// Algorithm name.
    pub algorithm: String,
    /// Key blob in base64.
    pub base64: String,
    /// Rest of the line.
    pub comment: String,
    /// SHA-256 fingerprint in base64 without prefix and padding.
    pub fingerprint: String,
}

impl ParsedKey {
    /// Reads one OpenSSH public key line; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let key = russh::keys::ssh_key::PublicKey::from_openssh(text.trim()).ok()?;
        let mut words = text.split_whitespace();
        let algorithm = words.next()?.to_owned();
        let base64 = words.next()?.to_owned();
        let fingerprint = key.fingerprint(russh::keys::HashAlg::Sha256).to_string();
        Some(Self {
            algorithm,
            base64,
            comment: words.collect::<Vec<_>>().join(" "),
            fingerprint: fingerprint.trim_start_matches("SHA256:").to_owned(),
        })
    }
}
