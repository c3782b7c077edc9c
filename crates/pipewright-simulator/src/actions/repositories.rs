//! Repositories: made, forked, renamed, opened to people, removed.

use std::path::PathBuf;
use std::sync::Arc;

use super::ActionError;
use crate::git::{GitError, blocking};
use crate::installation::Installation;
use crate::state::{EventKind, Permission, RepositoryEvent, RepositoryId};

impl Installation {
    /// Adds an empty repository. It takes no disk until it is first pushed to or fetched from.
    pub fn add_repository(
        &self,
        space: &str,
        slug: &str,
        private: bool,
    ) -> Result<RepositoryId, ActionError> {
        let space = self.space_id(space)?;
        let now = self.clock().now();
        Ok(self.write(|tables| tables.add_repository(space, slug, private, now))?)
    }

    /// Gives a user a permission on one repository that differs from the membership's; `None` hides the repository.
    pub fn set_access(
        &self,
        repository: &str,
        user: &str,
        permission: Option<Permission>,
    ) -> Result<(), ActionError> {
        let (repository, user) = (self.repository_id(repository)?, self.user_id(user)?);
        self.write(|tables| {
            if let Some(repository) = tables.repository_mut(repository) {
                repository.access.insert(user, permission);
            }
        });
        Ok(())
    }

    /// Changes the default branch; it need not exist.
    pub async fn set_default_branch(
        self: &Arc<Self>,
        repository: &str,
        branch: &str,
    ) -> Result<(), ActionError> {
        let id = self.repository_id(repository)?;
        let now = self.clock().now();
        self.write(|tables| {
            if let Some(repository) = tables.repository_mut(id) {
                branch.clone_into(&mut repository.default_branch);
                repository.updated_at = now;
            }
        });
        let (installation, branch) = (Arc::clone(self), branch.to_owned());
        Ok(blocking(move || installation.git().set_default_branch(id, &branch)).await?)
    }

    /// Gives a repository another slug and name.
    pub async fn rename_repository(
        self: &Arc<Self>,
        repository: &str,
        slug: &str,
        by: &str,
    ) -> Result<(), ActionError> {
        let (id, actor) = (self.repository_id(repository)?, self.actor(by)?);
        let now = self.clock().now();
        let old_slug = self.write(|tables| {
            let old_slug = tables
                .repository(id)
                .map(|repository| repository.slug.clone())
                .unwrap_or_default();
            tables.rename_repository(id, slug, now).map(|()| old_slug)
        })?;
        self.raise(RepositoryEvent {
            repository: id,
            actor,
            kind: EventKind::Renamed { old_slug },
        })
        .await;
        Ok(())
    }

    /// Removes a repository with its webhooks and pull requests.
    pub fn delete_repository(&self, repository: &str) -> Result<(), ActionError> {
        let id = self.repository_id(repository)?;
        self.write(|tables| tables.remove_repository(id));
        Ok(())
    }

    /// Forks a repository into another workspace or project, with all its branches and tags.
    pub async fn fork(
        self: &Arc<Self>,
        repository: &str,
        space: &str,
        slug: &str,
        by: &str,
    ) -> Result<RepositoryId, ActionError> {
        let (parent, space, actor) = (
            self.repository_id(repository)?,
            self.space_id(space)?,
            self.actor(by)?,
        );
        let now = self.clock().now();
        let (fork, default_branch) = self.write(|tables| {
            let Some(original) = tables.repository(parent).cloned() else {
                return Err(ActionError::UnknownRepository(repository.to_owned()));
            };
            let id = tables.add_repository(space, slug, original.private, now)?;
            if let Some(fork) = tables.repository_mut(id) {
                fork.parent = Some(parent);
                fork.default_branch.clone_from(&original.default_branch);
                fork.empty = original.empty;
            }
            Ok((id, original.default_branch))
        })?;
        let installation = Arc::clone(self);
        blocking(move || installation.git().fork(parent, fork, &default_branch)).await?;
        self.raise(RepositoryEvent {
            repository: parent,
            actor,
            kind: EventKind::Forked(fork),
        })
        .await;
        Ok(fork)
    }

    /// The git directory of a repository, made now if it was not there.
    pub(crate) async fn ensure_git(
        self: &Arc<Self>,
        repository: RepositoryId,
    ) -> Result<PathBuf, GitError> {
        let default_branch = self.default_branch(repository);
        let installation = Arc::clone(self);
        blocking(move || installation.git().ensure(repository, &default_branch)).await
    }

    pub(crate) fn default_branch(&self, repository: RepositoryId) -> String {
        self.read(|tables| {
            tables.repository(repository).map_or_else(
                || "main".to_owned(),
                |repository| repository.default_branch.clone(),
            )
        })
    }
}
