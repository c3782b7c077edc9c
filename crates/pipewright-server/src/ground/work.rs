//! Work that must survive a restart: a closed list.

use pipewright_core::Timestamp;
use pipewright_core::ids::{ApplicationId, RepositoryId};
use pipewright_store::tasks::{self, NewTask};
use pipewright_store::{StoreError, Tx};
use serde::{Deserialize, Serialize};

use super::app::App;

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

/// Has work done, in the caller's transaction; where the same waits already, that is enough. Wake the loop after the
/// commit.
pub(crate) async fn enqueue_within(
    _app: &App,
    tx: &mut Tx,
    work: &Work,
    now: Timestamp,
) -> Result<(), StoreError> {
    let payload = serde_json::to_value(work).unwrap_or_default();
    let task = NewTask {
        kind: work.kind().to_owned(),
        unique_key: Some(work.unique_key()),
        payload,
        run_after: now,
        created_at: now,
    };
    tasks::enqueue(tx, &task).await?;
    Ok(())
}
