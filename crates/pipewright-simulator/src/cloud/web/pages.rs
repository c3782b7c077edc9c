//! Pages to look at: the workspaces, a repository with its branches and commits, a commit with its build statuses.
//!
//! They show what a person would look for on the real site after a build; everybody sees everything, since the
//! simulator's passwords are no secret.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};

use super::page;
use crate::cloud::oauth::session_of;
use crate::cloud::server::CloudServer;
use crate::git::CommitRange;
use crate::state::{StatusWrite, ref_name};

/// How many commits a repository's page lists.
const COMMITS_SHOWN: usize = 20;

#[derive(Template)]
#[template(path = "cloud/home.html")]
struct HomePage {
    user: Option<String>,
    workspaces: Vec<(String, String)>,
}

pub(super) async fn home(State(server): State<Arc<CloudServer>>, headers: HeaderMap) -> Response {
    let user = session_of(&headers).and_then(|session| server.oauth().session(&session));
    let (user, workspaces) = server.installation.read(|tables| {
        let user = user
            .and_then(|user| tables.user(user))
            .map(|user| user.display_name.clone());
        (
            user,
            tables
                .spaces()
                .map(|space| (space.key.clone(), space.name.clone()))
                .collect(),
        )
    });
    page(&HomePage { user, workspaces })
}

#[derive(Template)]
#[template(path = "cloud/workspace.html")]
struct WorkspacePage {
    key: String,
    name: String,
    repositories: Vec<String>,
}

pub(super) async fn workspace(
    State(server): State<Arc<CloudServer>>,
    Path(workspace): Path<String>,
) -> Response {
    let found = server.installation.read(|tables| {
        let space = tables.space_by_key(&workspace)?;
        let repositories = tables
            .repositories_of(space.id)
            .map(|repository| repository.slug.clone())
            .collect();
        Some(WorkspacePage {
            key: space.key.clone(),
            name: space.name.clone(),
            repositories,
        })
    });
    found.map_or_else(
        || StatusCode::NOT_FOUND.into_response(),
        |found| page(&found),
    )
}

/// One line of a list of commits.
struct CommitLine {
    hash: String,
    short: String,
    subject: String,
    author: String,
    states: Vec<String>,
}

#[derive(Template)]
#[template(path = "cloud/repository.html")]
struct RepositoryPage {
    full_name: String,
    clone: String,
    branches: Vec<String>,
    commits: Vec<CommitLine>,
}

pub(super) async fn repository(
    State(server): State<Arc<CloudServer>>,
    Path((workspace, slug)): Path<(String, String)>,
) -> Response {
    let id = server.installation.read(|tables| {
        tables
            .repository_by_path(&workspace, &slug)
            .map(|repository| repository.id)
    });
    let Some(id) = id else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let listed = server
        .git(move |git| {
            let branches = git.refs(id, ref_name::HEADS)?;
            let include = branches
                .iter()
                .map(|branch| branch.target.commit.clone())
                .collect();
            let commits = git.commits(
                id,
                &CommitRange {
                    include,
                    limit: COMMITS_SHOWN,
                    ..CommitRange::default()
                },
            )?;
            Ok((branches, commits))
        })
        .await;
    let Ok((branches, commits)) = listed else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let addresses = server.installation.addresses();
    let shown = server.installation.read(|tables| {
        let full_name = tables.full_name(id);
        let line = |commit: &crate::git::CommitInfo| CommitLine {
            hash: commit.hash.clone(),
            short: commit.hash.chars().take(7).collect(),
            subject: commit.message.lines().next().unwrap_or_default().to_owned(),
            author: commit.author_name.clone(),
            states: tables
                .current_statuses(&commit.hash)
                .iter()
                .map(|status| status.state.clone())
                .collect(),
        };
        RepositoryPage {
            clone: format!(
                "ssh://git@{}:{}/{full_name}.git",
                addresses.ssh_host, addresses.ssh_port
            ),
            full_name,
            branches: branches
                .iter()
                .map(|branch| branch.short_name().to_owned())
                .collect(),
            commits: commits.iter().map(line).collect(),
        }
    });
    page(&shown)
}

#[derive(Template)]
#[template(path = "cloud/commit.html")]
struct CommitPage {
    full_name: String,
    hash: String,
    author: String,
    message: String,
    statuses: Vec<StatusWrite>,
}

pub(super) async fn commit(
    State(server): State<Arc<CloudServer>>,
    Path((workspace, slug, hash)): Path<(String, String, String)>,
) -> Response {
    let id = server.installation.read(|tables| {
        tables
            .repository_by_path(&workspace, &slug)
            .map(|repository| repository.id)
    });
    let Some(id) = id else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let found = server
        .git(move |git| match git.resolve(id, &hash)? {
            Some(hash) => git.commit_info(id, &hash),
            None => Ok(None),
        })
        .await;
    let Ok(Some(commit)) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let shown = server.installation.read(|tables| CommitPage {
        full_name: tables.full_name(id),
        statuses: tables
            .current_statuses(&commit.hash)
            .into_iter()
            .cloned()
            .collect(),
        author: commit.author_raw(),
        hash: commit.hash,
        message: commit.message,
    });
    page(&shown)
}
