//! The full id of a commit.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text was not a full commit id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a full commit id (40 or 64 hexadecimal digits)")]
pub struct CommitHashError(pub String);

/// A full commit id in lower case: 40 hexadecimal digits, or 64 in a SHA-256 repository. Never the all-zero id, which
/// git and Bitbucket Data Center use for "no commit".
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitHash(String);

impl CommitHash {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first seven digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..7]
    }

    /// True for the all-zero id, which stands for "no commit".
    fn is_zero_text(text: &str) -> bool {
        text.len() >= 40 && text.bytes().all(|byte| byte == b'0')
    }
}

impl FromStr for CommitHash {
    type Err = CommitHashError;

    fn from_str(text: &str) -> Result<Self, CommitHashError> {
        let right_length = text.len() == 40 || text.len() == 64;
        if right_length
            && text.bytes().all(|byte| byte.is_ascii_hexdigit())
            && !Self::is_zero_text(text)
        {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(CommitHashError(text.chars().take(80).collect()))
        }
    }
}

impl TryFrom<String> for CommitHash {
    type Error = CommitHashError;

    fn try_from(text: String) -> Result<Self, CommitHashError> {
        text.parse()
    }
}

impl From<CommitHash> for String {
    fn from(hash: CommitHash) -> Self {
        hash.0
    }
}

impl fmt::Display for CommitHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::CommitHash;

    #[test]
    fn only_full_ids_pass() {
        let full = "7C1E09A4b2c3d4e5f60718293a4b5c6d7e8f9012";
        let hash: CommitHash = full.parse().expect("a full id");
        assert_eq!(hash.as_str(), full.to_ascii_lowercase());
        assert_eq!(hash.short(), "7c1e09a");
        for wrong in [
            "",
            "7c1e09a",
            "0000000000000000000000000000000000000000",
            "--upload-pack=x",
            "é".repeat(20).as_str(),
        ] {
            assert!(wrong.parse::<CommitHash>().is_err(), "{wrong} is refused");
        }
    }
}
