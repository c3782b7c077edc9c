//! Ed25519 keys in OpenSSH's forms.

use pipewright_core::Secret;
use ssh_key::rand_core::OsRng;
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey};

/// A key cannot be made or read; the text never holds the key.
#[derive(Debug, thiserror::Error)]
#[error("the SSH key cannot be {action}: {detail}; make a new one")]
pub struct SshKeyError {
    /// "made" or "read".
    pub action: &'static str,
    /// Why.
    pub detail: String,
}

/// A private key with what may be shown of it.
#[derive(Debug, Clone)]
pub struct SshKeyPair {
    /// The private key as OpenSSH text, without a passphrase.
    pub private_key: Secret,
    /// `ssh-ed25519 AAAA… comment`, the line to paste at Bitbucket.
    pub public_line: String,
    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
}

impl SshKeyPair {
    /// Makes a new Ed25519 key from the system's randomness. `comment` ends the public line; control characters in it
    /// become spaces.
    pub fn generate(comment: &str) -> Result<Self, SshKeyError> {
        let mut key =
            PrivateKey::random(&mut OsRng, Algorithm::Ed25519).map_err(|error| SshKeyError {
                action: "made",
                detail: error.to_string(),
            })?;
        key.set_comment(comment.replace(char::is_control, " "));
        Self::of(&key, "made")
    }

    /// Reads a private key in OpenSSH form; one with a passphrase is refused.
    pub fn read(private_key: &Secret) -> Result<Self, SshKeyError> {
        Self::of(&parse(private_key)?, "read")
    }

    fn of(key: &PrivateKey, action: &'static str) -> Result<Self, SshKeyError> {
        let wrong = |error: ssh_key::Error| SshKeyError {
            action,
            detail: error.to_string(),
        };
        let text = key.to_openssh(LineEnding::LF).map_err(wrong)?;
        Ok(Self {
            private_key: Secret::new(text.as_str()),
            public_line: key.public_key().to_openssh().map_err(wrong)?,
            fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
        })
    }
}

/// The key itself, for the agent.
pub(super) fn parse(private_key: &Secret) -> Result<PrivateKey, SshKeyError> {
    let wrong = |detail: String| SshKeyError {
        action: "read",
        detail,
    };
    let key =
        PrivateKey::from_openssh(private_key.expose()).map_err(|error| wrong(error.to_string()))?;
    if key.is_encrypted() {
        Err(wrong("it has a passphrase".to_owned()))
    } else {
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::SshKeyPair;

    #[test]
    fn a_key_reads_back_and_hides_its_private_part() {
        let key = SshKeyPair::generate("pipewright: harbor\nteam").expect("a key");
        assert!(
            key.public_line.starts_with("ssh-ed25519 AAAA")
                && key.public_line.ends_with(" pipewright: harbor team"),
            "{}",
            key.public_line
        );
        assert!(key.fingerprint.starts_with("SHA256:"));
        assert!(
            key.private_key
                .expose()
                .starts_with("-----BEGIN OPENSSH PRIVATE KEY-----")
        );
        assert!(!format!("{key:?}").contains("BEGIN"));
        let again = SshKeyPair::read(&key.private_key).expect("it reads back");
        assert_eq!(
            (again.public_line, again.fingerprint),
            (key.public_line, key.fingerprint)
        );
    }
}
