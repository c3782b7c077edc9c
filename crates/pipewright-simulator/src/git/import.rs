//! Making commits and moving refs: one `git fast-import` does a whole push.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::error::GitError;
use super::run::{output, text};
use super::store::GitStore;
use crate::state::{RefTarget, RepositoryId, ref_name};

/// A file to write or delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Path from the top of the repository.
    pub path: String,
    /// New content; `None` deletes the file.
    pub content: Option<Vec<u8>>,
}

impl FileChange {
    /// Changes as tests write them: path and text.
    pub fn texts(files: &[(&str, &str)]) -> Vec<Self> {
        files
            .iter()
            .map(|(path, content)| Self {
                path: (*path).to_owned(),
                content: Some(content.as_bytes().to_vec()),
            })
            .collect()
    }
}

/// Who makes commits and tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    /// Name.
    pub(crate) name: String,
    /// E-mail address.
    pub(crate) email: String,
}

/// What shall become of one ref in a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefUpdate {
    pub(crate) name: String,
    pub(crate) target: UpdateTarget,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UpdateTarget {
    /// New commits on top of the ref (or of the default branch, when the ref is new).
    Commits(Vec<(Vec<FileChange>, String)>),
    /// The ref's last commit replaced by another with the same parents.
    Rewrite(Vec<FileChange>, String),
    Hash(String),
    Annotated {
        hash: String,
        message: String,
    },
    Delete,
}

impl RefUpdate {
    /// Begins with a branch; it is deleted unless something else is said.
    pub fn branch(name: &str) -> Self {
        Self {
            name: ref_name::branch(name),
            target: UpdateTarget::Delete,
        }
    }

    /// Begins with a tag; it is deleted unless something else is said.
    pub fn tag(name: &str) -> Self {
        Self {
            name: ref_name::tag(name),
            target: UpdateTarget::Delete,
        }
    }

    /// Adds a commit on top.
    pub fn commit(mut self, files: &[(&str, &str)], message: &str) -> Self {
        let commit = (FileChange::texts(files), message.to_owned());
        match &mut self.target {
            UpdateTarget::Commits(commits) => commits.push(commit),
            _ => self.target = UpdateTarget::Commits(vec![commit]),
        }
        self
    }

    /// Replaces the last commit (a forced push).
    pub fn rewrite(mut self, files: &[(&str, &str)], message: &str) -> Self {
        self.target = UpdateTarget::Rewrite(FileChange::texts(files), message.to_owned());
        self
    }

    /// Points it to a commit that is there already.
    pub fn to(mut self, hash: &str) -> Self {
        self.target = UpdateTarget::Hash(hash.to_owned());
        self
    }

    /// Makes it an annotated tag of a commit that is there already.
    pub fn annotated(mut self, hash: &str, message: &str) -> Self {
        self.target = UpdateTarget::Annotated {
            hash: hash.to_owned(),
            message: message.to_owned(),
        };
        self
    }

    /// Deletes it.
    pub fn delete(mut self) -> Self {
        self.target = UpdateTarget::Delete;
        self
    }
}

impl GitStore {
    /// Applies updates in one transaction of refs and returns what each ref's commit is afterwards (`None`: deleted).
    pub(crate) fn apply(
        &self,
        repository: RepositoryId,
        default_branch: &str,
        updates: &[RefUpdate],
        person: &Person,
        now: Timestamp,
    ) -> Result<Vec<Option<String>>, GitError> {
        let directory = self.ensure(repository, default_branch)?;
        let before = self.snapshot(repository)?;
        let mut stream = Stream {
            bytes: Vec::new(),
            marks: 0,
            who: who(person, now),
        };
        for update in updates {
            self.describe(repository, default_branch, update, &before, &mut stream)?;
        }
        stream.bytes.extend_from_slice(b"done\n");
        output(
            &directory,
            &[
                "fast-import",
                "--quiet",
                "--force",
                "--done",
                "--date-format=raw",
            ],
            &stream.bytes,
        )?;
        let after = self.snapshot(repository)?;
        Ok(updates
            .iter()
            .map(|update| after.get(&update.name).map(|target| target.commit.clone()))
            .collect())
    }

    fn describe(
        &self,
        repository: RepositoryId,
        default_branch: &str,
        update: &RefUpdate,
        before: &BTreeMap<String, RefTarget>,
        stream: &mut Stream,
    ) -> Result<(), GitError> {
        let present = before.get(&update.name).map(|target| target.commit.clone());
        match &update.target {
            UpdateTarget::Commits(commits) => {
                let mut parent = present.or_else(|| {
                    before
                        .get(&ref_name::branch(default_branch))
                        .map(|target| target.commit.clone())
                });
                for (files, message) in commits {
                    parent = Some(stream.commit(&update.name, parent.as_slice(), files, message));
                }
            }
            UpdateTarget::Rewrite(files, message) => {
                let parents = match &present {
                    Some(hash) => self
                        .commit_info(repository, hash)?
                        .map(|commit| commit.parents)
                        .unwrap_or_default(),
                    None => Vec::new(),
                };
                stream.commit(&update.name, &parents, files, message);
            }
            UpdateTarget::Hash(hash) => {
                stream.line(&format!("reset {}\nfrom {hash}\n", update.name));
            }
            UpdateTarget::Annotated { hash, message } => {
                stream.tag(ref_name::short(&update.name), hash, message);
            }
            UpdateTarget::Delete => {
                stream.line(&format!("reset {}\nfrom {}\n", update.name, "0".repeat(40)));
            }
        }
        Ok(())
    }

    /// Makes a merge commit of `source` into `destination` (full hashes) without moving a ref. `None` on a conflict.
    pub(crate) fn merge(
        &self,
        repository: RepositoryId,
        destination: &str,
        source: &str,
        message: &str,
        person: &Person,
        now: Timestamp,
    ) -> Result<Option<String>, GitError> {
        let directory = self.directory(repository);
        let tree = match output(
            &directory,
            &[
                "merge-tree",
                "--write-tree",
                "--no-messages",
                destination,
                source,
            ],
            b"",
        ) {
            Ok(tree) => text(&tree).trim().to_owned(),
            Err(GitError::Refused { message, .. }) if message.is_empty() => return Ok(None),
            Err(error) => return Err(error),
        };
        let head = format!("tree {tree}\nparent {destination}\nparent {source}\n");
        let who = who(person, now);
        let object = format!("{head}author {who}\ncommitter {who}\n\n{message}\n");
        let hash = output(
            &directory,
            &["hash-object", "-t", "commit", "-w", "--stdin"],
            object.as_bytes(),
        )?;
        Ok(Some(text(&hash).trim().to_owned()))
    }

    /// Brings a commit of another repository of this store into this one, as a merge of a fork's branch needs.
    pub(crate) fn import_from(
        &self,
        repository: RepositoryId,
        other: RepositoryId,
        commit: &str,
    ) -> Result<(), GitError> {
        let from = self.directory(other).display().to_string();
        output(
            &self.directory(repository),
            &[
                "fetch",
                "--quiet",
                "--no-tags",
                "--no-write-fetch-head",
                &from,
                commit,
            ],
            b"",
        )
        .map(drop)
    }
}

fn who(person: &Person, now: Timestamp) -> String {
    let clean = |text: &str| text.replace(['<', '>', '\n', '\0'], " ");
    format!(
        "{} <{}> {} +0000",
        clean(&person.name),
        clean(&person.email),
        now.as_second()
    )
}

/// The text that fast-import reads.
struct Stream {
    bytes: Vec<u8>,
    marks: u32,
    who: String,
}

impl Stream {
    fn line(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn data(&mut self, data: &[u8]) {
        self.line(&format!("data {}\n", data.len()));
        self.bytes.extend_from_slice(data);
        self.line("\n");
    }

    /// Returns the mark of the new commit, which stands for its hash in the rest of the stream.
    fn commit(
        &mut self,
        name: &str,
        parents: &[String],
        files: &[FileChange],
        message: &str,
    ) -> String {
        self.marks += 1;
        let mark = format!(":{}", self.marks);
        // A ref that this process knows already would give its commit as first parent without being asked.
        let reset = if parents.is_empty() {
            format!("reset {name}\n")
        } else {
            String::new()
        };
        let who = self.who.clone();
        self.line(&format!(
            "{reset}commit {name}\nmark {mark}\nauthor {who}\ncommitter {who}\n"
        ));
        let ending = if message.ends_with('\n') { "" } else { "\n" };
        self.data(format!("{message}{ending}").as_bytes());
        for (position, parent) in parents.iter().enumerate() {
            self.line(&format!(
                "{} {parent}\n",
                if position == 0 { "from" } else { "merge" }
            ));
        }
        for file in files {
            let path = quoted(&file.path);
            match &file.content {
                Some(content) => {
                    self.line(&format!("M 100644 inline {path}\n"));
                    self.data(content);
                }
                None => self.line(&format!("D {path}\n")),
            }
        }
        mark
    }

    fn tag(&mut self, name: &str, hash: &str, message: &str) {
        let who = self.who.clone();
        self.line(&format!("tag {name}\nfrom {hash}\ntagger {who}\n"));
        let ending = if message.ends_with('\n') { "" } else { "\n" };
        self.data(format!("{message}{ending}").as_bytes());
    }
}

/// A path in the quoted form of C strings.
fn quoted(path: &str) -> String {
    let mut quoted = String::from("\"");
    for byte in path.trim_matches('/').bytes() {
        match byte {
            b'"' | b'\\' => {
                quoted.push('\\');
                quoted.push(char::from(byte));
            }
            0x20..=0x7e => quoted.push(char::from(byte)),
            _ => write!(quoted, "\\{byte:03o}")
                .expect("cannot fail because a String takes everything"),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_byte_by_byte() {
        assert_eq!(quoted("a b/\"ü\\.txt"), r#""a b/\"\303\274\\.txt""#);
    }
}
