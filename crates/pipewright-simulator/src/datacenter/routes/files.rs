//! Files of a revision: their bytes, what a path is, and the recursive list.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Query, State},
    response::IntoResponse,
};
use http::header;
use serde::Deserialize;
use serde_json::json;

use crate::{
    datacenter::{
        caller::Caller,
        error::{ApiError, ApiResult},
        page::PageQuery,
        server::{Found, Server, ok},
        wire::WirePath,
    },
    git::{TreeEntry, TreeEntryKind},
    state::Permission,
};

/// The query of everything about files.
#[derive(Debug, Deserialize)]
pub(in crate::datacenter) struct FilesQuery {
    at: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    size: Option<String>,
    #[serde(flatten)]
    page: PageQuery,
}

impl FilesQuery {
    fn at(&self) -> Option<&str> {
        self.at.as_deref()
    }
}

fn kind_of(entry: &TreeEntry) -> &'static str {
    match entry.kind {
        TreeEntryKind::File | TreeEntryKind::Executable | TreeEntryKind::Link => "FILE",
        TreeEntryKind::Directory => "DIRECTORY",
        TreeEntryKind::Submodule => "SUBMODULE",
    }
}

impl Server {
    /// The commit and the entry at a path.
    async fn entry(
        &self,
        found: &Found,
        at: Option<&str>,
        path: &str,
    ) -> ApiResult<(String, TreeEntry)> {
        let commit = self.revision_or_default(found, at).await?;
        let (id, hash, wanted) = (found.id, commit.clone(), path.to_owned());
        let entry = self.git(move |git| git.entry(id, &hash, &wanted)).await?;
        let entry = entry.ok_or_else(|| ApiError::no_path(path, at.unwrap_or(&commit)))?;
        Ok((commit, entry))
    }

    async fn bytes(&self, found: &Found, entry: &TreeEntry) -> ApiResult<Vec<u8>> {
        let (id, object) = (found.id, entry.object.clone());
        self.git(move |git| git.blob(id, &object)).await
    }
}

/// The bytes of a file.
pub(in crate::datacenter) async fn raw(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, path)): Path<(String, String, String)>,
    Query(query): Query<FilesQuery>,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Read)?;
    let (_, entry) = server.entry(&found, query.at(), &path).await?;
    if kind_of(&entry) != "FILE" {
        return Err(ApiError::bad_request(format!(
            "The path \"{path}\" is not a file."
        )));
    }
    let bytes = server.bytes(&found, &entry).await?;
    let text = std::str::from_utf8(&bytes).is_ok();
    let kind = if text {
        "text/plain;charset=UTF-8"
    } else {
        "application/octet-stream"
    };
    Ok(([(header::CONTENT_TYPE, kind)], bytes).into_response())
}

/// What is at the top directory.
pub(in crate::datacenter) async fn browse_top(
    server: State<Arc<Server>>,
    caller: Extension<Caller>,
    Path((key, slug)): Path<(String, String)>,
    query: Query<FilesQuery>,
) -> ApiResult {
    browse(server, caller, Path((key, slug, String::new())), query).await
}

/// What is at a path: its size, its type, the lines of a file or the entries of a directory.
pub(in crate::datacenter) async fn browse(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, path)): Path<(String, String, String)>,
    Query(query): Query<FilesQuery>,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Read)?;
    let (commit, entry) = server.entry(&found, query.at(), &path).await?;
    // Asked for both, the product answers the size.
    if query.size.as_deref() == Some("true") {
        return Ok(ok(json!({ "size": entry.size.unwrap_or(0) })));
    }
    if query.kind.as_deref() == Some("true") {
        return Ok(ok(json!({ "type": kind_of(&entry) })));
    }
    if entry.kind == TreeEntryKind::Directory {
        let (id, hash, wanted) = (found.id, commit.clone(), path.clone());
        let entries = server
            .git(move |git| git.list(id, &hash, &wanted, 1))
            .await?;
        let children = server.page(entries, &query.page).map(|child| {
            let name = child.path.rsplit('/').next().unwrap_or_default().to_owned();
            json!({
                "path": WirePath::of(&name), "contentId": child.object, "type": kind_of(&child), "size": child.size,
            })
        });
        let revision = query.at().unwrap_or(&commit);
        return Ok(ok(
            json!({ "path": WirePath::of(&path), "revision": revision, "children": children }),
        ));
    }
    let bytes = server.bytes(&found, &entry).await?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let page = server.page(
        text.lines().map(|line| json!({ "text": line })),
        &query.page,
    );
    Ok(ok(json!({
        "lines": page.values, "start": page.start, "size": page.size, "limit": page.limit,
        "isLastPage": page.is_last_page,
    })))
}

/// Paths of all files.
pub(in crate::datacenter) async fn files_top(
    server: State<Arc<Server>>,
    caller: Extension<Caller>,
    Path((key, slug)): Path<(String, String)>,
    query: Query<FilesQuery>,
) -> ApiResult {
    files(server, caller, Path((key, slug, String::new())), query).await
}

/// Paths of all files below a directory, relative to it.
pub(in crate::datacenter) async fn files(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, path)): Path<(String, String, String)>,
    Query(query): Query<FilesQuery>,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Read)?;
    let (commit, _) = server.entry(&found, query.at(), &path).await?;
    let (id, below) = (found.id, path.clone());
    let entries = server
        .git(move |git| git.list(id, &commit, &below, 0))
        .await?;
    let prefix = if path.is_empty() {
        String::new()
    } else {
        format!("{}/", path.trim_matches('/'))
    };
    let paths = entries
        .into_iter()
        .filter(|entry| entry.kind != TreeEntryKind::Directory)
        .map(|entry| {
            entry
                .path
                .strip_prefix(&prefix)
                .unwrap_or(&entry.path)
                .to_owned()
        });
    Ok(ok(server.page(paths.collect::<Vec<_>>(), &query.page)))
}
