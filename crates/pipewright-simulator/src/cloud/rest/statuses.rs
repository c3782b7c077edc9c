//! Build statuses of a commit. The scope that reads is enough to write, as on the real thing.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde_json::{Map, Value};
use url::{Host, Url};

use super::{READ, commits};
use crate::cloud::auth::Caller;
use crate::cloud::error::ApiError;
use crate::cloud::query::{ListQuery, PageSize};
use crate::cloud::server::{CloudServer, Found};
use crate::cloud::wire;
use crate::state::{Actor, EventKind, Permission, RepositoryEvent, StatusWrite};

const LONGEST_KEY: usize = 40;
const LONGEST_URL: usize = 450;
const LONGEST_TEXT: usize = 255;

type OnCommit = Path<(String, String, String)>;
type OnKey = Path<(String, String, String, String)>;

pub(super) async fn create(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug, commit)): OnCommit,
    Json(body): Json<Value>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.user()?;
    let found = caller.repository(&server, &workspace, &slug, READ, Permission::Read)?;
    let commit = commits::find(&server, &found, commit).await?.hash;
    let body = body
        .as_object()
        .ok_or_else(|| ApiError::bad_request("Bad request"))?;
    let write = checked(&server, &caller, &found, commit, body, None)?;
    Ok((
        StatusCode::CREATED,
        Json(accept(&server, &caller, &found, write).await),
    ))
}

pub(super) async fn update(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug, commit, key)): OnKey,
    Json(body): Json<Value>,
) -> Result<Json<Value>, ApiError> {
    caller.user()?;
    let found = caller.repository(&server, &workspace, &slug, READ, Permission::Read)?;
    let commit = commits::find(&server, &found, commit).await?.hash;
    let body = body
        .as_object()
        .ok_or_else(|| ApiError::bad_request("Bad request"))?;
    let current = current(&server, &found, &commit, &key)?;
    let write = checked(&server, &caller, &found, commit, body, Some(&current))?;
    Ok(Json(accept(&server, &caller, &found, write).await))
}

pub(super) async fn show(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug, commit, key)): OnKey,
) -> Result<Json<Value>, ApiError> {
    let found = caller.repository(&server, &workspace, &slug, READ, Permission::Read)?;
    let commit = commits::find(&server, &found, commit).await?.hash;
    let status = current(&server, &found, &commit, &key)?;
    Ok(Json(rendered(&server, &found, &status)))
}

pub(super) async fn list(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug, commit)): OnCommit,
    query: ListQuery,
) -> Result<Json<Value>, ApiError> {
    let found = caller.repository(&server, &workspace, &slug, READ, Permission::Read)?;
    let commit = commits::find(&server, &found, commit).await?.hash;
    page(&server, &found, &commit, &query)
}

/// The statuses shown for a commit, as a page.
pub(super) fn page(
    server: &CloudServer,
    found: &Found,
    commit: &str,
    query: &ListQuery,
) -> Result<Json<Value>, ApiError> {
    let refname = query.get("refname");
    let documents = server.render(|render| {
        let Some(repository) = render.tables.repository(found.id) else {
            return Vec::new();
        };
        let shown = render
            .tables
            .current_statuses(commit)
            .into_iter()
            .filter(|status| {
                status.repository == Some(found.id)
                    && refname.is_none_or(|refname| status.refname.as_deref() == Some(refname))
            });
        shown
            .map(|status| wire::status(render, repository, status))
            .collect()
    });
    query
        .page(
            server.api_url(),
            documents,
            PageSize {
                default: 30,
                largest: 100,
            },
        )
        .map(Json)
}

fn current(
    server: &CloudServer,
    found: &Found,
    commit: &str,
    key: &str,
) -> Result<StatusWrite, ApiError> {
    let status = server.installation.read(|tables| {
        let mut shown = tables.current_statuses(commit).into_iter();
        shown
            .find(|status| status.repository == Some(found.id) && status.key == key)
            .cloned()
    });
    status.ok_or_else(|| ApiError::not_found(&format!("Build status {key} not found")))
}

/// Checks a body. On an update, what is missing stays as it was and the key cannot change.
fn checked(
    server: &CloudServer,
    caller: &Caller,
    found: &Found,
    commit: String,
    body: &Map<String, Value>,
    before: Option<&StatusWrite>,
) -> Result<StatusWrite, ApiError> {
    let text = |name: &str, longest: usize| match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => match text.chars().count() {
            length if length > longest => Err(ApiError::field(
                name,
                &format!("Ensure this value has at most {longest} characters (it has {length})."),
            )),
            _ => Ok(Some(text.clone())),
        },
        Some(_) => Err(ApiError::field(name, "expected a string")),
    };
    let missing = |name: &str| ApiError::field(name, "required key not provided");
    let was = |pick: fn(&StatusWrite) -> Option<String>| before.and_then(pick);
    let key = match before {
        Some(before) => before.key.clone(),
        None => text("key", LONGEST_KEY)?
            .filter(|key| !key.is_empty())
            .ok_or_else(|| missing("key"))?,
    };
    let state = text("state", LONGEST_TEXT)?
        .or_else(|| was(|before| Some(before.state.clone())))
        .ok_or_else(|| missing("state"))?;
    if !matches!(
        state.as_str(),
        "INPROGRESS" | "SUCCESSFUL" | "FAILED" | "STOPPED"
    ) {
        return Err(ApiError::field(
            "state",
            &format!("'{state}' is not a valid choice."),
        ));
    }
    let url = text("url", LONGEST_URL)?
        .or_else(|| was(|before| Some(before.url.clone())))
        .ok_or_else(|| missing("url"))?;
    if !is_public_looking(&url) {
        return Err(ApiError::field("url", "Enter a valid URL."));
    }
    let now = server.installation.clock().now();
    Ok(StatusWrite {
        uuid: crate::random::uuid(),
        repository: Some(found.id),
        commit,
        key,
        state,
        name: text("name", LONGEST_TEXT)?.or_else(|| was(|before| before.name.clone())),
        url,
        description: text("description", LONGEST_TEXT)?
            .or_else(|| was(|before| before.description.clone())),
        refname: text("refname", usize::MAX)?.or_else(|| was(|before| before.refname.clone())),
        extra: Map::new(),
        author: caller.user,
        created_at: now,
        written_at: now,
    })
}

/// Absolute, and its host has a dot or is an IP address: Bitbucket refuses `localhost` and single labels.
fn is_public_looking(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else {
        return false;
    };
    matches!(url.scheme(), "http" | "https")
        && match url.host() {
            Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
            Some(Host::Domain(name)) => name.trim_matches('.').contains('.'),
            None => false,
        }
}

async fn accept(
    server: &Arc<CloudServer>,
    caller: &Caller,
    found: &Found,
    write: StatusWrite,
) -> Value {
    let (write, first) = server
        .installation
        .write(|tables| tables.write_status(write));
    let actor = caller.user.map_or(Actor::Unknown, Actor::User);
    let kind = EventKind::StatusWritten(Box::new(write.clone()), first);
    server
        .installation
        .raise(RepositoryEvent {
            repository: found.id,
            actor,
            kind,
        })
        .await;
    rendered(server, found, &write)
}

fn rendered(server: &CloudServer, found: &Found, write: &StatusWrite) -> Value {
    let rendered = server.render(|render| {
        render
            .tables
            .repository(found.id)
            .map(|repository| wire::status(render, repository, write))
    });
    rendered.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_without_a_dot_are_refused() {
        for (address, expected) in [
            ("https://ci.example.com/builds/1", true),
            ("http://127.0.0.1:8080/builds/1", true),
            ("http://[::1]:8080/", true),
            ("http://localhost:8080/", false),
            ("http://buildserver/", false),
            ("/builds/1", false),
            ("ftp://ci.example.com/", false),
        ] {
            assert_eq!(is_public_looking(address), expected, "{address}");
        }
    }
}
