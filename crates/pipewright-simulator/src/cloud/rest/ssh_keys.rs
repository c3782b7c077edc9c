//! SSH keys of a user.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::Value;

use super::user::{find_user, no_user};
use crate::cloud::auth::{Caller, Credential, Need};
use crate::cloud::error::ApiError;
use crate::cloud::query::{ListQuery, PageSize};
use crate::cloud::server::{CloudServer, braced_uuid};
use crate::cloud::wire;
use crate::state::{KeyHolder, KeyId, ParsedKey, UserId};

const READ: Need = Need::new(&["account"], &["read:ssh-key"]);
const WRITE: Need = Need::new(&["account:write"], &["read:ssh-key", "write:ssh-key"]);
const DELETE: Need = Need::new(&["account:write"], &["delete:ssh-key"]);

/// The user of the path, who must be the caller.
fn own(server: &CloudServer, caller: &Caller, name: &str, need: Need) -> Result<UserId, ApiError> {
    let user = caller.user_with(need)?;
    let named = server
        .installation
        .read(|tables| find_user(tables, name).map(|user| user.id))
        .ok_or_else(|| no_user(name))?;
    if named == user {
        Ok(user)
    } else {
        Err(ApiError::not_permitted())
    }
}

fn find(server: &CloudServer, user: UserId, key: &str) -> Result<KeyId, ApiError> {
    let uuid = braced_uuid(key).or_else(|| key.parse().ok());
    let found = server.installation.read(|tables| {
        let mut keys = tables.keys.values();
        keys.find(|key| key.holder == KeyHolder::User(user) && Some(key.uuid) == uuid)
            .map(|key| key.id)
    });
    found.ok_or_else(|| ApiError::not_found(&format!("SSH key {key} not found")))
}

fn rendered(server: &CloudServer, user: UserId, key: KeyId) -> Value {
    server
        .render(|render| {
            render
                .tables
                .keys
                .get(&key)
                .map(|key| wire::user_key(render, key, user))
        })
        .unwrap_or_default()
}

pub(super) async fn list(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path(name): Path<String>,
    query: ListQuery,
) -> Result<Json<Value>, ApiError> {
    let user = own(&server, &caller, &name, READ)?;
    let documents = server.render(|render| {
        let of_user = render
            .tables
            .keys
            .values()
            .filter(|key| key.holder == KeyHolder::User(user));
        of_user
            .map(|key| wire::user_key(render, key, user))
            .collect()
    });
    query
        .page(server.api_url(), documents, PageSize::USUAL)
        .map(Json)
}

pub(super) async fn create(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path(name): Path<String>,
    query: ListQuery,
    Json(body): Json<Value>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let user = own(&server, &caller, &name, WRITE)?;
    if matches!(caller.credential, Credential::Oauth(_)) && !server.settings().ssh_keys_by_oauth {
        return Err(ApiError::wrong_mechanism());
    }
    let text = body["key"]
        .as_str()
        .ok_or_else(|| ApiError::field("key", "required key not provided"))?;
    let parsed =
        ParsedKey::parse(text).ok_or_else(|| ApiError::field("key", "Invalid SSH key."))?;
    let expires_at = query
        .get("expires_on")
        .map(str::parse::<Timestamp>)
        .transpose();
    let expires_at =
        expires_at.map_err(|_| ApiError::field("expires_on", "Enter a valid date/time."))?;
    let label = body["label"].as_str().unwrap_or_default();
    let now = server.installation.clock().now();
    let key = server.installation.write(|tables| {
        if tables
            .key_by_blob(&parsed.algorithm, &parsed.base64)
            .is_some()
        {
            return Err(ApiError::field(
                "key",
                "Someone has already registered that SSH key.",
            ));
        }
        let id = tables.add_key(parsed, label, KeyHolder::User(user), now);
        if let Some(key) = tables.keys.get_mut(&id) {
            key.expires_at = expires_at;
        }
        Ok(id)
    })?;
    Ok((StatusCode::CREATED, Json(rendered(&server, user, key))))
}

pub(super) async fn show(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((name, key)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let user = own(&server, &caller, &name, READ)?;
    Ok(Json(rendered(&server, user, find(&server, user, &key)?)))
}

/// Changes the label and the comment; the key itself cannot change.
pub(super) async fn update(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((name, key)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, ApiError> {
    let user = own(&server, &caller, &name, WRITE)?;
    let key = find(&server, user, &key)?;
    server.installation.write(|tables| {
        let Some(key) = tables.keys.get_mut(&key) else {
            return;
        };
        if let Some(label) = body["label"].as_str() {
            label.clone_into(&mut key.label);
        }
        if let Some(comment) = body["comment"].as_str() {
            comment.clone_into(&mut key.comment);
        }
    });
    Ok(Json(rendered(&server, user, key)))
}

pub(super) async fn delete(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((name, key)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let user = own(&server, &caller, &name, DELETE)?;
    let key = find(&server, user, &key)?;
    server.installation.remove_ssh_key(key);
    Ok(StatusCode::NO_CONTENT)
}
