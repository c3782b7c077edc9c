//! Reading commits.

use jiff::Timestamp;

use super::error::GitError;
use super::run::{output, text};
use super::store::GitStore;
use crate::state::RepositoryId;

/// A commit as both products show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommitInfo {
    /// Full hash.
    pub(crate) hash: String,
    /// Full hashes of the parents, first parent first.
    pub(crate) parents: Vec<String>,
    /// Author's name.
    pub(crate) author_name: String,
    /// Author's e-mail.
    pub(crate) author_email: String,
    /// When it was written.
    pub(crate) authored_at: Timestamp,
    /// Committer's name.
    pub(crate) committer_name: String,
    /// Committer's e-mail.
    pub(crate) committer_email: String,
    /// When it was committed.
    pub(crate) committed_at: Timestamp,
    /// The whole message, with its last line break.
    pub(crate) message: String,
}

impl CommitInfo {
    /// `Name <e-mail>` of the author.
    pub(crate) fn author_raw(&self) -> String {
        format!("{} <{}>", self.author_name, self.author_email)
    }
}

/// Nine fields, each ended by NUL: the record's own end under `-z` ends the ninth.
const FORMAT: &str = "--format=tformat:%H%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B";
const FIELDS: usize = 9;

/// Which commits to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct CommitRange {
    /// Full hashes whose history is listed.
    pub(crate) include: Vec<String>,
    /// Full hashes whose history is left out.
    pub(crate) exclude: Vec<String>,
    /// Only commits that touch one of these paths.
    pub(crate) paths: Vec<String>,
    /// How many to leave out at the start.
    pub(crate) skip: usize,
    /// How many to list.
    pub(crate) limit: usize,
}

impl GitStore {
    /// Commits of a range, newest first. Hashes that the repository does not have are an error.
    pub(crate) fn commits(
        &self,
        repository: RepositoryId,
        range: &CommitRange,
    ) -> Result<Vec<CommitInfo>, GitError> {
        let directory = self.directory(repository);
        if range.include.is_empty() || !directory.join("HEAD").exists() {
            return Ok(Vec::new());
        }
        let skip = format!("--skip={}", range.skip);
        let limit = format!("--max-count={}", range.limit);
        let mut arguments = vec![
            "log",
            "-z",
            FORMAT,
            skip.as_str(),
            limit.as_str(),
            "--stdin",
            "--",
        ];
        arguments.extend(range.paths.iter().map(String::as_str));
        let revisions = range
            .include
            .iter()
            .cloned()
            .chain(range.exclude.iter().map(|hash| format!("^{hash}")));
        let input = revisions.collect::<Vec<_>>().join("\n") + "\n";
        parse(&output(&directory, &arguments, input.as_bytes())?)
    }

    /// One commit by its full hash.
    pub(crate) fn commit_info(
        &self,
        repository: RepositoryId,
        hash: &str,
    ) -> Result<Option<CommitInfo>, GitError> {
        Ok(self
            .commit_infos(repository, &[hash.to_owned()])?
            .into_iter()
            .next())
    }

    /// Several commits by their full hashes, each once, in no promised order.
    pub(crate) fn commit_infos(
        &self,
        repository: RepositoryId,
        hashes: &[String],
    ) -> Result<Vec<CommitInfo>, GitError> {
        let directory = self.directory(repository);
        if hashes.is_empty() || !directory.join("HEAD").exists() {
            return Ok(Vec::new());
        }
        let input = hashes.join("\n") + "\n";
        parse(&output(
            &directory,
            &["log", "-z", FORMAT, "--no-walk=unsorted", "--stdin", "--"],
            input.as_bytes(),
        )?)
    }

    /// Whether `descendant` contains `ancestor`; both full hashes.
    pub(crate) fn contains(
        &self,
        repository: RepositoryId,
        ancestor: &str,
        descendant: &str,
    ) -> Result<bool, GitError> {
        match output(
            &self.directory(repository),
            &["merge-base", "--is-ancestor", ancestor, descendant],
            b"",
        ) {
            Ok(_) => Ok(true),
            Err(GitError::Refused { message, .. }) if message.is_empty() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The best common ancestor of two commits; both full hashes.
    pub(crate) fn merge_base(
        &self,
        repository: RepositoryId,
        one: &str,
        other: &str,
    ) -> Result<Option<String>, GitError> {
        match output(
            &self.directory(repository),
            &["merge-base", one, other],
            b"",
        ) {
            Ok(hash) => Ok(Some(text(&hash).trim().to_owned())),
            Err(GitError::Refused { message, .. }) if message.is_empty() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn parse(listed: &[u8]) -> Result<Vec<CommitInfo>, GitError> {
    let listed = text(listed);
    let unexpected = || GitError::Answer {
        command: "log".to_owned(),
        answer: listed.chars().take(200).collect(),
    };
    let fields: Vec<&str> = listed.split_terminator('\0').collect();
    if !fields.len().is_multiple_of(FIELDS) {
        return Err(unexpected());
    }
    let time = |second: &str| {
        second
            .parse()
            .ok()
            .and_then(|second| Timestamp::from_second(second).ok())
            .ok_or_else(unexpected)
    };
    fields
        .chunks_exact(FIELDS)
        .map(|field| {
            Ok(CommitInfo {
                hash: field[0].to_owned(),
                parents: field[1].split_whitespace().map(str::to_owned).collect(),
                author_name: field[2].to_owned(),
                author_email: field[3].to_owned(),
                authored_at: time(field[4])?,
                committer_name: field[5].to_owned(),
                committer_email: field[6].to_owned(),
                committed_at: time(field[7])?,
                message: field[8].to_owned(),
            })
        })
        .collect()
}
