//! `diffstat/{spec}`: which files differ. The order of the two revisions is the opposite of git's: `new..old`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::{READ, commits};
use crate::cloud::auth::Caller;
use crate::cloud::error::ApiError;
use crate::cloud::query::{ListQuery, PageSize};
use crate::cloud::server::{CloudServer, Found};
use crate::cloud::wire;
use crate::git::{DiffEntry, DiffStatus};
use crate::state::Permission;

const PAGE: PageSize = PageSize {
    default: 500,
    largest: 5000,
};

pub(super) async fn list(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug, spec)): Path<(String, String, String)>,
    query: ListQuery,
) -> Result<Json<Value>, ApiError> {
    let found = caller.repository(&server, &workspace, &slug, READ, Permission::Read)?;
    let (new, old) = ends(&server, &found, &spec, query.get("topic") == Some("true")).await?;
    let (id, from, to) = (found.id, old.clone(), new.clone());
    let mut entries = server
        .git(move |git| git.diff(id, from.as_deref(), &to))
        .await?;
    let paths = query.all("path");
    if !paths.is_empty() {
        entries.retain(|entry| {
            [&entry.old, &entry.new]
                .into_iter()
                .flatten()
                .any(|file| paths.iter().any(|path| below(file, path)))
        });
    }
    let documents = entries
        .iter()
        .map(|entry| document(&server, &found, entry, &new, old.as_deref()))
        .collect();
    query.page(server.api_url(), documents, PAGE).map(Json)
}

/// The two commits of a spec; the older is nothing for a commit without parents.
async fn ends(
    server: &CloudServer,
    found: &Found,
    spec: &str,
    topic: bool,
) -> Result<(String, Option<String>), ApiError> {
    let Some((new, old)) = spec.split_once("..") else {
        let commit = commits::find(server, found, spec.to_owned()).await?;
        return Ok((commit.hash, commit.parents.into_iter().next()));
    };
    let new = commits::find(server, found, new.to_owned()).await?.hash;
    let old = commits::find(server, found, old.trim_start_matches('.').to_owned())
        .await?
        .hash;
    if !topic {
        return Ok((new, Some(old)));
    }
    let (id, left, right) = (found.id, new.clone(), old);
    Ok((
        new,
        server
            .git(move |git| git.merge_base(id, &left, &right))
            .await?,
    ))
}

fn below(file: &str, path: &str) -> bool {
    let path = path.trim_matches('/');
    file == path
        || file
            .strip_prefix(path)
            .is_some_and(|rest| rest.starts_with('/'))
}

fn document(
    server: &CloudServer,
    found: &Found,
    entry: &DiffEntry,
    new: &str,
    old: Option<&str>,
) -> Value {
    let at = format!("{}/repositories/{}", server.api_url(), found.full_name);
    let side = |path: &Option<String>, commit: &str| match path {
        Some(path) => json!({
            "type": "commit_file",
            "path": path,
            "escaped_path": wire::in_path(path),
            "links": { "self": { "href": format!("{at}/src/{commit}/{}", wire::in_path(path)) } },
        }),
        None => Value::Null,
    };
    let status = match entry.status {
        DiffStatus::Added | DiffStatus::Copied => "added",
        DiffStatus::Removed => "removed",
        DiffStatus::Modified => "modified",
        DiffStatus::Renamed => "renamed",
    };
    json!({
        "type": "diffstat",
        "status": status,
        "lines_added": entry.added,
        "lines_removed": entry.removed,
        "old": side(&entry.old, old.unwrap_or_default()),
        "new": side(&entry.new, new),
    })
}
