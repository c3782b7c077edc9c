//! The SSH server's own key.

use std::fmt;

use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::keys::{HashAlg, PrivateKey};

/// An Ed25519 host key.
#[derive(Clone)]
pub struct HostKey {
    private: PrivateKey,
}

impl HostKey {
    /// A new random key.
    pub(crate) fn random() -> Self {
        let pair = Ed25519Keypair::from_seed(&crate::random::bytes::<32>());
        let private = PrivateKey::new(KeypairData::from(pair), "")
            .expect("cannot fail because any Ed25519 pair is a key");
        Self { private }
    }

    pub(crate) fn private(&self) -> &PrivateKey {
        &self.private
    }

    /// `ssh-ed25519 AAAA…`, as it stands in known_hosts after the host's name.
    pub fn openssh(&self) -> String {
        self.private
            .public_key()
            .to_openssh()
            .expect("cannot fail because the key is well formed")
            .trim()
            .to_owned()
    }

    /// SHA-256 fingerprint as OpenSSH prints it: `SHA256:` and base64 without padding.
    pub fn fingerprint(&self) -> String {
        self.private
            .public_key()
            .fingerprint(HashAlg::Sha256)
            .to_string()
    }

    /// The line for a known_hosts file.
    pub fn known_hosts_line(&self, host: &str, port: u16) -> String {
        format!("[{host}]:{port} {}", self.openssh())
    }
}

impl fmt::Debug for HostKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("HostKey")
            .field(&self.fingerprint())
            .finish()
    }
}
