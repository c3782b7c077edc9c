//! Repositories with their clone links.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    project::{WireProject, clone_key},
    render::{Href, Render},
};
use crate::state::{Repository, RepositoryId, Space};

/// A repository.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct WireRepository {
    slug: String,
    id: u64,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hierarchy_id: Option<String>,
    scm_id: &'static str,
    state: &'static str,
    status_message: &'static str,
    forkable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Box<WireRepository>>,
    project: Option<WireProject>,
    public: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    archived: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<RepositoryLinks>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct RepositoryLinks {
    clone: Vec<CloneLink>,
    #[serde(rename = "self")]
    own: Vec<Href>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct CloneLink {
    href: String,
    name: &'static str,
}

impl Render<'_> {
    /// A repository.
    pub(in crate::datacenter) fn repository(&self, repository: &Repository) -> WireRepository {
        let space = self.tables.space(repository.space);
        let origin = repository.parent.and_then(|id| self.tables.repository(id));
        WireRepository {
            slug: repository.slug.clone(),
            id: repository.id.0,
            name: repository.name.clone(),
            description: Some(repository.description.clone()).filter(|text| !text.is_empty()),
            hierarchy_id: self
                .version
                .has_hierarchy()
                .then(|| self.hierarchy(repository)),
            scm_id: "git",
            state: "AVAILABLE",
            status_message: "Available",
            forkable: true,
            origin: origin.map(|origin| Box::new(self.repository(origin))),
            project: space.map(|space| self.project(space)),
            public: !repository.private,
            archived: self.version.has_archived().then_some(repository.archived),
            links: space
                .filter(|_| self.shows_links())
                .map(|space| self.repository_links(space, repository)),
        }
    }

    pub(in crate::datacenter) fn repository_by_id(
        &self,
        id: RepositoryId,
    ) -> Option<WireRepository> {
        self.tables
            .repository(id)
            .map(|repository| self.repository(repository))
    }

    /// The path of a repository's pages below the base URL.
    pub(super) fn repository_path(&self, space: &Space, repository: &Repository) -> String {
        let owner = space.personal_of.and_then(|id| self.tables.user(id));
        let project = Self::project_path(space, owner.map(|user| user.slug.as_str()));
        format!("{project}/repos/{}", repository.slug)
    }

    fn repository_links(&self, space: &Space, repository: &Repository) -> RepositoryLinks {
        let path = format!("{}/{}.git", clone_key(space), repository.slug);
        let mut clone = vec![CloneLink {
            href: format!("{}/scm/{path}", self.links.base),
            name: "http",
        }];
        if let Some((host, port)) = &self.links.ssh {
            let port = if *port == 22 {
                String::new()
            } else {
                format!(":{port}")
            };
            let ssh = CloneLink {
                href: format!("ssh://git@{host}{port}/{path}"),
                name: "ssh",
            };
            // Real servers give the two links in either order; so does this one, by repository.
            clone.insert(usize::from(repository.id.0.is_multiple_of(2)), ssh);
        }
        let browse = format!(
            "{}{}/browse",
            self.links.base,
            self.repository_path(space, repository)
        );
        RepositoryLinks {
            clone,
            own: vec![Href { href: browse }],
        }
    }

    /// The same for a repository and all its forks.
    fn hierarchy(&self, repository: &Repository) -> String {
        let mut root = repository;
        while let Some(parent) = root.parent.and_then(|id| self.tables.repository(id)) {
            root = parent;
        }
        let mut hash = hex::encode(Sha256::digest(root.uuid.as_bytes()));
        hash.truncate(20);
        hash
    }
}
