//! Pull requests: listed, looked at, merged, declined.

use std::sync::Arc;

use axum::{
    Extension,
    body::Bytes,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    actions::ActionError,
    datacenter::{
        caller::Caller,
        error::{ApiError, ApiResult},
        page::PageQuery,
        server::{Found, Server, ok},
        wire::{Render, WireChange},
    },
    state::{Permission, PullRequest, PullRequestState, ref_name},
};

/// The query of the list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct PullRequestsQuery {
    state: Option<String>,
    direction: Option<String>,
    at: Option<String>,
    order: Option<String>,
    draft: Option<String>,
    filter_text: Option<String>,
    #[serde(flatten)]
    page: PageQuery,
}

/// The version that a write expects: in the query, or in the body, as older clients send it.
#[derive(Debug, Default, Deserialize)]
pub(in crate::datacenter) struct WriteQuery {
    version: Option<i64>,
}

impl WriteQuery {
    /// The version; a client that knows none sends -1 and means whichever there is.
    fn or_in(&self, body: &[u8]) -> Option<i64> {
        self.version
            .or_else(|| serde_json::from_slice::<Self>(body).ok()?.version)
    }
}

impl PullRequestsQuery {
    fn picks(&self, pull_request: &PullRequest, found: &Found) -> bool {
        let outgoing = self.direction.as_deref() == Some("OUTGOING");
        let end = if outgoing {
            &pull_request.source
        } else {
            &pull_request.destination
        };
        let state = match self.state.as_deref() {
            Some("ALL") => true,
            Some("MERGED") => pull_request.state == PullRequestState::Merged,
            Some("DECLINED") => pull_request.state == PullRequestState::Declined,
            _ => pull_request.state == PullRequestState::Open,
        };
        let draft = self
            .draft
            .as_deref()
            .is_none_or(|draft| (draft == "true") == pull_request.draft);
        let text = self
            .filter_text
            .as_deref()
            .unwrap_or_default()
            .to_lowercase();
        let at = self
            .at
            .as_deref()
            .is_none_or(|at| end.ref_name == ref_name::branch(at));
        end.repository == Some(found.id)
            && state
            && draft
            && at
            && pull_request.title.to_lowercase().contains(&text)
    }
}

impl Server {
    pub(super) fn pull_request(&self, found: &Found, number: u64) -> ApiResult<PullRequest> {
        let known = self
            .installation
            .read(|tables| tables.pull_requests.get(&(found.id, number)).cloned());
        known.ok_or_else(|| ApiError::no_pull_request(number, &found.key, &found.slug))
    }

    fn show(&self, found: &Found, number: u64) -> ApiResult {
        let pull_request = self.pull_request(found, number)?;
        self.render(|render| Ok(ok(render.pull_request(&pull_request))))
    }

    /// Checks an optimistic write: the version must be the current one, the pull request open.
    pub(super) fn check_version(
        &self,
        found: &Found,
        number: u64,
        version: Option<u64>,
    ) -> ApiResult<PullRequest> {
        let pull_request = self.pull_request(found, number)?;
        let expected = version
            .ok_or_else(|| ApiError::field("version", "The version parameter is required."))?;
        if expected != pull_request.version {
            let shown =
                self.render(|render: &Render<'_>| json!(render.pull_request(&pull_request)));
            return Err(ApiError::stale(pull_request.version, expected, shown));
        }
        open(&pull_request)?;
        Ok(pull_request)
    }

    /// The commit that both ends have in common, with a fork's commit brought in first.
    async fn common_base(&self, pull_request: &PullRequest) -> ApiResult<Option<String>> {
        let pull_request = pull_request.clone();
        self.git(move |git| {
            let (here, source) = (pull_request.repository, &pull_request.source);
            if let Some(fork) = source.repository.filter(|fork| *fork != here) {
                git.import_from(here, fork, &source.commit)?;
            }
            git.merge_base(here, &source.commit, &pull_request.destination.commit)
        })
        .await
    }
}

fn open(pull_request: &PullRequest) -> ApiResult<()> {
    let word = match pull_request.state {
        PullRequestState::Open => return Ok(()),
        PullRequestState::Merged => "merged",
        PullRequestState::Declined | PullRequestState::Superseded => "declined",
    };
    Err(ApiError::conflict(
        format!("This pull request has already been {word}."),
        Some("com.atlassian.bitbucket.pull.IllegalPullRequestStateException"),
    ))
}

pub(super) fn refusal(error: &ActionError) -> ApiError {
    let class = match error {
        ActionError::Conflict { .. } => {
            Some("com.atlassian.bitbucket.pull.PullRequestMergeVetoedException")
        }
        ActionError::PullRequestClosed { .. } => {
            Some("com.atlassian.bitbucket.pull.IllegalPullRequestStateException")
        }
        _ => None,
    };
    ApiError::conflict(error.to_string(), class)
}

/// Pull requests into a repository, or out of it.
pub(in crate::datacenter) async fn list(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug)): Path<(String, String)>,
    Query(query): Query<PullRequestsQuery>,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Read)?;
    server.render(|render| {
        let mut rows: Vec<&PullRequest> = render
            .tables
            .pull_requests
            .values()
            .filter(|row| query.picks(row, &found))
            .collect();
        rows.sort_by_key(|row| (row.created_at, row.number));
        if query.order.as_deref() != Some("OLDEST") {
            rows.reverse();
        }
        Ok(ok(server
            .page(rows, &query.page)
            .map(|row| render.pull_request(row))))
    })
}

/// One pull request.
pub(in crate::datacenter) async fn one(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, number)): Path<(String, String, u64)>,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Read)?;
    server.show(&found, number)
}

/// Files changed: the difference to the common base, not to the target's head.
pub(in crate::datacenter) async fn changes(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, number)): Path<(String, String, u64)>,
    Query(query): Query<PageQuery>,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Read)?;
    let pull_request = server.pull_request(&found, number)?;
    let base = server.common_base(&pull_request).await?;
    let (from, to) = (base.clone(), pull_request.source.commit.clone());
    let page = server
        .changes_between(found.id, from, to.clone(), &query)
        .await?;
    let (is_last_page, next) = (page.is_last_page, page.next_page_start);
    let values: Vec<WireChange> = page.values;
    Ok(ok(json!({
        "fromHash": base, "toHash": to, "properties": { "changeScope": "ALL" }, "values": values,
        "size": page.size, "isLastPage": is_last_page, "start": page.start, "limit": page.limit,
        // Null on the last page, unlike other lists.
        "nextPageStart": next,
    })))
}

/// Whether it could be merged. 409 when it is not open.
pub(in crate::datacenter) async fn can_merge(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, number)): Path<(String, String, u64)>,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Read)?;
    let pull_request = server.pull_request(&found, number)?;
    open(&pull_request)?;
    server.common_base(&pull_request).await?;
    let (id, source, destination) = (
        found.id,
        pull_request.source.commit,
        pull_request.destination.ref_name,
    );
    let head = server.revision(&found, &destination).await?;
    let (person, now) = (
        server.installation.person(pull_request.author),
        server.now(),
    );
    // A merge that nothing refers to: the product tries it out in the same way.
    let tried = server
        .git(move |git| git.merge(id, &head, &source, "try", &person, now))
        .await?;
    let clean = tried.is_some();
    let outcome = if clean { "CLEAN" } else { "CONFLICTED" };
    Ok(ok(
        json!({ "canMerge": clean, "conflicted": !clean, "outcome": outcome, "vetoes": [] }),
    ))
}

/// Merges. Tokens of a project or repository cannot: a merge needs a person's e-mail address.
pub(in crate::datacenter) async fn merge(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, number)): Path<(String, String, u64)>,
    Query(query): Query<WriteQuery>,
    body: Bytes,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Write)?;
    let name = person_name(&server, &caller)?;
    let version = match query.or_in(&body) {
        Some(-1) => Some(server.pull_request(&found, number)?.version),
        other => other.and_then(|version| u64::try_from(version).ok()),
    };
    server.check_version(&found, number, version)?;
    let full_name = format!("{}/{}", found.key, found.slug);
    let merged = server
        .installation
        .merge_pull_request(&full_name, number, &name)
        .await;
    merged.map_err(|error| refusal(&error))?;
    server.show(&found, number)
}

/// Declines.
pub(in crate::datacenter) async fn decline(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, number)): Path<(String, String, u64)>,
    Query(query): Query<WriteQuery>,
    body: Bytes,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Write)?;
    let name = person_name(&server, &caller)?;
    let version = match query.or_in(&body) {
        Some(-1) => Some(server.pull_request(&found, number)?.version),
        other => other.and_then(|version| u64::try_from(version).ok()),
    };
    server.check_version(&found, number, version)?;
    let full_name = format!("{}/{}", found.key, found.slug);
    let declined = server
        .installation
        .decline_pull_request(&full_name, number, &name)
        .await;
    declined.map_err(|error| refusal(&error))?;
    server.show(&found, number)
}

pub(super) fn person_name(server: &Server, caller: &Caller) -> ApiResult<String> {
    let user = caller.user().ok_or_else(ApiError::sign_in)?;
    if caller.is_synthetic() {
        return Err(ApiError::needs_person());
    }
    server
        .installation
        .read(|tables| tables.user(user).map(|user| user.name.clone()))
        .ok_or_else(ApiError::wrong_credentials)
}
