//! The repository that a person stands in: read, and checked out elsewhere, never written to.
//!
//! What is checked out borrows the repository's objects as it would a mirror's, so it costs no copy of the history and
//! a script in it cannot reach the person's refs, index or files. Only listing files and changes reads the person's own
//! configuration, because what they ignore is theirs to say.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use pipewright_core::{CommitHash, RefName};

use super::checkout::{CheckoutTarget, Filling, Layout};
use super::classify::tail;
use super::command::Git;
use super::error::GitError;
use crate::process::Finished;

/// At most this much of a list of files or tags is read.
const LIST_LIMIT: usize = 256 << 20;

/// A repository with a work tree on this machine.
#[derive(Debug, Clone)]
pub struct LocalRepository {
    git: Git,
    top: PathBuf,
    /// Shared by all work trees of the repository.
    common: PathBuf,
}

/// What is checked out in a work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The commit; `None` where nothing was committed yet.
    pub commit: Option<CommitHash>,
    /// The branch; `None` where `HEAD` is detached.
    pub branch: Option<RefName>,
}

/// What to put into a directory.
#[derive(Debug, Clone, Copy)]
pub struct LocalCheckout<'a> {
    /// The commit.
    pub commit: &'a CommitHash,
    /// The branch that is then checked out; need not exist in the repository.
    pub branch: Option<&'a RefName>,
    /// The remote `origin`, without user secrets.
    pub url: Option<&'a str>,
}

impl LocalRepository {
    /// The repository whose work tree holds this directory; `None` where there is none.
    pub async fn find(git: Git, directory: &Path) -> Result<Option<Self>, GitError> {
        let arguments = [
            "rev-parse",
            "--path-format=absolute",
            "--show-toplevel",
            "--git-common-dir",
        ];
        let answer = git
            .local("rev-parse", &[], 1 << 20, |command| {
                command.current_dir(directory).args(arguments);
            })
            .await?;
        if !answer.status.success() {
            return Ok(None);
        }
        let mut lines = answer.stdout.split(|byte| *byte == b'\n').map(path);
        Ok(lines
            .next()
            .zip(lines.next())
            .map(|(top, common)| Self { git, top, common }))
    }

    pub(super) const fn git(&self) -> &Git {
        &self.git
    }

    /// The root of the work tree.
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// What all work trees of the repository share.
    pub(super) fn common(&self) -> &Path {
        &self.common
    }

    /// The objects, which workspaces borrow.
    pub fn objects(&self) -> PathBuf {
        self.common.join("objects")
    }

    /// What is checked out.
    pub async fn head(&self) -> Result<Head, GitError> {
        let symbolic = self
            .ask("symbolic-ref", &["symbolic-ref", "--quiet", "HEAD"])
            .await?;
        let branch = String::from_utf8_lossy(&symbolic.stdout)
            .trim_end()
            .parse()
            .ok();
        Ok(Head {
            commit: self.commit_of("HEAD").await?,
            branch,
        })
    }

    /// The commit that a ref leads to; `None` where there is no such ref.
    pub async fn resolve(&self, name: &RefName) -> Result<Option<CommitHash>, GitError> {
        self.commit_of(name.full()).await
    }

    /// The commit of a branch as it was last fetched from `origin`.
    pub async fn resolve_fetched(&self, branch: &RefName) -> Result<Option<CommitHash>, GitError> {
        self.commit_of(&format!("refs/remotes/origin/{}", branch.short()))
            .await
    }

    /// The URL of `origin` as configured; it may hold a secret.
    pub async fn origin(&self) -> Result<Option<String>, GitError> {
        let answer = self
            .ask(
                "config",
                &["config", "--local", "--get", "remote.origin.url"],
            )
            .await?;
        let url = String::from_utf8_lossy(&answer.stdout)
            .trim_end_matches('\n')
            .to_owned();
        Ok((answer.status.success() && !url.is_empty()).then_some(url))
    }

    /// A file at a commit; `None` where there is none. `path` is relative to the root.
    pub async fn show_file(
        &self,
        commit: &CommitHash,
        path: &str,
        max_bytes: usize,
    ) -> Result<Option<Vec<u8>>, GitError> {
        let object = format!("{commit}:{path}");
        let answer = self
            .git
            .local("cat-file", &[], max_bytes, |command| {
                command
                    .current_dir(&self.top)
                    .args(["cat-file", "blob", &object]);
            })
            .await?;
        Ok(answer.status.success().then_some(answer.stdout))
    }

    /// What differs from the commit that is checked out, relative to the root; of an untracked directory only its own
    /// name. `home` is where the person's configuration is.
    pub async fn changes(&self, home: Option<&Path>) -> Result<Vec<PathBuf>, GitError> {
        self.status("--untracked-files=normal", home).await
    }

    /// As [`Self::changes`], with every file of an untracked directory.
    pub async fn all_changes(&self, home: Option<&Path>) -> Result<Vec<PathBuf>, GitError> {
        self.status("--untracked-files=all", home).await
    }

    async fn status(&self, untracked: &str, home: Option<&Path>) -> Result<Vec<PathBuf>, GitError> {
        let arguments = ["status", "--porcelain", "-z", "--no-renames", untracked];
        let entries = self.list(&arguments, home).await?;
        // Two letters and a blank stand before each path.
        Ok(entries
            .iter()
            .filter_map(|entry| entry.as_os_str().as_bytes().get(3..))
            .map(path)
            .collect())
    }

    /// The tracked files, and the untracked ones that are not ignored, relative to the root. A tracked file may be missing
    /// in the work tree; a submodule is listed as its directory. `home` is where the person's configuration is.
    pub async fn files(&self, home: Option<&Path>) -> Result<Vec<PathBuf>, GitError> {
        self.list(
            &[
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
                "--deduplicate",
            ],
            home,
        )
        .await
    }

    /// Checks a commit out into an existing, empty directory. The repository must outlive it.
    pub async fn check_out(
        &self,
        checkout: LocalCheckout<'_>,
        target: CheckoutTarget<'_>,
    ) -> Result<(), GitError> {
        self.lay_out(checkout, target, Filling::Files).await
    }

    /// As [`Self::check_out`] where the directory holds its files already: what differs from the commit is a change.
    pub async fn adopt(
        &self,
        checkout: LocalCheckout<'_>,
        target: CheckoutTarget<'_>,
    ) -> Result<(), GitError> {
        self.lay_out(checkout, target, Filling::Index).await
    }

    async fn lay_out(
        &self,
        checkout: LocalCheckout<'_>,
        target: CheckoutTarget<'_>,
        filling: Filling,
    ) -> Result<(), GitError> {
        let tags = self
            .git
            .local("for-each-ref", &[], LIST_LIMIT, |command| {
                command.current_dir(&self.top).args([
                    "for-each-ref",
                    "--format=%(objectname) %(refname)",
                    "refs/tags",
                ]);
            })
            .await?;
        let layout = Layout {
            objects: &self.common.join("objects"),
            commit: checkout.commit,
            branch: checkout
                .branch
                .filter(|branch| branch.is_branch())
                .map(RefName::short),
            url: checkout.url,
            tags: &String::from_utf8_lossy(&tags.stdout),
        };
        self.git
            .lay_out(&layout, target, filling)
            .await
            .map_err(|error| match error {
                // There is no mirror here that could be made anew.
                GitError::Damaged { detail } => GitError::Other {
                    operation: "checkout",
                    detail,
                },
                other => other,
            })?;
        let shallow = self.common.join("shallow");
        if shallow.exists() {
            let copy = target.directory.join(".git/shallow");
            std::fs::copy(&shallow, &copy)
                .map_err(|source| GitError::file(format!("write {}", copy.display()), source))?;
        }
        Ok(())
    }

    async fn commit_of(&self, name: &str) -> Result<Option<CommitHash>, GitError> {
        let name = format!("{name}^{{commit}}");
        let answer = self
            .ask(
                "rev-parse",
                &[
                    "rev-parse",
                    "--verify",
                    "--quiet",
                    "--end-of-options",
                    &name,
                ],
            )
            .await?;
        Ok(String::from_utf8_lossy(&answer.stdout)
            .trim_end()
            .parse()
            .ok())
    }

    /// A command whose failure means "there is none".
    async fn ask(&self, operation: &'static str, arguments: &[&str]) -> Result<Finished, GitError> {
        self.git
            .local(operation, &[], 1 << 20, |command| {
                command.current_dir(&self.top).args(arguments);
            })
            .await
    }

    /// Runs a command that reads what other people's commits say.
    pub(super) async fn read(
        &self,
        operation: &'static str,
        input: &[u8],
        limit: usize,
        arguments: &[&str],
    ) -> Result<Finished, GitError> {
        self.git
            .local(operation, input, limit, |command| {
                command.current_dir(&self.top).args(arguments);
            })
            .await
    }

    /// The entries that a command ends with a zero byte each.
    async fn list(
        &self,
        arguments: &[&str],
        home: Option<&Path>,
    ) -> Result<Vec<PathBuf>, GitError> {
        let operation = "ls-files";
        let answer = self
            .git
            .local(operation, &[], LIST_LIMIT, |command| {
                command.current_dir(&self.top).args(arguments);
                if let Some(home) = home {
                    command.env("HOME", home).env_remove("GIT_CONFIG_GLOBAL");
                }
            })
            .await?;
        if !answer.status.success() {
            return Err(GitError::Other {
                operation,
                detail: tail(&String::from_utf8_lossy(&answer.stderr)),
            });
        }
        Ok(answer
            .stdout
            .split(|byte| *byte == 0)
            .filter(|entry| !entry.is_empty())
            .map(path)
            .collect())
    }
}

fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}
