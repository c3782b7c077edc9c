//! Where steps work: a checkout of the commit, or a copy of the work tree, in a temporary directory of its own.

use std::collections::HashSet;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use pipewright_core::plan::{CloneDepth, StepPlan};
use pipewright_core::wire::Merge;
use pipewright_core::{CommitHash, RefName};
use pipewright_git::{CheckoutTarget, LocalCheckout, LocalRepository};
use pipewright_runner::executor::{Boundary, EitherExecutor, Executor as _, StepDirectories};
use pipewright_runner::runner::remove_directory;
use tempfile::TempDir;

use super::clean_up;

/// More than any file of variables.
const ENV_FILE_LIMIT: usize = 16 << 20;

/// Makes the steps' directories, all below one temporary directory.
#[derive(Debug)]
pub(super) struct Workspaces {
    repository: LocalRepository,
    commit: CommitHash,
    branch: Option<RefName>,
    url: Option<String>,
    /// Merged into each checkout of the commit: the destination of a pull request.
    merge: Option<Merge>,
    /// Removed when the last copy of it goes: a copy that is being made when a run is stopped outlives the run.
    root: Arc<TempDir>,
    /// The files of the work tree as they were at the beginning, relative to `root/snapshot`.
    snapshot: Option<Arc<[PathBuf]>>,
}

impl Workspaces {
    /// Makes the temporary directory; only this user may enter it. It stays where `keep` says so.
    pub(super) fn new(
        repository: LocalRepository,
        commit: CommitHash,
        branch: Option<RefName>,
        url: Option<String>,
        keep: bool,
    ) -> anyhow::Result<Self> {
        let root = tempfile::Builder::new()
            .prefix("pipewright-run-")
            .disable_cleanup(keep)
            .tempdir();
        let root = root.with_context(|| {
            format!(
                "a directory cannot be made in {}; set TMPDIR",
                std::env::temp_dir().display()
            )
        })?;
        Ok(Self {
            repository,
            commit,
            branch,
            url,
            merge: None,
            root: Arc::new(root),
            snapshot: None,
        })
    }

    /// Merges this into each checkout of the commit.
    pub(super) fn merging(mut self, merge: Option<Merge>) -> Self {
        self.merge = merge;
        self
    }

    /// What is merged into the commit.
    pub(super) const fn merged(&self) -> Option<&Merge> {
        self.merge.as_ref()
    }

    /// Takes a copy of the work tree without one file, so that all steps see the same files whatever is edited meanwhile.
    /// Gives the number of repositories inside it that were left out.
    pub(super) async fn with_work_tree(
        mut self,
        home: Option<&Path>,
        without: Option<&Path>,
    ) -> anyhow::Result<(Self, usize)> {
        let files = self.repository.files(home).await?;
        let files: Arc<[PathBuf]> = files
            .into_iter()
            .filter(|file| Some(file.as_path()) != without)
            .collect();
        let (from, to, list) = (
            self.repository.top().to_owned(),
            self.root.path().join("snapshot"),
            Arc::clone(&files),
        );
        let root = Arc::clone(&self.root);
        let copying = tokio::task::spawn_blocking(move || {
            let copied = copy(&from, &to, &list);
            drop(root);
            copied
        });
        let skipped = copying.await?.context("the work tree cannot be copied")?;
        self.snapshot = Some(files);
        Ok((self, skipped))
    }

    /// The repository.
    pub(super) const fn repository(&self) -> &LocalRepository {
        &self.repository
    }

    /// The commit that runs.
    pub(super) const fn commit(&self) -> &CommitHash {
        &self.commit
    }

    /// True where the commit has a file of this path, relative to the root.
    pub(super) async fn is_committed(&self, file: &Path) -> anyhow::Result<bool> {
        let Some(path) = file.to_str() else {
            return Ok(false);
        };
        Ok(self
            .repository
            .show_file(&self.commit, path, ENV_FILE_LIMIT)
            .await?
            .is_some())
    }

    /// The directory that holds everything.
    pub(super) fn root(&self) -> &Path {
        self.root.path()
    }

    /// A fresh workspace; an empty one where the step wants no clone.
    pub(super) async fn make(
        &self,
        name: &str,
        plan: &StepPlan,
        executor: &EitherExecutor,
    ) -> anyhow::Result<StepDirectories> {
        let root = self.root.path().join(name);
        let mut directories = StepDirectories::create(&root)
            .with_context(|| format!("{} cannot be made", root.display()))?;
        directories.has_own_root = executor.boundary(plan) == Boundary::Container;
        if !plan.clone.enabled {
            return Ok(directories);
        }
        let checkout = LocalCheckout {
            commit: &self.commit,
            branch: self.branch.as_ref(),
            url: self.url.as_deref(),
        };
        let seen_at = executor.seen_as(plan, &directories).objects;
        let target = CheckoutTarget {
            directory: &directories.build,
            objects_seen_at: seen_at.as_deref(),
        };
        if let Some(files) = &self.snapshot {
            let (from, to, list) = (
                self.root.path().join("snapshot"),
                directories.build.clone(),
                Arc::clone(files),
            );
            tokio::task::spawn_blocking(move || copy(&from, &to, &list))
                .await?
                .context("the work tree's copy cannot be copied")?;
            self.repository.adopt(checkout, target).await?;
        } else {
            self.repository.check_out(checkout, target).await?;
            if let Some(merge) = &self.merge {
                self.repository.merge_into(merge, target).await?;
            }
        }
        if let CloneDepth::Commits(depth) = plan.clone.depth {
            self.repository
                .limit_history(&self.commit, self.merge.as_ref(), depth, target)
                .await?;
        }
        if let Some(seen_at) = &seen_at {
            directories.lend_objects(&self.repository.objects(), seen_at);
        }
        Ok(directories)
    }

    /// Removes one step's directories. Blocks.
    pub(super) fn remove(&self, name: &str) {
        remove_directory(&self.root.path().join(name));
    }

    /// Removes everything, or leaves the steps' directories where they are.
    pub(super) async fn close(&self, keep: bool) {
        let all = self.root.path();
        let gone = if keep {
            all.join("snapshot")
        } else {
            all.to_owned()
        };
        if clean_up::remove(&gone).await {
            // What is still being removed is not waited for by removing it once more.
            std::mem::forget(Arc::clone(&self.root));
        } else {
            remove_directory(&gone);
        }
    }
}

/// Copies files by their relative paths and gives the number of directories among them, which are made but not filled.
/// Links are copied as links and never followed, so nothing is written outside of `to`; what is gone is left out.
fn copy(from: &Path, to: &Path, files: &[PathBuf]) -> io::Result<usize> {
    std::fs::create_dir_all(to)?;
    let mut real = HashSet::new();
    let mut directories = 0;
    for file in files {
        if !file
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
            || !is_inside(from, file, &mut real)
        {
            continue;
        }
        let (source, target) = (from.join(file), to.join(file));
        let Ok(about) = source.symlink_metadata() else {
            continue;
        };
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
        }
        if about.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(&source)?, &target)?;
        } else if about.is_dir() {
            std::fs::create_dir_all(&target)?;
            directories += 1;
        } else if about.is_file() {
            match std::fs::copy(&source, &target) {
                Ok(_) => {}
                // Removed while we looked.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(io::Error::new(
                        error.kind(),
                        format!("{}: {error}", source.display()),
                    ));
                }
            }
        }
    }
    Ok(directories)
}

/// True where no directory above the file is a link: git takes a file behind one for deleted.
fn is_inside(from: &Path, file: &Path, real: &mut HashSet<PathBuf>) -> bool {
    let Some(parent) = file
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    else {
        return true;
    };
    if real.contains(parent) {
        return true;
    }
    let inside = is_inside(from, parent, real)
        && from
            .join(parent)
            .symlink_metadata()
            .is_ok_and(|about| about.is_dir());
    if inside {
        real.insert(parent.to_owned());
    }
    inside
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::copy;

    #[test]
    fn links_are_copied_and_never_followed() {
        let directory = tempfile::tempdir().expect("a directory");
        let (from, to, outside) = (
            directory.path().join("from"),
            directory.path().join("to"),
            directory.path().join("outside"),
        );
        for path in [&from, &outside, &from.join("d")] {
            std::fs::create_dir(path).expect("a directory");
        }
        std::fs::write(outside.join("x"), "precious").expect("a file");
        std::fs::write(from.join("d/y"), "y").expect("a file");
        std::os::unix::fs::symlink(&outside, from.join("link")).expect("a link");
        let files: Vec<PathBuf> = ["d/y", "gone", "link", "link/x", "../outside/x"]
            .map(PathBuf::from)
            .to_vec();
        copy(&from, &to, &files).expect("copied");
        assert_eq!(
            std::fs::read_to_string(to.join("d/y")).expect("a file"),
            "y"
        );
        assert_eq!(
            std::fs::read_link(to.join("link")).expect("a link"),
            outside
        );
        assert_eq!(
            std::fs::read_to_string(outside.join("x")).expect("a file"),
            "precious"
        );
        assert!(!to.join("gone").exists());
    }
}
