//! Deploy keys ("access keys"): read one repository. One key may serve several repositories, but never also a user.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde_json::Value;

use crate::cloud::auth::{Caller, Credential, Need};
use crate::cloud::error::ApiError;
use crate::cloud::query::{ListQuery, PageSize};
use crate::cloud::server::{CloudServer, Found};
use crate::cloud::wire;
use crate::state::{KeyHolder, KeyId, ParsedKey, Permission, RepositoryId, SshKey};

const READ: Need = Need::new(&["repository", "repository:admin"], &["admin:repository"]);
const WRITE: Need = Need::new(
    &["repository", "repository:admin"],
    &["admin:repository", "write:ssh-key"],
);
const DELETE: Need = Need::new(
    &["repository", "repository:admin"],
    &["admin:repository", "delete:ssh-key"],
);

fn repository(
    server: &CloudServer,
    caller: &Caller,
    workspace: &str,
    slug: &str,
    need: Need,
) -> Result<Found, ApiError> {
    caller.user()?;
    if matches!(caller.credential, Credential::AccessToken(..)) {
        return Err(ApiError::wrong_mechanism());
    }
    caller.repository(server, workspace, slug, need, Permission::Admin)
}

fn serves(key: &SshKey, repository: RepositoryId) -> bool {
    matches!(&key.holder, KeyHolder::Access { repositories, .. } if repositories.contains_key(&repository))
}

fn find(server: &CloudServer, repository: RepositoryId, key: &str) -> Result<KeyId, ApiError> {
    let found = key.parse().ok().map(KeyId).filter(|id| {
        server.installation.read(|tables| {
            tables
                .keys
                .get(id)
                .is_some_and(|key| serves(key, repository))
        })
    });
    found.ok_or_else(|| ApiError::not_found(&format!("Deploy key {key} not found")))
}

fn rendered(server: &CloudServer, repository: RepositoryId, key: KeyId) -> Value {
    let rendered = server.render(|render| {
        let (key, repository) = (
            render.tables.keys.get(&key)?,
            render.tables.repository(repository)?,
        );
        Some(wire::deploy_key(render, key, repository))
    });
    rendered.unwrap_or_default()
}

pub(super) async fn list(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug)): Path<(String, String)>,
    query: ListQuery,
) -> Result<Json<Value>, ApiError> {
    let found = repository(&server, &caller, &workspace, &slug, READ)?;
    let documents = server.render(|render| {
        let Some(repository) = render.tables.repository(found.id) else {
            return Vec::new();
        };
        let of_it = render
            .tables
            .keys
            .values()
            .filter(|key| serves(key, found.id));
        of_it
            .map(|key| wire::deploy_key(render, key, repository))
            .collect()
    });
    query
        .page(server.api_url(), documents, PageSize::USUAL)
        .map(Json)
}

/// Answers 200, not 201.
pub(super) async fn create(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, ApiError> {
    let found = repository(&server, &caller, &workspace, &slug, WRITE)?;
    let text = body["key"]
        .as_str()
        .ok_or_else(|| ApiError::field("key", "required key not provided"))?;
    let parsed =
        ParsedKey::parse(text).ok_or_else(|| ApiError::field("key", "Invalid SSH key."))?;
    let label = body["label"].as_str().unwrap_or_default();
    let now = server.installation.clock().now();
    let key = server.installation.write(|tables| {
        let taken = || ApiError::field("key", "Someone has already registered that SSH key.");
        let known = tables
            .key_by_blob(&parsed.algorithm, &parsed.base64)
            .map(|key| key.id);
        let Some(known) = known.and_then(|id| tables.keys.get_mut(&id)) else {
            let holder = KeyHolder::Access {
                repositories: BTreeMap::from([(found.id, Permission::Read)]),
                spaces: BTreeMap::new(),
            };
            return Ok(tables.add_key(parsed, label, holder, now));
        };
        match &mut known.holder {
            KeyHolder::Access { repositories, .. } if !repositories.contains_key(&found.id) => {
                repositories.insert(found.id, Permission::Read);
                Ok(known.id)
            }
            _ => Err(taken()),
        }
    })?;
    Ok(Json(rendered(&server, found.id, key)))
}

pub(super) async fn show(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug, key)): Path<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let found = repository(&server, &caller, &workspace, &slug, READ)?;
    Ok(Json(rendered(
        &server,
        found.id,
        find(&server, found.id, &key)?,
    )))
}

pub(super) async fn update(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug, key)): Path<(String, String, String)>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, ApiError> {
    let found = repository(&server, &caller, &workspace, &slug, WRITE)?;
    let key = find(&server, found.id, &key)?;
    server.installation.write(|tables| {
        if let (Some(key), Some(label)) = (tables.keys.get_mut(&key), body["label"].as_str()) {
            label.clone_into(&mut key.label);
        }
    });
    Ok(Json(rendered(&server, found.id, key)))
}

pub(super) async fn delete(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug, key)): Path<(String, String, String)>,
) -> Result<StatusCode, ApiError> {
    let found = repository(&server, &caller, &workspace, &slug, DELETE)?;
    let id = find(&server, found.id, &key)?;
    server.installation.write(|tables| {
        let Some(key) = tables.keys.get_mut(&id) else {
            return;
        };
        let KeyHolder::Access {
            repositories,
            spaces,
        } = &mut key.holder
        else {
            return;
        };
        repositories.remove(&found.id);
        if repositories.is_empty() && spaces.is_empty() {
            tables.keys.remove(&id);
        }
    });
    Ok(StatusCode::NO_CONTENT)
}
