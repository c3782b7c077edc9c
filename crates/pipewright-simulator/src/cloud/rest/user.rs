//! `/user`, `/user/emails`, `/users/{user}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use crate::cloud::auth::{Caller, Need};
use crate::cloud::error::ApiError;
use crate::cloud::query::{ListQuery, PageSize};
use crate::cloud::server::{CloudServer, braced_uuid};
use crate::cloud::wire;
use crate::state::{Tables, User};

pub(super) async fn show(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
) -> Result<Json<Value>, ApiError> {
    let user = caller.user_with(Need::new(&["account"], &["read:user"]))?;
    let found = server.render(|render| {
        render
            .tables
            .user(user)
            .map(|user| wire::user_with_details(render, user))
    });
    found.map(Json).ok_or_else(ApiError::token_invalid)
}

pub(super) async fn emails(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    query: ListQuery,
) -> Result<Json<Value>, ApiError> {
    let user = caller.user_with(Need::new(&["email"], &["read:user"]))?;
    let email = server
        .installation
        .read(|tables| tables.user(user).map(|user| user.email.clone()));
    let emails = email.map(|email| json!({ "type": "email", "email": email, "is_primary": true, "is_confirmed": true }));
    query
        .page(
            server.api_url(),
            emails.into_iter().collect(),
            PageSize::USUAL,
        )
        .map(Json)
}

pub(super) async fn show_other(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    caller.user_with(Need::new(&[], &["read:user"]))?;
    let found = server
        .render(|render| find_user(render.tables, &name).map(|user| wire::user(render, user.id)));
    found.map(Json).ok_or_else(|| no_user(&name))
}

/// Users are named by braced UUID or account id; by user name no more.
pub(super) fn find_user<'a>(tables: &'a Tables, name: &str) -> Option<&'a User> {
    match braced_uuid(name) {
        Some(uuid) => tables.users().find(|user| user.uuid == uuid),
        None => tables.users().find(|user| user.account_id == name),
    }
}

pub(super) fn no_user(name: &str) -> ApiError {
    ApiError::not_found(&format!("{name} is not a valid user"))
}
