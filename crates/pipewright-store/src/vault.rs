//! Secrets at rest: XChaCha20-Poly1305 with a key that the operator holds.
//!
//! A sealed value is `version (1 byte) ‖ nonce (24 bytes, random) ‖ ciphertext and tag`. What it is sealed *for* (a table,
//! a column and an id) is authenticated with it, so that a value copied into another row does not open.

use std::fmt;
use std::str::FromStr;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use pipewright_core::Secret;

const VERSION: u8 = 1;
const NONCE: usize = 24;
const KEY: usize = 32;

/// The key's text is not a key.
#[derive(Debug, thiserror::Error)]
#[error(
    "the secret key must be 64 hexadecimal digits; make one with `openssl rand -hex 32` or let Pipewright make its own"
)]
pub struct VaultKeyError;

/// A sealed value did not open.
#[derive(Debug, thiserror::Error)]
#[error(
    "a stored secret of {purpose} does not open with this secret key; was the key replaced, or the row copied?"
)]
pub struct OpenSecretError {
    /// What it was sealed for.
    pub purpose: String,
}

/// The operator's key, 32 bytes.
pub struct VaultKey([u8; KEY]);

impl VaultKey {
    /// Makes a new random key.
    pub fn generate() -> Self {
        let mut key = [0; KEY];
        getrandom::fill(&mut key)
            .expect("cannot fail because the kernel's random source is always there on Linux");
        Self(key)
    }

    /// The key as 64 hexadecimal digits, for the operator's key file.
    pub fn to_text(&self) -> Secret {
        use fmt::Write as _;
        let mut text = String::with_capacity(KEY * 2);
        for byte in self.0 {
            write!(text, "{byte:02x}").expect("cannot fail because a String takes everything");
        }
        Secret::new(text)
    }
}

impl fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VaultKey(…)")
    }
}

impl FromStr for VaultKey {
    type Err = VaultKeyError;

    fn from_str(text: &str) -> Result<Self, VaultKeyError> {
        let text = text.trim();
        if text.len() != KEY * 2 || !text.is_ascii() {
            return Err(VaultKeyError);
        }
        let mut key = [0; KEY];
        for (index, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16)
                .map_err(|_| VaultKeyError)?;
        }
        Ok(Self(key))
    }
}

/// A sealed value, as a column keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// The bytes for the database.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Sealed {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// Seals and opens secrets; cheap to clone.
#[derive(Clone)]
pub struct Vault {
    cipher: XChaCha20Poly1305,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// A vault with the operator's key.
    pub fn new(key: &VaultKey) -> Self {
        Self {
            cipher: XChaCha20Poly1305::new(&key.0.into()),
        }
    }

    /// Seals a secret for a purpose such as `integrations.ssh_private_key:0192…`.
    pub fn seal(&self, secret: &Secret, purpose: &str) -> Sealed {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce)
            .expect("cannot fail because the kernel's random source is always there on Linux");
        let payload = Payload {
            msg: secret.expose().as_bytes(),
            aad: purpose.as_bytes(),
        };
        let text = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .expect("cannot fail because only messages of more than 256 GB are refused");
        let mut bytes = Vec::with_capacity(1 + NONCE + text.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&text);
        Sealed(bytes)
    }

    /// Opens what was sealed for the same purpose.
    pub fn open(&self, sealed: &Sealed, purpose: &str) -> Result<Secret, OpenSecretError> {
        let refused = || OpenSecretError {
            purpose: purpose.to_owned(),
        };
        let (version, rest) = sealed.0.split_first().ok_or_else(refused)?;
        if *version != VERSION || rest.len() < NONCE {
            return Err(refused());
        }
        let (nonce, text) = rest.split_at(NONCE);
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| refused())?;
        let payload = Payload {
            msg: text,
            aad: purpose.as_bytes(),
        };
        let plain = self
            .cipher
            .decrypt(&XNonce::from(nonce), payload)
            .map_err(|_| refused())?;
        String::from_utf8(plain)
            .map(Secret::new)
            .map_err(|_| refused())
    }
}

#[cfg(test)]
mod tests {
    use pipewright_core::Secret;

    use super::{Sealed, Vault, VaultKey};

    #[test]
    fn what_is_sealed_opens_for_its_purpose_only() {
        let vault = Vault::new(&VaultKey::generate());
        let sealed = vault.seal(&Secret::new("token"), "credentials:1");
        assert_eq!(
            vault
                .open(&sealed, "credentials:1")
                .expect("the same purpose")
                .expose(),
            "token"
        );
        assert!(
            vault.open(&sealed, "credentials:2").is_err(),
            "another purpose"
        );
        assert!(
            Vault::new(&VaultKey::generate())
                .open(&sealed, "credentials:1")
                .is_err(),
            "another key"
        );
        let mut broken = sealed.as_bytes().to_vec();
        broken[30] ^= 1;
        assert!(
            vault.open(&Sealed::from(broken), "credentials:1").is_err(),
            "a changed byte"
        );
        assert!(
            !sealed
                .as_bytes()
                .windows(5)
                .any(|window| window == b"token")
        );
    }

    #[test]
    fn a_key_reads_back_from_its_text() {
        let key = VaultKey::generate();
        let vault = Vault::new(&key);
        let again: VaultKey = key.to_text().expose().parse().expect("a key");
        assert!(
            Vault::new(&again)
                .open(&vault.seal(&Secret::new("x"), "p"), "p")
                .is_ok()
        );
        assert!("abc".parse::<VaultKey>().is_err());
    }
}
