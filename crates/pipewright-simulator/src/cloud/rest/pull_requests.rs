//! Pull requests.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;

use super::statuses;
use crate::cloud::auth::{Caller, Need};
use crate::cloud::error::ApiError;
use crate::cloud::query::{ListQuery, PageSize};
use crate::cloud::server::{CloudServer, Found};
use crate::cloud::wire;
use crate::state::{Permission, PullRequest, PullRequestState};

pub(super) const READ: Need = Need::new(&["pullrequest"], &["read:pullrequest"]);
const PAGE: PageSize = PageSize {
    default: 10,
    largest: 50,
};

type One = Path<(String, String, String)>;

pub(super) async fn list(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug)): Path<(String, String)>,
    query: ListQuery,
) -> Result<Json<Value>, ApiError> {
    let found = caller.repository(&server, &workspace, &slug, READ, Permission::Read)?;
    let mut states = Vec::new();
    for state in query
        .all("state")
        .into_iter()
        .flat_map(|states| states.split(','))
    {
        states.push(match state {
            "OPEN" => PullRequestState::Open,
            "MERGED" => PullRequestState::Merged,
            "DECLINED" => PullRequestState::Declined,
            "SUPERSEDED" => PullRequestState::Superseded,
            other => {
                return Err(ApiError::field(
                    "state",
                    &format!("'{other}' is not a valid choice."),
                ));
            }
        });
    }
    if states.is_empty() {
        states.push(PullRequestState::Open);
    }
    let documents = server.render(|render| {
        let of_it = render
            .tables
            .pull_requests_of(found.id)
            .filter(|request| states.contains(&request.state));
        of_it
            .map(|request| wire::pull_request(render, request))
            .collect()
    });
    query.page(server.api_url(), documents, PAGE).map(Json)
}

pub(super) fn find(
    server: &CloudServer,
    caller: &Caller,
    (workspace, slug, id): &(String, String, String),
) -> Result<(Found, PullRequest), ApiError> {
    let found = caller.repository(server, workspace, slug, READ, Permission::Read)?;
    let number = id.parse::<u64>().ok();
    let request = number.and_then(|number| {
        server
            .installation
            .read(|tables| tables.pull_requests.get(&(found.id, number)).cloned())
    });
    let request =
        request.ok_or_else(|| ApiError::not_found(&format!("Pull request {id} not found")))?;
    Ok((found, request))
}

pub(super) async fn show(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path(path): One,
) -> Result<Json<Value>, ApiError> {
    let (_, request) = find(&server, &caller, &path)?;
    Ok(Json(
        server.render(|render| wire::pull_request(render, &request)),
    ))
}

pub(super) async fn statuses(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path(path): One,
    query: ListQuery,
) -> Result<Json<Value>, ApiError> {
    let (found, request) = find(&server, &caller, &path)?;
    statuses::page(&server, &found, &request.source.commit, &query)
}

/// Redirects to the repository's diffstat, newest first and from the common ancestor on.
pub(super) async fn diffstat(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path(path): One,
) -> Result<Response, ApiError> {
    let (found, request) = find(&server, &caller, &path)?;
    let spec = format!("{}..{}", request.source.commit, request.destination.commit);
    let target = format!(
        "{}/repositories/{}/diffstat/{spec}?topic=true",
        server.api_url(),
        found.full_name
    );
    let mut response = Redirect::temporary(&target).into_response();
    *response.status_mut() = http::StatusCode::FOUND;
    Ok(response)
}
