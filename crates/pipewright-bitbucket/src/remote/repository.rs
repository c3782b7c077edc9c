//! Repositories and the spaces they live in: workspaces on Cloud, projects on Data Center.

use pipewright_core::{RefName, Timestamp};

/// A workspace of Bitbucket Cloud or a project of Bitbucket Data Center.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// What never changes: the workspace's UUID in braces, or the project's number as text.
    pub id: String,
    /// What addresses show: the workspace's slug, or the project's key (`PRJ`, `~NAME` for a personal one).
    pub key: String,
    /// What people call it; the key where Bitbucket does not say.
    pub name: String,
    /// True for a person's own space.
    pub personal: bool,
}

/// Where a repository is found at its Bitbucket. It is enough for every call about the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct RepositoryAddress {
    /// What never changes: the UUID in braces on Cloud, the number as text on Data Center. Calls to Cloud use it.
    pub remote_id: String,
    /// Cloud: the workspace's UUID (survives renames) or its slug. Data Center: the project's key.
    pub space: String,
    /// The last part of the repository's address. Calls to Data Center use it; it changes when the repository is renamed.
    pub slug: String,
}

/// The little that a webhook says about a repository. What a webhook leaves out is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedRepository {
    /// Where it is found.
    pub address: RepositoryAddress,
    /// What people call it.
    pub name: String,
    /// `workspace/slug` on Cloud, `KEY/slug` on Data Center.
    pub full_name: String,
}

/// What the credential may do with a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Clone, read, post statuses.
    Read,
    /// Push as well.
    Write,
    /// Webhooks, keys and settings as well.
    Admin,
}

/// A repository as its Bitbucket describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteRepository {
    /// What never changes: the UUID in braces on Cloud, the number as text on Data Center.
    pub remote_id: String,
    /// The workspace or project it lives in.
    pub space: Space,
    /// The key of its project, where this answer says. On Data Center that is the space's.
    pub project_key: Option<String>,
    /// The last part of its address.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// `workspace/slug` on Cloud, `KEY/slug` on Data Center.
    pub full_name: String,
    /// False where everybody may read it.
    pub private: bool,
    /// The default branch; none in an empty repository, or where this answer did not say (lists of Data Center).
    pub default_branch: Option<RefName>,
    /// Address for cloning over SSH; none where the server has SSH switched off.
    pub ssh_url: Option<String>,
    /// Address for cloning over HTTP(S), without any user name or password; none where the server has it switched off.
    pub http_url: Option<String>,
    /// Its page for people.
    pub web_url: Option<String>,
    /// When it last changed, where Bitbucket says (Cloud does).
    pub updated_at: Option<Timestamp>,
    /// What the credential may do, where this answer said. On Data Center it is the least that is known.
    pub permission: Option<Permission>,
}

impl RemoteRepository {
    /// Where it is found, in the form that survives most changes at Bitbucket.
    pub fn address(&self) -> RepositoryAddress {
        let cloud = self.remote_id.starts_with('{');
        let space = if cloud && self.space.id.starts_with('{') {
            &self.space.id
        } else {
            &self.space.key
        };
        RepositoryAddress {
            remote_id: self.remote_id.clone(),
            space: space.clone(),
            slug: self.slug.clone(),
        }
    }
}
