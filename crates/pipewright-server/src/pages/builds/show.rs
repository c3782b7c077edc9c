//! A build's page with the chosen step's log.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use super::super::logs::{LONGEST_SEARCH, LogRequest};
use super::head::{Head, Looked, Tab};
use super::log_part::{LogPart, attempt_of};
use super::path;
use super::pushed::Pushed;
use crate::app::App;
use crate::web::{BuildOf, Html, Page, PageError};

pub(super) fn routes() -> Router<App> {
    Router::new().route(
        "/{account}/applications/{application}/builds/{number}",
        get(show),
    )
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "builds/show.html")]
pub(in crate::pages) struct BuildPage {
    pub(in crate::pages) page: Page,
    pub(in crate::pages) head: Head,
    pub(in crate::pages) pushed: Pushed,
    pub(in crate::pages) log: LogPart,
}

/// What of the build is asked for.
#[derive(Debug, Deserialize)]
struct Asked {
    step: Option<usize>,
    attempt: Option<i64>,
    line: Option<u64>,
    at: Option<u64>,
    #[serde(default)]
    find: String,
    /// Only this part of the page, for the script: `head` or `log`.
    part: Option<String>,
}

async fn show(
    State(app): State<App>,
    BuildOf { member, build }: BuildOf,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let looked = Looked::read(&app, &member, build, asked.step).await?;
    if asked.part.as_deref() == Some("head") {
        return Ok(Html(Head::of(&app, &member, &looked, Tab::Log).await?).into_response());
    }
    let request = LogRequest {
        attempt: attempt_of(&looked, asked.attempt),
        line: asked.line,
        at: asked.at,
        find: asked.find.trim().chars().take(LONGEST_SEARCH).collect(),
        from_end: false,
    };
    let path = member.page("").link(&path::of(&member, &looked.build));
    let log = LogPart::of(&app, &member, &looked, &path, request).await?;
    if asked.part.as_deref() == Some("log") {
        return Ok(Html(log).into_response());
    }
    let head = Head::of(&app, &member, &looked, Tab::Log).await?;
    Ok(Html(BuildPage {
        page: head.page.clone(),
        head,
        pushed: Pushed::of(&app, &member, &looked).await?,
        log,
    })
    .into_response())
}
