//! Files and directories: raw bytes, `format=meta`, listings.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header;

use super::{READ, commits};
use crate::cloud::auth::Caller;
use crate::cloud::error::ApiError;
use crate::cloud::query::{ListQuery, PageSize};
use crate::cloud::server::{CloudServer, Found};
use crate::cloud::wire;
use crate::git::{TreeEntry, TreeEntryKind};
use crate::state::Permission;

pub(super) async fn top(
    state: State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug, commit)): Path<(String, String, String)>,
    query: ListQuery,
) -> Result<Response, ApiError> {
    show(
        state,
        caller,
        Path((workspace, slug, commit, String::new())),
        query,
    )
    .await
}

pub(super) async fn show(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug, commit, path)): Path<(String, String, String, String)>,
    query: ListQuery,
) -> Result<Response, ApiError> {
    let found = caller.repository(&server, &workspace, &slug, READ, Permission::Read)?;
    let commit = commits::find(&server, &found, commit).await?.hash;
    let (id, at, wanted) = (found.id, commit.clone(), path.clone());
    let entry = server.git(move |git| git.entry(id, &at, &wanted)).await?;
    let entry =
        entry.ok_or_else(|| ApiError::not_found(&format!("No such file or directory: {path}")))?;
    let meta = query.get("format") == Some("meta");
    match entry.kind {
        TreeEntryKind::Directory if meta => Ok(Json(
            server
                .render(|render| wire::directory_entry(render, &found.full_name, &commit, &entry)),
        )
        .into_response()),
        TreeEntryKind::Directory => listing(&server, &found, &commit, &entry, &query).await,
        _ if meta => Ok(Json(
            server.render(|render| wire::file_meta(render, &found.full_name, &commit, &entry)),
        )
        .into_response()),
        _ => {
            let object = entry.object.clone();
            let bytes = server.git(move |git| git.blob(id, &object)).await?;
            let name = entry
                .path
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .replace(['"', '\\', '\r', '\n'], "_");
            let headers = [
                (header::CONTENT_TYPE, content_type(&bytes).to_owned()),
                (
                    header::CONTENT_DISPOSITION,
                    format!("attachment; filename*=UTF-8''{}", wire::in_path(&name)),
                ),
                (header::ETAG, format!("\"{}\"", entry.object)),
            ];
            Ok((headers, bytes).into_response())
        }
    }
}

fn content_type(bytes: &[u8]) -> &'static str {
    if std::str::from_utf8(bytes).is_ok() {
        "text/plain"
    } else {
        "application/octet-stream"
    }
}

async fn listing(
    server: &CloudServer,
    found: &Found,
    commit: &str,
    directory: &TreeEntry,
    query: &ListQuery,
) -> Result<Response, ApiError> {
    let depth = query
        .get("max_depth")
        .map_or(Ok(1), str::parse::<usize>)
        .map_err(|_| ApiError::bad_request("Invalid max_depth"))?;
    let (id, at, path) = (found.id, commit.to_owned(), directory.path.clone());
    let entries = server
        .git(move |git| git.list(id, &at, &path, depth.max(1)))
        .await?;
    let documents = server.render(|render| {
        entries
            .iter()
            .map(|entry| wire::directory_entry(render, &found.full_name, commit, entry))
            .collect()
    });
    query
        .page(server.api_url(), documents, PageSize::USUAL)
        .map(|page| Json(page).into_response())
}
