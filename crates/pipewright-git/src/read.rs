//! Reading from a mirror: files, commits and tags. No network; the object must have been fetched.

use pipewright_core::ids::RepositoryId;
use pipewright_core::{CommitHash, Timestamp};

use super::classify::{classify_local, tail};
use super::error::GitError;
use super::mirror::MirrorStore;
use crate::process::Finished;

/// At most this much of a commit's description is read; a message longer than this is cut.
const COMMIT_LIMIT: usize = 4 << 20;

/// What a commit says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// The commit.
    pub commit: CommitHash,
    /// Its parents, first one first.
    pub parents: Vec<CommitHash>,
    /// The author's name as written; hostile text.
    pub author_name: String,
    /// The author's address as written; hostile text.
    pub author_email: String,
    /// When it was authored, by the author's clock.
    pub authored_at: Timestamp,
    /// When it was committed, by the committer's clock.
    pub committed_at: Timestamp,
    /// The whole message; hostile text.
    pub message: String,
}

/// Commits between two, as far as they were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Between {
    /// Each with the first line of its message and its author's name, newest first; hostile text.
    pub commits: Vec<(CommitHash, String, String)>,
    /// How many more there are.
    pub more: u64,
}

impl MirrorStore {
    /// The commits that lead to `to` and not to `from`, without `to` itself, newest first, at most `most`. `from` may have been
    /// pushed away meanwhile: then nothing is known of them.
    pub async fn commits_between(
        &self,
        repository: RepositoryId,
        from: &CommitHash,
        to: &CommitHash,
        most: usize,
    ) -> Result<Between, GitError> {
        let format = "--format=%H%x00%s%x00%an%x01";
        let (limit, without) = (format!("--max-count={}", most + 1), format!("^{from}"));
        let arguments = [
            "log",
            &limit,
            "--no-show-signature",
            "--encoding=UTF-8",
            format,
            "--end-of-options",
            to.as_str(),
            &without,
            "--",
        ];
        let answer = self
            .read(repository, "log", &[], COMMIT_LIMIT, &arguments)
            .await?;
        let text = String::from_utf8_lossy(&answer.stdout);
        let all: Vec<_> = text.split('\u{1}').filter_map(parse_line).collect();
        let commits: Vec<_> = all
            .iter()
            .filter(|(commit, ..)| commit != to)
            .cloned()
            .collect();
        let more = if all.len() > most {
            let count = self
                .read(
                    repository,
                    "rev-list",
                    &[],
                    4096,
                    &[
                        "rev-list",
                        "--count",
                        "--end-of-options",
                        to.as_str(),
                        &without,
                        "--",
                    ],
                )
                .await?;
            let count: u64 = String::from_utf8_lossy(&count.stdout)
                .trim()
                .parse()
                .unwrap_or(0);
            count.saturating_sub(all.len() as u64)
        } else {
            0
        };
        Ok(Between { commits, more })
    }

    /// A file at a commit; `None` where there is no file of that path (a directory is none). `path` is relative to the
    /// root of the repository. A file larger than `max_bytes` is [`GitError::TooLarge`].
    pub async fn show_file(
        &self,
        repository: RepositoryId,
        commit: &CommitHash,
        path: &str,
        max_bytes: usize,
    ) -> Result<Option<Vec<u8>>, GitError> {
        if path.contains(['\n', '\0']) || path.is_empty() {
            return Ok(None);
        }
        // The path is standard input, so it can be no option. The first line tells a missing commit from a missing file.
        let question = format!("{commit}^{{tree}}\n{commit}:{path}\n");
        let limit = max_bytes + COMMIT_LIMIT;
        let answer = self
            .read(
                repository,
                "cat-file",
                question.as_bytes(),
                limit,
                &["cat-file", "--batch"],
            )
            .await?;
        let (tree, rest) = object(&answer.stdout).ok_or_else(|| GitError::NotInMirror {
            object: commit.clone(),
        })?;
        if tree.kind != "tree" {
            return Err(GitError::NotInMirror {
                object: commit.clone(),
            });
        }
        match object(rest) {
            Some((file, _)) if file.kind == "blob" && file.content.len() > max_bytes => {
                Err(GitError::TooLarge {
                    operation: "show",
                    limit: max_bytes,
                })
            }
            Some((file, _)) if file.kind == "blob" => Ok(Some(file.content.to_vec())),
            _ => Ok(None),
        }
    }

    /// The commit that an object stands for: an annotated tag's commit, a commit itself.
    pub async fn peel(
        &self,
        repository: RepositoryId,
        object: &CommitHash,
    ) -> Result<CommitHash, GitError> {
        let name = format!("{object}^{{commit}}");
        let answer = self
            .read(
                repository,
                "rev-parse",
                &[],
                4096,
                &[
                    "rev-parse",
                    "--verify",
                    "--quiet",
                    "--end-of-options",
                    &name,
                ],
            )
            .await?;
        let text = String::from_utf8_lossy(&answer.stdout);
        text.trim().parse().map_err(|_| GitError::NotInMirror {
            object: object.clone(),
        })
    }

    /// Author, times and message of a commit.
    pub async fn commit_info(
        &self,
        repository: RepositoryId,
        commit: &CommitHash,
    ) -> Result<CommitInfo, GitError> {
        let format = "--format=%H%x00%P%x00%an%x00%ae%x00%at%x00%ct%x00%B";
        let arguments = [
            "log",
            "-1",
            "--no-show-signature",
            "--encoding=UTF-8",
            format,
            "--end-of-options",
            commit.as_str(),
            "--",
        ];
        let answer = self
            .read(repository, "log", &[], COMMIT_LIMIT, &arguments)
            .await?;
        let text = String::from_utf8_lossy(&answer.stdout);
        parse_commit(&text).ok_or_else(|| GitError::NotInMirror {
            object: commit.clone(),
        })
    }

    /// Runs a reading command in a mirror. Failure because of damage marks the mirror; other failures are left to the
    /// caller, who knows what an empty answer means.
    pub(super) async fn read(
        &self,
        repository: RepositoryId,
        operation: &'static str,
        input: &[u8],
        limit: usize,
        arguments: &[&str],
    ) -> Result<Finished, GitError> {
        let mirror = self.mirror(repository);
        let answer = self
            .git()
            .local(operation, input, limit, |command| {
                command.env("GIT_DIR", &mirror.path).args(arguments);
            })
            .await?;
        if !answer.status.success() {
            let words = String::from_utf8_lossy(&answer.stderr);
            match classify_local(&words) {
                Some(error @ GitError::Damaged { .. }) => {
                    mirror.damage();
                    return Err(error);
                }
                Some(error) => return Err(error),
                None => tracing::debug!(operation, words = tail(&words), "git found nothing"),
            }
        }
        Ok(answer)
    }
}

struct Object<'a> {
    kind: &'a str,
    content: &'a [u8],
}

/// Reads one `id kind size` block of `cat-file --batch`; `None` for a missing object.
fn object(text: &[u8]) -> Option<(Object<'_>, &[u8])> {
    let end = text.iter().position(|byte| *byte == b'\n')?;
    let (header, rest) = (std::str::from_utf8(&text[..end]).ok()?, &text[end + 1..]);
    let mut words = header.split(' ');
    let (_, kind, size) = (words.next()?, words.next()?, words.next()?);
    let size: usize = size.parse().ok()?;
    let content = rest.get(..size)?;
    Some((
        Object { kind, content },
        rest.get(size + 1..).unwrap_or_default(),
    ))
}

/// One line of [`MirrorStore::commits_between`].
fn parse_line(text: &str) -> Option<(CommitHash, String, String)> {
    let mut parts = text.trim_start().split('\0');
    let commit = parts.next()?.parse().ok()?;
    Some((commit, parts.next()?.to_owned(), parts.next()?.to_owned()))
}

fn parse_commit(text: &str) -> Option<CommitInfo> {
    let mut fields = text.splitn(7, '\0');
    let mut next = || fields.next();
    let commit = next()?.trim().parse().ok()?;
    let parents = next()?
        .split(' ')
        .filter_map(|parent| parent.parse().ok())
        .collect();
    let (author_name, author_email) = (next()?.to_owned(), next()?.to_owned());
    let mut time = || {
        next()
            .and_then(|text| text.parse().ok())
            .map(Timestamp::from_seconds)
    };
    let (authored_at, committed_at) = (time()?, time()?);
    let message = next()?.trim_end_matches('\n').to_owned();
    Some(CommitInfo {
        commit,
        parents,
        author_name,
        author_email,
        authored_at,
        committed_at,
        message,
    })
}
