//! SSH keys of users.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Query, State},
};
use jiff::SignedDuration;
use serde::Deserialize;

use crate::{
    datacenter::{
        body::Body,
        caller::Caller,
        error::{ApiError, ApiResult},
        page::PageQuery,
        server::{Server, created, no_content, ok},
    },
    state::{KeyHolder, KeyId, ParsedKey, SshKey, Tables, UserId},
};

/// The query of the list.
#[derive(Debug, Deserialize)]
pub(in crate::datacenter) struct KeysQuery {
    user: Option<String>,
    #[serde(flatten)]
    page: PageQuery,
}

/// A key to register.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct NewKey {
    pub(super) text: Option<String>,
    pub(super) label: Option<String>,
    pub(super) expiry_days: Option<i64>,
}

impl NewKey {
    /// Reads the key itself.
    pub(super) fn parse(&self) -> ApiResult<ParsedKey> {
        let text = self.text.as_deref().unwrap_or_default();
        ParsedKey::parse(text)
            .ok_or_else(|| ApiError::field("text", "You must enter a valid public key"))
    }

    /// The label given, or the key's own comment.
    pub(super) fn label<'k>(&'k self, key: &'k ParsedKey) -> &'k str {
        self.label
            .as_deref()
            .filter(|label| !label.is_empty())
            .unwrap_or(&key.comment)
    }
}

/// Whose keys a request is about: the caller's own, or another user's for an administrator.
fn subject(server: &Server, caller: &Caller, user: Option<&str>) -> ApiResult<UserId> {
    let own = caller.user().ok_or_else(ApiError::sign_in)?;
    let Some(name) = user else { return Ok(own) };
    server.installation.read(|tables| {
        let user = tables
            .user_by_name(name)
            .or_else(|| tables.user_by_slug(name))
            .map(|user| user.id);
        let user = user.ok_or_else(|| ApiError::no_user(name))?;
        let administrator = tables.user(own).is_some_and(|user| user.administrator);
        if user == own || administrator {
            Ok(user)
        } else {
            Err(ApiError::not_permitted())
        }
    })
}

fn keys_of(tables: &Tables, user: UserId) -> impl Iterator<Item = &SshKey> {
    tables
        .keys
        .values()
        .filter(move |key| key.holder == KeyHolder::User(user))
}

/// Keys of a user.
pub(in crate::datacenter) async fn keys(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<KeysQuery>,
) -> ApiResult {
    let user = subject(&server, &caller, query.user.as_deref())?;
    server.render(|render| {
        Ok(ok(server
            .page(keys_of(render.tables, user), &query.page)
            .map(|key| render.key(key))))
    })
}

/// One key of the caller.
pub(in crate::datacenter) async fn key(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<u64>,
) -> ApiResult {
    let user = caller.user().ok_or_else(ApiError::sign_in)?;
    server.render(|render| {
        let key = keys_of(render.tables, user).find(|key| key.id == KeyId(id));
        key.map(|key| ok(render.key(key)))
            .ok_or_else(|| ApiError::missing(format!("SSH key {id} does not exist.")))
    })
}

/// Registers a key; one that is known anywhere on the server is refused.
pub(in crate::datacenter) async fn add_key(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<KeysQuery>,
    Body(new): Body<NewKey>,
) -> ApiResult {
    let user = subject(&server, &caller, query.user.as_deref())?;
    // "Account data" is out of a token's reach.
    if matches!(caller, Caller::Token(_)) && !server.settings.values().tokens_add_user_keys {
        return Err(ApiError::not_permitted());
    }
    let parsed = new.parse()?;
    let now = server.now();
    let id = server.installation.write(|tables| {
        if tables
            .key_by_blob(&parsed.algorithm, &parsed.base64)
            .is_some()
        {
            return Err(ApiError::conflict(
                "That SSH key is already in use.",
                Some("com.atlassian.bitbucket.ssh.DuplicateSshKeyException"),
            ));
        }
        let id = tables.add_key(
            parsed.clone(),
            new.label(&parsed),
            KeyHolder::User(user),
            now,
        );
        if let (Some(days), Some(key)) = (new.expiry_days, tables.keys.get_mut(&id)) {
            key.expires_at = now.checked_add(SignedDuration::from_hours(24 * days)).ok();
        }
        Ok(id)
    })?;
    server.render(|render| {
        let key = render
            .tables
            .keys
            .get(&id)
            .ok_or_else(|| ApiError::missing("The SSH key is gone."))?;
        Ok(created(render.key(key)))
    })
}

/// Deletes one key of the caller (or any, for an administrator). Gone already is as good.
pub(in crate::datacenter) async fn delete_key(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<u64>,
) -> ApiResult {
    let user = caller.user().ok_or_else(ApiError::sign_in)?;
    server.installation.write(|tables| {
        let administrator = tables.user(user).is_some_and(|user| user.administrator);
        match tables.keys.get(&KeyId(id)).map(|key| key.holder.clone()) {
            Some(KeyHolder::User(holder)) if holder == user || administrator => {
                tables.keys.remove(&KeyId(id));
                Ok(no_content())
            }
            None => Ok(no_content()),
            Some(_) => Err(ApiError::not_permitted()),
        }
    })
}

/// Deletes all keys of the caller: what a client must never call by leaving out the id.
pub(in crate::datacenter) async fn delete_all_keys(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<KeysQuery>,
) -> ApiResult {
    let user = subject(&server, &caller, query.user.as_deref())?;
    server.installation.write(|tables| {
        tables
            .keys
            .retain(|_, key| key.holder != KeyHolder::User(user));
    });
    Ok(no_content())
}
