//! The `pr:` events.

use serde_json::{Value, json};

use crate::{
    datacenter::wire::{Render, WireMinimalRef},
    state::{PullRequest, PullRequestAction, UserId},
};

/// One event: its name, and the body below `eventKey`, `date` and `actor`.
pub(super) type NamedBody = (&'static str, Value);

/// A deleted pull request; the value is the pull request as it last was.
pub(in crate::datacenter) fn pull_request_deleted(
    render: &Render<'_>,
    pull_request: &PullRequest,
) -> (&'static str, Value) {
    (
        "pr:deleted",
        json!({ "pullRequest": render.pull_request(pull_request) }),
    )
}

impl Render<'_> {
    /// The events that a change of a pull request becomes.
    pub(super) fn pull_request_events(
        &self,
        pull_request: &PullRequest,
        action: &PullRequestAction,
    ) -> Vec<NamedBody> {
        let shown = json!(self.pull_request(pull_request));
        let with = |event: &'static str, more: Value| {
            let mut body = json!({ "pullRequest": shown });
            if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
                body.extend(more);
            }
            (event, body)
        };
        match action {
            PullRequestAction::Created => vec![with("pr:opened", json!({}))],
            PullRequestAction::SourceUpdated { previous } => {
                vec![with(
                    "pr:from_ref_updated",
                    json!({ "previousFromHash": previous }),
                )]
            }
            PullRequestAction::Modified { previous } => {
                let mut events = Vec::new();
                if described_differently(previous, pull_request) {
                    events.push(with("pr:modified", self.previous_description(previous)));
                }
                events.extend(
                    self.reviewers_changed(previous, pull_request)
                        .map(|more| with("pr:reviewer:updated", more)),
                );
                events
            }
            PullRequestAction::Approved(user) => {
                vec![with(
                    "pr:reviewer:approved",
                    self.review(*user, "APPROVED", "UNAPPROVED"),
                )]
            }
            PullRequestAction::Unapproved(user) => {
                vec![with(
                    "pr:reviewer:unapproved",
                    self.review(*user, "UNAPPROVED", "APPROVED"),
                )]
            }
            PullRequestAction::Merged => vec![with("pr:merged", json!({}))],
            PullRequestAction::Declined => vec![with("pr:declined", json!({}))],
            PullRequestAction::Commented { id, text } => {
                let at = self.moment(pull_request.updated_at);
                let author = self.user_by_id(pull_request.author);
                vec![with(
                    "pr:comment:added",
                    json!({ "comment": {
                        "properties": { "repositoryId": pull_request.repository.0 }, "id": id, "version": 0,
                        "text": text, "author": author, "createdDate": at, "updatedDate": at,
                        "comments": [], "tasks": [],
                    } }),
                )]
            }
        }
    }

    fn previous_description(&self, previous: &PullRequest) -> Value {
        let target = &previous.destination;
        let short = WireMinimalRef::of(&target.ref_name);
        let mut more = json!({
            "previousTitle": previous.title,
            "previousDescription": previous.description,
            "previousTarget": {
                "id": short.id, "displayId": short.display_id, "type": short.kind,
                "latestCommit": target.commit, "latestChangeset": target.commit,
            },
        });
        if self.version.has_drafts() {
            more["previousDraft"] = json!(previous.draft);
        }
        more
    }

    fn reviewers_changed(&self, previous: &PullRequest, now: &PullRequest) -> Option<Value> {
        let only_in = |one: &PullRequest, other: &PullRequest| -> Vec<Value> {
            let missing =
                |user: UserId| !other.reviewers.iter().any(|reviewer| reviewer.user == user);
            let users = one
                .reviewers
                .iter()
                .map(|reviewer| reviewer.user)
                .filter(|user| missing(*user));
            users.map(|user| json!(self.user_by_id(user))).collect()
        };
        let (added, removed) = (only_in(now, previous), only_in(previous, now));
        (!added.is_empty() || !removed.is_empty())
            .then(|| json!({ "addedReviewers": added, "removedReviewers": removed }))
    }

    fn review(&self, user: UserId, status: &str, previous: &str) -> Value {
        json!({
            "participant": {
                "user": self.user_by_id(user), "role": "REVIEWER", "approved": status == "APPROVED", "status": status,
            },
            "previousStatus": previous,
        })
    }
}

fn described_differently(one: &PullRequest, other: &PullRequest) -> bool {
    one.title != other.title
        || one.description != other.description
        || one.draft != other.draft
        || one.destination.ref_name != other.destination.ref_name
}
