//! Lists of repositories, and one of them.
//!
//! A workspace may hold thousands: a list is filtered and sorted on the tables' own fields, and only the page that is
//! answered is rendered and asks the disk for sizes.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::READ;
use crate::cloud::auth::{Caller, Need};
use crate::cloud::error::ApiError;
use crate::cloud::query::{ListQuery, PageSize, sort_by};
use crate::cloud::server::{CloudServer, find_space};
use crate::cloud::wire::{self, Render, braced, moment};
use crate::state::{Permission, Repository, RepositoryId};

/// The value of a field that `q` or `sort` may name.
fn field(render: Render<'_>, repository: &Repository, path: &str) -> Value {
    match path {
        "name" => json!(repository.name),
        "slug" => json!(repository.slug),
        "full_name" => json!(render.tables.full_name(repository.id)),
        "uuid" => json!(braced(repository.uuid)),
        "description" => json!(repository.description),
        "is_private" => json!(repository.private),
        "created_on" => json!(moment(repository.created_at)),
        "updated_on" => json!(moment(repository.updated_at)),
        "mainbranch.name" => json!((!repository.empty).then_some(&repository.default_branch)),
        "scm" => json!("git"),
        "parent" => json!(repository.parent),
        "parent.full_name" => json!(
            repository
                .parent
                .map(|parent| render.tables.full_name(parent))
        ),
        _ => Value::Null,
    }
}

/// Filters, sorts and cuts; renders what is left.
fn page(
    server: &CloudServer,
    query: &ListQuery,
    visible: impl Fn(Render<'_>) -> Vec<RepositoryId>,
    path_of: impl Fn(&str) -> &str,
    render_one: impl Fn(Render<'_>, &Repository) -> Value,
) -> Result<Value, ApiError> {
    let filter = query.filter()?;
    let (page, length) = query.window(PageSize::USUAL)?;
    Ok(server.render(|render| {
        let ids = visible(render);
        let mut rows: Vec<&Repository> = ids
            .into_iter()
            .filter_map(|id| render.tables.repository(id))
            .collect();
        if let Some(filter) = &filter {
            rows.retain(|repository| {
                filter.passes(&|path| field(render, repository, path_of(path)))
            });
        }
        if let Some(sort) = query.get("sort") {
            sort_rows(render, &mut rows, sort, &path_of);
        }
        let total = rows.len();
        let values = rows
            .into_iter()
            .skip((page - 1) * length)
            .take(length)
            .map(|repository| render_one(render, repository))
            .collect();
        query.envelope(server.api_url(), values, page, length, Some(total))
    }))
}

fn sort_rows(
    render: Render<'_>,
    rows: &mut [&Repository],
    sort: &str,
    path_of: &impl Fn(&str) -> &str,
) {
    let path = path_of(sort.trim_start_matches('-')).to_owned();
    sort_by(rows, sort, |repository, _| match path.as_str() {
        // Numbers sort like the texts they are shown as, at a tenth of the price.
        "created_on" => json!(repository.created_at.as_microsecond()),
        "updated_on" => json!(repository.updated_at.as_microsecond()),
        path => field(render, repository, path),
    });
}

pub(super) async fn list(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path(workspace): Path<String>,
    query: ListQuery,
) -> Result<Json<Value>, ApiError> {
    caller.need(READ)?;
    let least = match query.get("role") {
        None => None,
        Some("member") => Some(Permission::Read),
        Some("contributor") => Some(Permission::Write),
        Some("admin" | "owner") => Some(Permission::Admin),
        Some(_) => return Err(ApiError::bad_request("Invalid role")),
    };
    let space = server
        .installation
        .read(|tables| find_space(tables, &workspace).map(|space| space.id));
    let space = space.ok_or_else(|| {
        ApiError::not_found(&format!("No workspace with identifier '{workspace}'."))
    })?;
    let name = caller.user.and_then(|user| {
        server
            .installation
            .read(|tables| tables.user(user).map(|user| user.name.clone()))
    });
    let visible = |render: Render<'_>| {
        let seen = |repository: &&Repository| {
            let permission = render.tables.permission(caller.user, repository);
            let member = caller.user.is_some_and(|user| {
                render
                    .tables
                    .space(repository.space)
                    .is_some_and(|space| space.members.contains_key(&user))
                    || repository.access.contains_key(&user)
            });
            // With a role, being able to see a public repository is not enough.
            caller.reaches(repository.id, repository.space)
                && permission.is_some()
                && least.is_none_or(|least| member && permission >= Some(least))
        };
        render
            .tables
            .repositories_of(space)
            .filter(seen)
            .map(|repository| repository.id)
            .collect()
    };
    let size = |repository: &Repository| server.installation.git().size(repository.id);
    let body = page(
        &server,
        &query,
        visible,
        |path| path,
        |render, repository| {
            wire::repository(render, repository, size(repository), name.as_deref())
        },
    )?;
    Ok(Json(body))
}

pub(super) async fn show(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let found = caller.repository(&server, &workspace, &slug, READ, Permission::Read)?;
    let size = server.installation.git().size(found.id);
    let body = server.render(|render| {
        let name = caller
            .user
            .and_then(|user| render.tables.user(user))
            .map(|user| user.name.as_str());
        render
            .tables
            .repository(found.id)
            .map(|repository| wire::repository(render, repository, size, name))
    });
    body.map(Json)
        .ok_or_else(|| ApiError::no_repository(&workspace, &slug))
}

/// What the caller may do with each repository of a workspace.
pub(super) async fn my_permissions(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path(workspace): Path<String>,
    query: ListQuery,
) -> Result<Json<Value>, ApiError> {
    let need = Need::new(&["account", "repository"], &["read:repository"]);
    let user = caller.user_with(need)?;
    let (space, _) = caller.workspace(&server, &workspace, need)?;
    let visible = |render: Render<'_>| {
        let own = |repository: &&Repository| {
            caller.reaches(repository.id, repository.space)
                && render.tables.permission(Some(user), repository).is_some()
        };
        render
            .tables
            .repositories_of(space)
            .filter(own)
            .map(|repository| repository.id)
            .collect()
    };
    let body = page(
        &server,
        &query,
        visible,
        |path| path.strip_prefix("repository.").unwrap_or(path),
        |render, repository| {
            let permission = match render.tables.permission(Some(user), repository) {
                Some(Permission::Admin) => "admin",
                Some(Permission::Write) => "write",
                _ => "read",
            };
            json!({
                "type": "repository_permission",
                "permission": permission,
                "user": wire::user(render, user),
                "repository": wire::repository_summary(render, repository),
            })
        },
    )?;
    Ok(Json(body))
}
