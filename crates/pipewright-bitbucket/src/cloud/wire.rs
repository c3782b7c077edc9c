//! Bitbucket Cloud's JSON, as far as we read it. Everything that was ever seen missing is optional; unknown fields are
//! ignored.

use serde::Deserialize;

use crate::lenient;

/// A page of any list. Only `values` and `next` can be counted on.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: serde::de::DeserializeOwned"))]
pub(crate) struct Page<T> {
    #[serde(default, deserialize_with = "lenient::each")]
    pub(crate) values: Vec<T>,
    #[serde(default)]
    pub(crate) next: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Link {
    pub(crate) href: Option<String>,
    pub(crate) name: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Links {
    pub(crate) html: Option<Link>,
    pub(crate) clone: Option<Vec<Link>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct User {
    pub(crate) uuid: Option<String>,
    pub(crate) account_id: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) nickname: Option<String>,
    pub(crate) username: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Workspace {
    pub(crate) uuid: Option<String>,
    pub(crate) slug: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) is_personal: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct WorkspaceAccess {
    pub(crate) workspace: Workspace,
    #[serde(default)]
    pub(crate) administrator: Option<bool>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Named {
    pub(crate) name: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Project {
    pub(crate) key: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Repository {
    pub(crate) uuid: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) full_name: Option<String>,
    pub(crate) slug: Option<String>,
    pub(crate) is_private: Option<bool>,
    pub(crate) scm: Option<String>,
    #[serde(deserialize_with = "lenient::or_default")]
    pub(crate) project: Option<Project>,
    #[serde(deserialize_with = "lenient::or_default")]
    pub(crate) workspace: Option<Workspace>,
    #[serde(deserialize_with = "lenient::or_default")]
    pub(crate) owner: Option<User>,
    pub(crate) mainbranch: Option<Named>,
    pub(crate) updated_on: Option<String>,
    #[serde(deserialize_with = "lenient::or_default")]
    pub(crate) links: Links,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RepositoryPermission {
    pub(crate) permission: String,
    pub(crate) repository: Repository,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Author {
    pub(crate) raw: Option<String>,
    pub(crate) user: Option<User>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Commit {
    pub(crate) hash: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) author: Option<Author>,
    pub(crate) parents: Option<Vec<Commit>>,
}

/// A branch or tag.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ref {
    pub(crate) name: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) target: Option<Commit>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Hook {
    pub(crate) uuid: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) active: Option<bool>,
    #[serde(deserialize_with = "lenient::each")]
    pub(crate) events: Vec<String>,
    pub(crate) secret_set: Option<bool>,
    pub(crate) skip_cert_verification: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct HookEvent {
    pub(crate) event: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SshKey {
    pub(crate) uuid: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) label: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DeployKey {
    pub(crate) id: Option<u64>,
    pub(crate) key: Option<String>,
    pub(crate) label: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PullRequestEnd {
    pub(crate) branch: Option<Named>,
    pub(crate) commit: Option<Commit>,
    pub(crate) repository: Option<Repository>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PullRequest {
    pub(crate) id: Option<u64>,
    pub(crate) title: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) draft: Option<bool>,
    #[serde(deserialize_with = "lenient::or_default")]
    pub(crate) author: Option<User>,
    #[serde(deserialize_with = "lenient::or_default")]
    pub(crate) source: PullRequestEnd,
    #[serde(deserialize_with = "lenient::or_default")]
    pub(crate) destination: PullRequestEnd,
    #[serde(deserialize_with = "lenient::or_default")]
    pub(crate) merge_commit: Option<Commit>,
    pub(crate) updated_on: Option<String>,
    #[serde(deserialize_with = "lenient::or_default")]
    pub(crate) links: Links,
}
