//! Branches and tags.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::Value;

use super::READ;
use crate::cloud::auth::Caller;
use crate::cloud::error::ApiError;
use crate::cloud::query::{ListQuery, PageSize};
use crate::cloud::server::{CloudServer, Found};
use crate::cloud::wire::{self, ReferenceForm};
use crate::git::{CommitInfo, GitRef};
use crate::state::{Permission, ref_name};

type Repository = (String, String);

pub(super) async fn list_all(
    state: State<Arc<CloudServer>>,
    caller: Caller,
    path: Path<Repository>,
    query: ListQuery,
) -> Result<Json<Value>, ApiError> {
    list(
        state,
        caller,
        path,
        query,
        &[ref_name::HEADS, ref_name::TAGS],
    )
    .await
}

pub(super) async fn list_branches(
    state: State<Arc<CloudServer>>,
    caller: Caller,
    path: Path<Repository>,
    query: ListQuery,
) -> Result<Json<Value>, ApiError> {
    list(state, caller, path, query, &[ref_name::HEADS]).await
}

pub(super) async fn list_tags(
    state: State<Arc<CloudServer>>,
    caller: Caller,
    path: Path<Repository>,
    query: ListQuery,
) -> Result<Json<Value>, ApiError> {
    list(state, caller, path, query, &[ref_name::TAGS]).await
}

async fn list(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug)): Path<Repository>,
    query: ListQuery,
    prefixes: &'static [&'static str],
) -> Result<Json<Value>, ApiError> {
    let found = caller.repository(&server, &workspace, &slug, READ, Permission::Read)?;
    let id = found.id;
    let (refs, commits) = server
        .git(move |git| {
            let mut refs: Vec<GitRef> = Vec::new();
            for prefix in prefixes {
                refs.extend(git.refs(id, prefix)?);
            }
            let hashes: Vec<String> = refs
                .iter()
                .map(|found| found.target.commit.clone())
                .collect();
            let commits = git.commit_infos(id, &hashes)?;
            Ok((refs, commits))
        })
        .await?;
    let commits: std::collections::HashMap<&str, &CommitInfo> = commits
        .iter()
        .map(|commit| (commit.hash.as_str(), commit))
        .collect();
    let documents = server.render(|render| {
        let rendered = refs.iter().filter_map(|reference| {
            let commit = commits.get(reference.target.commit.as_str())?;
            Some(wire::reference(
                render,
                &found.full_name,
                reference,
                commit,
                ReferenceForm::Answer,
            ))
        });
        rendered.collect()
    });
    query
        .page(server.api_url(), documents, PageSize::USUAL)
        .map(Json)
}

pub(super) async fn show_branch(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug, name)): Path<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let found = caller.repository(&server, &workspace, &slug, READ, Permission::Read)?;
    one(&server, &found, format!("{}{name}", ref_name::HEADS))
        .await?
        .ok_or_else(|| ApiError::not_found(&format!("No branch named {name}")))
}

pub(super) async fn show_tag(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug, name)): Path<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let found = caller.repository(&server, &workspace, &slug, READ, Permission::Read)?;
    one(&server, &found, format!("{}{name}", ref_name::TAGS))
        .await?
        .ok_or_else(|| ApiError::not_found(&format!("No tag named {name}")))
}

async fn one(
    server: &CloudServer,
    found: &Found,
    full: String,
) -> Result<Option<Json<Value>>, ApiError> {
    let id = found.id;
    let pair = server
        .git(move |git| {
            let Some(reference) = git.find_ref(id, &full)? else {
                return Ok(None);
            };
            let commit = git.commit_info(id, &reference.target.commit)?;
            Ok(commit.map(|commit| (reference, commit)))
        })
        .await?;
    Ok(pair.map(|(reference, commit)| {
        Json(server.render(|render| {
            wire::reference(
                render,
                &found.full_name,
                &reference,
                &commit,
                ReferenceForm::Answer,
            )
        }))
    }))
}
