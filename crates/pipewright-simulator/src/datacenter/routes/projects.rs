//! Projects.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Query, State},
};
use serde::Deserialize;

use crate::{
    datacenter::{
        caller::{Caller, project_level},
        error::{ApiError, ApiResult},
        page::{Page, PageQuery},
        server::{Server, ok},
    },
    state::Permission,
};

/// The query of the list of projects.
#[derive(Debug, Deserialize)]
pub(in crate::datacenter) struct ProjectsQuery {
    name: Option<String>,
    permission: Option<String>,
    #[serde(flatten)]
    page: PageQuery,
}

/// Projects that the caller can see, by name. Nobody in particular sees the public ones: the list is no proof of a
/// good credential.
pub(in crate::datacenter) async fn projects(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<ProjectsQuery>,
) -> ApiResult {
    let needed = match query.permission.as_deref() {
        None | Some("PROJECT_VIEW") => Permission::Read,
        Some(name) => project_level(name).ok_or_else(|| {
            ApiError::bad_request(format!("'{name}' is not a valid project permission."))
        })?,
    };
    let wanted = query.name.unwrap_or_default().to_lowercase();
    let most = server.settings.values().page_max;
    server.render(|render| {
        let rows = render
            .tables
            .spaces()
            .filter(|space| space.name.to_lowercase().contains(&wanted));
        let page = Page::filtered(rows, &query.page, most, |space| {
            caller.on_project(render.tables, space) >= Some(needed)
        });
        Ok(ok(page.map(|space| render.project(space))))
    })
}

/// One project.
pub(in crate::datacenter) async fn project(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path(key): Path<String>,
) -> ApiResult {
    let id = server.project(&caller, &key, Permission::Read)?;
    server.render(|render| {
        render
            .tables
            .space(id)
            .map(|space| ok(render.project(space)))
            .ok_or_else(|| ApiError::no_project(&key))
    })
}
