//! `/user/workspaces`, `/user/workspaces/{workspace}/permission`, `/workspaces/{workspace}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use crate::cloud::auth::{Caller, Need};
use crate::cloud::error::ApiError;
use crate::cloud::query::{ListQuery, PageSize};
use crate::cloud::server::CloudServer;
use crate::cloud::wire;
use crate::state::Permission;

const READ: Need = Need::new(&["account"], &["read:workspace"]);

pub(super) async fn mine(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    query: ListQuery,
) -> Result<Json<Value>, ApiError> {
    let user = caller.user_with(READ)?;
    let only_administrated = query.get("administrator") == Some("true");
    let mut spaces = server.render(|render| {
        let of_user = render.tables.spaces().filter_map(|space| {
            let administrator = *space.members.get(&user)? == Permission::Admin;
            (administrator || !only_administrated)
                .then(|| wire::workspace_access(render, space, administrator))
        });
        of_user.collect::<Vec<_>>()
    });
    // `sort=slug` names a field of the workspace inside.
    if query
        .get("sort")
        .is_some_and(|sort| sort.trim_start_matches('-') == "slug")
    {
        spaces.sort_by_key(|access| access["workspace"]["slug"].as_str().map(str::to_owned));
        if query.get("sort").is_some_and(|sort| sort.starts_with('-')) {
            spaces.reverse();
        }
        return query
            .without("sort")
            .page(server.api_url(), spaces, PageSize::USUAL)
            .map(Json);
    }
    query
        .page(server.api_url(), spaces, PageSize::USUAL)
        .map(Json)
}

pub(super) async fn my_permission(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let user = caller.user_with(READ)?;
    let (space, owner) = caller.workspace(&server, &name, READ)?;
    let body = server.render(|render| {
        let space = render.tables.space(space)?;
        Some(json!({
            "type": "workspace_membership",
            "permission": if owner { "owner" } else { "member" },
            "user": wire::user(render, user),
            "workspace": wire::workspace_summary(render, space),
        }))
    });
    Ok(Json(body.unwrap_or_default()))
}

pub(super) async fn show(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let (space, _) = caller.workspace(&server, &name, Need::new(&[], &["read:workspace"]))?;
    let body = server.render(|render| {
        render
            .tables
            .space(space)
            .map(|space| wire::workspace(render, space))
    });
    Ok(Json(body.unwrap_or_default()))
}
