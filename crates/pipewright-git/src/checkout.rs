//! Puts one commit into an empty directory as a repository that scripts can use.
//!
//! The directory gets a `.git` of its own, written by hand, that borrows the mirror's objects through
//! `objects/info/alternates`; a script can commit, tag, reset and break it without touching the mirror. The branch,
//! its remote-tracking ref and the tags are one `packed-refs` file, so names that a file system could not hold are
//! fine. One git process then fills the index and the files. History is whole; how deep a script sees is `shallow`'s.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pipewright_core::CommitHash;
use pipewright_core::ids::RepositoryId;
use pipewright_core::wire::Checkout;

use super::classify::{classify_local, tail};
use super::command::Git;
use super::error::GitError;
use super::mirror::MirrorStore;

/// At most this much of the list of tags is read: about half a million tags.
const TAGS_LIMIT: usize = 48 << 20;

/// Where a commit goes.
#[derive(Debug, Clone, Copy)]
pub struct CheckoutTarget<'a> {
    /// An existing, empty directory.
    pub directory: &'a Path,
    /// Where whoever works in the directory will find the objects that it borrows; `None` for their own path.
    pub objects_seen_at: Option<&'a Path>,
}

impl<'a> CheckoutTarget<'a> {
    /// For work on this machine, which sees everything at its own path.
    pub const fn new(directory: &'a Path) -> Self {
        Self {
            directory,
            objects_seen_at: None,
        }
    }
}

/// What a checkout took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedOut {
    /// From the first file to the last.
    pub elapsed: Duration,
}

impl MirrorStore {
    /// Checks `checkout.commit` out of the mirror, which must hold it (see [`MirrorStore::ensure`]). The mirror must
    /// outlive the directory.
    pub async fn check_out(
        &self,
        checkout: &Checkout,
        target: CheckoutTarget<'_>,
    ) -> Result<CheckedOut, GitError> {
        let begin = Instant::now();
        let tags = self.packed_tags(checkout).await?;
        let mirror = self.mirror(checkout.repository);
        let layout = Layout {
            objects: &mirror.path.join("objects"),
            commit: &checkout.commit,
            branch: checkout
                .ref_name
                .is_branch()
                .then(|| checkout.ref_name.short()),
            url: Some(&checkout.url),
            tags: &tags,
        };
        match self.git().lay_out(&layout, target, Filling::Files).await {
            Ok(()) => Ok(CheckedOut {
                elapsed: begin.elapsed(),
            }),
            Err(error) => {
                if matches!(error, GitError::Damaged { .. }) {
                    mirror.damage();
                }
                Err(error)
            }
        }
    }

    /// The objects of a repository's mirror, which its workspaces borrow.
    pub fn objects(&self, repository: RepositoryId) -> PathBuf {
        self.mirror(repository).path.join("objects")
    }

    /// The mirror's tags as `packed-refs` lines, read once after each fetch.
    async fn packed_tags(&self, checkout: &Checkout) -> Result<Arc<str>, GitError> {
        let mirror = self.mirror(checkout.repository);
        if let Some(tags) = mirror.tags() {
            return Ok(tags);
        }
        let arguments = [
            "for-each-ref",
            "--format=%(objectname) %(refname)",
            "refs/tags",
        ];
        let answer = self
            .read(
                checkout.repository,
                "for-each-ref",
                &[],
                TAGS_LIMIT,
                &arguments,
            )
            .await?;
        let tags: Arc<str> = String::from_utf8_lossy(&answer.stdout).into();
        mirror.remember_tags(Arc::clone(&tags));
        Ok(tags)
    }
}

/// A repository to write: what it borrows and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout<'a> {
    /// The directory of objects that it borrows, which must outlive it.
    pub(super) objects: &'a Path,
    /// Where `HEAD` stands.
    pub(super) commit: &'a CommitHash,
    /// The branch that is checked out; `None` leaves `HEAD` without one, as a clone of a tag.
    pub(super) branch: Option<&'a str>,
    /// The remote `origin`, where there is one.
    pub(super) url: Option<&'a str>,
    /// Tags as `packed-refs` lines.
    pub(super) tags: &'a str,
}

/// What is filled after the repository is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filling {
    /// Index and files.
    Files,
    /// The index only: the directory holds its files already, and what differs from the commit is a change.
    Index,
}

impl Git {
    /// Writes the repository into the target's `.git` and fills it.
    pub(super) async fn lay_out(
        &self,
        layout: &Layout<'_>,
        target: CheckoutTarget<'_>,
        filling: Filling,
    ) -> Result<(), GitError> {
        let git_directory = target.directory.join(".git");
        write_repository(&git_directory, layout).map_err(|source| {
            GitError::file(format!("write {}", git_directory.display()), source)
        })?;
        let mode = match filling {
            Filling::Files => "--hard",
            Filling::Index => "--mixed",
        };
        let filled = self
            .local_for_builds("checkout", |command| {
                command
                    .env("GIT_DIR", &git_directory)
                    .env("GIT_WORK_TREE", target.directory)
                    .current_dir(target.directory);
                command.args(["reset", mode, "--quiet", "--end-of-options", "HEAD"]);
            })
            .await?;
        if filled.status.success() {
            if let Some(seen_at) = target.objects_seen_at {
                lend(&git_directory, seen_at).map_err(|source| {
                    GitError::file(format!("write {}", git_directory.display()), source)
                })?;
            }
            return Ok(());
        }
        let words = String::from_utf8_lossy(&filled.stderr);
        Err(classify_local(&words).unwrap_or_else(|| GitError::Other {
            operation: "checkout",
            detail: tail(&words),
        }))
    }
}

fn write_repository(git: &Path, layout: &Layout<'_>) -> io::Result<()> {
    for directory in ["", "objects", "objects/info", "info", "refs"] {
        std::fs::create_dir(git.join(directory))?;
    }
    let Layout { commit, tags, .. } = layout;
    let mut refs = String::with_capacity(tags.len() + 256);
    if let Some(name) = layout.branch {
        std::fs::write(git.join("HEAD"), format!("ref: refs/heads/{name}\n"))?;
        // `packed-refs` is searched by bisection only where its header says so; ours has none and is read whole.
        let _ = write!(
            refs,
            "{commit} refs/heads/{name}\n{tags}{commit} refs/remotes/origin/{name}\n"
        );
    } else {
        // As a clone of a tag: no branch, the commit itself.
        std::fs::write(git.join("HEAD"), format!("{commit}\n"))?;
        refs.push_str(tags);
    }
    std::fs::write(git.join("packed-refs"), refs)?;
    std::fs::write(git.join("config"), configuration(layout))?;
    std::fs::write(git.join("info/exclude"), ".bitbucket/pipelines/generated\n")?;
    lend(git, layout.objects)
}

/// Names the directory of objects that the repository borrows.
fn lend(git: &Path, objects: &Path) -> io::Result<()> {
    std::fs::write(
        git.join("objects/info/alternates"),
        format!("{}\n", objects.display()),
    )
}

/// The workspace's own configuration, with the identity that Bitbucket gives (bitbucket-pipelines-yml.md §4.2).
fn configuration(layout: &Layout<'_>) -> String {
    let version = if layout.commit.as_str().len() == 64 {
        "1\n[extensions]\n\tobjectformat = sha256\n[core]"
    } else {
        "0"
    };
    let mut text = format!(
        "[core]\n\trepositoryformatversion = {version}\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n"
    );
    if let Some(url) = layout.url.map(quoted) {
        let _ = writeln!(
            text,
            "[remote \"origin\"]\n\turl = {url}\n\tfetch = +refs/heads/*:refs/remotes/origin/*"
        );
    }
    if let Some(name) = layout.branch {
        let quoted_name = quoted(name);
        let merge = quoted(&format!("refs/heads/{name}"));
        let _ = writeln!(
            text,
            "[branch {quoted_name}]\n\tremote = origin\n\tmerge = {merge}"
        );
    }
    text.push_str("[user]\n\tname = bitbucket-pipelines\n\temail = commits-noreply@bitbucket.org\n[push]\n\tdefault = current\n");
    text
}

/// A string of git's configuration syntax. Names hold no control characters (see `RefName`, `RemoteUrl`).
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn quotes_and_backslashes_stay_inside_the_string() {
        assert_eq!(quoted(r#"a"b\c"#), r#""a\"b\\c""#);
    }
}
