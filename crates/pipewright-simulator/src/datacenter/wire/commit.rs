//! Commits. An author whose e-mail address belongs to a user is shown as that user, except inside `parents`.

use serde::Serialize;

use super::{render::Render, user::WireUser};
use crate::{datacenter::moment::Moment, git::CommitInfo};

/// A commit whose parents are ids only.
pub(in crate::datacenter) type WireCommit = Commit<MinimalCommit>;

/// A commit whose parents are commits themselves, their parents in turn ids only.
pub(in crate::datacenter) type WireFullCommit = Commit<Commit<MinimalCommit>>;

/// A commit with parents of some form.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct Commit<P> {
    id: String,
    display_id: String,
    author: Person,
    author_timestamp: Moment,
    committer: Person,
    committer_timestamp: Moment,
    message: String,
    parents: Vec<P>,
}

/// A commit by its id alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct MinimalCommit {
    id: String,
    display_id: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum Person {
    User(Box<WireUser>),
    Named(NamedPerson),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct NamedPerson {
    name: String,
    email_address: String,
}

/// The first eleven digits, as the product shows a commit.
pub(in crate::datacenter) fn display_id(id: &str) -> &str {
    id.get(..11).unwrap_or(id)
}

impl Render<'_> {
    /// A commit with its parents' ids.
    pub(in crate::datacenter) fn commit(&self, info: &CommitInfo) -> WireCommit {
        self.commit_with(info, minimal_parents(info), true)
    }

    /// A commit with its parents; those not in `known` are left out.
    pub(in crate::datacenter) fn full_commit(
        &self,
        info: &CommitInfo,
        known: &[CommitInfo],
    ) -> WireFullCommit {
        let parents = info
            .parents
            .iter()
            .filter_map(|parent| known.iter().find(|commit| commit.hash == *parent))
            .map(|parent| self.commit_with(parent, minimal_parents(parent), false))
            .collect();
        self.commit_with(info, parents, true)
    }

    fn commit_with<P>(&self, info: &CommitInfo, parents: Vec<P>, match_users: bool) -> Commit<P> {
        Commit {
            id: info.hash.clone(),
            display_id: display_id(&info.hash).to_owned(),
            author: self.person(&info.author_name, &info.author_email, match_users),
            author_timestamp: self.moment(info.authored_at),
            committer: self.person(&info.committer_name, &info.committer_email, match_users),
            committer_timestamp: self.moment(info.committed_at),
            message: info.message.trim_end().to_owned(),
            parents,
        }
    }

    fn person(&self, name: &str, email: &str, match_users: bool) -> Person {
        let user = self
            .tables
            .user_by_email(email)
            .filter(|user| match_users && !user.service);
        match user {
            Some(user) => Person::User(Box::new(self.user(user))),
            None => Person::Named(NamedPerson {
                name: name.to_owned(),
                email_address: email.to_owned(),
            }),
        }
    }
}

fn minimal_parents(info: &CommitInfo) -> Vec<MinimalCommit> {
    info.parents
        .iter()
        .map(|id| MinimalCommit {
            id: id.clone(),
            display_id: display_id(id).to_owned(),
        })
        .collect()
}
