//! Projects and repositories.

use std::collections::HashSet;

use pipewright_core::RefName;

use super::DataCenterClient;
use super::client::api_path;
use super::pages::Pager;
use super::wire::{Project, Repository};
use crate::cloud::without_user;
use crate::http::ApiError;
use crate::remote::{NamedRepository, Permission, RemoteRepository, RepositoryAddress, Space};

impl DataCenterClient {
    /// The projects that the account can see.
    pub async fn projects(&self) -> Result<Vec<Space>, ApiError> {
        let projects: Vec<Project> = self
            .list(
                "/api/1.0/projects",
                &[],
                "reading the projects of the server",
            )
            .await?;
        Ok(projects.into_iter().filter_map(space).collect())
    }

    /// One repository by project key and slug. If its number is known and differs, another repository has taken the
    /// place of a moved one, which is answered as "not found".
    pub async fn repository(
        &self,
        address: &RepositoryAddress,
    ) -> Result<RemoteRepository, ApiError> {
        let doing = format!("reading the repository {}/{}", address.space, address.slug);
        let repository: Repository = self.get(&api_path(address), &[], &doing).await?;
        let mut repository = remote(repository, None).ok_or_else(|| ApiError::NotBitbucket {
            doing: doing.clone(),
            detail: "the repository has no number or is not git".to_owned(),
        })?;
        if !address.remote_id.is_empty() && repository.remote_id != address.remote_id {
            return Err(ApiError::NotFound {
                doing,
                message: "another repository is at this address now".to_owned(),
            });
        }
        repository.default_branch = self.default_branch(address).await?;
        repository.permission = self.permission(&repository).await?;
        Ok(repository)
    }

    /// One repository by its number, wherever it was moved to; none where it is gone or hidden. The server has no call for
    /// this, so the list is searched.
    pub async fn repository_by_id(
        &self,
        remote_id: &str,
    ) -> Result<Option<RemoteRepository>, ApiError> {
        let mut pager = search(None, Permission::Read);
        while let Some(page) = pager.next::<Repository>(self).await? {
            let found = page
                .into_iter()
                .filter_map(|repository| remote(repository, Some(Permission::Read)));
            if let Some(repository) = found
                .into_iter()
                .find(|repository| repository.remote_id == remote_id)
            {
                return self.repository(&repository.address()).await.map(Some);
            }
        }
        Ok(None)
    }

    /// What the account may do with a repository: the strongest permission under which a search finds it.
    async fn permission(
        &self,
        repository: &RemoteRepository,
    ) -> Result<Option<Permission>, ApiError> {
        for permission in [Permission::Admin, Permission::Write, Permission::Read] {
            let mut pager = search(Some(&repository.name), permission);
            while let Some(page) = pager.next::<Repository>(self).await? {
                if page.iter().any(|found| {
                    found
                        .id
                        .is_some_and(|id| id.to_string() == repository.remote_id)
                }) {
                    return Ok(Some(permission));
                }
            }
        }
        // A public repository may be read without any permission of its own.
        Ok((!repository.private).then_some(Permission::Read))
    }
}

/// The search call, which is the only one that knows permissions. Without one, public repositories of others show up.
fn search(name: Option<&str>, permission: Permission) -> Pager {
    let word = match permission {
        Permission::Read => "REPO_READ",
        Permission::Write => "REPO_WRITE",
        Permission::Admin => "REPO_ADMIN",
    };
    let mut query = vec![("permission", word)];
    if let Some(name) = name {
        query.push(("name", name));
    }
    Pager::new(
        "/api/1.0/repos",
        &query,
        "reading the repositories of the server",
    )
}

/// Reads all repositories, a page at a time: first those the account administers, then the rest.
#[derive(Debug)]
pub(crate) struct RepositoryPager {
    client: DataCenterClient,
    permission: Permission,
    pager: Pager,
    seen: HashSet<String>,
}

impl RepositoryPager {
    pub(crate) fn new(client: DataCenterClient) -> Self {
        Self {
            client,
            permission: Permission::Admin,
            pager: search(None, Permission::Admin),
            seen: HashSet::new(),
        }
    }

    pub(crate) async fn next(&mut self) -> Result<Option<Vec<RemoteRepository>>, ApiError> {
        loop {
            if let Some(page) = self.pager.next::<Repository>(&self.client).await? {
                let page = page
                    .into_iter()
                    .filter_map(|repository| remote(repository, Some(self.permission)));
                return Ok(Some(
                    page.filter(|repository| self.seen.insert(repository.remote_id.clone()))
                        .collect(),
                ));
            }
            if self.permission == Permission::Read {
                return Ok(None);
            }
            self.permission = Permission::Read;
            self.pager = search(None, Permission::Read);
        }
    }
}

/// A repository in our words; none without a number, archived, or not ready.
pub(crate) fn remote(
    repository: Repository,
    permission: Option<Permission>,
) -> Option<RemoteRepository> {
    let unusable_state = repository
        .state
        .as_deref()
        .is_some_and(|state| matches!(state, "INITIALISING" | "INITIALISATION_FAILED"));
    if repository.scm_id.as_deref().is_some_and(|scm| scm != "git")
        || repository.archived == Some(true)
        || unusable_state
    {
        return None;
    }
    let named = named(&repository)?;
    let public = repository.public.unwrap_or(false) || repository.project.public.unwrap_or(false);
    let clone_url = |name: &str| {
        repository
            .links
            .clone
            .iter()
            .find(|link| link.name.as_deref() == Some(name))
            .and_then(|link| link.href.clone())
    };
    Some(RemoteRepository {
        project_key: repository.project.key.clone(),
        remote_id: named.address.remote_id,
        slug: named.address.slug,
        name: named.name,
        full_name: named.full_name,
        private: !public,
        default_branch: repository
            .default_branch
            .as_deref()
            .and_then(|name| RefName::branch(name).ok()),
        ssh_url: clone_url("ssh"),
        // The name is "http" for https as well.
        http_url: clone_url("http").and_then(|url| without_user(&url)),
        web_url: repository.links.page(),
        updated_at: None,
        permission,
        space: space(repository.project)?,
    })
}

/// The little that webhooks and pull requests say about a repository; none without a number.
pub(crate) fn named(repository: &Repository) -> Option<NamedRepository> {
    let remote_id = repository.id?.to_string();
    let slug = repository.slug.clone()?;
    let key = repository.project.key.clone().unwrap_or_default();
    Some(NamedRepository {
        name: repository.name.clone().unwrap_or_else(|| slug.clone()),
        full_name: format!("{key}/{slug}"),
        address: RepositoryAddress {
            remote_id,
            space: key,
            slug,
        },
    })
}

fn space(project: Project) -> Option<Space> {
    let key = project.key?;
    Some(Space {
        id: project.id.map_or_else(|| key.clone(), |id| id.to_string()),
        name: project.name.unwrap_or_else(|| key.clone()),
        personal: project.kind.is_some_and(|kind| kind == "PERSONAL"),
        key,
    })
}
