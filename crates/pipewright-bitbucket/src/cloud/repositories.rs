//! Repositories: of a workspace, of all workspaces, and one.

use std::collections::VecDeque;

use pipewright_core::RefName;
use url::Url;

use super::CloudClient;
use super::client::repository_path;
use super::pages::{PAGE_LENGTH, Pager};
use super::people::space;
use super::wire::{Repository, RepositoryPermission};
use crate::date::read_date;
use crate::http::{ApiError, encode_path_part};
use crate::remote::{NamedRepository, Permission, RemoteRepository, RepositoryAddress, Space};

/// What of each repository a list should carry; the rest of the answer is ten times as long.
const LIST_FIELDS: &str = "next,values.uuid,values.name,values.full_name,values.slug,values.is_private,values.scm,values.mainbranch.name,\
values.updated_on,values.links.html,values.links.clone,values.project.key,values.workspace.uuid,values.workspace.slug,values.workspace.name";

impl CloudClient {
    /// All repositories of a workspace (slug or UUID) that the account is a member of, last updated first. Mercurial
    /// leftovers are left out.
    pub async fn repositories(&self, workspace: &str) -> Result<Vec<RemoteRepository>, ApiError> {
        let mut pager = self.repository_pages(workspace)?;
        let mut all = Vec::new();
        while let Some(page) = pager.next::<Repository>(self).await? {
            all.extend(
                page.into_iter()
                    .filter_map(|repository| remote(repository, None)),
            );
        }
        Ok(all)
    }

    fn repository_pages(&self, workspace: &str) -> Result<Pager, ApiError> {
        let doing = format!("reading the repositories of the workspace {workspace}");
        let query = [
            ("role", "member"),
            ("sort", "-updated_on"),
            PAGE_LENGTH,
            ("fields", LIST_FIELDS),
        ];
        Ok(Pager::new(
            self.url(
                &format!("/repositories/{}", encode_path_part(workspace)),
                &query,
                &doing,
            )?,
            doing,
        ))
    }

    /// One repository, by UUID or slug, with what the account may do there.
    pub async fn repository(
        &self,
        address: &RepositoryAddress,
    ) -> Result<RemoteRepository, ApiError> {
        let doing = format!("reading the repository {}", address.slug);
        let repository: Repository = self.get(&repository_path(address), &[], &doing).await?;
        let mut repository = remote(repository, None).ok_or_else(|| ApiError::NotBitbucket {
            doing,
            detail: "the repository has no UUID or is not git".to_owned(),
        })?;
        repository.permission = match self.permission(&repository).await {
            Ok(permission) => permission,
            Err(error) if error.is_retryable() || error.is_unauthorized() => return Err(error),
            // Access tokens may not read permission lists; what they may do then shows when it is tried.
            Err(_) => None,
        };
        Ok(repository)
    }

    /// What the account may do with a repository; none where Bitbucket lists nothing.
    pub async fn permission(
        &self,
        repository: &RemoteRepository,
    ) -> Result<Option<Permission>, ApiError> {
        let path = format!(
            "/user/workspaces/{}/permissions/repositories",
            encode_path_part(&repository.space.key)
        );
        let query = format!(
            "repository.full_name=\"{}\"",
            repository.full_name.replace('"', "")
        );
        let doing = format!(
            "reading what the connected account may do with {}",
            repository.full_name
        );
        let entries: Vec<RepositoryPermission> = self.list(&path, &[("q", &query)], &doing).await?;
        let ours = entries
            .into_iter()
            .find(|entry| entry.repository.uuid.as_deref() == Some(&repository.remote_id));
        Ok(ours.and_then(|entry| match entry.permission.as_str() {
            "admin" => Some(Permission::Admin),
            "write" => Some(Permission::Write),
            "read" => Some(Permission::Read),
            _ => None,
        }))
    }
}

/// Reads the repositories of all workspaces, a page at a time.
#[derive(Debug)]
pub(crate) struct RepositoryPager {
    client: CloudClient,
    /// Workspaces still to be read; none before they were asked for.
    spaces: Option<VecDeque<Space>>,
    current: Option<(Space, Pager)>,
}

impl RepositoryPager {
    pub(crate) fn new(client: CloudClient) -> Self {
        Self {
            client,
            spaces: None,
            current: None,
        }
    }

    pub(crate) async fn next(&mut self) -> Result<Option<Vec<RemoteRepository>>, ApiError> {
        if self.spaces.is_none() {
            self.spaces = Some(self.client.workspaces().await?.into());
        }
        loop {
            if let Some((space, pager)) = &mut self.current {
                if let Some(page) = pager.next::<Repository>(&self.client).await? {
                    return Ok(Some(
                        page.into_iter()
                            .filter_map(|repository| remote(repository, Some(space)))
                            .collect(),
                    ));
                }
                self.current = None;
            }
            let Some(space) = self.spaces.as_mut().and_then(VecDeque::pop_front) else {
                return Ok(None);
            };
            let pager = self.client.repository_pages(&space.id)?;
            self.current = Some((space, pager));
        }
    }
}

/// A repository in our words. `listed_in` supplies the workspace's name where the answer has none.
pub(crate) fn remote(
    repository: Repository,
    listed_in: Option<&Space>,
) -> Option<RemoteRepository> {
    if repository.scm.as_deref().is_some_and(|scm| scm != "git") {
        return None;
    }
    let named = named(&repository)?;
    let from_answer = repository.workspace.and_then(space);
    let space = match (from_answer, listed_in) {
        (Some(space), Some(listed)) if space.id == listed.id => listed.clone(),
        (Some(space), _) => space,
        (None, Some(listed)) => listed.clone(),
        (None, None) => {
            let key = named
                .full_name
                .split('/')
                .next()
                .unwrap_or_default()
                .to_owned();
            let id = repository
                .owner
                .and_then(|owner| owner.uuid)
                .unwrap_or_else(|| key.clone());
            Space {
                id,
                name: key.clone(),
                key,
                personal: false,
            }
        }
    };
    let clone_url = |name: &str| {
        let links = repository.links.clone.as_deref().unwrap_or_default();
        links
            .iter()
            .find(|link| link.name.as_deref() == Some(name))
            .and_then(|link| link.href.clone())
    };
    Some(RemoteRepository {
        project_key: repository.project.and_then(|project| project.key),
        remote_id: named.address.remote_id,
        space,
        slug: named.address.slug,
        name: named.name,
        full_name: named.full_name,
        private: repository.is_private.unwrap_or(true),
        default_branch: repository
            .mainbranch
            .and_then(|branch| RefName::branch(&branch.name?).ok()),
        ssh_url: clone_url("ssh"),
        http_url: clone_url("https").and_then(|url| without_user(&url)),
        web_url: repository.links.html.and_then(|link| link.href),
        updated_at: repository.updated_on.as_deref().and_then(read_date),
        permission: None,
    })
}

/// The little that webhooks and pull requests say about a repository; none without a UUID.
pub(crate) fn named(repository: &Repository) -> Option<NamedRepository> {
    let remote_id = repository.uuid.clone()?;
    let full_name = repository.full_name.clone().unwrap_or_default();
    let (from_name, slug) = full_name.split_once('/').unwrap_or(("", &full_name));
    let slug = repository.slug.clone().unwrap_or_else(|| slug.to_owned());
    let workspace = repository.workspace.as_ref();
    let space = workspace
        .and_then(|workspace| workspace.uuid.clone().or_else(|| workspace.slug.clone()))
        .unwrap_or_else(|| from_name.to_owned());
    Some(NamedRepository {
        name: repository.name.clone().unwrap_or_else(|| slug.clone()),
        address: RepositoryAddress {
            remote_id,
            space,
            slug,
        },
        full_name,
    })
}

/// A clone address without the caller's user name, which Bitbucket puts into it.
pub(crate) fn without_user(url: &str) -> Option<String> {
    let mut url = Url::parse(url).ok()?;
    // Both can only fail for addresses without a host, which are no clone addresses.
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(url.into())
}
