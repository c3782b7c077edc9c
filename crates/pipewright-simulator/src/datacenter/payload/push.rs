//! `repo:refs_changed`: every ref that one push moved.

use serde::Serialize;

use crate::{
    datacenter::wire::{Render, WireCommit, WireFullCommit, WireMinimalRef, WireRepository},
    git::{CommitInfo, CommitRange, GitStore},
    state::{RefChange, RepositoryId},
};

/// The body below `eventKey`, `date` and `actor`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PushBody {
    repository: Option<WireRepository>,
    changes: Vec<WireRefChange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commits: Option<Vec<WireCommit>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_commit: Option<WireFullCommit>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WireRefChange {
    #[serde(rename = "ref")]
    short: WireMinimalRef,
    ref_id: String,
    from_hash: String,
    to_hash: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// What git says about a push, read before anything is rendered.
#[derive(Debug, Default)]
pub(super) struct PushCommits {
    newest: Vec<CommitInfo>,
    parents: Vec<CommitInfo>,
}

/// At most this many commits are told.
const TOLD_COMMITS: usize = 5;

/// An object that is not there.
const ZERO: &str = "0000000000000000000000000000000000000000";

impl PushCommits {
    /// Reads the commits of a push that moved one ref. Of a push that moved several, or deleted one, none are told.
    pub(super) fn read(git: &GitStore, repository: RepositoryId, changes: &[RefChange]) -> Self {
        let [
            RefChange {
                old,
                new: Some(new),
                ..
            },
        ] = changes
        else {
            return Self::default();
        };
        let range = CommitRange {
            include: vec![new.commit.clone()],
            exclude: old.iter().map(|old| old.commit.clone()).collect(),
            limit: TOLD_COMMITS,
            ..CommitRange::default()
        };
        // A push that git cannot describe is still announced, without its commits.
        let mut newest = git.commits(repository, &range).unwrap_or_default();
        if newest.is_empty() {
            newest.extend(git.commit_info(repository, &new.commit).ok().flatten());
        }
        let parents: Vec<String> = newest
            .first()
            .map(|commit| commit.parents.clone())
            .unwrap_or_default();
        let parents = git.commit_infos(repository, &parents).unwrap_or_default();
        Self { newest, parents }
    }
}

impl Render<'_> {
    pub(super) fn push(
        &self,
        repository: RepositoryId,
        changes: &[RefChange],
        commits: &PushCommits,
    ) -> PushBody {
        let told = self.version.commits_in_pushes() && !commits.newest.is_empty();
        PushBody {
            repository: self.repository_by_id(repository),
            changes: changes.iter().map(wire_change).collect(),
            commits: told.then(|| {
                commits
                    .newest
                    .iter()
                    .map(|commit| self.commit(commit))
                    .collect()
            }),
            to_commit: commits
                .newest
                .first()
                .filter(|_| told)
                .map(|commit| self.full_commit(commit, &commits.parents)),
        }
    }
}

/// Hashes are those of the objects that refs name: for an annotated tag that is the tag, not its commit.
fn wire_change(change: &RefChange) -> WireRefChange {
    let hash = |target: &Option<crate::state::RefTarget>| {
        target
            .as_ref()
            .map_or_else(|| ZERO.to_owned(), |target| target.object.clone())
    };
    WireRefChange {
        short: WireMinimalRef::of(&change.name),
        ref_id: change.name.clone(),
        from_hash: hash(&change.old),
        to_hash: hash(&change.new),
        kind: match (&change.old, &change.new) {
            (None, _) => "ADD",
            (_, None) => "DELETE",
            _ => "UPDATE",
        },
    }
}
