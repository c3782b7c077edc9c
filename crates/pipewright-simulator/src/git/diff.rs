//! Which files differ between two commits, and by how many lines.

use super::error::GitError;
use super::run::{output, text};
use super::store::GitStore;
use crate::state::RepositoryId;

/// The tree of nothing, known to every git repository.
const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DiffStatus {
    /// New.
    Added,
    /// Gone.
    Removed,
    /// Changed in place (a changed type or mode as well).
    Modified,
    /// Moved, perhaps changed too.
    Renamed,
    /// Copied.
    Copied,
}

/// One file that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DiffEntry {
    /// What happened.
    pub(crate) status: DiffStatus,
    /// Path before.
    pub(crate) old: Option<String>,
    /// Path after.
    pub(crate) new: Option<String>,
    /// Lines added; 0 for binary files.
    pub(crate) added: u64,
    /// Lines removed; 0 for binary files.
    pub(crate) removed: u64,
}

impl GitStore {
    /// Files that differ between two commits (full hashes), by path. `None` for `from` compares with nothing.
    pub(crate) fn diff(
        &self,
        repository: RepositoryId,
        from: Option<&str>,
        to: &str,
    ) -> Result<Vec<DiffEntry>, GitError> {
        let from = from.unwrap_or(EMPTY_TREE);
        let directory = self.directory(repository);
        let arguments = [
            "diff-tree",
            "-r",
            "-z",
            "-M",
            "--raw",
            "--numstat",
            "--end-of-options",
            from,
            to,
            "--",
        ];
        let listed = text(&output(&directory, &arguments, b"")?);
        parse(&listed).ok_or_else(|| GitError::Answer {
            command: "diff-tree".to_owned(),
            answer: listed.chars().take(200).collect(),
        })
    }
}

/// Reads `--raw -z` records (`:modes hashes status NUL path NUL [path NUL]`) and then, in the same order,
/// `--numstat -z` records (`added TAB removed TAB path NUL`, or with an empty path and two paths for renames).
fn parse(listed: &str) -> Option<Vec<DiffEntry>> {
    let mut fields = listed.split_terminator('\0').peekable();
    let mut entries = Vec::new();
    while let Some(head) = fields.next_if(|field| field.starts_with(':')) {
        let letter = head.rsplit(' ').next()?.chars().next()?;
        let first = fields.next()?.to_owned();
        let (status, old, new) = match letter {
            'A' => (DiffStatus::Added, None, Some(first)),
            'D' => (DiffStatus::Removed, Some(first), None),
            'R' => (
                DiffStatus::Renamed,
                Some(first),
                Some(fields.next()?.to_owned()),
            ),
            'C' => (
                DiffStatus::Copied,
                Some(first),
                Some(fields.next()?.to_owned()),
            ),
            _ => (DiffStatus::Modified, Some(first.clone()), Some(first)),
        };
        entries.push(DiffEntry {
            status,
            old,
            new,
            added: 0,
            removed: 0,
        });
    }
    for entry in &mut entries {
        let mut counts = fields.next()?.splitn(3, '\t');
        // A dash stands for a binary file.
        entry.added = counts.next()?.parse().unwrap_or(0);
        entry.removed = counts.next()?.parse().unwrap_or(0);
        if counts.next()?.is_empty() {
            fields.next()?;
            fields.next()?;
        }
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renames_take_two_paths_in_both_halves() {
        let listed = ":100644 100644 a b R100\0old name\0new name\0:100644 000000 a 0 D\0gone\x000\t0\t\0old name\0new name\x000\t3\tgone\0";
        let entries = parse(listed).expect("it is git's form");
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].status, DiffStatus::Renamed);
        assert_eq!(entries[0].new.as_deref(), Some("new name"));
        assert_eq!(
            (entries[1].old.as_deref(), entries[1].removed),
            (Some("gone"), 3)
        );
    }
}
