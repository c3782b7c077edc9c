//! What a person does with pull requests through REST beside merging and declining: open, change, comment.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use serde_json::json;

use super::pull_requests::{person_name, refusal};
use crate::{
    actions::{NewPullRequest, PullRequestChange},
    datacenter::{
        body::Body,
        caller::Caller,
        error::{ApiError, ApiResult},
        moment::Moment,
        page::PageQuery,
        server::{Server, created, ok},
    },
    state::{Permission, PullRequest, PullRequestState},
};

/// One end, as a client names it.
#[derive(Debug, Deserialize)]
pub(in crate::datacenter) struct NamedRef {
    id: Option<String>,
    repository: Option<NamedRepository>,
}

#[derive(Debug, Deserialize)]
struct NamedRepository {
    slug: Option<String>,
    project: Option<NamedProject>,
}

#[derive(Debug, Deserialize)]
struct NamedProject {
    key: Option<String>,
}

impl NamedRef {
    /// `KEY/slug`, where it names a repository.
    fn full_name(&self) -> Option<String> {
        let repository = self.repository.as_ref()?;
        let key = repository.project.as_ref()?.key.as_ref()?;
        Some(format!("{key}/{}", repository.slug.as_ref()?))
    }
}

/// A pull request to open.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct ToOpen {
    title: Option<String>,
    from_ref: Option<NamedRef>,
    to_ref: Option<NamedRef>,
}

/// A pull request as it should be.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct ToChange {
    version: Option<u64>,
    title: Option<String>,
    description: Option<String>,
    to_ref: Option<NamedRef>,
    draft: Option<bool>,
}

/// A comment to write.
#[derive(Debug, Deserialize)]
pub(in crate::datacenter) struct ToWrite {
    text: Option<String>,
}

/// Opens one. Reading the destination is enough.
pub(in crate::datacenter) async fn open(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug)): Path<(String, String)>,
    Body(new): Body<ToOpen>,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Read)?;
    let author = person_name(&server, &caller)?;
    let title = new
        .title
        .filter(|title| !title.is_empty())
        .ok_or_else(|| ApiError::field("title", "Please supply a title."))?;
    let end = |end: &Option<NamedRef>, field: &'static str| {
        end.as_ref()
            .and_then(|end| end.id.clone())
            .ok_or_else(|| ApiError::field(field, "Please supply a branch."))
    };
    let (source, destination) = (end(&new.from_ref, "fromRef")?, end(&new.to_ref, "toRef")?);
    let full_name = format!("{}/{}", found.key, found.slug);
    let source_repository = new.from_ref.as_ref().and_then(NamedRef::full_name);
    let number = server
        .installation
        .open_pull_request(NewPullRequest {
            repository: &full_name,
            title: &title,
            source: &source,
            source_repository: source_repository.as_deref(),
            destination: &destination,
            author: &author,
        })
        .await
        .map_err(|error| refusal(&error))?;
    let opened = server.pull_request(&found, number)?;
    server.render(|render| Ok(created(render.pull_request(&opened))))
}

/// Changes title, description, destination or draft. The version must be the current one.
pub(in crate::datacenter) async fn change(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, number)): Path<(String, String, u64)>,
    Body(change): Body<ToChange>,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Write)?;
    let by = person_name(&server, &caller)?;
    server.check_version(&found, number, change.version)?;
    let full_name = format!("{}/{}", found.key, found.slug);
    let wanted = PullRequestChange {
        title: change.title.as_deref(),
        description: change.description.as_deref(),
        destination: change.to_ref.as_ref().and_then(|end| end.id.as_deref()),
        draft: change.draft,
        ..PullRequestChange::default()
    };
    server
        .installation
        .update_pull_request(&full_name, number, wanted, &by)
        .await
        .map_err(|error| refusal(&error))?;
    let changed = server.pull_request(&found, number)?;
    server.render(|render| Ok(ok(render.pull_request(&changed))))
}

/// Writes a comment. Whoever may read may comment.
pub(in crate::datacenter) async fn comment(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, number)): Path<(String, String, u64)>,
    Body(write): Body<ToWrite>,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Read)?;
    let by = person_name(&server, &caller)?;
    server.pull_request(&found, number)?;
    let text = write
        .text
        .filter(|text| !text.is_empty())
        .ok_or_else(|| ApiError::field("text", "Please supply a text."))?;
    let full_name = format!("{}/{}", found.key, found.slug);
    let comment = server
        .installation
        .comment_pull_request(&full_name, number, &text, &by)
        .await
        .map_err(|error| refusal(&error))?;
    let at = Moment::rest(comment.at);
    server.render(|render| {
        Ok(created(json!({
            "properties": { "repositoryId": found.id.0 }, "id": comment.id, "version": 0, "text": comment.text,
            "author": render.user_by_id(comment.author), "createdDate": at, "updatedDate": at,
            "comments": [], "tasks": [], "severity": "NORMAL", "state": "OPEN",
        })))
    })
}

/// The pull requests of whoever asks, in every repository: nobody else has a dashboard.
pub(in crate::datacenter) async fn dashboard(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<PageQuery>,
) -> ApiResult {
    let user = caller.user().ok_or_else(ApiError::sign_in)?;
    if caller.is_synthetic() {
        return Err(ApiError::not_permitted());
    }
    server.render(|render| {
        let takes_part = |row: &&PullRequest| {
            row.state == PullRequestState::Open
                && (row.author == user
                    || row.reviewers.iter().any(|reviewer| reviewer.user == user))
        };
        let rows: Vec<&PullRequest> = render
            .tables
            .pull_requests
            .values()
            .filter(takes_part)
            .collect();
        Ok(ok(server
            .page(rows, &query)
            .map(|row| render.pull_request(row))))
    })
}
