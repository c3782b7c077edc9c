//! Commits: lists between revisions, single ones, and common ancestors.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::Value;

use super::READ;
use crate::cloud::auth::Caller;
use crate::cloud::error::ApiError;
use crate::cloud::query::{ListQuery, PageSize};
use crate::cloud::server::{CloudServer, Found};
use crate::cloud::wire::{self, CommitForm};
use crate::git::{CommitInfo, CommitRange, GitError, GitStore};
use crate::state::{Permission, RepositoryId};

const PAGE: PageSize = PageSize {
    default: 30,
    largest: 100,
};

pub(super) async fn list(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug)): Path<(String, String)>,
    query: ListQuery,
) -> Result<Json<Value>, ApiError> {
    let found = caller.repository(&server, &workspace, &slug, READ, Permission::Read)?;
    let range = Wanted::of(
        |name| query.all(name).into_iter().map(str::to_owned).collect(),
        None,
    );
    answer(&server, &found, &query, range).await
}

/// The same as a form, for lists too long for an address.
pub(super) async fn list_by_form(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug)): Path<(String, String)>,
    query: ListQuery,
    axum::Form(form): axum::Form<Vec<(String, String)>>,
) -> Result<Json<Value>, ApiError> {
    let found = caller.repository(&server, &workspace, &slug, READ, Permission::Read)?;
    let all = |name: &str| {
        form.iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
            .collect()
    };
    answer(&server, &found, &query, Wanted::of(all, None)).await
}

pub(super) async fn list_of_revision(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug, revision)): Path<(String, String, String)>,
    query: ListQuery,
) -> Result<Json<Value>, ApiError> {
    let found = caller.repository(&server, &workspace, &slug, READ, Permission::Read)?;
    let range = Wanted::of(
        |name| query.all(name).into_iter().map(str::to_owned).collect(),
        Some(revision),
    );
    answer(&server, &found, &query, range).await
}

/// The range as the request names it.
struct Wanted {
    include: Vec<String>,
    exclude: Vec<String>,
    paths: Vec<String>,
}

impl Wanted {
    fn of(all: impl Fn(&str) -> Vec<String>, revision: Option<String>) -> Self {
        let mut include = all("include");
        include.extend(revision);
        Self {
            include,
            exclude: all("exclude"),
            paths: all("path"),
        }
    }

    /// Names to hashes; everything reachable from any branch when nothing is included. `Err` names an unknown one.
    fn resolve(
        self,
        git: &GitStore,
        id: RepositoryId,
    ) -> Result<Result<CommitRange, String>, GitError> {
        let mut range = CommitRange {
            paths: self.paths,
            ..CommitRange::default()
        };
        for (names, hashes) in [
            (self.include, &mut range.include),
            (self.exclude, &mut range.exclude),
        ] {
            for name in names {
                match git.resolve(id, &name)? {
                    Some(hash) => hashes.push(hash),
                    None => return Ok(Err(name)),
                }
            }
        }
        if range.include.is_empty() {
            range.include = git
                .all_refs(id)?
                .into_iter()
                .map(|found| found.target.commit)
                .collect();
        }
        Ok(Ok(range))
    }
}

async fn answer(
    server: &CloudServer,
    found: &Found,
    query: &ListQuery,
    wanted: Wanted,
) -> Result<Json<Value>, ApiError> {
    let (page, length) = query.window(PAGE)?;
    let id = found.id;
    let listed = server
        .git(move |git| {
            let range = match wanted.resolve(git, id)? {
                Ok(range) => range,
                Err(unknown) => return Ok(Err(unknown)),
            };
            // One more than asked tells whether another page follows.
            git.commits(
                id,
                &CommitRange {
                    skip: (page - 1) * length,
                    limit: length + 1,
                    ..range
                },
            )
            .map(Ok)
        })
        .await?;
    let mut commits: Vec<CommitInfo> = listed.map_err(|name| no_commit(&name))?;
    let more = commits.len() > length;
    commits.truncate(length);
    let values = server.render(|render| {
        let rendered = commits
            .iter()
            .map(|commit| wire::commit(render, &found.full_name, commit, CommitForm::Answer));
        rendered.collect()
    });
    Ok(Json(query.uncounted(
        server.api_url(),
        values,
        page,
        length,
        more,
    )))
}

pub(super) async fn show(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug, revision)): Path<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let found = caller.repository(&server, &workspace, &slug, READ, Permission::Read)?;
    let commit = find(&server, &found, revision).await?;
    Ok(Json(server.render(|render| {
        wire::commit(render, &found.full_name, &commit, CommitForm::Answer)
    })))
}

/// The commit that a hash (whole or shortened), branch or tag stands for, or 404.
pub(super) async fn find(
    server: &CloudServer,
    found: &Found,
    revision: String,
) -> Result<CommitInfo, ApiError> {
    let id = found.id;
    let name = revision.clone();
    let commit = server
        .git(move |git| match git.resolve(id, &revision)? {
            Some(hash) => git.commit_info(id, &hash),
            None => Ok(None),
        })
        .await?;
    commit.ok_or_else(|| no_commit(&name))
}

pub(super) async fn merge_base(
    State(server): State<Arc<CloudServer>>,
    caller: Caller,
    Path((workspace, slug, spec)): Path<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let found = caller.repository(&server, &workspace, &slug, READ, Permission::Read)?;
    let Some((left, right)) = spec.split_once("..") else {
        return Err(ApiError::bad_request(
            "Expected two revisions separated by '..'",
        ));
    };
    let (left, right) = (
        find(&server, &found, left.to_owned()).await?.hash,
        find(&server, &found, right.to_owned()).await?.hash,
    );
    let id = found.id;
    let base = server
        .git(move |git| git.merge_base(id, &left, &right))
        .await?;
    let base = base.ok_or_else(|| ApiError::not_found("No common ancestor"))?;
    let commit = find(&server, &found, base).await?;
    Ok(Json(server.render(|render| {
        wire::commit(render, &found.full_name, &commit, CommitForm::Answer)
    })))
}

fn no_commit(name: &str) -> ApiError {
    ApiError::no_commit(name)
}
