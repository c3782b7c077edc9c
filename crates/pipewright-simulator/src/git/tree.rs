//! Reading files and directories of a commit.

use super::error::GitError;
use super::run::{output, text};
use super::store::GitStore;
use crate::state::RepositoryId;

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TreeEntryKind {
    /// A regular file.
    File,
    /// A regular file that may be run.
    Executable,
    /// A symbolic link.
    Link,
    /// A directory.
    Directory,
    /// Another repository's commit.
    Submodule,
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TreeEntry {
    /// Path from the top of the repository.
    pub(crate) path: String,
    /// What it is.
    pub(crate) kind: TreeEntryKind,
    /// Hash of the object.
    pub(crate) object: String,
    /// Bytes, of files.
    pub(crate) size: Option<u64>,
}

impl GitStore {
    /// What a path is at a commit (full hash); `None` when there is nothing. The empty path is the top directory.
    pub(crate) fn entry(
        &self,
        repository: RepositoryId,
        commit: &str,
        path: &str,
    ) -> Result<Option<TreeEntry>, GitError> {
        let path = path.trim_matches('/');
        if path.is_empty() {
            return Ok(Some(TreeEntry {
                path: String::new(),
                kind: TreeEntryKind::Directory,
                object: commit.to_owned(),
                size: None,
            }));
        }
        let listed = output(
            &self.directory(repository),
            &["ls-tree", "-z", "-l", "--end-of-options", commit, path],
            b"",
        )?;
        Ok(parse(&text(&listed))?
            .into_iter()
            .find(|entry| entry.path == path))
    }

    /// The entries of a directory, down to `depth` levels (1: only its own; 0: no limit), directories included.
    pub(crate) fn list(
        &self,
        repository: RepositoryId,
        commit: &str,
        path: &str,
        depth: usize,
    ) -> Result<Vec<TreeEntry>, GitError> {
        let path = path.trim_matches('/');
        let directory = if path.is_empty() {
            String::new()
        } else {
            format!("{path}/")
        };
        let mut arguments = vec!["ls-tree", "-z", "-l"];
        if depth != 1 {
            arguments.extend(["-r", "-t"]);
        }
        arguments.extend(["--end-of-options", commit]);
        if !directory.is_empty() {
            arguments.push(&directory);
        }
        let entries = parse(&text(&output(
            &self.directory(repository),
            &arguments,
            b"",
        )?))?;
        let below = |entry: &TreeEntry| {
            entry
                .path
                .strip_prefix(&directory)
                .map(|rest| rest.matches('/').count() + 1)
        };
        Ok(entries
            .into_iter()
            .filter(|entry| below(entry).is_some_and(|level| depth == 0 || level <= depth))
            .collect())
    }

    /// The bytes of a file's object.
    pub(crate) fn blob(&self, repository: RepositoryId, object: &str) -> Result<Vec<u8>, GitError> {
        output(
            &self.directory(repository),
            &["cat-file", "blob", object],
            b"",
        )
    }
}

/// Reads `mode SP type SP object SP+ size TAB path NUL` records.
fn parse(listed: &str) -> Result<Vec<TreeEntry>, GitError> {
    listed
        .split_terminator('\0')
        .map(|record| {
            let entry = || {
                let (head, path) = record.split_once('\t')?;
                let mut words = head.split_whitespace();
                let mode = words.next()?;
                let kind = match (mode, words.next()?) {
                    ("100755", _) => TreeEntryKind::Executable,
                    ("120000", _) => TreeEntryKind::Link,
                    (_, "tree") => TreeEntryKind::Directory,
                    (_, "commit") => TreeEntryKind::Submodule,
                    _ => TreeEntryKind::File,
                };
                let object = words.next()?.to_owned();
                let size = words.next()?.parse().ok();
                Some(TreeEntry {
                    path: path.to_owned(),
                    kind,
                    object,
                    size,
                })
            };
            entry().ok_or_else(|| GitError::Answer {
                command: "ls-tree".to_owned(),
                answer: record.to_owned(),
            })
        })
        .collect()
}
