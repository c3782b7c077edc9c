//! The page **Applications**.

use std::ops::Range;
use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use pipewright_core::build::{BuildOutcome, BuildState};
use pipewright_core::{Right, Timestamp};
use pipewright_store::applications::{self, LastBuild, ListedApplication};
use pipewright_store::integrations::IntegrationState;
use serde::Deserialize;

use crate::app::App;
use crate::builds::work::Work;
use crate::repositories::place_name;
use crate::web::spark::{Bar, bars};
use crate::web::states::{Pill, of_build_that};
use crate::web::{Html, MemberOf, Nav, Page, PageError, format};

/// Applications on a page.
const LENGTH: usize = 50;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/applications", get(show))
}

#[derive(Debug, Template)]
#[template(path = "applications/list.html")]
struct ListPage {
    page: Page,
    /// The list's address, with the sub-path.
    path: String,
    summary: String,
    may_manage: bool,
    may_connect: bool,
    connected: bool,
    lines: Vec<Line>,
    turn: Turn,
}

impl ListPage {
    /// The list's address with this page of it.
    fn at(&self, number: &usize) -> String {
        match number {
            1 => self.path.clone(),
            number => format!("{}?page={number}", self.path),
        }
    }
}

/// Which page of the list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Turn {
    /// From 1.
    number: usize,
    pages: usize,
}

impl Turn {
    /// The page that was asked for; the last where there are fewer.
    fn to(asked: Option<usize>, rows: usize) -> Self {
        let pages = rows.div_ceil(LENGTH).max(1);
        Self {
            number: asked.unwrap_or(1).clamp(1, pages),
            pages,
        }
    }

    /// Which rows those are, of `rows` in all.
    fn rows(self, rows: usize) -> Range<usize> {
        let first = (self.number - 1) * LENGTH;
        first..(first + LENGTH).min(rows)
    }

    fn previous(&self) -> Option<usize> {
        (self.number > 1).then(|| self.number - 1)
    }

    fn next(&self) -> Option<usize> {
        (self.number < self.pages).then_some(self.number + 1)
    }
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

#[derive(Debug, Deserialize)]
struct Asked {
    /// The page, from 1.
    page: Option<usize>,
}

async fn show(
    State(app): State<App>,
    member: MemberOf,
    Query(asked): Query<Asked>,
) -> Result<Html<ListPage>, PageError> {
    let all = applications::by_account(&app.db, member.account.id).await?;
    let turn = Turn::to(asked.page, all.len());
    let shown = all.get(turn.rows(all.len())).unwrap_or_default();
    let ids: Vec<_> = shown.iter().map(|listed| listed.application.id).collect();
    let builds = applications::last_builds(&app.db, &ids).await?;
    let work = Work::of_last(&app.db, &ids).await?;
    let under_way = applications::under_way(&app.db, member.account.id).await?;
    let connected = pipewright_store::integrations::by_account(&app.db, member.account.id)
        .await?
        .iter()
        .any(|integration| integration.state != IntegrationState::Disconnected);
    let now = member.now();
    let lines = shown
        .iter()
        .map(|listed| line(listed, &builds, &work, now))
        .collect();
    Ok(Html(ListPage {
        page: member.page("Applications").nav(Nav::Applications),
        path: member.path("/applications"),
        summary: summary(all.len(), &under_way),
        may_manage: member.may(Right::ManageApplications),
        may_connect: member.may(Right::Connect),
        connected,
        lines,
        turn,
    }))
}

/// How many applications there are, and what is going on in them.
fn summary(applications: usize, under_way: &[BuildState]) -> String {
    let running = under_way
        .iter()
        .filter(|state| matches!(state, BuildState::Running | BuildState::Stopping))
        .count();
    let waiting = under_way
        .iter()
        .filter(|state| **state == BuildState::Queued)
        .count();
    let queued = if waiting > 0 {
        format!(" · {waiting} queued")
    } else {
        String::new()
    };
    format!(
        "{} · {} running{queued}",
        format::count(applications, "application"),
        format::count(running, "build")
    )
}

fn line(listed: &ListedApplication, builds: &[LastBuild], work: &Work, now: Timestamp) -> Line {
    let own: Vec<&LastBuild> = builds
        .iter()
        .filter(|build| build.application == listed.application.id)
        .collect();
    let drawn: Vec<_> = own
        .iter()
        .map(|build| {
            let took = work.took(build.id, now).unwrap_or_default();
            (build.number, build.state, took)
        })
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
        median: median(&drawn),
    }
}

/// The median of the work on builds that ran to their end; a stopped one says nothing of how long one takes.
fn median(builds: &[(i64, BuildState, Duration)]) -> Option<String> {
    let mut times: Vec<Duration> = builds
        .iter()
        .filter(|(_, state, _)| {
            matches!(
                state,
                BuildState::Finished(BuildOutcome::Passed | BuildOutcome::Failed)
            )
        })
        .map(|(.., took)| *took)
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipewright_core::build::{BuildOutcome, BuildState};

    use super::{Turn, median};

    #[test]
    fn a_list_turns_within_its_pages() {
        for (asked, rows, number, pages, shown) in [
            (None, 0, 1, 1, 0..0),
            (None, 50, 1, 1, 0..50),
            (Some(2), 51, 2, 2, 50..51),
            (Some(0), 51, 1, 2, 0..50),
            (Some(9), 120, 3, 3, 100..120),
        ] {
            let turn = Turn::to(asked, rows);
            assert_eq!((turn, turn.rows(rows)), (Turn { number, pages }, shown));
        }
        let middle = Turn::to(Some(2), 120);
        assert_eq!((middle.previous(), middle.next()), (Some(1), Some(3)));
        let only = Turn::to(None, 7);
        assert_eq!((only.previous(), only.next()), (None, None));
    }

    #[test]
    fn a_median_is_of_builds_that_ran_to_their_end() {
        let took = |seconds| Duration::from_secs(seconds);
        let builds = [
            (1, BuildState::Finished(BuildOutcome::Passed), took(10)),
            (2, BuildState::Finished(BuildOutcome::Stopped), took(1)),
            (3, BuildState::Finished(BuildOutcome::Failed), took(30)),
            (4, BuildState::Running, took(900)),
            (5, BuildState::Finished(BuildOutcome::Passed), took(20)),
        ];
        assert_eq!(median(&builds).as_deref(), Some("20 s"));
        assert_eq!(median(&builds[3..4]), None);
    }
}
