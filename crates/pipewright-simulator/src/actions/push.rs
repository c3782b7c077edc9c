//! Pushes: by people over the network, and by the server's side.

use std::future::Future;
use std::sync::Arc;

use super::ActionError;
use crate::git::{GitError, Person, RefUpdate, blocking, compare};
use crate::installation::Installation;
use crate::state::{Actor, EventKind, RefChange, RepositoryEvent, RepositoryId, UserId, ref_name};

impl Installation {
    /// Pushes one commit to a branch: on top of it, or, when it is new, on top of the default branch. Files not named
    /// stay as they are. Returns the commit's hash.
    pub async fn commit(
        self: &Arc<Self>,
        repository: &str,
        branch: &str,
        files: &[(&str, &str)],
        message: &str,
        author: &str,
    ) -> Result<String, ActionError> {
        let hashes = self
            .push(
                repository,
                &[RefUpdate::branch(branch).commit(files, message)],
                author,
            )
            .await?;
        only(hashes, repository, branch)
    }

    /// Pushes several refs at once. Returns each ref's commit afterwards, `None` for deleted ones.
    pub async fn push(
        self: &Arc<Self>,
        repository: &str,
        updates: &[RefUpdate],
        by: &str,
    ) -> Result<Vec<Option<String>>, ActionError> {
        let id = self.repository_id(repository)?;
        let user = self.user_id(by)?;
        let (person, default_branch, now) = (
            self.person(user),
            self.default_branch(id),
            self.clock().now(),
        );
        let (installation, updates) = (Arc::clone(self), updates.to_vec());
        let work = blocking(move || {
            installation
                .git()
                .apply(id, &default_branch, &updates, &person, now)
        });
        let (hashes, _) = self.during_push(id, Actor::User(user), work).await?;
        Ok(hashes?)
    }

    /// Replaces a branch's last commit by another, as an amended and forced push does. Returns the new hash.
    pub async fn force_push(
        self: &Arc<Self>,
        repository: &str,
        branch: &str,
        files: &[(&str, &str)],
        message: &str,
        by: &str,
    ) -> Result<String, ActionError> {
        let hashes = self
            .push(
                repository,
                &[RefUpdate::branch(branch).rewrite(files, message)],
                by,
            )
            .await?;
        only(hashes, repository, branch)
    }

    /// Makes a tag of a branch, another tag or a commit: annotated when there is a message, else lightweight.
    pub async fn create_tag(
        self: &Arc<Self>,
        repository: &str,
        tag: &str,
        of: &str,
        message: Option<&str>,
        by: &str,
    ) -> Result<(), ActionError> {
        let hash = self
            .head(repository, of)
            .await?
            .ok_or_else(|| unknown_ref(repository, of))?;
        let update = match message {
            Some(message) => RefUpdate::tag(tag).annotated(&hash, message),
            None => RefUpdate::tag(tag).to(&hash),
        };
        self.push(repository, &[update], by).await.map(drop)
    }

    /// Makes a branch of a branch, a tag or a commit.
    pub async fn create_branch(
        self: &Arc<Self>,
        repository: &str,
        branch: &str,
        of: &str,
        by: &str,
    ) -> Result<(), ActionError> {
        let hash = self
            .head(repository, of)
            .await?
            .ok_or_else(|| unknown_ref(repository, of))?;
        self.push(repository, &[RefUpdate::branch(branch).to(&hash)], by)
            .await
            .map(drop)
    }

    /// Deletes a branch.
    pub async fn delete_branch(
        self: &Arc<Self>,
        repository: &str,
        branch: &str,
        by: &str,
    ) -> Result<(), ActionError> {
        self.push(repository, &[RefUpdate::branch(branch).delete()], by)
            .await
            .map(drop)
    }

    /// Deletes a tag.
    pub async fn delete_tag(
        self: &Arc<Self>,
        repository: &str,
        tag: &str,
        by: &str,
    ) -> Result<(), ActionError> {
        self.push(repository, &[RefUpdate::tag(tag).delete()], by)
            .await
            .map(drop)
    }

    /// The commit a branch, tag or hash stands for.
    pub async fn head(
        self: &Arc<Self>,
        repository: &str,
        revision: &str,
    ) -> Result<Option<String>, ActionError> {
        let id = self.repository_id(repository)?;
        let (installation, revision) = (Arc::clone(self), revision.to_owned());
        Ok(blocking(move || installation.git().resolve(id, &revision)).await?)
    }

    /// Runs something that may move refs, alone in its repository, finds out what moved, and raises the events.
    pub(crate) async fn during_push<T>(
        self: &Arc<Self>,
        repository: RepositoryId,
        actor: Actor,
        work: impl Future<Output = T>,
    ) -> Result<(T, Vec<RefChange>), GitError> {
        let alone = self.git().pushing(repository);
        let _alone = alone.lock().await;
        let before = {
            let installation = Arc::clone(self);
            blocking(move || installation.git().snapshot(repository)).await?
        };
        let result = work.await;
        let installation = Arc::clone(self);
        let changes = blocking(move || {
            let after = installation.git().snapshot(repository)?;
            let mut changes = compare(&before, &after);
            for change in &mut changes {
                change.forced = installation.is_forced(repository, change)?;
            }
            Ok::<_, GitError>(changes)
        })
        .await?;
        if !changes.is_empty() {
            self.refs_moved(repository, actor, &changes).await;
        }
        Ok((result, changes))
    }

    fn is_forced(&self, repository: RepositoryId, change: &RefChange) -> Result<bool, GitError> {
        match (&change.old, &change.new) {
            (Some(old), Some(new)) if old.commit != new.commit => {
                Ok(!self.git().contains(repository, &old.commit, &new.commit)?)
            }
            _ => Ok(false),
        }
    }

    async fn refs_moved(
        self: &Arc<Self>,
        repository: RepositoryId,
        actor: Actor,
        changes: &[RefChange],
    ) {
        let now = self.clock().now();
        self.write(|tables| {
            let Some(repository) = tables.repository_mut(repository) else {
                return;
            };
            repository.updated_at = now;
            // The first branch ever pushed becomes the main one, if the configured one is not there.
            let branches: Vec<&str> = changes
                .iter()
                .filter(|change| change.new.is_some() && change.name.starts_with(ref_name::HEADS))
                .map(|change| ref_name::short(&change.name))
                .collect();
            if repository.empty
                && let Some(first) = branches.first()
            {
                repository.empty = false;
                if !branches.contains(&repository.default_branch.as_str()) {
                    (*first).clone_into(&mut repository.default_branch);
                }
            }
        });
        self.raise(RepositoryEvent {
            repository,
            actor,
            kind: EventKind::Pushed(changes.to_vec()),
        })
        .await;
        self.follow_sources(repository, actor, changes).await;
    }

    /// Name and address that a user's commits carry.
    pub(crate) fn person(&self, user: UserId) -> Person {
        self.read(|tables| match tables.user(user) {
            Some(user) => Person {
                name: user.display_name.clone(),
                email: user.email.clone(),
            },
            None => Person {
                name: "Nobody".to_owned(),
                email: "nobody@example.com".to_owned(),
            },
        })
    }
}

pub(super) fn unknown_ref(repository: &str, name: &str) -> ActionError {
    ActionError::UnknownRef {
        repository: repository.to_owned(),
        name: name.to_owned(),
    }
}

fn only(hashes: Vec<Option<String>>, repository: &str, name: &str) -> Result<String, ActionError> {
    hashes
        .into_iter()
        .flatten()
        .next()
        .ok_or_else(|| unknown_ref(repository, name))
}
