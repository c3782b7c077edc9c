//! Calls about one repository.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, Query};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::ControlError;
use super::show;
use super::world::{Of, Repository};
use crate::actions::{NewPullRequest, PullRequestChange};
use crate::git::RefUpdate;
use crate::state::Permission;

type Done = Result<StatusCode, ControlError>;
type Told = Result<Json<Value>, ControlError>;
type Files = BTreeMap<String, String>;

fn pairs(files: &Files) -> Vec<(&str, &str)> {
    files
        .iter()
        .map(|(path, content)| (path.as_str(), content.as_str()))
        .collect()
}

#[derive(Debug, Deserialize)]
pub(super) struct NewCommit {
    branch: String,
    files: Files,
    message: String,
    author: String,
}

pub(super) async fn commit(
    Of(installation): Of,
    Repository(repository): Repository,
    Json(new): Json<NewCommit>,
) -> Told {
    let hash = installation
        .commit(
            &repository,
            &new.branch,
            &pairs(&new.files),
            &new.message,
            &new.author,
        )
        .await?;
    Ok(Json(json!({ "hash": hash })))
}

pub(super) async fn force_push(
    Of(installation): Of,
    Repository(repository): Repository,
    Json(new): Json<NewCommit>,
) -> Told {
    let hash = installation
        .force_push(
            &repository,
            &new.branch,
            &pairs(&new.files),
            &new.message,
            &new.author,
        )
        .await?;
    Ok(Json(json!({ "hash": hash })))
}

#[derive(Debug, Deserialize)]
pub(super) struct NewPush {
    by: String,
    updates: Vec<NewUpdate>,
}

#[derive(Debug, Deserialize)]
struct Content {
    files: Files,
    message: String,
}

#[derive(Debug, Deserialize)]
struct Annotated {
    hash: String,
    message: String,
}

#[derive(Debug, Deserialize)]
struct NewUpdate {
    branch: Option<String>,
    tag: Option<String>,
    #[serde(default)]
    commits: Vec<Content>,
    rewrite: Option<Content>,
    to: Option<String>,
    annotated: Option<Annotated>,
}

impl NewUpdate {
    fn update(&self) -> Result<RefUpdate, ControlError> {
        let mut update = match (&self.branch, &self.tag) {
            (Some(branch), None) => RefUpdate::branch(branch),
            (None, Some(tag)) => RefUpdate::tag(tag),
            _ => {
                return Err(ControlError::bad_request(
                    "an update names either a branch or a tag",
                ));
            }
        };
        for commit in &self.commits {
            update = update.commit(&pairs(&commit.files), &commit.message);
        }
        if let Some(rewrite) = &self.rewrite {
            update = update.rewrite(&pairs(&rewrite.files), &rewrite.message);
        }
        if let Some(hash) = &self.to {
            update = update.to(hash);
        }
        if let Some(annotated) = &self.annotated {
            update = update.annotated(&annotated.hash, &annotated.message);
        }
        Ok(update)
    }
}

pub(super) async fn push(
    Of(installation): Of,
    Repository(repository): Repository,
    Json(new): Json<NewPush>,
) -> Told {
    let updates = new
        .updates
        .iter()
        .map(NewUpdate::update)
        .collect::<Result<Vec<_>, _>>()?;
    let hashes = installation.push(&repository, &updates, &new.by).await?;
    Ok(Json(json!({ "hashes": hashes })))
}

#[derive(Debug, Deserialize)]
pub(super) struct Which {
    revision: String,
}

pub(super) async fn head(
    Of(installation): Of,
    Repository(repository): Repository,
    Query(which): Query<Which>,
) -> Told {
    Ok(Json(
        json!({ "hash": installation.head(&repository, &which.revision).await? }),
    ))
}

#[derive(Debug, Deserialize)]
pub(super) struct NewTag {
    tag: String,
    of: String,
    #[serde(default)]
    message: Option<String>,
    by: String,
}

pub(super) async fn tag(
    Of(installation): Of,
    Repository(repository): Repository,
    Json(new): Json<NewTag>,
) -> Done {
    installation
        .create_tag(
            &repository,
            &new.tag,
            &new.of,
            new.message.as_deref(),
            &new.by,
        )
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
pub(super) struct OldBranch {
    branch: String,
    by: String,
}

pub(super) async fn delete_branch(
    Of(installation): Of,
    Repository(repository): Repository,
    Json(old): Json<OldBranch>,
) -> Done {
    installation
        .delete_branch(&repository, &old.branch, &old.by)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
pub(super) struct NewFork {
    space: String,
    slug: String,
    by: String,
}

pub(super) async fn fork(
    Of(installation): Of,
    Repository(repository): Repository,
    Json(new): Json<NewFork>,
) -> Done {
    installation
        .fork(&repository, &new.space, &new.slug, &new.by)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
pub(super) struct NewName {
    slug: String,
    by: String,
}

pub(super) async fn rename(
    Of(installation): Of,
    Repository(repository): Repository,
    Json(new): Json<NewName>,
) -> Done {
    installation
        .rename_repository(&repository, &new.slug, &new.by)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
pub(super) struct NewAccess {
    user: String,
    permission: Option<Permission>,
}

pub(super) async fn set_access(
    Of(installation): Of,
    Repository(repository): Repository,
    Json(new): Json<NewAccess>,
) -> Done {
    installation.set_access(&repository, &new.user, new.permission)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
pub(super) struct NewAccessKey {
    key: String,
    #[serde(default)]
    label: String,
    permission: Permission,
}

pub(super) async fn add_access_key(
    Of(installation): Of,
    Repository(repository): Repository,
    Json(new): Json<NewAccessKey>,
) -> Done {
    installation.add_access_key(&repository, &new.key, &new.label, new.permission)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
pub(super) struct NewRequest {
    title: String,
    source: String,
    #[serde(default)]
    source_repository: Option<String>,
    destination: String,
    author: String,
}

pub(super) async fn open_pull_request(
    Of(installation): Of,
    Repository(repository): Repository,
    Json(new): Json<NewRequest>,
) -> Told {
    let number = installation
        .open_pull_request(NewPullRequest {
            repository: &repository,
            title: &new.title,
            source: &new.source,
            source_repository: new.source_repository.as_deref(),
            destination: &new.destination,
            author: &new.author,
        })
        .await?;
    Ok(Json(json!({ "number": number })))
}

pub(super) async fn pull_requests(
    Of(installation): Of,
    Repository(repository): Repository,
) -> Told {
    let id = installation.repository_id(&repository)?;
    Ok(Json(installation.read(|tables| {
        tables
            .pull_requests_of(id)
            .map(show::pull_request)
            .collect()
    })))
}

#[derive(Debug, Deserialize)]
pub(super) struct PullRequestPath {
    number: u64,
    verb: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Change {
    by: String,
    title: Option<String>,
    description: Option<String>,
    destination: Option<String>,
    text: Option<String>,
}

pub(super) async fn change_pull_request(
    Of(installation): Of,
    Repository(repository): Repository,
    Path(path): Path<PullRequestPath>,
    Json(change): Json<Change>,
) -> Done {
    let (number, by) = (path.number, change.by.as_str());
    match path.verb.as_str() {
        "approve" => {
            installation
                .approve_pull_request(&repository, number, by, true)
                .await?;
        }
        "unapprove" => {
            installation
                .approve_pull_request(&repository, number, by, false)
                .await?;
        }
        "decline" => {
            installation
                .decline_pull_request(&repository, number, by)
                .await?;
        }
        "merge" => installation
            .merge_pull_request(&repository, number, by)
            .await
            .map(drop)?,
        "comment" => {
            let text = change
                .text
                .as_deref()
                .ok_or_else(|| ControlError::bad_request("a comment needs its text"))?;
            installation
                .comment_pull_request(&repository, number, text, by)
                .await?;
        }
        "update" => {
            let change = PullRequestChange {
                title: change.title.as_deref(),
                description: change.description.as_deref(),
                destination: change.destination.as_deref(),
                ..PullRequestChange::default()
            };
            installation
                .update_pull_request(&repository, number, change, by)
                .await?;
        }
        other => {
            return Err(ControlError::not_found(&format!(
                "a pull request cannot {other}"
            )));
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
pub(super) struct OfCommit {
    commit: String,
}

pub(super) async fn statuses(
    Of(installation): Of,
    Repository(repository): Repository,
    Path(path): Path<OfCommit>,
) -> Told {
    Ok(Json(
        installation
            .statuses(&repository, &path.commit)?
            .iter()
            .map(show::status)
            .collect(),
    ))
}

#[derive(Debug, Deserialize)]
pub(super) struct NewWebhook {
    url: String,
    #[serde(default)]
    secret: Option<String>,
    events: Vec<String>,
}

pub(super) async fn add_webhook(
    Of(installation): Of,
    Repository(repository): Repository,
    Json(new): Json<NewWebhook>,
) -> Done {
    let events: Vec<&str> = new.events.iter().map(String::as_str).collect();
    installation.add_webhook(&repository, &new.url, new.secret.as_deref(), &events)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn webhooks(Of(installation): Of, Repository(repository): Repository) -> Told {
    Ok(Json(
        installation
            .webhooks(&repository)?
            .iter()
            .map(show::webhook)
            .collect(),
    ))
}

pub(super) async fn deliveries(Of(installation): Of, Repository(repository): Repository) -> Told {
    Ok(Json(
        installation
            .deliveries(&repository)?
            .iter()
            .map(show::delivery)
            .collect(),
    ))
}

#[derive(Debug, Deserialize)]
pub(super) struct RawEvent {
    event_key: String,
    body: Value,
}

pub(super) async fn raw_event(
    Of(installation): Of,
    Repository(repository): Repository,
    Json(event): Json<RawEvent>,
) -> Done {
    installation
        .send_raw_event(&repository, &event.event_key, event.body)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
