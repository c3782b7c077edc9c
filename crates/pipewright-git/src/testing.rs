//! A bare repository that tests push to, the remote of what is tested.

use std::path::{Path, PathBuf};
use std::process::Command;

use pipewright_core::ids::RepositoryId;
use pipewright_core::wire::{Checkout, CloneCredential};
use pipewright_core::{CommitHash, RefName};
use tempfile::TempDir;

use crate::{Git, GitOptions, MirrorStore};

/// A bare repository with a work tree to commit from.
pub struct Origin {
    /// Holds both; removed with this.
    pub directory: TempDir,
    repository: RepositoryId,
}

impl Default for Origin {
    fn default() -> Self {
        Self::new()
    }
}

impl Origin {
    /// An empty repository.
    pub fn new() -> Self {
        let origin = Self {
            directory: tempfile::tempdir().expect("a directory"),
            repository: RepositoryId::new(),
        };
        git(
            origin.directory.path(),
            &["init", "-q", "--bare", "-b", "main", "origin.git"],
        );
        git(
            origin.directory.path(),
            &["init", "-q", "-b", "main", "work"],
        );
        git(
            &origin.work(),
            &[
                "remote",
                "add",
                "origin",
                &origin.bare().display().to_string(),
            ],
        );
        origin
    }

    /// The bare repository.
    pub fn bare(&self) -> PathBuf {
        self.directory.path().join("origin.git")
    }

    /// The work tree that is committed from.
    pub fn work(&self) -> PathBuf {
        self.directory.path().join("work")
    }

    /// Commits a file on the current head and pushes it to `branch`.
    pub fn push(&self, branch: &str, file: &str, content: &str) -> CommitHash {
        let path = self.work().join(file);
        std::fs::create_dir_all(path.parent().expect("a file has a parent")).expect("a directory");
        std::fs::write(path, content).expect("a file");
        git(&self.work(), &["add", "-A"]);
        git(
            &self.work(),
            &[
                "commit",
                "-q",
                "--allow-empty",
                "-m",
                &format!("Write {file}\n\nWith a body."),
            ],
        );
        git(
            &self.work(),
            &[
                "push",
                "-q",
                "--force",
                "origin",
                &format!("HEAD:refs/heads/{branch}"),
            ],
        );
        self.head()
    }

    /// The commit that the work tree stands at.
    pub fn head(&self) -> CommitHash {
        git(&self.work(), &["rev-parse", "HEAD"])
            .parse()
            .expect("a commit")
    }

    /// A checkout of a branch at a commit by this address and credential.
    pub fn checkout_by(
        &self,
        url: String,
        credential: CloneCredential,
        branch: &str,
        commit: &CommitHash,
    ) -> Checkout {
        let ref_name = RefName::branch(branch).expect("a branch name");
        Checkout {
            repository: self.repository,
            url,
            credential,
            ref_name,
            commit: commit.clone(),
            merge: None,
        }
    }

    /// A checkout through the file system.
    pub fn checkout(&self, branch: &str, commit: &CommitHash) -> Checkout {
        self.checkout_by(
            format!("file://{}", self.bare().display()),
            CloneCredential::None,
            branch,
            commit,
        )
    }
}

/// Runs git in a directory, free of the machine's own configuration; its output without the last line end.
pub fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(directory)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs([
            ("GIT_AUTHOR_NAME", "Mia Ünal"),
            ("GIT_AUTHOR_EMAIL", "mia@example.com"),
            ("GIT_COMMITTER_NAME", "C"),
            ("GIT_COMMITTER_EMAIL", "c@example.com"),
        ])
        .output()
        .expect("git runs");
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned()
}

/// Mirrors in a temporary directory, from which `file://` may be fetched.
pub fn mirrors(directory: &TempDir) -> MirrorStore {
    mirrors_with(
        directory,
        GitOptions {
            allow_file: true,
            ..GitOptions::default()
        },
    )
}

/// Mirrors in a temporary directory, with these options.
pub fn mirrors_with(directory: &TempDir, options: GitOptions) -> MirrorStore {
    let git = Git::new(options, Path::new("/tmp")).expect("a runtime directory");
    MirrorStore::open(directory.path().join("mirrors"), git).expect("a directory")
}
