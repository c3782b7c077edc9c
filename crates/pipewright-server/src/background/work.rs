//! Work that must survive a restart: a closed list.

use pipewright_core::ids::{ApplicationId, RepositoryId};
use serde::{Deserialize, Serialize};

/// A piece of work, as its row keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Work {
    /// Compare an application's refs now.
    CompareRefs {
        /// Which.
        application: ApplicationId,
    },
    /// Read a repository again from Bitbucket: it was renamed, moved or deleted.
    RefreshRepository {
        /// Which.
        repository: RepositoryId,
    },
}

impl Work {
    /// The word of its kind.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::CompareRefs { .. } => "compare_refs",
            Self::RefreshRepository { .. } => "refresh_repository",
        }
    }

    /// At most one of this key waits.
    pub(crate) fn unique_key(&self) -> String {
        match self {
            Self::CompareRefs { application } => format!("compare_refs:{application}"),
            Self::RefreshRepository { repository } => format!("refresh_repository:{repository}"),
        }
    }
}
