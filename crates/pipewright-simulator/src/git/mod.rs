//! Real git repositories on disk, handled with the system's `git`.
//!
//! One bare repository per [`crate::state::RepositoryId`], made at its first use. Everything here blocks (it runs
//! processes), so async callers go through [`blocking`]. Names of refs, paths and revisions come from outside: they are
//! never options (`--end-of-options`, `--`), never revision syntax (only full hashes and full ref names reach git) and
//! never a shell's. Who may do what is decided by the callers.

mod commits;
mod diff;
mod error;
pub(crate) mod http;
mod import;
mod refs;
mod run;
mod store;
mod tree;

pub(crate) use commits::CommitInfo;
pub(crate) use commits::CommitRange;
pub(crate) use diff::{DiffEntry, DiffStatus};
pub use error::GitError;
pub(crate) use import::Person;
pub use import::{FileChange, RefUpdate};
pub(crate) use refs::GitRef;
pub(crate) use refs::compare;
pub(crate) use run::ENVIRONMENT;
pub(crate) use store::GitStore;
pub(crate) use tree::{TreeEntry, TreeEntryKind};

/// Runs blocking git work on the blocking pool.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(failure) if failure.is_panic() => std::panic::resume_unwind(failure.into_panic()),
        Err(_) => unreachable!(
            "a blocking task that has started cannot be cancelled, and the runtime is alive"
        ),
    }
}
