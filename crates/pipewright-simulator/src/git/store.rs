//! Where the repositories lie, and one pusher at a time for each.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::error::GitError;
use crate::state::RepositoryId;

/// Fetching any commit by hash is allowed, as Bitbucket does; housekeeping that would only cost time is off.
const CONFIG: &str = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n\tfsync = none\n\
    [receive]\n\tautogc = false\n\tdenyDeleteCurrent = ignore\n[gc]\n\tauto = 0\n[uploadpack]\n\tallowAnySHA1InWant = true\n\
    \tallowFilter = true\n[http]\n\treceivepack = true\n\tuploadpack = true\n[safe]\n\tbareRepository = all\n";

/// The repositories of one installation.
#[derive(Debug)]
pub(crate) struct GitStore {
    root: PathBuf,
    pushing: Mutex<HashMap<RepositoryId, Arc<tokio::sync::Mutex<()>>>>,
}

impl GitStore {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self {
            root,
            pushing: Mutex::default(),
        }
    }

    /// Where a repository's git directory is or will be.
    pub(crate) fn directory(&self, repository: RepositoryId) -> PathBuf {
        self.root.join(format!("{repository}.git"))
    }

    /// The git directory, made now if it was not there.
    pub(crate) fn ensure(
        &self,
        repository: RepositoryId,
        default_branch: &str,
    ) -> Result<PathBuf, GitError> {
        let directory = self.directory(repository);
        if directory.join("HEAD").exists() {
            return Ok(directory);
        }
        create(&directory, default_branch, None)?;
        Ok(directory)
    }

    /// Makes a repository that shares the objects of another and has its refs.
    pub(crate) fn fork(
        &self,
        parent: RepositoryId,
        fork: RepositoryId,
        default_branch: &str,
    ) -> Result<(), GitError> {
        let from = self.directory(parent);
        if !from.join("HEAD").exists() {
            return Ok(());
        }
        let directory = self.directory(fork);
        create(&directory, default_branch, Some(&from.join("objects")))?;
        let refs = super::run::output(
            &from,
            &[
                "for-each-ref",
                "--format=create %(refname) %(objectname)",
                "refs/heads",
                "refs/tags",
            ],
            b"",
        )?;
        if !refs.is_empty() {
            super::run::output(&directory, &["update-ref", "--stdin"], &refs)?;
        }
        Ok(())
    }

    /// Makes `HEAD` name another default branch.
    pub(crate) fn set_default_branch(
        &self,
        repository: RepositoryId,
        branch: &str,
    ) -> Result<(), GitError> {
        let directory = self.directory(repository);
        if !directory.join("HEAD").exists() {
            return Ok(());
        }
        let head = directory.join("HEAD");
        fs::write(&head, format!("ref: refs/heads/{branch}\n")).map_err(|source| GitError::Create {
            path: head.display().to_string(),
            source,
        })
    }

    /// The lock that one pusher of a repository holds from before it reads the refs until the events are raised.
    pub(crate) fn pushing(&self, repository: RepositoryId) -> Arc<tokio::sync::Mutex<()>> {
        let mut pushing = self
            .pushing
            .lock()
            .expect("cannot fail because no holder panics");
        Arc::clone(pushing.entry(repository).or_default())
    }

    /// Bytes on disk; 0 while the directory does not exist.
    pub(crate) fn size(&self, repository: RepositoryId) -> u64 {
        size_of(&self.directory(repository).join("objects"))
    }
}

/// Writes what `git init --bare` would, without a process. `HEAD` comes last: it is what tells a whole repository.
fn create(
    directory: &Path,
    default_branch: &str,
    alternate: Option<&Path>,
) -> Result<(), GitError> {
    let write = || -> std::io::Result<()> {
        for part in ["objects/info", "objects/pack", "refs/heads", "refs/tags"] {
            fs::create_dir_all(directory.join(part))?;
        }
        fs::write(directory.join("config"), CONFIG)?;
        if let Some(objects) = alternate {
            fs::write(
                directory.join("objects/info/alternates"),
                format!("{}\n", objects.display()),
            )?;
        }
        let staged = directory.join(format!("HEAD.{}", crate::random::text(8)));
        fs::write(&staged, format!("ref: refs/heads/{default_branch}\n"))?;
        fs::rename(staged, directory.join("HEAD"))
    };
    write().map_err(|source| GitError::Create {
        path: directory.display().to_string(),
        source,
    })
}

fn size_of(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size_of(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
