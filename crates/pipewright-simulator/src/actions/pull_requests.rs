//! Pull requests: opened, changed, approved, merged, declined, and following their source branches.

use std::sync::Arc;

use super::ActionError;
use super::push::unknown_ref;
use crate::git::{RefUpdate, blocking};
use crate::installation::Installation;
use crate::state::{
    Actor, Comment, EventKind, PullRequest, PullRequestAction, PullRequestEnd, PullRequestState,
    RefChange, RepositoryEvent, RepositoryId, Reviewer, ref_name,
};

/// What a person fills in to open a pull request.
#[derive(Debug, Clone)]
pub struct NewPullRequest<'a> {
    /// The repository it shall go into, `space/slug`.
    pub repository: &'a str,
    /// Title.
    pub title: &'a str,
    /// The branch (or, on Data Center, `refs/tags/…`) with the commits.
    pub source: &'a str,
    /// The fork that has the source branch; `None` for the same repository.
    pub source_repository: Option<&'a str>,
    /// The branch it shall go into.
    pub destination: &'a str,
    /// Who opens it.
    pub author: &'a str,
}

/// What a person changes about an open pull request.
#[derive(Debug, Clone, Default)]
pub struct PullRequestChange<'a> {
    /// Another title.
    pub title: Option<&'a str>,
    /// Another description.
    pub description: Option<&'a str>,
    /// Another destination branch.
    pub destination: Option<&'a str>,
    /// Other reviewers.
    pub reviewers: Option<&'a [&'a str]>,
    /// Draft or not.
    pub draft: Option<bool>,
}

impl Installation {
    /// Opens a pull request and returns its number.
    pub async fn open_pull_request(
        self: &Arc<Self>,
        new: NewPullRequest<'_>,
    ) -> Result<u64, ActionError> {
        let source_name = new.source_repository.unwrap_or(new.repository);
        let (repository, source_repository, author) = (
            self.repository_id(new.repository)?,
            self.repository_id(source_name)?,
            self.user_id(new.author)?,
        );
        let (source, destination) = (
            ref_name::branch(new.source),
            ref_name::branch(new.destination),
        );
        let source_commit = self
            .head(source_name, &source)
            .await?
            .ok_or_else(|| unknown_ref(source_name, new.source))?;
        let destination_commit = self
            .head(new.repository, &destination)
            .await?
            .ok_or_else(|| unknown_ref(new.repository, new.destination))?;
        let now = self.clock().now();
        let pull_request = self.write(|tables| {
            let number = tables.repository_mut(repository).map_or(1, |repository| {
                repository.next_pull_request += 1;
                repository.next_pull_request - 1
            });
            let pull_request = PullRequest {
                number,
                repository,
                title: new.title.to_owned(),
                description: String::new(),
                author,
                source: PullRequestEnd {
                    repository: Some(source_repository),
                    ref_name: source,
                    commit: source_commit,
                },
                destination: PullRequestEnd {
                    repository: Some(repository),
                    ref_name: destination,
                    commit: destination_commit,
                },
                state: PullRequestState::Open,
                draft: false,
                reviewers: Vec::new(),
                comments: Vec::new(),
                merge_commit: None,
                closed_by: None,
                version: 0,
                created_at: now,
                updated_at: now,
            };
            tables
                .pull_requests
                .insert((repository, number), pull_request.clone());
            pull_request
        });
        let number = pull_request.number;
        self.raise_pull_request(
            pull_request,
            Actor::User(author),
            PullRequestAction::Created,
        )
        .await;
        Ok(number)
    }

    /// Changes an open pull request.
    pub async fn update_pull_request(
        self: &Arc<Self>,
        repository: &str,
        number: u64,
        change: PullRequestChange<'_>,
        by: &str,
    ) -> Result<(), ActionError> {
        let actor = self.actor(by)?;
        let destination = match change.destination {
            Some(branch) => {
                let name = ref_name::branch(branch);
                let commit = self
                    .head(repository, &name)
                    .await?
                    .ok_or_else(|| unknown_ref(repository, branch))?;
                Some((name, commit))
            }
            None => None,
        };
        let reviewers = change
            .reviewers
            .map(|names| {
                names
                    .iter()
                    .map(|name| self.user_id(name))
                    .collect::<Result<Vec<_>, _>>()
            })
            .transpose()?;
        let (previous, pull_request) = self.change_open(repository, number, |pull_request| {
            if let Some(title) = change.title {
                title.clone_into(&mut pull_request.title);
            }
            if let Some(description) = change.description {
                description.clone_into(&mut pull_request.description);
            }
            if let Some((name, commit)) = destination {
                pull_request.destination.ref_name = name;
                pull_request.destination.commit = commit;
            }
            if let Some(users) = reviewers {
                pull_request.reviewers = users
                    .into_iter()
                    .map(|user| Reviewer {
                        user,
                        approved: false,
                        changes_requested: false,
                    })
                    .collect();
            }
            pull_request.draft = change.draft.unwrap_or(pull_request.draft);
        })?;
        self.raise_pull_request(
            pull_request,
            actor,
            PullRequestAction::Modified {
                previous: Box::new(previous),
            },
        )
        .await;
        Ok(())
    }

    /// Approves a pull request, or takes the approval back.
    pub async fn approve_pull_request(
        self: &Arc<Self>,
        repository: &str,
        number: u64,
        by: &str,
        approved: bool,
    ) -> Result<(), ActionError> {
        let user = self.user_id(by)?;
        let (_, pull_request) = self.change_open(repository, number, |pull_request| {
            match pull_request
                .reviewers
                .iter_mut()
                .find(|reviewer| reviewer.user == user)
            {
                Some(reviewer) => reviewer.approved = approved,
                None => pull_request.reviewers.push(Reviewer {
                    user,
                    approved,
                    changes_requested: false,
                }),
            }
        })?;
        let action = if approved {
            PullRequestAction::Approved(user)
        } else {
            PullRequestAction::Unapproved(user)
        };
        self.raise_pull_request(pull_request, Actor::User(user), action)
            .await;
        Ok(())
    }

    /// Writes a comment on a pull request and returns it. Closed ones take comments too.
    pub async fn comment_pull_request(
        self: &Arc<Self>,
        repository: &str,
        number: u64,
        text: &str,
        by: &str,
    ) -> Result<Comment, ActionError> {
        let author = self.user_id(by)?;
        let of = self.repository_id(repository)?;
        let now = self.clock().now();
        let written = self.write(|tables| {
            let comment = Comment {
                id: tables.next_id(),
                author,
                text: text.to_owned(),
                at: now,
            };
            let pull_request = tables.pull_requests.get_mut(&(of, number))?;
            pull_request.comments.push(comment.clone());
            Some((comment, pull_request.clone()))
        });
        let (comment, pull_request) = written.ok_or_else(|| ActionError::UnknownPullRequest {
            repository: repository.to_owned(),
            number,
        })?;
        let id = comment.id;
        self.raise_pull_request(
            pull_request,
            Actor::User(author),
            PullRequestAction::Commented {
                id,
                text: text.to_owned(),
            },
        )
        .await;
        Ok(comment)
    }

    /// Declines a pull request.
    pub async fn decline_pull_request(
        self: &Arc<Self>,
        repository: &str,
        number: u64,
        by: &str,
    ) -> Result<(), ActionError> {
        let user = self.user_id(by)?;
        let (_, pull_request) = self.change_open(repository, number, |pull_request| {
            pull_request.state = PullRequestState::Declined;
            pull_request.closed_by = Some(user);
        })?;
        self.raise_pull_request(pull_request, Actor::User(user), PullRequestAction::Declined)
            .await;
        Ok(())
    }

    /// Merges a pull request with a merge commit and returns its hash. The push to the destination branch raises its
    /// own event first.
    pub async fn merge_pull_request(
        self: &Arc<Self>,
        repository: &str,
        number: u64,
        by: &str,
    ) -> Result<String, ActionError> {
        let user = self.user_id(by)?;
        let open = self.pull_request(repository, number)?;
        if open.state != PullRequestState::Open {
            return Err(ActionError::PullRequestClosed {
                repository: repository.to_owned(),
                number,
            });
        }
        let destination = self
            .head(repository, &open.destination.ref_name)
            .await?
            .ok_or_else(|| unknown_ref(repository, &open.destination.ref_name))?;
        let message = format!(
            "Merged in {} (pull request #{number})\n\n{}",
            open.source.short_name(),
            open.title
        );
        let (person, now, installation, ends) = (
            self.person(user),
            self.clock().now(),
            Arc::clone(self),
            open.clone(),
        );
        let merged = blocking(move || {
            let git = installation.git();
            if let Some(source) = ends
                .source
                .repository
                .filter(|source| *source != ends.repository)
            {
                git.import_from(ends.repository, source, &ends.source.commit)?;
            }
            git.merge(
                ends.repository,
                &destination,
                &ends.source.commit,
                &message,
                &person,
                now,
            )
        })
        .await?;
        let hash = merged.ok_or_else(|| ActionError::Conflict {
            repository: repository.to_owned(),
            number,
        })?;
        self.push(
            repository,
            &[RefUpdate::branch(&open.destination.ref_name).to(&hash)],
            by,
        )
        .await?;
        let (_, pull_request) = self.change_open(repository, number, |pull_request| {
            pull_request.state = PullRequestState::Merged;
            pull_request.merge_commit = Some(hash.clone());
            pull_request.closed_by = Some(user);
        })?;
        self.raise_pull_request(pull_request, Actor::User(user), PullRequestAction::Merged)
            .await;
        Ok(hash)
    }

    /// A pull request as it stands.
    pub fn pull_request(&self, repository: &str, number: u64) -> Result<PullRequest, ActionError> {
        let id = self.repository_id(repository)?;
        self.read(|tables| tables.pull_requests.get(&(id, number)).cloned())
            .ok_or_else(|| ActionError::UnknownPullRequest {
                repository: repository.to_owned(),
                number,
            })
    }

    /// Changes an open pull request and returns it as it was and as it is.
    fn change_open(
        &self,
        repository: &str,
        number: u64,
        change: impl FnOnce(&mut PullRequest),
    ) -> Result<(PullRequest, PullRequest), ActionError> {
        let id = self.repository_id(repository)?;
        let now = self.clock().now();
        self.write(|tables| {
            let unknown = || ActionError::UnknownPullRequest {
                repository: repository.to_owned(),
                number,
            };
            let pull_request = tables
                .pull_requests
                .get_mut(&(id, number))
                .ok_or_else(unknown)?;
            if pull_request.state != PullRequestState::Open {
                return Err(ActionError::PullRequestClosed {
                    repository: repository.to_owned(),
                    number,
                });
            }
            let previous = pull_request.clone();
            change(pull_request);
            pull_request.version += 1;
            pull_request.updated_at = now;
            Ok((previous, pull_request.clone()))
        })
    }

    /// After a push: open pull requests from the moved branches move too.
    pub(super) async fn follow_sources(
        self: &Arc<Self>,
        repository: RepositoryId,
        actor: Actor,
        changes: &[RefChange],
    ) {
        let now = self.clock().now();
        for change in changes {
            let Some(new) = &change.new else { continue };
            let moved: Vec<(PullRequest, String)> = self.write(|tables| {
                let from_here = |pull_request: &&mut PullRequest| {
                    pull_request.state == PullRequestState::Open
                        && pull_request.source.repository == Some(repository)
                        && pull_request.source.ref_name == change.name
                        && pull_request.source.commit != new.commit
                };
                tables
                    .pull_requests
                    .values_mut()
                    .filter(from_here)
                    .map(|pull_request| {
                        let previous =
                            std::mem::replace(&mut pull_request.source.commit, new.commit.clone());
                        pull_request.updated_at = now;
                        (pull_request.clone(), previous)
                    })
                    .collect()
            });
            for (pull_request, previous) in moved {
                self.raise_pull_request(
                    pull_request,
                    actor,
                    PullRequestAction::SourceUpdated { previous },
                )
                .await;
            }
        }
    }

    async fn raise_pull_request(
        self: &Arc<Self>,
        pull_request: PullRequest,
        actor: Actor,
        action: PullRequestAction,
    ) {
        let kind = EventKind::PullRequest(Box::new(pull_request.clone()), action);
        self.raise(RepositoryEvent {
            repository: pull_request.repository,
            actor,
            kind,
        })
        .await;
    }
}
