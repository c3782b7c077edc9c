//! Pipeline files that were read a moment ago.
//!
//! One push often moves several refs to one commit, and reruns read the same commit again. What is kept can never be
//! wrong: a commit's id stands for its content.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use pipewright_core::CommitHash;
use pipewright_core::ids::RepositoryId;
use pipewright_store::builds::CommitText;

/// How many are kept.
const KEPT: usize = 32;

/// A larger file is not kept, so that all together stay small.
const LARGEST: usize = 64 * 1024;

/// What planning reads of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadCommit {
    /// The pipeline file; none where the commit has none.
    pub(crate) file: Option<Vec<u8>>,
    /// What the commit says of itself.
    pub(crate) text: CommitText,
    /// Its parents, first one first.
    pub(crate) parents: Vec<CommitHash>,
}

/// One that is kept.
#[derive(Debug)]
struct Kept {
    repository: RepositoryId,
    commit: CommitHash,
    read: Arc<ReadCommit>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct PipelineFiles {
    kept: Mutex<VecDeque<Kept>>,
}

impl PipelineFiles {
    /// What was read of this commit, if it is still kept.
    pub(crate) fn get(
        &self,
        repository: RepositoryId,
        commit: &CommitHash,
    ) -> Option<Arc<ReadCommit>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter()
            .find(|kept| kept.repository == repository && kept.commit == *commit)
            .map(|kept| Arc::clone(&kept.read))
    }

    /// Keeps what was read, in place of the oldest.
    pub(crate) fn keep(
        &self,
        repository: RepositoryId,
        commit: &CommitHash,
        read: &Arc<ReadCommit>,
    ) {
        if read.file.as_ref().is_some_and(|file| file.len() > LARGEST) {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back(Kept {
            repository,
            commit: commit.clone(),
            read: Arc::clone(read),
        });
    }
}
