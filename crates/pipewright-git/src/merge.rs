//! Merges the destination of a pull request into a checkout of its source, as Bitbucket does before the first line of a
//! script: what is tested is what will be merged.
//!
//! The merge is made in the workspace, with its own objects, and goes with it. It has the identity that Bitbucket gives and the
//! later time of the two commits, so that every step of a build gets the very same commit. Nothing that a repository says
//! (merge drivers, filters, hooks) runs: no configuration but our own is read.

use std::path::Path;

use pipewright_core::ids::RepositoryId;
use pipewright_core::wire::{Checkout, Merge};

use super::checkout::CheckoutTarget;
use super::classify::{classify_local, tail};
use super::command::Git;
use super::error::GitError;
use super::local::LocalRepository;
use super::mirror::{Ensured, MirrorStore};
use crate::process::Finished;

/// How many files that conflict are named.
const NAMED: usize = 10;

impl MirrorStore {
    /// Makes sure that what is merged into a checkout is in the mirror; nothing where nothing is.
    pub async fn ensure_merge(&self, checkout: &Checkout) -> Result<Option<Ensured>, GitError> {
        let Some(merge) = &checkout.merge else {
            return Ok(None);
        };
        let wanted = Checkout {
            ref_name: merge.ref_name.clone(),
            commit: merge.commit.clone(),
            merge: None,
            ..checkout.clone()
        };
        self.ensure(&wanted).await.map(Some)
    }

    /// Merges into a checkout that [`MirrorStore::check_out`] made.
    pub async fn merge_into(
        &self,
        repository: RepositoryId,
        merge: &Merge,
        target: CheckoutTarget<'_>,
    ) -> Result<(), GitError> {
        let objects = self.objects(repository);
        self.git().merge(merge, target.directory, &objects).await
    }
}

impl LocalRepository {
    /// Merges into a checkout that [`LocalRepository::check_out`] made.
    pub async fn merge_into(
        &self,
        merge: &Merge,
        target: CheckoutTarget<'_>,
    ) -> Result<(), GitError> {
        let objects = self.objects();
        self.git().merge(merge, target.directory, &objects).await
    }
}

impl Git {
    /// `objects` are those that the checkout borrows: its own note of them may be one for eyes inside of a sandbox.
    async fn merge(&self, merge: &Merge, directory: &Path, objects: &Path) -> Result<(), GitError> {
        let commit = merge.commit.as_str();
        // Quoted as git reads it, so that a colon in the path does not make two of it.
        let borrowed = objects
            .to_string_lossy()
            .replace('\\', "\\\\")
            .replace('"', "\\\"");
        let borrowed = format!("\"{borrowed}\"");
        let lent = ("GIT_ALTERNATE_OBJECT_DIRECTORIES", borrowed.as_str());
        let times = self
            .inside(
                directory,
                &["log", "--no-walk", "--format=%ct", "HEAD", commit, "--"],
                &[lent],
            )
            .await?;
        let times = String::from_utf8_lossy(&times.stdout);
        let time = times
            .lines()
            .filter_map(|line| line.trim().parse::<u64>().ok())
            .max();
        let date = format!("@{} +0000", time.unwrap_or(0));
        let message = format!(
            "Merge {} at {} ",
            merge.ref_name.short(),
            merge.commit.short()
        );
        let dates = [
            lent,
            ("GIT_AUTHOR_DATE", date.as_str()),
            ("GIT_COMMITTER_DATE", date.as_str()),
        ];
        let arguments = [
            "merge",
            "--quiet",
            "--no-edit",
            "--no-stat",
            "--no-gpg-sign",
            "--no-verify-signatures",
            "-m",
            message.trim_end(),
            commit,
        ];
        let merged = self.inside(directory, &arguments, &dates).await?;
        if merged.status.success() {
            return Ok(());
        }
        let unmerged = self
            .inside(
                directory,
                &["diff", "--name-only", "--diff-filter=U", "-z"],
                &[lent],
            )
            .await?;
        let mut files: Vec<String> = unmerged
            .stdout
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty())
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect();
        let words = String::from_utf8_lossy(&merged.stderr);
        if files.is_empty() && !words.contains("unrelated histories") {
            return Err(classify_local(&words).unwrap_or_else(|| GitError::Other {
                operation: "merge",
                detail: tail(&words),
            }));
        }
        let count = files.len();
        files.truncate(NAMED);
        Err(GitError::Conflict {
            destination: merge.ref_name.short().to_owned(),
            commit: merge.commit.clone(),
            files,
            count,
        })
    }

    async fn inside(
        &self,
        directory: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<Finished, GitError> {
        self.local_for_builds("merge", |command| {
            command
                .env("GIT_DIR", directory.join(".git"))
                .env("GIT_WORK_TREE", directory)
                .envs(environment.iter().copied())
                .current_dir(directory)
                .args(arguments);
        })
        .await
    }
}
