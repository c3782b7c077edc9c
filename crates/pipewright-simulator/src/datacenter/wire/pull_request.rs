//! Pull requests with their two ends and the people in them.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    commit::display_id,
    render::{Render, SelfLinks},
    repository::WireRepository,
    user::WireUser,
};
use crate::{
    datacenter::moment::Moment,
    state::{PullRequest, PullRequestEnd, PullRequestState, Reviewer, UserId, ref_name},
};

/// A pull request.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct WirePullRequest {
    id: u64,
    version: u64,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    state: &'static str,
    open: bool,
    closed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    draft: Option<bool>,
    created_date: Moment,
    updated_date: Moment,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_date: Option<Moment>,
    from_ref: WirePullRequestRef,
    to_ref: WirePullRequestRef,
    locked: bool,
    author: Option<WireParticipant>,
    reviewers: Vec<WireParticipant>,
    participants: Vec<WireParticipant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<SelfLinks>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct WirePullRequestRef {
    id: String,
    display_id: String,
    latest_commit: String,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    repository: Option<WireRepository>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct WireParticipant {
    user: WireUser,
    role: &'static str,
    approved: bool,
    status: &'static str,
}

impl Render<'_> {
    /// A pull request.
    pub(in crate::datacenter) fn pull_request(
        &self,
        pull_request: &PullRequest,
    ) -> WirePullRequest {
        let open = pull_request.state == PullRequestState::Open;
        WirePullRequest {
            id: pull_request.number,
            version: pull_request.version,
            title: pull_request.title.clone(),
            description: Some(pull_request.description.clone()).filter(|text| !text.is_empty()),
            state: match pull_request.state {
                PullRequestState::Open => "OPEN",
                PullRequestState::Merged => "MERGED",
                PullRequestState::Declined | PullRequestState::Superseded => "DECLINED",
            },
            open,
            closed: !open,
            draft: self.version.has_drafts().then_some(pull_request.draft),
            created_date: self.moment(pull_request.created_at),
            updated_date: self.moment(pull_request.updated_at),
            closed_date: (!open).then(|| self.moment(pull_request.updated_at)),
            from_ref: self.pull_request_ref(&pull_request.source),
            to_ref: self.pull_request_ref(&pull_request.destination),
            locked: false,
            author: self.participant(pull_request.author, "AUTHOR", None),
            reviewers: pull_request
                .reviewers
                .iter()
                .filter_map(|reviewer| self.participant(reviewer.user, "REVIEWER", Some(reviewer)))
                .collect(),
            participants: Vec::new(),
            properties: pull_request
                .merge_commit
                .as_deref()
                .map(|commit| json!({ "mergeCommit": { "id": commit, "displayId": display_id(commit) } })),
            links: self.pull_request_links(pull_request),
        }
    }

    fn pull_request_links(&self, pull_request: &PullRequest) -> Option<SelfLinks> {
        let repository = self.tables.repository(pull_request.repository)?;
        let space = self.tables.space(repository.space)?;
        let path = self.repository_path(space, repository);
        self.self_links(&format!("{path}/pull-requests/{}", pull_request.number))
    }

    fn pull_request_ref(&self, end: &PullRequestEnd) -> WirePullRequestRef {
        let kind = if ref_name::is_tag(&end.ref_name) {
            "TAG"
        } else {
            "BRANCH"
        };
        WirePullRequestRef {
            id: end.ref_name.clone(),
            display_id: end.short_name().to_owned(),
            latest_commit: end.commit.clone(),
            kind: self.version.types_pull_request_refs().then_some(kind),
            repository: end.repository.and_then(|id| self.repository_by_id(id)),
        }
    }

    fn participant(
        &self,
        user: UserId,
        role: &'static str,
        review: Option<&Reviewer>,
    ) -> Option<WireParticipant> {
        Some(WireParticipant {
            user: self.user_by_id(user)?,
            role,
            approved: review.is_some_and(|review| review.approved),
            status: match review {
                Some(review) if review.approved => "APPROVED",
                Some(review) if review.changes_requested => "NEEDS_WORK",
                _ => "UNAPPROVED",
            },
        })
    }
}
