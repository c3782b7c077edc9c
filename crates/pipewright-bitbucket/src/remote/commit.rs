//! Commits, and the shortened ids that Bitbucket Cloud puts into pull requests.

use std::fmt;

use pipewright_core::{CommitHash, Timestamp};

/// Who wrote a commit, as git recorded it. Nothing here proves who that is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signature {
    /// The name.
    pub name: String,
    /// The e-mail address, without angle brackets.
    pub email: Option<String>,
}

impl Signature {
    /// Takes apart git's `Name <e-mail>`; text without brackets is the name.
    pub(crate) fn from_raw(raw: &str) -> Self {
        let raw = raw.trim();
        let Some((name, rest)) = raw.rsplit_once('<') else {
            return Self {
                name: raw.to_owned(),
                email: None,
            };
        };
        let email = rest.trim_end_matches('>').trim();
        let name = name.trim();
        Self {
            name: if name.is_empty() {
                email.to_owned()
            } else {
                name.to_owned()
            },
            email: (!email.is_empty()).then(|| email.to_owned()),
        }
    }
}

/// A commit as Bitbucket describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteCommit {
    /// Its full id.
    pub hash: CommitHash,
    /// The whole message.
    pub message: String,
    /// Who wrote it.
    pub author: Signature,
    /// When it was written, where that could be read.
    pub date: Option<Timestamp>,
    /// The full ids of its parents.
    pub parents: Vec<CommitHash>,
}

/// The id of a commit, possibly shortened: Bitbucket Cloud gives 12 digits in pull requests. Resolve a [`Self::Short`]
/// one with [`crate::Bitbucket::resolve_commit`] before comparing or storing it as a build's commit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CommitId {
    /// The whole id.
    Full(CommitHash),
    /// The first digits, lower case, at least 7.
    Short(String),
}

impl CommitId {
    /// Reads a full or shortened id; none for the all-zero id and for anything that is not hexadecimal.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(full) = text.parse() {
            return Some(Self::Full(full));
        }
        let short =
            (7..40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        short.then(|| Self::Short(text.to_ascii_lowercase()))
    }

    /// The digits that are known.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Full(hash) => hash.as_str(),
            Self::Short(digits) => digits,
        }
    }

    /// The full id, where it is known.
    pub fn full(&self) -> Option<&CommitHash> {
        match self {
            Self::Full(hash) => Some(hash),
            Self::Short(_) => None,
        }
    }

    /// True where `hash` begins with the known digits.
    pub fn matches(&self, hash: &CommitHash) -> bool {
        hash.as_str().starts_with(self.as_str())
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{CommitId, Signature};

    #[rstest]
    #[case("Ana Ruiz <ana@example.com>", "Ana Ruiz", Some("ana@example.com"))]
    #[case("Ana", "Ana", None)]
    #[case("<ana@example.com>", "ana@example.com", Some("ana@example.com"))]
    #[case("A <b> C <c@d>", "A <b> C", Some("c@d"))]
    #[case("Ana <>", "Ana", None)]
    #[case("", "", None)]
    fn raw_authors_are_taken_apart(
        #[case] raw: &str,
        #[case] name: &str,
        #[case] email: Option<&str>,
    ) {
        assert_eq!(
            Signature::from_raw(raw),
            Signature {
                name: name.to_owned(),
                email: email.map(str::to_owned)
            }
        );
    }

    #[test]
    fn short_ids_match_their_commit_and_nothing_odd_passes() {
        let full = "1c48041a96db0f1e2d3c4b5a69788796a5b4c3d2"
            .parse()
            .expect("a full id");
        let short = CommitId::parse("1C48041A96DB").expect("twelve digits");
        assert!(short.matches(&full) && short.full().is_none());
        assert_eq!(CommitId::parse(full.as_str()), Some(CommitId::Full(full)));
        for odd in ["", "abc", "zzzzzzzzzzzz", "--help-me", &"0".repeat(40)] {
            assert_eq!(CommitId::parse(odd), None, "{odd}");
        }
    }
}
