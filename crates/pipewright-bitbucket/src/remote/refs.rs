//! Branches and tags as Bitbucket lists them.

use std::fmt;

use pipewright_core::git::RefKind;
use pipewright_core::{CommitHash, RefName};

/// A branch or tag and where it points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteRef {
    /// Its name.
    pub name: RefName,
    /// The commit it points to; for an annotated tag the commit, never the tag object.
    pub commit: CommitHash,
    /// True for the repository's default branch, where this answer says.
    pub is_default: bool,
}

/// A list of refs, read to its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefList {
    /// What can be used.
    pub refs: Vec<RemoteRef>,
    /// Names that git would refuse, with the reason; they are shown and never used.
    pub refused: Vec<(String, &'static str)>,
}

/// The name of a ref that moved: usable, or refused with a reason that a page can show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefOrRefused {
    /// A branch or tag.
    Ref(RefName),
    /// Not a name we will hand to git.
    Refused {
        /// What Bitbucket sent, cut to 200 characters.
        name: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
}

impl RefOrRefused {
    /// The branch or tag of this short name.
    pub(crate) fn of(kind: RefKind, short: &str) -> Self {
        match RefName::of(kind, short) {
            Ok(name) => Self::Ref(name),
            Err(error) => Self::Refused {
                name: error.name,
                reason: error.reason,
            },
        }
    }

    /// The ref of this full name (`refs/heads/…`).
    pub(crate) fn full(full: &str) -> Self {
        match full.parse::<RefName>() {
            Ok(name) => Self::Ref(name),
            Err(error) => Self::Refused {
                name: error.name,
                reason: error.reason,
            },
        }
    }

    /// The usable name.
    pub fn name(&self) -> Option<&RefName> {
        match self {
            Self::Ref(name) => Some(name),
            Self::Refused { .. } => None,
        }
    }
}

impl fmt::Display for RefOrRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ref(name) => f.write_str(name.full()),
            Self::Refused { name, reason } => write!(f, "{name:?} ({reason})"),
        }
    }
}
