//! The repository that a person stands in, found from a directory.

use std::future::Future;
use std::path::{Path, PathBuf};

use anyhow::Context;
use pipewright_git::{Git, GitOptions, LocalRepository};

/// Where git may make a directory for sockets, which it does not need here; the path must be short.
const SOCKETS: &str = "/tmp";

/// The repository whose work tree holds a directory; `None` where there is none.
pub(in crate::commands) async fn find(directory: &Path) -> anyhow::Result<Option<LocalRepository>> {
    let usual = GitOptions::default();
    let path = std::env::var("PATH").unwrap_or_else(|_| usual.path.clone());
    let git = Git::new(GitOptions { path, ..usual }, Path::new(SOCKETS))?;
    Ok(LocalRepository::find(git, directory).await?)
}

/// The root of the work tree that a directory is in; for commands that need nothing else of it. Blocks.
pub(in crate::commands) fn top_of(directory: &Path) -> anyhow::Result<Option<PathBuf>> {
    wait_for(async {
        Ok(find(directory)
            .await?
            .map(|repository| repository.top().to_owned()))
    })
}

/// The branch that is checked out in a directory; `None` where there is no repository or none is. Blocks.
pub(in crate::commands) fn branch_of(directory: &Path) -> anyhow::Result<Option<String>> {
    wait_for(async {
        let Some(repository) = find(directory).await? else {
            return Ok(None);
        };
        Ok(repository
            .head()
            .await?
            .branch
            .map(|branch| branch.short().to_owned()))
    })
}

/// Runs this to its end. Blocks.
pub(in crate::commands) fn wait_for<T>(
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the async runtime cannot be started")?;
    runtime.block_on(work)
}
