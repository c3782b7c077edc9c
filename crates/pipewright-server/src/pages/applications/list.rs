//! The page **Applications**.

use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use pipewright_core::build::{BuildOutcome, BuildState};
use pipewright_core::{Right, Timestamp};
use pipewright_store::applications::{self, LastBuild, ListedApplication};
use pipewright_store::integrations::IntegrationState;

use crate::app::App;
use crate::repositories::place_name;
use crate::web::spark::{Bar, bars};
use crate::web::states::{Pill, of_build_that};
use crate::web::{Html, MemberOf, Nav, Page, PageError, format};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/applications", get(show))
}

#[derive(Debug, Template)]
#[template(path = "applications/list.html")]
struct ListPage {
    page: Page,
    summary: String,
    may_manage: bool,
    may_connect: bool,
    connected: bool,
    lines: Vec<Line>,
}

/// One application.
#[derive(Debug)]
struct Line {
    slug: String,
    name: String,
    repository: String,
    at: String,
    broken: bool,
    auto_build: bool,
    latest: Option<BuildLine>,
    bars: Vec<Bar>,
    median: Option<String>,
}

/// A build, on one or two lines.
#[derive(Debug)]
pub(super) struct BuildLine {
    pub(super) number: i64,
    pub(super) pill: Pill,
    pub(super) branch: String,
    pub(super) title: String,
    pub(super) author: String,
    /// The part of the file that runs, once that is known.
    pub(super) pipeline: Option<String>,
    pub(super) at: Timestamp,
    pub(super) took: Option<String>,
}

async fn show(State(app): State<App>, member: MemberOf) -> Result<Html<ListPage>, PageError> {
    let all = applications::by_account(&app.db, member.account.id).await?;
    let builds = applications::last_builds(&app.db, member.account.id).await?;
    let running = builds
        .iter()
        .filter(|build| matches!(build.state, BuildState::Running | BuildState::Stopping))
        .count();
    let waiting = builds
        .iter()
        .filter(|build| build.state == BuildState::Queued)
        .count();
    let connected = pipewright_store::integrations::by_account(&app.db, member.account.id)
        .await?
        .iter()
        .any(|integration| integration.state != IntegrationState::Disconnected);
    let queued = if waiting > 0 {
        format!(" · {waiting} queued")
    } else {
        String::new()
    };
    let summary = format!(
        "{} · {} running{queued}",
        format::count(all.len(), "application"),
        format::count(running, "build")
    );
    let now = member.now();
    Ok(Html(ListPage {
        page: member.page("Applications").nav(Nav::Applications),
        summary,
        may_manage: member.may(Right::ManageApplications),
        may_connect: member.may(Right::Connect),
        connected,
        lines: all
            .iter()
            .map(|listed| line(listed, &builds, now))
            .collect(),
    }))
}

fn line(listed: &ListedApplication, builds: &[LastBuild], now: Timestamp) -> Line {
    let own: Vec<&LastBuild> = builds
        .iter()
        .filter(|build| build.application == listed.application.id)
        .collect();
    let drawn: Vec<_> = own
        .iter()
        .map(|build| (build.number, build.state, took(build, now)))
        .collect();
    Line {
        slug: listed.application.slug.clone(),
        name: listed.application.name.clone(),
        repository: listed.full_name.clone(),
        at: place_name(listed.integration_kind, &listed.integration_url),
        broken: listed.integration_state != IntegrationState::Connected,
        auto_build: listed.application.rules.auto_build,
        latest: own.last().map(|build| build_line(build, None)),
        bars: bars(&drawn),
        median: median(&own),
    }
}

/// How long a build took, or takes so far.
fn took(build: &LastBuild, now: Timestamp) -> Duration {
    build.started_at.map_or(Duration::ZERO, |started| {
        build.finished_at.unwrap_or(now).since(started)
    })
}

/// The median of builds that ran to their end; a stopped one says nothing of how long one takes.
fn median(builds: &[&LastBuild]) -> Option<String> {
    let mut times: Vec<Duration> = builds
        .iter()
        .filter(|build| {
            matches!(
                build.state,
                BuildState::Finished(BuildOutcome::Passed | BuildOutcome::Failed)
            )
        })
        .filter_map(|build| Some(build.finished_at?.since(build.started_at?)))
        .collect();
    times.sort();
    times
        .get(times.len().checked_sub(1)? / 2)
        .map(|median| format::duration(*median))
}

/// A build as a list shows it.
pub(super) fn build_line(build: &LastBuild, took: Option<String>) -> BuildLine {
    let (title, author) = (
        build.commit_message.as_deref(),
        build.commit_author.as_deref(),
    );
    let first_line = title
        .and_then(|message| message.lines().next())
        .unwrap_or_default();
    let short = build
        .ref_name
        .strip_prefix("refs/heads/")
        .or_else(|| build.ref_name.strip_prefix("refs/tags/"));
    BuildLine {
        number: build.number,
        pill: of_build_that(build.state, build.state_message.as_deref()),
        branch: short.unwrap_or(&build.ref_name).to_owned(),
        title: first_line.chars().take(120).collect(),
        author: author.unwrap_or_default().to_owned(),
        pipeline: build.pipeline.clone(),
        at: build.accepted_at,
        took,
    }
}
