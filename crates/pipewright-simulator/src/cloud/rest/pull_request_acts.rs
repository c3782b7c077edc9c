//! What a person does with pull requests through REST: open, change, comment, merge, decline.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde_json::Value;

use super::pull_requests::{READ, find};
use crate::actions::{ActionError, NewPullRequest, PullRequestChange};
use crate::cloud::auth::{Caller, Need};
use crate::cloud::error::ApiError;
use crate::cloud::query::{ListQuery, PageSize};
use crate::cloud::server::{CloudServer, Found};
use crate::cloud::wire;
use crate::state::{Permission, PullRequest};

const WRITE: Need = Need::new(
    &["pullrequest:write"],
    &["read:pullrequest", "write:pullrequest"],
);

type One = Path<(String, String, String)>;

fn refusal(error: &ActionError) -> ApiError {
    match error {
        ActionError::UnknownRef { name, .. } => {
            ApiError::bad_request(&format!("branch not found: {name}"))
        }
        ActionError::PullRequestClosed { .. } => {
            ApiError::bad_request("This pull request is already closed.")
        }
        ActionError::Conflict { .. } => {
            ApiError::conflict("You can't merge until you resolve all merge conflicts.")
        }
        other => ApiError::bad_request(&other.to_string()),
    }
}

fn text<'a>(body: &'a Value, pointer: &str) -> Option<&'a str> {
    body.pointer(pointer)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// The user's name for the action, or 401.
fn acting(server: &CloudServer, caller: &Caller) -> Result<String, ApiError> {
    let user = caller.user()?;
    server
        .installation
        .read(|tables| tables.user(user).map(|user| user.name.clone()))
        .ok_or_else(ApiError::unauthenticated)
}

fn shown(server: &CloudServer, found: &Found, number: u64) -> Result<Value, ApiError> {
    let request = server
        .installation
        .read(|tables| tables.pull_requests.get(&(found.id, number)).cloned());
    let request =
        request.ok_or_else(|| ApiError::not_found(&format!("Pull request {number} not found")))?;
    Ok(server.render(|render| wire::pull_request(render, &request)))
}

/// A pull request that the caller may change, and the caller's name.
fn to_change(
    server: &CloudServer,
    caller: &Caller,
    path: &(String, String, String),
) -> Result<(Found, PullRequest, String), ApiError> {
    let (workspace, slug, _) = path;
    caller.repository(server, workspace, slug, WRITE, Permission::Write)?;
    let (found, request) = find(server, caller, path)?;
    let name = acting(server, caller)?;
    Ok((found, request, name))
}

pub(super) async fn create(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let found = caller.repository(&server, &workspace, &slug, WRITE, Permission::Read)?;
    let author = acting(&server, &caller)?;
    let title = text(&body, "/title")
        .ok_or_else(|| ApiError::field("title", "required key not provided"))?;
    let source = text(&body, "/source/branch/name")
        .ok_or_else(|| ApiError::field("source", "required key not provided"))?;
    let default = server.installation.read(|tables| {
        tables
            .repository(found.id)
            .map(|repository| repository.default_branch.clone())
    });
    let destination = text(&body, "/destination/branch/name")
        .map(str::to_owned)
        .or(default)
        .unwrap_or_default();
    let new = NewPullRequest {
        repository: &found.full_name,
        title,
        source,
        source_repository: text(&body, "/source/repository/full_name"),
        destination: &destination,
        author: &author,
    };
    let number = server
        .installation
        .open_pull_request(new)
        .await
        .map_err(|error| refusal(&error))?;
    Ok((StatusCode::CREATED, Json(shown(&server, &found, number)?)))
}

pub(super) async fn update(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path(path): One,
    Json(body): Json<Value>,
) -> Result<Json<Value>, ApiError> {
    let (found, request, by) = to_change(&server, &caller, &path)?;
    let change = PullRequestChange {
        title: text(&body, "/title"),
        description: body.pointer("/description").and_then(Value::as_str),
        destination: text(&body, "/destination/branch/name"),
        draft: body.pointer("/draft").and_then(Value::as_bool),
        ..PullRequestChange::default()
    };
    server
        .installation
        .update_pull_request(&found.full_name, request.number, change, &by)
        .await
        .map_err(|error| refusal(&error))?;
    shown(&server, &found, request.number).map(Json)
}

pub(super) async fn merge(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path(path): One,
) -> Result<Json<Value>, ApiError> {
    let (found, request, by) = to_change(&server, &caller, &path)?;
    server
        .installation
        .merge_pull_request(&found.full_name, request.number, &by)
        .await
        .map_err(|error| refusal(&error))?;
    shown(&server, &found, request.number).map(Json)
}

pub(super) async fn decline(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path(path): One,
) -> Result<Json<Value>, ApiError> {
    let (found, request, by) = to_change(&server, &caller, &path)?;
    server
        .installation
        .decline_pull_request(&found.full_name, request.number, &by)
        .await
        .map_err(|error| refusal(&error))?;
    shown(&server, &found, request.number).map(Json)
}

/// Whoever may read a pull request may comment on it.
pub(super) async fn comment(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path(path): One,
    Json(body): Json<Value>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let (found, request) = find(&server, &caller, &path)?;
    let by = acting(&server, &caller)?;
    let raw = text(&body, "/content/raw")
        .ok_or_else(|| ApiError::field("content", "required key not provided"))?;
    let comment = server
        .installation
        .comment_pull_request(&found.full_name, request.number, raw, &by)
        .await
        .map_err(|error| refusal(&error))?;
    let body = server.render(|render| wire::comment(render, &request, &comment));
    Ok((StatusCode::CREATED, Json(body)))
}

pub(super) async fn comments(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path(path): One,
    query: ListQuery,
) -> Result<Json<Value>, ApiError> {
    caller.need(READ)?;
    let (_, request) = find(&server, &caller, &path)?;
    let documents = server.render(|render| {
        request
            .comments
            .iter()
            .map(|comment| wire::comment(render, &request, comment))
            .collect()
    });
    query
        .page(server.api_url(), documents, PageSize::USUAL)
        .map(Json)
}
