//! How much history a checkout holds: `clone.depth` of the pipeline file.
//!
//! A checkout borrows the objects of a mirror, which has all of them. Its history ends where `.git/shallow` says so
//! (`gitrepository-layout(5)`), so that `git log`, `git describe` and what counts commits find what they find in a clone
//! of that depth, and `git fetch --unshallow` brings the rest. Nothing is copied: the commits down to that depth are read once.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::process::Stdio;

use pipewright_core::CommitHash;
use pipewright_core::wire::{Checkout, Merge};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::checkout::CheckoutTarget;
use super::command::Git;
use super::error::GitError;
use super::local::LocalRepository;
use super::mirror::MirrorStore;

/// The longest description of a commit that is read.
const COMMIT_LIMIT: usize = 16 << 20;

impl MirrorStore {
    /// Has the history of a checkout that [`MirrorStore::check_out`] made end at the commits that are this deep, counted from 1
    /// at the commit itself and, for a pull request, at what is merged into it.
    pub async fn limit_history(
        &self,
        checkout: &Checkout,
        depth: u32,
        target: CheckoutTarget<'_>,
    ) -> Result<(), GitError> {
        let tips = tips(&checkout.commit, checkout.merge.as_ref());
        self.git()
            .limit_history(
                &self.path(checkout.repository),
                &tips,
                depth,
                target.directory,
            )
            .await
    }
}

impl LocalRepository {
    /// As [`MirrorStore::limit_history`], of a checkout that [`LocalRepository::check_out`] made. Where the person's own history
    /// ends earlier, so does that of the checkout.
    pub async fn limit_history(
        &self,
        commit: &CommitHash,
        merge: Option<&Merge>,
        depth: u32,
        target: CheckoutTarget<'_>,
    ) -> Result<(), GitError> {
        self.git()
            .limit_history(self.common(), &tips(commit, merge), depth, target.directory)
            .await
    }
}

fn tips(commit: &CommitHash, merge: Option<&Merge>) -> Vec<String> {
    [Some(commit), merge.map(|merge| &merge.commit)]
        .into_iter()
        .flatten()
        // A tag's own object leads to its commit.
        .map(|commit| format!("{commit}^{{commit}}"))
        .collect()
}

impl Git {
    /// `repository` holds the commits, and may end early itself.
    async fn limit_history(
        &self,
        repository: &Path,
        tips: &[String],
        depth: u32,
        directory: &Path,
    ) -> Result<(), GitError> {
        let shallow = |path: &Path| path.join("shallow");
        let known = std::fs::read_to_string(shallow(repository)).unwrap_or_default();
        let known: HashSet<&str> = known.lines().map(str::trim).collect();
        let limit = self.options().local_timeout;
        let found = tokio::time::timeout(limit, async {
            let mut commits = Commits::open(self, repository)?;
            ends(&mut commits, tips, depth, &known).await
        })
        .await;
        let ends = match found {
            Ok(Ok(ends)) => ends,
            Ok(Err(source)) => {
                return Err(GitError::Other {
                    operation: "history",
                    detail: source.to_string(),
                });
            }
            Err(_) => {
                return Err(GitError::Timeout {
                    operation: "history",
                    limit,
                    limit_name: "git.local_seconds",
                });
            }
        };
        if ends.is_empty() {
            return Ok(());
        }
        let mut text = String::new();
        for end in ends {
            let _ = writeln!(text, "{end}");
        }
        let file = shallow(&directory.join(".git"));
        std::fs::write(&file, text)
            .map_err(|source| GitError::file(format!("write {}", file.display()), source))
    }
}

/// The commits of this depth that have parents, and those above them at which the history ends anyway.
async fn ends(
    commits: &mut Commits,
    tips: &[String],
    depth: u32,
    known: &HashSet<&str>,
) -> io::Result<Vec<String>> {
    let (mut ends, mut seen) = (Vec::new(), HashSet::new());
    let mut level: Vec<String> = tips.to_vec();
    for at in 1..=depth {
        let mut next = Vec::new();
        for (commit, parents) in commits.read(&level).await? {
            // Two names may lead to one commit.
            let is_first = seen.insert(commit.clone()) || at > 1;
            if !is_first || parents.is_empty() {
                continue;
            }
            if at == depth || known.contains(commit.as_str()) {
                ends.push(commit);
            } else {
                next.extend(
                    parents
                        .into_iter()
                        .filter(|parent| seen.insert(parent.clone())),
                );
            }
        }
        if next.is_empty() {
            break;
        }
        level = next;
    }
    Ok(ends)
}

/// `git cat-file --batch`, which is asked about one level of the history after the other.
struct Commits {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Killed when it is dropped.
    _child: Child,
}

impl Commits {
    fn open(git: &Git, repository: &Path) -> io::Result<Self> {
        let mut command = git.command(&[]);
        let mut child = command
            .env("GIT_DIR", repository)
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.ok_or_else(|| io::Error::other("it has no pipes"))?;
        Ok(Self {
            input,
            output: BufReader::new(output),
            _child: child,
        })
    }

    /// Each of these commits with its parents. Asked and read at the same time, because both pipes may be full.
    async fn read(&mut self, names: &[String]) -> io::Result<Vec<(String, Vec<String>)>> {
        let asked: String = names.iter().flat_map(|name| [name, "\n"]).collect();
        let Self { input, output, .. } = self;
        let ask = async {
            input.write_all(asked.as_bytes()).await?;
            input.flush().await
        };
        let hear = async {
            let mut commits = Vec::with_capacity(names.len());
            for _ in names {
                commits.push(commit(output).await?);
            }
            Ok(commits)
        };
        let (asked, heard) = tokio::join!(ask, hear);
        asked?;
        heard
    }
}

/// One answer: `<id> commit <bytes>`, the commit, a line end.
async fn commit(output: &mut BufReader<ChildStdout>) -> io::Result<(String, Vec<String>)> {
    let mut header = String::new();
    output.read_line(&mut header).await?;
    let mut words = header.split_whitespace();
    let (id, kind, size) = (words.next(), words.next(), words.next());
    let size = size.and_then(|size| size.parse::<usize>().ok());
    let (Some(id), Some("commit"), Some(size)) = (id, kind, size) else {
        return Err(io::Error::other(format!("no commit: {}", header.trim())));
    };
    if size > COMMIT_LIMIT {
        return Err(io::Error::other(format!("the commit {id} is too long")));
    }
    let mut content = vec![0; size + 1];
    output.read_exact(&mut content).await?;
    // Its own lines end with an empty one; what follows is the message.
    let parents = content
        .split(|byte| *byte == b'\n')
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix(b"parent "))
        .map(|parent| String::from_utf8_lossy(parent).into_owned())
        .collect();
    Ok((id.to_owned(), parents))
}
