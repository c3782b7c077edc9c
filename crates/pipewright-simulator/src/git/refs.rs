//! Reading refs, and finding out what a push moved.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::error::GitError;
use super::run::{output, text};
use super::store::GitStore;
use crate::state::{RefChange, RefTarget, RepositoryId, ref_name};

/// A branch or tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GitRef {
    /// Full name.
    pub(crate) name: String,
    /// What it points to.
    pub(crate) target: RefTarget,
    /// Message of an annotated tag.
    pub(crate) tag_message: Option<String>,
    /// `Name <e-mail>` of an annotated tag's maker.
    pub(crate) tagger: Option<String>,
    /// When an annotated tag was made.
    pub(crate) tagged_at: Option<Timestamp>,
    /// When the commit was committed.
    pub(crate) committed_at: Option<Timestamp>,
}

impl GitRef {
    /// The name without `refs/heads/` or `refs/tags/`.
    pub(crate) fn short_name(&self) -> &str {
        ref_name::short(&self.name)
    }
}

const FORMAT: &str = "--format=%(refname)%00%(objectname)%00%(*objectname)%00%(taggername) %(taggeremail)%00%(taggerdate:unix)%00\
    %(committerdate:unix)%(*committerdate:unix)%00%(if)%(*objectname)%(then)%(contents)%(end)%00%00";

impl GitStore {
    /// Branches and tags below `prefix` (`refs/heads/`, `refs/tags/`, or one full name), in order of their names.
    /// A repository without a directory has none.
    pub(crate) fn refs(
        &self,
        repository: RepositoryId,
        prefix: &str,
    ) -> Result<Vec<GitRef>, GitError> {
        self.refs_below(repository, &[prefix.trim_end_matches('/')])
    }

    /// Every branch, then every tag.
    pub(crate) fn all_refs(&self, repository: RepositoryId) -> Result<Vec<GitRef>, GitError> {
        self.refs_below(repository, &["refs/heads", "refs/tags"])
    }

    fn refs_below(
        &self,
        repository: RepositoryId,
        patterns: &[&str],
    ) -> Result<Vec<GitRef>, GitError> {
        let directory = self.directory(repository);
        if !directory.join("HEAD").exists() {
            return Ok(Vec::new());
        }
        let mut arguments = vec!["for-each-ref", FORMAT, "--"];
        arguments.extend(patterns);
        let listed = text(&output(&directory, &arguments, b"")?);
        Ok(listed.split("\0\0\n").filter_map(parse).collect())
    }

    /// One ref by its full name.
    pub(crate) fn find_ref(
        &self,
        repository: RepositoryId,
        full: &str,
    ) -> Result<Option<GitRef>, GitError> {
        // No ref's name holds these, and in a pattern they would match other names.
        if full.contains(['*', '?', '[', '\\', '\0', '\n']) {
            return Ok(None);
        }
        // A pattern also matches what lies below it: "refs/heads/a" lists "refs/heads/a/b".
        Ok(self
            .refs(repository, full)?
            .into_iter()
            .find(|found| found.name == full))
    }

    /// What every branch and tag points to.
    pub(crate) fn snapshot(
        &self,
        repository: RepositoryId,
    ) -> Result<BTreeMap<String, RefTarget>, GitError> {
        Ok(self
            .all_refs(repository)?
            .into_iter()
            .map(|found| (found.name, found.target))
            .collect())
    }

    /// The commit that a hash (4 to 40 hexadecimal digits), a branch, a tag or a full ref name stands for. Branches win
    /// over tags, and a ref wins over a hash of the same text.
    pub(crate) fn resolve(
        &self,
        repository: RepositoryId,
        revision: &str,
    ) -> Result<Option<String>, GitError> {
        let directory = self.directory(repository);
        if !directory.join("HEAD").exists() {
            return Ok(None);
        }
        let full_hash = revision.len() == 40 && is_hash(revision);
        if !full_hash {
            let names = if revision.starts_with("refs/") {
                vec![revision.to_owned()]
            } else {
                vec![ref_name::branch(revision), ref_name::tag(revision)]
            };
            for name in names {
                if let Some(found) = self.find_ref(repository, &name)? {
                    return Ok(Some(found.target.commit));
                }
            }
        }
        if !is_hash(revision) {
            return Ok(None);
        }
        let peeled = format!("{}^{{commit}}", revision.to_ascii_lowercase());
        match output(
            &directory,
            &[
                "rev-parse",
                "--verify",
                "--quiet",
                "--end-of-options",
                &peeled,
            ],
            b"",
        ) {
            Ok(hash) => Ok(Some(text(&hash).trim().to_owned())),
            // `--quiet --verify` fails without a word when there is no such commit.
            Err(GitError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether a text can be a commit's whole or shortened hash.
fn is_hash(text: &str) -> bool {
    (4..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn parse(record: &str) -> Option<GitRef> {
    let mut fields = record.splitn(7, '\0');
    let name = fields.next()?.to_owned();
    let object = fields.next()?.to_owned();
    let peeled = fields.next()?;
    let tagger = fields.next()?.trim().to_owned();
    let tagged_at = fields
        .next()?
        .parse()
        .ok()
        .and_then(|second| Timestamp::from_second(second).ok());
    let committed_at = fields
        .next()?
        .parse()
        .ok()
        .and_then(|second| Timestamp::from_second(second).ok());
    let message = fields.next()?.to_owned();
    let annotated = !peeled.is_empty();
    let commit = if annotated {
        peeled.to_owned()
    } else {
        object.clone()
    };
    Some(GitRef {
        name,
        target: RefTarget { object, commit },
        tag_message: annotated.then_some(message),
        tagger: (annotated && !tagger.is_empty()).then_some(tagger),
        tagged_at,
        committed_at,
    })
}

/// What differs between two snapshots, branches before tags, each by name. `forced` is not decided here.
pub(crate) fn compare(
    before: &BTreeMap<String, RefTarget>,
    after: &BTreeMap<String, RefTarget>,
) -> Vec<RefChange> {
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .filter_map(|name| {
            let (old, new) = (before.get(name).cloned(), after.get(name).cloned());
            (old != new).then(|| RefChange {
                name: name.clone(),
                old,
                new,
                forced: false,
            })
        })
        .collect()
}
