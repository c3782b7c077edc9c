//! Repositories: the search over all projects, the list of one project, and a single one.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Query, State},
};
use serde::Deserialize;

use crate::{
    datacenter::{
        caller::{Caller, repository_level},
        error::{ApiError, ApiResult},
        page::{Page, PageQuery},
        server::{Server, find_project, ok},
        version::Version,
    },
    state::{Permission, Repository, Tables},
};

/// The query of the search.
#[derive(Debug, Deserialize)]
pub(in crate::datacenter) struct RepositoriesQuery {
    name: Option<String>,
    projectname: Option<String>,
    projectkey: Option<String>,
    permission: Option<String>,
    visibility: Option<String>,
    archived: Option<String>,
    #[serde(flatten)]
    page: PageQuery,
}

/// Repositories of all projects. The filter by permission comes after the page was cut, so pages can be short.
pub(in crate::datacenter) async fn repositories(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<RepositoriesQuery>,
) -> ApiResult {
    let needed = match query.permission.as_deref() {
        None => Permission::Read,
        Some(name) => repository_level(name).ok_or_else(|| {
            ApiError::bad_request(format!("'{name}' is not a valid repository permission."))
        })?,
    };
    let (version, most) = {
        let values = server.settings.values();
        (values.version, values.page_max)
    };
    server.render(|render| {
        let mut rows: Vec<&Repository> = render
            .tables
            .repositories()
            .filter(|row| matches(render.tables, row, &query, version))
            .collect();
        rows.sort_by_key(|row| (row.name.to_lowercase(), row.id));
        let page = Page::filtered(rows, &query.page, most, |row| {
            caller.on_repository(render.tables, row) >= Some(needed)
        });
        Ok(ok(page.map(|row| render.repository(row))))
    })
}

fn matches(tables: &Tables, row: &Repository, query: &RepositoriesQuery, version: Version) -> bool {
    let Some(space) = tables.space(row.space) else {
        return false;
    };
    let contains = |text: &str, part: &Option<String>| {
        part.as_deref()
            .is_none_or(|part| text.to_lowercase().contains(&part.to_lowercase()))
    };
    let visible = match query.visibility.as_deref() {
        Some("public") => !row.private,
        Some("private") => row.private,
        _ => true,
    };
    // Older servers do not know these two and ignore them in silence.
    let knows_newer = version.has_archived();
    let in_project = !knows_newer
        || query
            .projectkey
            .as_deref()
            .is_none_or(|key| space.key.eq_ignore_ascii_case(key));
    let archived = !knows_newer
        || match query.archived.as_deref() {
            Some("ALL") => true,
            Some("ARCHIVED") => row.archived,
            _ => !row.archived,
        };
    visible
        && in_project
        && archived
        && contains(&row.name, &query.name)
        && contains(&space.name, &query.projectname)
}

/// Repositories of one project.
pub(in crate::datacenter) async fn project_repositories(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path(key): Path<String>,
    Query(query): Query<PageQuery>,
) -> ApiResult {
    let most = server.settings.values().page_max;
    server.render(|render| {
        let space = find_project(render.tables, &key)?;
        if caller.on_project(render.tables, space).is_none() {
            return Err(ApiError::not_permitted());
        }
        let rows = render.tables.repositories_of(space.id);
        let page = Page::filtered(rows, &query, most, |row| {
            caller.on_repository(render.tables, row).is_some()
        });
        Ok(ok(page.map(|row| render.repository(row))))
    })
}

/// One repository.
pub(in crate::datacenter) async fn repository(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug)): Path<(String, String)>,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Read)?;
    server.render(|render| {
        render
            .repository_by_id(found.id)
            .map(ok)
            .ok_or_else(|| ApiError::no_repository(&found.key, &slug))
    })
}
