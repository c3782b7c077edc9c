//! Which files changed, for `condition.changesets`.
//!
//! **The rule**, in one place. A push changes the files of every commit between where the ref stood and where it stands,
//! not of the last commit alone, which is all that Bitbucket looks at: a push of three commits would otherwise leave out
//! steps that the first two need. Where it is not known where the ref stood (a new branch, a commit that was forced away)
//! it is the last commit's files; whatever else is built (a tag, by hand, by schedule) the same. A pull request changes
//! the files that differ from where it left its destination. A merge changes what differs from its first parent, a first
//! commit every file it has, a rename both names.
//!
//! On any doubt the answer is [`None`]: not known, and a caller that decides by it runs everything. Doubt is a history
//! that cannot be read, several points of departure, or more than the limits below.

use std::collections::BTreeSet;

use pipewright_core::CommitHash;
use pipewright_core::ids::RepositoryId;

use super::error::GitError;
use super::local::LocalRepository;
use super::mirror::MirrorStore;
use crate::process::Finished;

/// More commits than this in one push are not looked at.
pub const MAX_COMMITS: usize = 1_000;

/// More changed files than this are not kept.
pub const MAX_FILES: usize = 10_000;

/// More bytes of their names than this are not kept.
const MAX_NAMES: usize = 1 << 20;

/// At most this much is read of what git lists; files that several commits change are listed several times.
const READ_LIMIT: usize = 16 << 20;

/// What a commit's files are compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// Its first parent.
    LastCommit,
    /// Its first parent, and the same of every commit that this one did not have.
    Since(CommitHash),
    /// The commit where it left the line of this one.
    Destination(CommitHash),
}

impl MirrorStore {
    /// The files that changed, by the rule of this module, sorted, each once. Bytes of names that are no UTF-8 are `U+FFFD`.
    pub async fn changed_files(
        &self,
        repository: RepositoryId,
        commit: &CommitHash,
        compared: &Compared,
    ) -> Option<Vec<String>> {
        known(changed(&Source::Mirror(self, repository), commit, compared).await)
    }

    /// The commit in the mirror that these first digits mean; `None` where there is none, or several.
    pub async fn commit_of_prefix(
        &self,
        repository: RepositoryId,
        prefix: &str,
    ) -> Result<Option<CommitHash>, GitError> {
        if !(7..=64).contains(&prefix.len()) || !prefix.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            return Ok(None);
        }
        let name = format!("{prefix}^{{commit}}");
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
        let found: Option<CommitHash> = String::from_utf8_lossy(&answer.stdout).trim().parse().ok();
        // A tag or branch of this name comes before the commit: then it is not known which one is meant.
        Ok(found.filter(|commit| commit.as_str().starts_with(&prefix.to_ascii_lowercase())))
    }
}

impl LocalRepository {
    /// As [`MirrorStore::changed_files`].
    pub async fn changed_files(
        &self,
        commit: &CommitHash,
        compared: &Compared,
    ) -> Option<Vec<String>> {
        known(changed(&Source::Local(self), commit, compared).await)
    }
}

/// Files from elsewhere beside those that changed, within the same limits.
pub fn with_more(
    changed: Option<Vec<String>>,
    more: impl IntoIterator<Item = String>,
) -> Option<Vec<String>> {
    bounded(changed?.into_iter().chain(more).collect())
}

fn known(changed: Result<Option<Vec<String>>, GitError>) -> Option<Vec<String>> {
    changed.unwrap_or_else(|error| {
        tracing::info!(%error, "which files changed is not known; conditions over them count as met");
        None
    })
}

/// Where commits are read.
enum Source<'a> {
    Mirror(&'a MirrorStore, RepositoryId),
    Local(&'a LocalRepository),
}

impl Source<'_> {
    async fn ask(
        &self,
        operation: &'static str,
        input: &[u8],
        arguments: &[&str],
    ) -> Result<Finished, GitError> {
        match self {
            Self::Mirror(mirrors, repository) => {
                mirrors
                    .read(*repository, operation, input, READ_LIMIT, arguments)
                    .await
            }
            Self::Local(repository) => {
                repository
                    .read(operation, input, READ_LIMIT, arguments)
                    .await
            }
        }
    }

    /// Commits, each with its parents on one line; `None` where one of them is not there.
    async fn lines(
        &self,
        operation: &'static str,
        arguments: &[&str],
    ) -> Result<Option<Vec<String>>, GitError> {
        let answer = self.ask(operation, &[], arguments).await?;
        let lines = String::from_utf8_lossy(&answer.stdout)
            .lines()
            .map(str::to_owned)
            .collect();
        Ok(answer.status.success().then_some(lines))
    }
}

async fn changed(
    source: &Source<'_>,
    commit: &CommitHash,
    compared: &Compared,
) -> Result<Option<Vec<String>>, GitError> {
    let pairs = match compared {
        Compared::Destination(destination) => {
            let arguments = ["merge-base", "--all", destination.as_str(), commit.as_str()];
            match source.lines("merge-base", &arguments).await?.as_deref() {
                Some([base]) => Some(vec![format!("{commit} {base}")]),
                _ => None,
            }
        }
        Compared::LastCommit => last_commit(source, commit).await?,
        Compared::Since(previous) => {
            let most = format!("--max-count={}", MAX_COMMITS + 1);
            let range = format!("{previous}..{commit}");
            match source
                .lines(
                    "rev-list",
                    &[
                        "rev-list",
                        "--parents",
                        &most,
                        "--end-of-options",
                        &range,
                        "--",
                    ],
                )
                .await?
            {
                Some(commits) if commits.len() > MAX_COMMITS => None,
                // A ref that was moved back has no new commits: then the last one's files alone.
                Some(commits) => last_commit(source, commit)
                    .await?
                    .map(|last| last.into_iter().chain(commits).collect()),
                None => last_commit(source, commit).await?,
            }
        }
    };
    let Some(pairs) = pairs else { return Ok(None) };
    // Each commit with its first parent only; a commit without one is compared with nothing.
    let pair = |line: &String| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let question = pairs.iter().map(pair).collect::<Vec<_>>().join("\n") + "\n";
    let arguments = [
        "diff-tree",
        "--stdin",
        "-r",
        "-z",
        "--root",
        "--name-only",
        "--no-renames",
        "--no-commit-id",
        "--ignore-submodules=none",
    ];
    let answer = source
        .ask("diff-tree", question.as_bytes(), &arguments)
        .await?;
    if !answer.status.success() {
        return Ok(None);
    }
    let names = answer
        .stdout
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty());
    Ok(bounded(
        names
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect(),
    ))
}

async fn last_commit(
    source: &Source<'_>,
    commit: &CommitHash,
) -> Result<Option<Vec<String>>, GitError> {
    source
        .lines(
            "rev-list",
            &[
                "rev-list",
                "--parents",
                "--max-count=1",
                "--end-of-options",
                commit.as_str(),
                "--",
            ],
        )
        .await
}

fn bounded(names: BTreeSet<String>) -> Option<Vec<String>> {
    let is_little =
        names.len() <= MAX_FILES && names.iter().map(String::len).sum::<usize>() <= MAX_NAMES;
    is_little.then(|| names.into_iter().collect())
}
